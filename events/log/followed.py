"""One writer as a reader follows it: how far it was read, and what was left out. No I/O."""

from __future__ import annotations

from attrs import define, field

from events import codec
from events.log.port import HARMLESS, Finding, Tail
from events.log.scan import Stop
from events.log.segments import SegmentName
from events.record import Position

#: Missing bytes with later ones behind them are damage after so many seconds.
HOLE_SECONDS = 60.0
#: A writer that is replaced or damaged, and gave nothing new for so long, is looked at seldom.
TIRED_SECONDS = 60.0
#: How seldom, in seconds.
REST_SECONDS = 10.0


@define
class Followed:
    """One writer's log, and how far we have come in it."""

    writer: str
    host: str
    position: Position
    #: When something new came last, and when we looked last, by a clock that never jumps.
    progressed: float
    looked: float = float("-inf")
    #: Segments that are there now, and all that ever were.
    numbers: tuple[int, ...] = ()
    _seen: set[int] = field(factory=set)
    #: Whether the writer has sealed its last segment, and it was read to its end.
    closed: bool = False
    #: Whether its host has begun a newer incarnation.
    outlived: bool = False
    #: Why reading stopped, if not at a clean end.
    finding: Finding | None = None
    _behind: dict[int, Finding] = field(factory=dict)

    @classmethod
    def new(cls, project: str, writer: str, host: str, now: float) -> Followed:
        """A writer of which nothing was read yet."""
        seed = codec.seed(project, writer, host).decode()
        return cls(writer, host, Position(0, seed, 0, 0), now)

    def name(self, number: int) -> str:
        """File name of a segment."""
        return str(SegmentName(self.writer, self.host, number))

    def list(self, numbers: tuple[int, ...]) -> None:
        """Take note of the segments that are there."""
        self.numbers = numbers
        self._seen.update(numbers)

    def rests(self, now: float) -> bool:
        """Whether to leave it alone this time; else it counts as looked at."""
        stuck = self.finding is not None and self.finding.kind not in HARMLESS
        tired = now - self.progressed > TIRED_SECONDS and (self.outlived or stuck)
        if tired and now - self.looked < REST_SECONDS:
            return True
        self.looked = now
        return False

    def advance(self, position: Position, now: float) -> None:
        """Something new was read, up to `position`."""
        self.position = position
        self.progressed = now

    def stop(self, stop: Stop, now: float) -> None:
        """Reading stopped here, and goes on from here the next time."""
        number = self.position.segment or (self.numbers[0] if self.numbers else 1)
        kind = stop.kind
        if kind is Tail.IN_FLIGHT and stop.hole:
            if self.outlived or now - self.progressed > HOLE_SECONDS:
                kind = Tail.CORRUPT
        elif kind is Tail.IN_FLIGHT and self.outlived:
            # Nobody will ever complete it.
            kind = Tail.TORN
        self.finding = Finding(kind, self.name(number), self.position.offset, stop.message)

    def note_behind(self, count: int) -> None:
        """Bytes stand behind a seal, where nothing may; they were not read."""
        number = self.position.segment
        message = f"{count} bytes behind the seal, which nobody may write; not read"
        self._behind[number] = Finding(
            Tail.CORRUPT, self.name(number), self.position.offset, message
        )

    def findings(self) -> tuple[Finding, ...]:
        """All that was left out, or has gone since it was read."""
        gone = self._seen.difference(self.numbers)
        current = self.position.segment
        missing = (
            Finding(Tail.ROLLED_BACK, self.name(number), 0, "gone; it was read before")
            for number in sorted(gone)
            if number < current or (self.closed and number == current)
        )
        here = () if self.finding is None else (self.finding,)
        return (*self._behind.values(), *missing, *here)
