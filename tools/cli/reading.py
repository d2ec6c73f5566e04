"""Reading a log once from end to end, with the very lines beside their records.

What counts as a good line is decided by `events.log.reader` alone; here its reading is watched.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from events.log.disk_io import Chunk, DiskIO
from events.log.gaps import Gaps
from events.log.port import Finding, Tail
from events.log.reader import LogReader
from events.log.segments import SegmentName, sort_out
from events.log.skim import skimming
from events.log.sources import Sources
from events.record import Position, Record
from events.registry import BY_CLASS
from events.vocabulary import FAMILIES
from events.witness import LogGap
from projections.witness import gap_of

#: All event types are registered by that import.
assert FAMILIES

#: Bytes that are looked through at a time.
_PIECE = 8 << 20

Advance = Callable[[int], None]


def no_advance(count: int) -> None:
    """Nobody watches."""


class WatchedDisk(DiskIO):
    """The log's segments, wherever they lie; it tells how much was read, and keeps the last bytes.

    Cold files are none of its own: their segments are shown in the log folder.
    """

    def __init__(
        self, folder: Path, sources: Sources, advance: Advance, listing: list[str] | None = None
    ) -> None:
        """`listing`, if given, is what the first look into the folder shows."""
        self._folder = folder
        self._sources = sources
        self._advance = advance
        self._listing = listing
        self.last = b""

    def names(self, folder: Path) -> list[str]:
        """See `DiskIO`."""
        if folder != self._folder:
            return []
        if self._listing is not None:
            listing, self._listing = self._listing, None
            return listing
        return self._sources.names(folder)

    def read(self, path: Path, offset: int, limit: int) -> Chunk:
        """See `DiskIO`."""
        chunk = self._sources.read(path, offset, limit)
        self.last = chunk.data
        self._advance(len(chunk.data))
        return chunk


@frozen
class Piece:
    """Good lines of one writer that follow each other, without line ends, and their records."""

    lines: list[bytes]
    records: list[Record]


class Reading:
    """One pass over a log. `findings` and `positions` are whole when it has ended."""

    def __init__(
        self,
        folder: Path,
        project: str,
        advance: Advance = no_advance,
        *,
        listing: list[str] | None = None,
        skip: frozenset[str] = frozenset(),
        sources: Sources | None = None,
    ) -> None:
        """`folder` is the log folder; writers in `skip` are not read.

        `sources`, if given, have looked around already; what they left out is told elsewhere.
        """
        self._sources = sources or Sources(folder, project, DiskIO())
        self._tells_cold = sources is None
        self._disk = WatchedDisk(folder, self._sources, advance, listing)
        self._reader = LogReader(folder, project, disk=self._disk)
        self._reader.skip = set(skip)
        self._reader.gaps = gaps_in(folder, project)

    def records(self) -> Iterator[list[Record]]:
        """All records, each writer's in its order."""
        return self._reader.read()

    def pieces(self) -> Iterator[Piece]:
        """All good lines with their records, each writer's in its order."""
        for records in self._reader.read():
            # The reader has just read these lines, and read them from a line's begin on.
            count = records[-1].sequence - records[0].sequence + 1
            yield Piece(self._disk.last.split(b"\n", count)[:count], records)

    def findings(self) -> tuple[Finding, ...]:
        """What was left out, and why."""
        cold = self._sources.findings() if self._tells_cold else ()
        return (*cold, *self._reader.findings())

    def positions(self) -> dict[str, Position]:
        """Per `writer.host`, how far it was read."""
        return self._reader.positions()


def gaps_in(folder: Path, project: str) -> Gaps:
    """What people have given up, so that reading can leave it out from the begin on.

    Gaps are very rare: so the bytes are looked through for one before anything is decoded. What
    cannot be read has none; whoever reads next will tell of it.
    """
    name = BY_CLASS[LogGap].name
    word = f'"t":"{name}"'.encode()
    disk = DiskIO()
    sources = Sources.over(disk, folder, project)
    try:
        names = [n for n in sources.names(folder) if SegmentName.parse(n) is not None]
    except OSError:
        return Gaps()
    if not any(_has(sources, folder / n, word) for n in names):
        return Gaps()
    reader = LogReader(folder, project, disk=disk)
    reader.scan = skimming(name)
    more = True
    while more:  # what is behind one gap may tell of the next
        found = [record.event for records in reader.read() for record in records]
        told = [gap_of(event) for event in found if isinstance(event, LogGap)]
        more = sum(reader.gaps.add(*gap) for gap in told) > 0
    return reader.gaps


def _has(disk: DiskIO, path: Path, word: bytes) -> bool:
    """Whether a file holds some bytes; one that cannot be read has none."""
    offset = 0
    try:
        while data := disk.read(path, offset, _PIECE).data:
            if word in data:
                return True
            if len(data) < _PIECE:
                return False
            offset += len(data) - len(word)
    except OSError:
        return False
    return False


def names_in(folder: Path) -> list[str]:
    """Names in the log folder and segments in cold files; none if nothing was written yet.

    Raises:
        OSError: it cannot be listed.
    """
    return Sources(folder, None, DiskIO()).names(folder)


def total_bytes(folder: Path) -> int:
    """Bytes of all segments, for a progress bar.

    Raises:
        OSError: the folder cannot be listed.
    """
    sources = Sources(folder, None, DiskIO())
    names = [name for name in sources.names(folder) if SegmentName.parse(name) is not None]
    own = sum(_size(folder / name) for name in names if name in sources.own)
    copies = sources.shelf.best.items()
    return own + sum(part.size for name, (_, part) in copies if str(name) not in sources.own)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # reading it will say what is wrong


def unlistable(folder: Path, findings: tuple[Finding, ...]) -> str | None:
    """Why the log folder as a whole could not be read; None if it could."""
    for finding in findings:
        if finding.kind is Tail.UNREADABLE and finding.file == str(folder):
            return finding.message
    return None


@contextmanager
def gc_paused() -> Iterator[None]:
    """Replay makes many objects that all stay; looking for garbage takes half its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def writers(names: list[str]) -> list[tuple[str, str, int]]:
    """Writer, host and first segment of every log in the folder."""
    return [(w, h, numbers[0]) for (w, h), numbers in sort_out(names).segments.items()]
