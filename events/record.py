"""A record: an event together with where it stands in the log, when it happened, and who did it."""

from __future__ import annotations

from attrs import frozen

from events.stamp import Stamp


@frozen
class Record:
    """One event of the log. Records of one transaction share sequence and differ in `index`."""

    stamp: Stamp
    event: object
    #: Who asked for it: an opaque id.
    actor: str
    #: Stable id of the machine that wrote it.
    host: str
    #: The incarnation that wrote it, and the line's gapless number in its log, from 1.
    writer: str
    sequence: int
    #: Ties together what one command caused.
    correlation: str | None = None


@frozen
class Position:
    """How far one writer's log has been read: everything up to a line's end.

    `sequence` is the last line read (0: none yet), `chain` its `k` (or the seed), `segment` and
    `offset` where the next line begins; offset 0 means that not even the header was read.
    """

    sequence: int
    chain: str
    segment: int
    offset: int
