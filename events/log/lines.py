"""Giving drafts their place: sequence, times and chain of one incarnation of a writer. Pure."""

from __future__ import annotations

from attrs import define

from events import codec
from events.codec import Draft
from events.record import Record
from events.stamp import HybridClock, time_of


# Not frozen: two are made for every line, and freezing costs as much as hashing.
@define
class Head:
    """Where a writer's log ends: its next line continues here."""

    writer: str
    host: str
    #: Sequence of the last line (0: none yet), and its `k` (or the seed).
    sequence: int
    chain: bytes

    @classmethod
    def begin(cls, project: str, writer: str, host: str) -> Head:
        """The head of a log that has no line yet."""
        return cls(writer, host, 0, codec.seed(project, writer, host))


@define
class Line:
    """A draft with its place in the log."""

    draft: Draft
    data: bytes
    #: With the events as the draft read them back from its own bytes, so that what is applied
    #: now and what a replay will apply cannot differ.
    records: list[Record]
    #: The head once this line is written.
    head: Head


def place(draft: Draft, head: Head, clock: HybridClock) -> Line:
    """The line that a draft becomes after `head`."""
    sequence = head.sequence + 1
    now = clock.tick()
    beat = None if draft.beats is None else clock.beat(time_of(draft.beats), now)
    data = codec.encode_record(draft, sequence, now, beat, head.chain)
    records = codec.records_of(
        draft, now if beat is None else beat, head.writer, head.host, sequence
    )
    return Line(draft, data, records, Head(head.writer, head.host, sequence, codec.chain_of(data)))
