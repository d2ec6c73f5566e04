"""What a log is to all outside this folder: append, read on, positions, and what was left out.

Nothing outside `events/log/` may know whether a log is files. Two implementations stand beside
this: `FolderLog` on a share and `MemoryLog` for tests; one contract suite runs against both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future
from enum import StrEnum
from typing import Protocol

from attrs import frozen

from events.codec import Draft
from events.log.skew import Skew
from events.record import Position, Record
from events.registry import MUST_KNOW, Unknown, name_of

#: A host of which nothing was heard for so long is dead (seconds); its heart beats twice a minute.
DEAD_SECONDS = 300.0


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


class ShareSilentError(LogError):
    """What all hosts share does not answer, or refuses, for the moment."""

    def __init__(self, reason: str) -> None:
        """`reason` is a sentence for people."""
        super().__init__(reason)
        self.reason = reason


class Capability(StrEnum):
    """What a log may be able to do beyond append, read and follow."""

    #: `claim`: of several hosts, one gets what all of them claim.
    CLAIM = "claim"
    #: `measure_clock`: there is a clock that all hosts have in common.
    CLOCK = "clock"
    #: `silence`: it knows when a host was last heard of.
    PRESENCE = "presence"


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


#: How often a host says that it is here.
BEAT_SECONDS = 30.0


@frozen
class Heartbeat:
    """What a host that has the project open says of itself, every half minute."""

    #: Its incarnation, and its stable id.
    writer: str
    host: str
    #: The machine's name, for people.
    name: str
    #: Where others can tell it that there is news; None if nowhere.
    url: str | None
    version: str
    #: The last durable sequence of this incarnation.
    head: int
    #: When it said so, by its own clock, in milliseconds since 1970.
    at: int


@frozen
class Peer:
    """A host's heartbeat as it is seen from here."""

    beat: Heartbeat
    #: Seconds since it changed, by our clock.
    silent: float
    #: Whether the host counts as being there.
    alive: bool


@frozen
class WriterSeen:
    """One writer as this host has read it, or written it."""

    writer: str
    host: str
    position: Position
    #: Why reading stands still here; None if all that is there was read.
    tail: Tail | None
    #: The same in words; empty if there is nothing to say.
    message: str
    #: Seconds since something new was read; None if nothing was, and for what we write ourselves.
    quiet: float | None
    #: Whether its host is this one, and whether it is this very process.
    ours: bool
    current: bool
    #: How often it met a write error and went on elsewhere, as far as we have seen.
    abandoned: int = 0


#: Is given good lines: whose they are (`writer.host`), where they begin and end, their bytes.
Sink = Callable[[str, Position, Position, bytes], None]


@frozen
class Copy:
    """The copy of the log that this host keeps on its own disk, of all writers."""

    #: Bytes on local disk.
    size: int
    #: Lines that were read and are not in it yet.
    behind: int
    #: Why the local disk took nothing the last time; None if it did.
    fault: str | None


class Tidying(StrEnum):
    """What a step of `consolidate` did."""

    #: Pieces of our own old log were copied to where many lie together.
    COPIED = "copied"
    #: Several such places were made one.
    MERGED = "merged"
    #: Pieces that have had a copy for long enough were removed.
    REMOVED = "removed"
    #: The same, for places that were merged.
    CLEARED = "cleared"


@frozen
class Tidied:
    """One step of `consolidate`: what it did, with how many pieces and bytes."""

    work: Tidying
    pieces: int
    size: int


class Claim(Protocol):
    """What one host has claimed, and no other gets until it is released or its host is dead.

    A host that merely slept may wake and go on beside its successor: what is done under a claim
    must be harmless if it is done twice.
    """

    @property
    def kind(self) -> str:
        """What sort of thing."""
        ...

    @property
    def key(self) -> str:
        """Which one."""
        ...

    @property
    def epoch(self) -> int:
        """How often it was claimed until now; later claims have larger ones."""
        ...

    def release(self) -> None:
        """Let others have it; doing so twice does no harm. May block."""
        ...


class Log(Protocol):
    """One project's log, of all its writers."""

    @property
    def project(self) -> str:
        """The project's id."""
        ...

    @property
    def writer(self) -> str:
        """Id of our own incarnation."""
        ...

    @property
    def read_only(self) -> str | None:
        """Why nothing can be written; None if it can."""
        ...

    @property
    def unwritable(self) -> str | None:
        """Why the share takes nothing from us, as the last look around has found."""
        ...

    @property
    def waiting(self) -> int:
        """Number of events that wait to be written."""
        ...

    @property
    def skew(self) -> Skew | None:
        """What `measure_clock` found last; None if nothing was measured yet."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What it can do; nothing else must be asked of it."""
        ...

    def claim(self, kind: str, key: str) -> Claim | None:
        """Claim something for this host; None if somebody has it. May block.

        Needs `Capability.CLAIM`.

        Raises:
            LogReadOnlyError: nothing may be written.
            ShareSilentError: the share refuses; nobody knows whether we have it.
        """
        ...

    def claimant(self, kind: str, key: str) -> str | None:
        """The host that claimed something last, whether or not it still has it. May block.

        Needs `Capability.CLAIM`.

        Raises:
            ShareSilentError: the share does not answer.
        """
        ...

    def measure_clock(self) -> Skew:
        """How far our clock is from the one that all hosts have in common. May block.

        Needs `Capability.CLOCK`.

        Raises:
            LogReadOnlyError: it can be measured only by who may write.
            ShareSilentError: the share refuses.
        """
        ...

    def silence(self, host: str) -> float | None:
        """Seconds since anything was heard of a host in this project; None if it never was.

        Needs `Capability.PRESENCE`. May block.

        Raises:
            ShareSilentError: the share does not answer.
        """
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

    def read(self, *, look_around: bool = True) -> Iterator[list[Record]]:
        """What has come since the last read, of all writers but our own appends. May block.

        Order is each writer's own; between writers there is none. One caller at a time. Without
        `look_around` only writers that are known already are read: that is cheaper.
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

    def writers(self) -> tuple[WriterSeen, ...]:
        """All writers that are known, with how far each was read and why no further."""
        ...

    def beat(self, name: str, url: str | None, version: str) -> bool:
        """Tell the other hosts that this one is here. May block; one caller at a time, as `read`.

        A host that has never written to the log says nothing, and leaves no trace (FORMAT.md V1);
        then the answer is False.

        Raises:
            OSError: the share refuses, or is gone. Nothing depends on it; try again later.
        """
        ...

    def peers(self) -> tuple[Peer, ...]:
        """The heartbeats that the last look around has seen, our own among them."""
        ...

    def pass_over(self, log: str, first: int, behind: Position) -> bool:
        """Leave out the lines of a log (`writer.host`) from `first` up to `behind`, for ever.

        Whether some of them may have been given out already: then who has folded them must read
        everything anew, so that all hosts come to the same state.
        """
        ...

    def tend(self) -> Copy | None:
        """Look after the local copy of the log: write what was gathered, fetch what it lacks.

        None if none is kept. A local disk that is full or fails does no harm. May block; one
        caller at a time.
        """
        ...

    def consolidate(
        self, seen: Mapping[str, Mapping[str, int]], live: Collection[str]
    ) -> Tidied | None:
        """Put old pieces of our own log together: one small step; None if there is none to do.

        Nothing that was recorded changes, for nobody. Whoever calls holds the claim of the kind
        `cold` with our host's id as its key. May block; one caller at a time.

        Args:
            seen: per `writer.host`, how far each host has told in its marks to have read it.
            live: the other hosts that work on the project.

        Raises:
            LogReadOnlyError: nothing may be written.
            ShareSilentError: the share refuses; nothing is lost, try again later.
        """
        ...

    def close(self) -> None:
        """Write what waits, withdraw our heartbeat, and close. May block."""
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
