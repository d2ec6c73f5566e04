"""What a log is to all outside this folder: append, read on, positions, and what was left out.

Nothing outside `events/log/` may know whether a log is files. Two implementations stand beside
this: `FolderLog` on a share and `MemoryLog` for tests; one contract suite runs against both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from enum import StrEnum
from typing import Protocol

from attrs import frozen

from events.codec import Draft
from events.record import Position, Record


class LogError(Exception):
    """Base of what a log can refuse."""


class LogBusyError(LogError):
    """More waits to be written than is held; try again soon."""

    def __init__(self, waiting: int) -> None:
        """`waiting` is the number of events that wait."""
        super().__init__(f"{waiting} events are waiting to be written")
        self.waiting = waiting


class LogReadOnlyError(LogError):
    """Writing is not possible, or not safe, until somebody has looked into it."""

    def __init__(self, reason: str) -> None:
        """`reason` is a sentence for people."""
        super().__init__(reason)
        self.reason = reason


class Tail(StrEnum):
    """Why reading a writer stopped where it did, if not at a clean end."""

    #: Half a line or NULs at the end: not yet. Normal on network shares.
    IN_FLIGHT = "in_flight"
    #: Half a line at the end of a log whose writer is dead.
    TORN = "torn"
    #: A complete line that does not follow from the one before, or is no line at all.
    CORRUPT = "corrupt"
    #: Lines are missing: a segment is gone, or numbers jump.
    GAP = "gap"
    #: The file is shorter than what was already read.
    ROLLED_BACK = "rolled_back"
    #: The file or folder cannot be read now.
    UNREADABLE = "unreadable"
    #: A file in the log folder that is no segment of ours.
    FOREIGN = "foreign"


#: What is normal and goes away by itself.
HARMLESS = frozenset({Tail.IN_FLIGHT, Tail.FOREIGN, Tail.TORN})


@frozen
class Finding:
    """Something in the log that was left out, and where."""

    kind: Tail
    #: File name in the log folder.
    file: str
    #: Byte where reading stopped.
    offset: int
    message: str


class Log(Protocol):
    """One project's log, of all its writers."""

    @property
    def project(self) -> str:
        """The project's id."""
        ...

    def append(self, draft: Draft) -> Future[list[Record]]:
        """Write events durably; the result is there once they are, with their places and stamps.

        Raises:
            LogBusyError: the queue is full.
            LogReadOnlyError: the log cannot be written.
        """
        ...

    def read(self) -> Iterator[list[Record]]:
        """What has come since the last read, of all writers but our own appends. May block.

        Order is each writer's own; between writers there is none.
        """
        ...

    def positions(self) -> Mapping[str, Position]:
        """Per writer (`writer.host`), how far it has been read or written."""
        ...

    def findings(self) -> tuple[Finding, ...]:
        """What the last read left out, and why."""
        ...

    def close(self) -> None:
        """Write what waits, and close. May block."""
        ...
