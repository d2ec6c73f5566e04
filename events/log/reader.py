"""Reading the log: all writers, whatever the bytes, and never anything false.

Each writer is followed on its own. A line counts when it is complete, its chain holds and its
number is the next one; at anything else reading stops for that writer, the others go on, and a
finding says where and why. Every read tries again from the same place, so what was in flight, or
stale in a cache, or repaired, is read the next time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import define, evolve, field, frozen

from events import codec
from events.codec import FORMAT_VERSION, MAX_LINE, Header, LineError, Seal
from events.log.disk_io import DiskIO
from events.log.port import Finding, Tail
from events.log.segments import SegmentName, sort_out
from events.record import Position, Record

#: Bytes read at a time: a segment and the longest write beyond its size fit.
_CHUNK = 16 << 20
#: A header line is a few hundred bytes.
_HEADER = 4096
#: Names that a file system or desktop leaves anywhere; not worth a finding.
_LITTER = (".", "Thumbs.db", "desktop.ini", "@eaDir")


@define
class _Writer:
    """One writer's log, and how far we have come in it."""

    writer: str
    host: str
    position: Position
    numbers: tuple[int, ...] = ()
    closed: bool = False
    finding: Finding | None = None

    def name(self, number: int) -> str:
        return str(SegmentName(self.writer, self.host, number))


@frozen
class _Stop:
    """Why a stretch of bytes ended before its end."""

    kind: Tail
    message: str


@define
class _Stretch:
    """What one chunk of a segment held, from a position on."""

    position: Position
    records: list[Record] = field(factory=list)
    seal: Seal | None = None
    stop: _Stop | None = None


class LogReader:
    """Reads what is new, of all writers but `skip`, each time it is asked."""

    def __init__(
        self,
        folder: Path,
        project: str,
        *,
        disk: DiskIO,
        start: Mapping[str, Position] | None = None,
    ) -> None:
        """`start` maps `writer.host` to where reading goes on, as from `positions()`."""
        self._folder = folder
        self._project = project
        self._disk = disk
        self._start = dict(start or {})
        self._writers: dict[tuple[str, str], _Writer] = {}
        self._foreign: tuple[Finding, ...] = ()
        #: The writer whose lines are known already because we write them.
        self.skip: set[str] = set()

    def positions(self) -> dict[str, Position]:
        """Per `writer.host`, the end of what was read."""
        return {f"{w.writer}.{w.host}": w.position for w in self._writers.values()}

    def findings(self) -> tuple[Finding, ...]:
        """What the last read left out."""
        own = (w.finding for w in self._writers.values() if w.finding is not None)
        return (*own, *self._foreign)

    def read(self) -> Iterator[list[Record]]:
        """Records that are new, each writer's in its order, in lists of a chunk each."""
        try:
            listing = sort_out(self._disk.names(self._folder))
        except OSError as exc:
            name = str(self._folder)
            self._foreign = (Finding(Tail.UNREADABLE, name, 0, f"cannot be listed: {exc}"),)
            return
        self._foreign = tuple(
            Finding(Tail.FOREIGN, name, 0, "not a segment; ignored")
            for name in listing.foreign
            if not name.startswith(_LITTER)
        )
        for who, numbers in listing.segments.items():
            if who[0] not in self.skip:
                writer = self._writers.get(who) or self._meet(*who)
                writer.numbers = numbers
                yield from self._follow(writer)
        self._bury()

    def _meet(self, writer: str, host: str) -> _Writer:
        fresh = Position(0, codec.seed(self._project, writer, host).decode(), 0, 0)
        known = _Writer(writer, host, self._start.get(f"{writer}.{host}", fresh))
        self._writers[writer, host] = known
        return known

    def _bury(self) -> None:
        """Half a line of a writer whose host has begun anew will never be completed."""
        newest: dict[str, str] = {}
        for who in self._writers.values():
            newest[who.host] = max(who.writer, newest.get(who.host, ""))
        for who in self._writers.values():
            finding = who.finding
            if finding and finding.kind is Tail.IN_FLIGHT and who.writer < newest[who.host]:
                who.finding = evolve(finding, kind=Tail.TORN)

    def _follow(self, writer: _Writer) -> Iterator[list[Record]]:
        writer.finding = None
        try:
            while not writer.closed:
                stretch = self._stretch(writer)
                moved = stretch.position != writer.position
                writer.position = stretch.position
                if stretch.records:
                    yield stretch.records
                if moved:
                    continue  # a chunk ended, perhaps within a line; the file may go on
                if stretch.seal is not None and stretch.seal.next is None:
                    writer.closed = True
                elif not self._go_on(writer, stretch):
                    break
        except OSError as exc:
            file = writer.name(max(writer.position.segment, 1))
            offset = writer.position.offset
            writer.finding = Finding(Tail.UNREADABLE, file, offset, f"cannot be read: {exc}")

    def _stretch(self, writer: _Writer) -> _Stretch:
        """Read on in the current segment, as far as lines are good."""
        at = writer.position
        if at.segment == 0:
            return _Stretch(at)
        if at.segment not in writer.numbers:
            gone = _Stop(Tail.ROLLED_BACK, f"segment {at.segment} is gone; it was read before")
            return _Stretch(at, stop=gone)
        path = self._folder / writer.name(at.segment)
        chunk = self._disk.read(path, at.offset, _CHUNK)
        if chunk.size < at.offset:
            shrunk = f"{chunk.size} bytes, but {at.offset} were read before"
            return _Stretch(at, stop=_Stop(Tail.ROLLED_BACK, shrunk))
        return _scan(chunk.data, at, writer.writer, writer.host)

    def _go_on(self, writer: _Writer, stretch: _Stretch) -> bool:
        """Find the segment that continues where reading stopped; else note why it stopped.

        A writer that meets an error leaves its segment as it is, torn or with garbage, and
        continues in a new one whose header repeats the place: so a valid continuation settles
        everything. Lines that the old segment held after all stand there again, and are skipped.
        """
        later = [n for n in writer.numbers if n > writer.position.segment]
        trouble: _Stop | None = None
        for number in later:
            entered, why_not = self._enter(writer, number)
            if entered is not None:
                writer.position = entered
                return True
            trouble = trouble or why_not
        stop = stretch.stop
        if stop is None or stop.kind is Tail.IN_FLIGHT:
            if later and trouble is not None:
                stop = trouble
            elif stretch.seal is not None:
                following = f"segment {stretch.seal.next} is missing"
                stop = _Stop(Tail.GAP, following)
        if stop is not None:
            number = writer.position.segment or (writer.numbers[0] if writer.numbers else 1)
            name = writer.name(number)
            writer.finding = Finding(stop.kind, name, writer.position.offset, stop.message)
        return False

    def _enter(self, writer: _Writer, number: int) -> tuple[Position | None, _Stop | None]:
        """Where to read on in segment `number`, if it continues at our position."""
        at = writer.position
        path = self._folder / writer.name(number)
        data = self._disk.read(path, 0, _HEADER).data
        end = data.find(b"\n")
        if end < 0 or b"\0" in data[:end]:
            return None, _Stop(Tail.IN_FLIGHT, f"segment {number} has no complete header yet")
        try:
            header = Header.decode(data[:end])
        except LineError as exc:
            return None, _Stop(Tail.CORRUPT, f"segment {number} has a damaged header: {exc}")
        wrong = _misplaced(header, writer, number, self._project)
        if wrong is not None:
            return None, _Stop(Tail.CORRUPT, wrong)
        if header.base > at.sequence + 1:
            missing = f"records {at.sequence + 1} to {header.base - 1} are missing"
            return None, _Stop(Tail.GAP, f"{missing}: segment {number} begins after them")
        start = Position(header.base - 1, header.previous.decode(), number, end + 1)
        if header.base == at.sequence + 1:
            if header.previous.decode() != at.chain:
                fork = f"segment {number} does not continue the chain of record {at.sequence}"
                return None, _Stop(Tail.CORRUPT, fork)
            return start, None
        return self._skip_known(writer, start)

    def _skip_known(self, writer: _Writer, start: Position) -> tuple[Position | None, _Stop | None]:
        """Pass over the lines at the head of a segment that an older segment held already."""
        at = writer.position
        path = self._folder / writer.name(start.segment)
        data = self._disk.read(path, start.offset, _CHUNK).data
        again = _scan(data, start, writer.writer, writer.host, until=at.sequence)
        if again.position.sequence < at.sequence:
            return None, again.stop or _Stop(
                Tail.IN_FLIGHT, f"segment {start.segment} repeats records that are not all there"
            )
        if again.position.chain != at.chain:
            fork = f"segment {start.segment} holds another record {at.sequence} than was read"
            return None, _Stop(Tail.CORRUPT, fork)
        return again.position, None


def _misplaced(header: Header, writer: _Writer, number: int, project: str) -> str | None:
    """Why a header does not belong to the file it stands in; None if it does."""
    if header.fmt != FORMAT_VERSION:
        return f"segment {number} has format {header.fmt}; this program reads {FORMAT_VERSION}"
    stated = (header.segment, header.writer, header.host, header.project)
    expected = (number, writer.writer, writer.host, project)
    if stated != expected:
        return f"segment {number} says that it is {stated}, not {expected}"
    return None


def _scan(data: bytes, at: Position, writer: str, host: str, until: int | None = None) -> _Stretch:
    """Read lines from `data`, which begins at `at`, until one is not good, or up to `until`."""
    sequence, chain, offset = at.sequence, at.chain.encode(), at.offset
    records: list[Record] = []
    seal: Seal | None = None
    stop: _Stop | None = None
    lines = data.split(b"\n")
    rest = lines.pop()
    check, parse, decode = codec.check_record, codec.parse, codec.decode_records
    for line in lines:
        try:
            key = check(line, chain)
            records += decode(parse(line), writer, host, sequence + 1)
        except LineError as exc:
            # The position stays before a seal, so that it is seen again until one can go on.
            seal, stop = _odd(line, exc, Position(sequence, "", at.segment, offset))
            break
        sequence += 1
        chain = key
        offset += len(line) + 1
        if sequence == until:
            break
    else:
        if rest:
            stop = _unfinished(rest)
    return _Stretch(Position(sequence, chain.decode(), at.segment, offset), records, seal, stop)


def _odd(line: bytes, fault: LineError, at: Position) -> tuple[Seal | None, _Stop | None]:
    """A complete line that is no good record: the seal, a stretch of NULs, or damage."""
    if codec.is_seal(line):
        try:
            seal = Seal.decode(line)
        except LineError as exc:
            return None, _Stop(Tail.CORRUPT, f"a damaged seal: {exc}")
        if (seal.segment, seal.last, seal.size) == (at.segment, at.sequence, at.offset):
            return seal, None
        told = f"the seal says record {seal.last} at byte {seal.size}"
        return None, _Stop(Tail.CORRUPT, f"{told}, but it follows {at.sequence} at {at.offset}")
    if b"\0" in line:
        return None, _Stop(Tail.IN_FLIGHT, "NULs: bytes that have not arrived yet")
    return None, _Stop(Tail.CORRUPT, f"after record {at.sequence}: {fault}")


def _unfinished(rest: bytes) -> _Stop:
    if len(rest) > MAX_LINE and b"\0" not in rest:
        return _Stop(Tail.CORRUPT, f"more than {MAX_LINE} bytes without a line end")
    return _Stop(Tail.IN_FLIGHT, f"{len(rest)} bytes of a line that is not complete")
