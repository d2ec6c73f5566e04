"""What a log is to all outside this folder: append, read on, positions, and what was left out.

Nothing outside `events/log/` may know whether a log is files. Two implementations stand beside
this: `FolderLog` on a share and `MemoryLog` for tests; one contract suite runs against both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from enum import StrEnum
from typing import Protocol

from attrs import frozen

from events.codec import Draft
from events.record import Position, Record
from events.registry import MUST_KNOW, Unknown, name_of


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


#: What is normal, or goes away by itself: nothing that was ever acknowledged is missing.
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

    def append(self, *drafts: Draft) -> Future[list[Record]]:
        """Write drafts durably, each as a line of its own.

        The result is there once all of them are durable: their records, in the order of the
        drafts, with places and stamps. What was taken cannot be called back. Several at once are
        cheaper than one by one.

        Raises:
            LogBusyError: the queue is full; none of them was taken.
            LogReadOnlyError: the log cannot be written; none of them was taken.
        """
        ...

    def read(self) -> Iterator[list[Record]]:
        """What has come since the last read, of all writers but our own appends. May block.

        Order is each writer's own; between writers there is none. One caller at a time.
        """
        ...

    def positions(self) -> Mapping[str, Position]:
        """Per writer (`writer.host`), how far it has been read or written.

        A list that `read` has given counts as read, and an append as written once it is durable:
        whoever saves positions must have applied both.
        """
        ...

    def findings(self) -> tuple[Finding, ...]:
        """What the last read left out, and why."""
        ...

    def close(self) -> None:
        """Write what waits, and close. May block."""
        ...


def must_know(records: Iterable[Record]) -> str | None:
    """Why a program that holds these records must not write; None if it may.

    A type whose name begins with `!` changes what others mean, so who does not know it would
    decide on a false state.
    """
    for record in records:
        event = record.event
        if event.__class__ is Unknown and name_of(event).startswith(MUST_KNOW):
            return f"the project has {name_of(event)!r} events; a newer program is needed to write"
    return None
