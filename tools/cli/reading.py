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
from events.log.port import Finding, Tail
from events.log.reader import LogReader
from events.log.segments import SegmentName, sort_out
from events.record import Position, Record
from events.vocabulary import FAMILIES

#: All event types are registered by that import.
assert FAMILIES

Advance = Callable[[int], None]


def no_advance(count: int) -> None:
    """Nobody watches."""


class WatchedDisk(DiskIO):
    """The real file system; it tells how many bytes were read, and keeps the last ones."""

    def __init__(self, advance: Advance, listing: list[str] | None = None) -> None:
        """`listing`, if given, is what the first look into the folder shows."""
        self._advance = advance
        self._listing = listing
        self.last = b""

    def names(self, folder: Path) -> list[str]:
        """See `DiskIO`."""
        if self._listing is not None:
            listing, self._listing = self._listing, None
            return listing
        return super().names(folder)

    def read(self, path: Path, offset: int, limit: int) -> Chunk:
        """See `DiskIO`."""
        chunk = super().read(path, offset, limit)
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
    ) -> None:
        """`folder` is the log folder; writers in `skip` are not read."""
        self._disk = WatchedDisk(advance, listing)
        self._reader = LogReader(folder, project, disk=self._disk)
        self._reader.skip = set(skip)

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
        return self._reader.findings()

    def positions(self) -> dict[str, Position]:
        """Per `writer.host`, how far it was read."""
        return self._reader.positions()


def names_in(folder: Path) -> list[str]:
    """Names in the log folder; none if nothing was written yet.

    Raises:
        OSError: it cannot be listed.
    """
    return DiskIO().names(folder)


def total_bytes(folder: Path) -> int:
    """Bytes of all segments, for a progress bar.

    Raises:
        OSError: the folder cannot be listed.
    """
    segments = (name for name in names_in(folder) if SegmentName.parse(name) is not None)
    return sum(_size(folder / name) for name in segments)


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
