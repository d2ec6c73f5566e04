"""Where the bytes of a segment are: in a file of its own, or in a cold file.

Readers ask for segments by name, as if each still were a file in `log/`. A segment's own file goes
before its copies, as long as it is there; so a listing that is stale does no harm, nor does a file
that vanishes while somebody reads it. All methods block.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from events.codec import MAX_LINE, LineError
from events.log.cold import FOLDER, ColdFile, ColdName, Part, Shelf, found
from events.log.disk_io import Chunk, DiskIO
from events.log.port import Finding, Tail
from events.log.segments import SegmentName
from events.record import Position

#: Bytes that are read at once where a segment begins: many are small, and the next one in the
#: file is wanted next.
_AHEAD = 1 << 20
#: Of so many files that block is kept until the next look: the logs of several hosts are read
#: alternately, in the order of time.
_BLOCKS = 16


@frozen
class _Block:
    """Bytes of a cold file that were read last."""

    begin: int
    data: bytes

    def part(self, begin: int, end: int) -> bytes | None:
        """Some of them; None if not all of these are here."""
        if begin < self.begin or end > self.begin + len(self.data):
            return None
        return self.data[begin - self.begin : end - self.begin]


class Sources(DiskIO):
    """A file system in which every segment of a log is a file in its folder, wherever it lies."""

    def __init__(self, folder: Path, project: str | None, disk: DiskIO) -> None:
        """`folder` is the log folder; `disk` the file system below it. Nothing is read yet.

        Cold files of another project are left out; None takes those of any.
        """
        self._folder = folder
        self._cold = folder.parent / FOLDER
        self._project = project
        self._disk = disk
        #: Cold files never change, so one that was whole is looked at once. Of others, what their
        #: index told, if it was there.
        self._whole: dict[ColdName, ColdFile] = {}
        self._begun: dict[ColdName, ColdFile] = {}
        self._shelf = Shelf(())
        self._kept: tuple[str, ...] = ()
        self._cold_names: frozenset[str] = frozenset()
        self._own: frozenset[str] = frozenset()
        self._findings: tuple[Finding, ...] = ()
        self._blocks: dict[ColdName, _Block] = {}

    @classmethod
    def over(cls, disk: DiskIO, folder: Path, project: str) -> Sources:
        """`disk` itself if it is one of ours already."""
        return disk if isinstance(disk, Sources) else cls(folder, project, disk)

    @property
    def shelf(self) -> Shelf:
        """The cold files that were whole at the last look."""
        return self._shelf

    @property
    def incomplete(self) -> tuple[ColdFile, ...]:
        """Cold files that have an index, and not all of their bytes."""
        return tuple(self._begun.values())

    @property
    def own(self) -> frozenset[str]:
        """Names that the last look found in the log folder itself."""
        return self._own

    def findings(self) -> tuple[Finding, ...]:
        """Cold files that the last look left out, and why."""
        return self._findings

    def names(self, folder: Path) -> list[str]:
        """See `DiskIO`; in the log folder, all segments besides what else is there.

        The log folder is listed first: a segment goes from there only when it has long been cold.

        Raises:
            OSError: one of the folders cannot be listed.
        """
        if folder != self._folder:
            return self._disk.names(folder)
        here = self._disk.names(folder)
        self._blocks.clear()
        self._look(self._disk.names(self._cold))
        self._own = frozenset(here)
        cold = [name for name in self._kept if name not in self._own]
        self._cold_names = frozenset(cold)
        return [*here, *cold]

    def read(self, path: Path, offset: int, limit: int) -> Chunk:
        """See `DiskIO`.

        Raises:
            OSError: it cannot be read, wherever it lies.
        """
        segment = SegmentName.parse(path.name) if path.parent == self._folder else None
        if segment is None or (path.name in self._own or segment not in self._shelf.best):
            try:
                return self._disk.read(path, offset, limit)
            except FileNotFoundError:
                if segment is None or not self._has(segment):
                    raise
        try:
            return self._read_cold(segment, offset, limit)
        except FileNotFoundError:
            # Merged with others since we looked.
            self._look(self._disk.names(self._cold))
            if segment not in self._shelf.best:
                raise
            return self._read_cold(segment, offset, limit)

    def proves(self, segment: SegmentName, at: Position) -> bool:
        """Whether the index of a cold file says that the segment's last line ends at `at`.

        It spares a look at each of thousands of old segments. False says nothing.
        """
        kept = None if str(segment) in self._own else self._shelf.best.get(segment)
        if kept is None:
            return False
        part = kept[1]
        return (part.sequence, part.chain, part.end) == (at.sequence, at.chain, at.offset)

    def ends(self, name: str, at: Position) -> bool:
        """Whether a cold segment ends at `at`, with nothing left out behind it."""
        segment = SegmentName.parse(name)
        if segment is None or segment.number != at.segment:
            return False
        return self.proves(segment, at) and self._shelf.best[segment][1].is_clean

    def is_cold(self, name: str) -> bool:
        """Whether a segment had no file of its own, but a copy, at the last look."""
        return name in self._cold_names

    def _has(self, segment: SegmentName) -> bool:
        """Whether there is a copy of a segment; looks anew if none is known."""
        if segment not in self._shelf.best:
            self._look(self._disk.names(self._cold))
        return segment in self._shelf.best

    def _look(self, names: Iterable[str]) -> None:
        """Read what is new in the folder of cold files."""
        there = {name for each in names if (name := ColdName.parse(each)) is not None}
        known = self._whole.keys() & there
        changed = len(known) < len(self._whole)
        self._whole = {name: self._whole[name] for name in known}
        self._begun = {name: self._begun[name] for name in self._begun.keys() & there}
        findings = []
        for name in sorted(there - known):
            left_out = self._load(name)
            if left_out is None:
                changed = True
            else:
                findings.append(left_out)
        if changed:
            self._shelf = Shelf(tuple(self._whole.values()))
            self._kept = tuple(map(str, self._shelf.best))
        self._findings = tuple(findings)

    def _load(self, name: ColdName) -> Finding | None:
        """Take in one cold file; else say why not."""
        shown = f"{FOLDER}/{name}"
        try:
            file = self._begun.get(name)
            chunk = self._disk.read(self._cold / str(name), 0, 0 if file else MAX_LINE)
            file = file or found(name, chunk.data, self._project)
        except LineError as exc:
            return Finding(Tail.CORRUPT, shown, 0, f"a damaged index: {exc}")
        except OSError as exc:
            return Finding(Tail.UNREADABLE, shown, 0, f"cannot be read: {exc}")
        if file is None:
            return Finding(Tail.IN_FLIGHT, shown, 0, "no complete index yet")
        if chunk.size < file.complete_size:
            self._begun[name] = file
            told = f"{chunk.size} of {file.complete_size} bytes; left out until it is whole"
            return Finding(Tail.IN_FLIGHT, shown, chunk.size, told)
        self._begun.pop(name, None)
        self._whole[name] = file
        return None

    def _read_cold(self, segment: SegmentName, offset: int, limit: int) -> Chunk:
        file, part = self._shelf.best[segment]
        if offset >= part.size:
            return Chunk(b"", part.size)
        data = self._bytes(file, part, offset, min(limit, part.size - offset))
        whole = offset + len(data) == part.size or len(data) == limit
        return Chunk(data, part.size if whole else offset + len(data))

    def _bytes(self, file: ColdFile, part: Part, offset: int, count: int) -> bytes:
        begin = file.base + part.offset + offset
        block = self._blocks.get(file.name)
        known = None if block is None else block.part(begin, begin + count)
        if known is not None:
            return known
        if offset:  # somebody reads on in a large segment, or looks at an end once more
            return self._disk.read(self._cold / str(file.name), begin, count).data
        data = self._disk.read(self._cold / str(file.name), begin, max(count, _AHEAD)).data
        self._blocks.pop(file.name, None)
        while len(self._blocks) >= _BLOCKS:
            del self._blocks[next(iter(self._blocks))]
        self._blocks[file.name] = _Block(begin, data)
        return data[:count]
