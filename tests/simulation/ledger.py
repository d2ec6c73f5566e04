"""What was offered, acknowledged and read in a run, and the promises that can be judged at once."""

from __future__ import annotations

from attrs import define, field

from events.record import Record
from events.stamp import Stamp


class BrokenPromise(BaseException):
    """The product did what it promised not to do. Not an `Exception`: nobody may swallow it."""

    def __init__(self, promise: str, told: str) -> None:
        """`promise` is its id in event-log or FORMAT.md."""
        super().__init__(f"{promise}: {told}")
        self.promise = promise


def who(record: Record) -> str:
    """The log that a record stands in: `writer.host`."""
    return f"{record.writer}.{record.host}"


@define
class Ledger:
    """What everybody did and saw."""

    #: By actor, who is another one for each draft: its host, and what it said.
    offered: dict[str, tuple[str, tuple[object, ...]]] = field(factory=dict)
    acknowledged: dict[Stamp, Record] = field(factory=dict)
    #: All that was ever read or acknowledged.
    seen: dict[Stamp, Record] = field(factory=dict)
    #: Writers that two machines are, by a clone in mid-flight.
    forked: set[str] = field(factory=set)
    #: Logs whose writer ended, or gave up, with lines of which it was not certain.
    doubtful: set[str] = field(factory=set)

    def meet(self, record: Record) -> None:
        """Somebody read a record, or was told that it is durable.

        Raises:
            BrokenPromise: nobody ever offered it, or another one has its stamp.
        """
        known = self.seen.setdefault(record.stamp, record)
        if known is record:
            host, events = self.offered.get(record.actor, ("", ()))
            if host != record.host or record.event not in events:
                raise BrokenPromise("P3", f"nobody ever said {record}")
        elif known != record and who(record) not in self.forked:
            raise BrokenPromise("S1", f"two records have one stamp: {known} and {record}")

    def acknowledge(self, record: Record) -> None:
        """Somebody was told that a record is durable."""
        self.meet(record)
        self.acknowledged[record.stamp] = record
