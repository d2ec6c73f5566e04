"""Reading the log: all writers, whatever the bytes, and never anything false.

Each writer is followed on its own. A line counts when it is complete, its chain holds and its
number is the next one; at anything else reading stops for that writer, the others go on, and a
finding says where and why. Every read tries again from the same place, so what was in flight, or
stale in a cache, or repaired, is read the next time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from events.codec import MAX_LINE, LineError
from events.log.disk_io import DiskIO
from events.log.followed import Followed
from events.log.foreign import explain
from events.log.frame import Header
from events.log.gaps import Gaps
from events.log.hop import Elsewhere
from events.log.port import HARMLESS, Finding, Sink, Tail, WriterSeen
from events.log.scan import Stop, Stretch, scan
from events.log.segments import Listing, is_repair, sort_out
from events.log.skim import Scan
from events.log.sources import Sources
from events.record import Position, Record

#: Bytes read at a time: the longest line fits, and the records of it stay in the processor's cache.
_CHUNK = 2 << 20
#: Bytes that may be repeated at the head of a segment: all batches in doubt fit.
_REPEATED = 16 << 20
#: Bytes read at a place that was no good the last time: the longest line fits.
_PROBE = MAX_LINE + 1
#: A header line is a few hundred bytes.
_HEADER = 4096
#: Names that a file system or desktop leaves anywhere; not worth a finding.
_LITTER = (".", "Thumbs.db", "desktop.ini", "@eaDir")


class LogReader:
    """Reads what is new, of all writers but `skip`, each time it is asked."""

    def __init__(
        self,
        folder: Path,
        project: str,
        *,
        disk: DiskIO,
        start: Mapping[str, Position] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`start` maps `writer.host` to where reading goes on, as from `positions()`."""
        self._folder = folder
        self._project = project
        #: Segments are read by name, wherever they lie (`events.log.sources`).
        self._disk = disk = Sources.over(disk, folder, project)
        self._monotonic = monotonic
        self._writers: dict[tuple[str, str], Followed] = {}
        for key, position in (start or {}).items():
            writer, _, host = key.partition(".")
            self._writers[writer, host] = Followed(writer, host, position, monotonic())
        self._of_folder: tuple[Finding, ...] = ()
        #: Whether the folder must be listed before anything else is read.
        self._unlisted = True
        #: The writers whose lines are known already because we write them.
        self.skip: set[str] = set()
        #: Gets all lines as they are accepted, before their records are given out.
        self.sink: Sink | None = None
        #: What is given up: it is passed over.
        self.gaps = Gaps()
        #: Takes the good lines out of what was read.
        self.scan: Scan = scan
        self._elsewhere = Elsewhere(disk, folder, project)

    def take_over(self, ended: Mapping[str, Position]) -> None:
        """Follow what we wrote ourselves until it ended there, as `writer.host`, like any other.

        Lines that we are not certain of may stand behind, and others may have read them.
        """
        for key, position in ended.items():
            writer, _, host = key.partition(".")
            if writer in self.skip:
                if position.sequence:  # else nothing of it may be there
                    new = Followed(writer, host, position, self._monotonic())
                    self._writers[writer, host] = new
                self.skip.discard(writer)
                self._unlisted = True

    def positions(self) -> dict[str, Position]:
        """Per `writer.host`, the end of what was read."""
        return {f"{w.writer}.{w.host}": w.position for w in self._writers.values()}

    def findings(self) -> tuple[Finding, ...]:
        """What the last read left out."""
        own = (finding for writer in self._writers.values() for finding in writer.findings())
        return (*own, *self._of_folder)

    def writers(self, host: str) -> tuple[WriterSeen, ...]:
        """All writers that are followed, as the last read left them; `host` is this one."""
        now = self._monotonic()
        # A copy, since others may ask while somebody reads.
        return tuple(each.seen(now, host) for each in tuple(self._writers.values()))

    def read(self, *, look_around: bool = True) -> Iterator[list[Record]]:
        """Records that are new, each writer's in its order, in lists of a chunk each.

        Without `look_around` the folder is not listed: writers and segments that are new are not
        met, unless a segment says itself that another follows.
        """
        if look_around or self._unlisted:
            try:
                self._look_around()
            except OSError as exc:
                name = str(self._folder)
                self._unlisted = True
                self._of_folder = (Finding(Tail.UNREADABLE, name, 0, f"cannot be listed: {exc}"),)
                return
        for writer in tuple(self._writers.values()):
            if writer.writer not in self.skip and not writer.rests(self._monotonic()):
                yield from self._follow(writer)

    def _look_around(self) -> None:
        """Take note of all segments that are there.

        Raises:
            OSError: the folder cannot be listed.
        """
        listing = self._list()
        self._unlisted = False
        others = (
            Finding(Tail.FOREIGN, _printable(name), 0, explain(name))
            for name in listing.foreign
            if not name.startswith(_LITTER)
        )
        self._of_folder = (*self._disk.findings(), *others)
        newest = listing.newest_writers()
        for who in dict.fromkeys((*self._writers, *listing.segments)):
            if who[0] in self.skip:
                continue
            writer = self._writers.get(who) or self._meet(*who)
            writer.list(listing.segments.get(who, ()))
            writer.outlived = writer.writer < newest.get(writer.host, "")
            last = writer.name(writer.last_own)
            if writer.lie(writer.outlived and self._disk.is_cold(last)):
                writer.ended = self._disk.ends(last, writer.position)

    def _list(self) -> Listing:
        return sort_out(self._disk.names(self._folder))

    def _meet(self, writer: str, host: str) -> Followed:
        known = Followed.new(self._project, writer, host, self._monotonic())
        self._writers[writer, host] = known
        return known

    def _follow(self, writer: Followed) -> Iterator[list[Record]]:
        limit = _CHUNK if writer.finding is None else _PROBE
        writer.finding = None
        writer.ended = False
        try:
            while not writer.closed:
                stretch = self._stretch(writer, limit)
                if stretch.position != writer.position:
                    writer.advance(stretch.position, self._monotonic())
                    records = self.gaps.without(writer.who, stretch.records)
                    if records:
                        yield records
                    limit = _CHUNK
                    continue  # a chunk ended, perhaps within a line; the file may go on
                if stretch.seal is not None and stretch.behind:
                    writer.note_behind(stretch.behind)
                ended = stretch.seal is not None and stretch.seal.next is None
                ended = ended and not stretch.behind  # else who ends here is not its writer
                if ended and writer.position.segment == writer.last_own:
                    writer.closed = True
                elif not self._go_on(writer, stretch):
                    break
            writer.ended = True
        except OSError as exc:
            self._unlisted = True  # perhaps it is gone
            writer.stop(Stop(Tail.UNREADABLE, f"cannot be read: {exc}"), self._monotonic())

    def _stretch(self, writer: Followed, limit: int) -> Stretch:
        """Read on in the current segment, as far as lines are good."""
        at = writer.position
        if at.segment == 0 and at.sequence == 0:
            gone = None if writer.numbers else Stop(Tail.ROLLED_BACK, "all its segments are gone")
            return Stretch(at, stop=gone)
        if at.segment not in writer.numbers:
            told = f"segment {at.segment} is gone; it was read before"
            return Stretch(at, stop=Stop(Tail.ROLLED_BACK, told))
        chunk = self._disk.read(self._folder / writer.name(at.segment), at.offset, limit)
        if chunk.size < at.offset:
            told = f"{chunk.size} bytes, but {at.offset} were read before"
            return Stretch(at, stop=Stop(Tail.ROLLED_BACK, told))
        found = self.scan(chunk.data, at, writer.writer, writer.host)
        if self.sink is not None and found.position != at:
            lines = chunk.data[: found.position.offset - at.offset]
            self.sink(writer.who, at, found.position, lines)
        return found

    def _go_on(self, writer: Followed, stretch: Stretch) -> bool:
        """Find the segment that continues where reading stopped; else note why it stopped.

        A writer that meets an error leaves its segment as it is, torn or with garbage, and
        continues in a new one whose header repeats the place: so a valid continuation settles
        everything. Lines that the old segment held after all stand there again, and are skipped.
        """
        entered, trouble = self._find_continuation(writer)
        if entered is not None:
            if trouble is not None:
                writer.note_left_out(trouble)
            writer.abandoned += writer.position.segment > 0 and stretch.seal is None
            writer.advance(entered, self._monotonic())
            return True
        stop = stretch.stop
        if stop is None or (stop.kind is Tail.IN_FLIGHT and trouble is not None):
            stop = trouble
        following = None if stretch.seal is None else stretch.seal.next
        if stop is None and following is not None:
            # The segment may have been begun, and this one sealed, since the folder was listed.
            if self._grew(writer):
                return True
            stop = Stop(Tail.GAP, f"segment {following} is missing")
        return self._hop(writer, stretch, stop)

    def _hop(self, writer: Followed, stretch: Stretch, stop: Stop | None) -> bool:
        """Go on where lines were put back, or behind them; else note why reading stopped."""
        elsewhere = self._elsewhere.look(writer, stop)
        if isinstance(elsewhere, Position):
            writer.advance(elsewhere, self._monotonic())
            return True
        if stop is None or (stop.kind is Tail.IN_FLIGHT and elsewhere is not None):
            stop = elsewhere
        behind = None if stop is None else self.gaps.behind(writer.who, writer.position)
        if behind is not None:
            writer.advance(behind, self._monotonic())
            return True
        if stop is not None:
            writer.stop(stop, self._monotonic())
        else:
            # What was put back ends here, and nobody will add anything.
            mended = is_repair(writer.position.segment) and stretch.seal is not None
            writer.closed = mended and writer.outlived
        return False

    def _find_continuation(self, writer: Followed) -> tuple[Position | None, Stop | None]:
        """Where a later segment continues, and the worst of what is amiss with those before it."""
        trouble: Stop | None = None
        here = writer.position.segment
        for number in writer.numbers:
            if number > here and is_repair(number) <= is_repair(here):
                entered = self._enter(writer, number)
                if isinstance(entered, Position):
                    return entered, trouble
                if trouble is None or (trouble.kind in HARMLESS and entered.kind not in HARMLESS):
                    trouble = entered
        return None, trouble

    def _grew(self, writer: Followed) -> bool:
        before = set(writer.numbers)
        writer.list(self._list().segments.get((writer.writer, writer.host), ()))
        return not before.issuperset(writer.numbers)

    def _enter(self, writer: Followed, number: int) -> Position | Stop:
        """Where to read on in segment `number`, if it continues at our position."""
        at = writer.position
        path = self._folder / writer.name(number)
        data = self._disk.read(path, 0, _HEADER).data
        line, end, _ = data.partition(b"\n")
        if b"\0" in line or not (end or len(data) == _HEADER):
            return Stop(Tail.IN_FLIGHT, f"segment {number} has no complete header yet")
        try:
            header = Header.decode(line)
        except LineError as exc:
            return Stop(Tail.CORRUPT, f"segment {number} has a damaged header: {exc}")
        stated = (header.segment, header.writer, header.host, header.project)
        expected = (number, writer.writer, writer.host, self._project)
        if stated != expected:
            told = f"segment {number} says that it is {stated}, not {expected}"
            return Stop(Tail.CORRUPT, told)
        if header.base > at.sequence + 1:
            missing = f"records {at.sequence + 1} to {header.base - 1} are missing"
            return Stop(Tail.GAP, f"{missing}: segment {number} begins after them")
        start = Position(header.base - 1, header.previous.decode(), number, len(line) + 1)
        if header.base <= at.sequence:
            return self._pass_known(writer, start)
        if start.chain != at.chain:
            fork = f"segment {number} does not continue the chain of record {at.sequence}"
            return Stop(Tail.CORRUPT, fork)
        return start

    def _pass_known(self, writer: Followed, start: Position) -> Position | Stop:
        """Pass over the lines at the head of a segment that an older segment held already."""
        at = writer.position
        path = self._folder / writer.name(start.segment)
        data = self._disk.read(path, start.offset, _REPEATED).data
        again = scan(data, start, writer.writer, writer.host, until=at.sequence)
        if again.position.sequence < at.sequence:
            strayed = is_repair(at.segment) or not again.records
            if not strayed and not self._holds(writer, at.segment, again.position.chain):
                told = f"segment {start.segment} holds another record {again.position.sequence}"
                return Stop(Tail.CORRUPT, f"{told} than was read: two machines are one writer")
            told = f"segment {start.segment} repeats records that are not all there"
            return again.stop or Stop(Tail.IN_FLIGHT, told)
        if again.position.chain != at.chain:
            fork = f"segment {start.segment} holds another record {at.sequence} than was read"
            return Stop(Tail.CORRUPT, fork)
        return again.position

    def _holds(self, writer: Followed, number: int, chain: str) -> bool:
        """Whether a line of this `k` stands in a segment: what is repeated stood there before."""
        data = self._disk.read(self._folder / writer.name(number), 0, _REPEATED).data
        return b',"k":"%b"}' % chain.encode() in data


def _printable(name: str) -> str:
    """A file name as valid text: names on disk need not be UTF-8."""
    return name.encode("utf-8", "replace").decode()
