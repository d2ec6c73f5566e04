"""One writer as a reader follows it: how far it was read, and what was left out. No I/O."""

from __future__ import annotations

from attrs import define, field

from events import codec
from events.log.port import HARMLESS, Finding, Tail, WriterSeen
from events.log.scan import Stop
from events.log.segments import SegmentName, is_repair
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
    #: Whether its last segment lies in a cold file, where nothing changes any more.
    cold: bool = False
    #: Whether the last look came to the end of what there is.
    ended: bool = False
    #: Whether anything new has come since we began.
    heard: bool = False
    #: How often it left a segment unfinished, because of an error, and went on in another.
    abandoned: int = 0
    #: Why reading stopped, if not at a clean end.
    finding: Finding | None = None
    #: Segments that were looked into from this position in vain: their sizes, and what of that.
    tried: dict[int, int] = field(factory=dict)
    missing: dict[int, Stop] = field(factory=dict)
    #: Sizes of repair segments that were looked into, and the last records that they hold.
    reach: dict[int, tuple[int, int]] = field(factory=dict)
    _behind: dict[int, Finding] = field(factory=dict)

    @classmethod
    def new(cls, project: str, writer: str, host: str, now: float) -> Followed:
        """A writer of which nothing was read yet."""
        seed = codec.seed(project, writer, host).decode()
        return cls(writer, host, Position(0, seed, 0, 0), now)

    def name(self, number: int) -> str:
        """File name of a segment."""
        return str(SegmentName(self.writer, self.host, number))

    @property
    def who(self) -> str:
        """As positions name it."""
        return f"{self.writer}.{self.host}"

    @property
    def last_own(self) -> int:
        """Number of the last segment that the writer itself has made; 0 if there is none."""
        return max((number for number in self.numbers if not is_repair(number)), default=0)

    def list(self, numbers: tuple[int, ...]) -> None:
        """Take note of the segments that are there."""
        if numbers != self.numbers:
            self.closed = self.ended = False  # something was put back, or taken away
        self.numbers = numbers
        self._seen.update(numbers)

    def lie(self, cold: bool) -> bool:
        """Take note of where its last segment lies now; whether that is a copy, and was not."""
        if cold != self.cold:
            self.cold, self.ended = cold, False  # it may have grown before it was copied
            return cold
        return False

    def rests(self, now: float) -> bool:
        """Whether to leave it alone this time; else it counts as looked at."""
        if self.closed or (self.cold and self.ended and self.outlived and self._is_torn_at_most()):
            return True
        stuck = self.finding is not None and self.finding.kind not in HARMLESS
        tired = now - self.progressed > TIRED_SECONDS and (self.outlived or stuck)
        if tired and now - self.looked < REST_SECONDS:
            return True
        self.looked = now
        return False

    def _is_torn_at_most(self) -> bool:
        return self.finding is None or self.finding.kind is Tail.TORN

    def advance(self, position: Position, now: float) -> None:
        """Something new was read, up to `position`."""
        self.position = position
        self.progressed = now
        self.heard = True
        self.tried.clear()
        self.missing.clear()

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

    def note_left_out(self, stop: Stop) -> None:
        """A later segment continues here, and one between them does not: it was passed over.

        Half a header is what a write error leaves. Else two machines write as one writer.
        """
        if stop.kind not in HARMLESS:
            number = self.position.segment
            told = f"a segment behind it was passed over: {stop.message}"
            self._behind[number] = Finding(stop.kind, self.name(number), self.position.offset, told)

    def note_behind(self, count: int) -> None:
        """Bytes stand behind a seal, where nothing may; they were not read."""
        number = self.position.segment
        message = f"{count} bytes behind the seal, which nobody may write; not read"
        self._behind[number] = Finding(
            Tail.CORRUPT, self.name(number), self.position.offset, message
        )

    def seen(self, now: float, host: str) -> WriterSeen:
        """How it stands, for people; `host` is this one.

        What was gone before weighs more than where reading stands.
        """
        found = self.findings()
        worst = next((each for each in found if each.kind not in HARMLESS), None)
        told = worst or (found[0] if found else None)
        return WriterSeen(
            self.writer,
            self.host,
            self.position,
            None if told is None else told.kind,
            "" if told is None else told.message,
            max(0.0, now - self.progressed) if self.heard else None,
            ours=self.host == host,
            current=False,
            abandoned=self.abandoned,
        )

    def findings(self) -> tuple[Finding, ...]:
        """All that was left out, or has gone since it was read."""
        # What was put back stands in a repair segment; what was not, stops reading.
        repaired = any(is_repair(number) for number in self.numbers)
        gone = set() if repaired else self._seen.difference(self.numbers)
        current = self.position.segment
        missing = (
            Finding(Tail.ROLLED_BACK, self.name(number), 0, "gone; it was read before")
            for number in sorted(gone)
            if number < current or (self.closed and number == current)
        )
        here = () if self.finding is None else (self.finding,)
        return (*self._behind.values(), *missing, *here)
