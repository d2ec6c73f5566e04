"""Consolidating: a host copies segments of its ended incarnations into cold files. All blocks.

Every step is small, and one step is everything that a call does. Whatever is cut short leaves
all that there was: a copy is made and read back before anything is removed, weeks later, and
compared once more right before. A copy that is not whole counts for nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from attrs import define, evolve, field, frozen

from events.log import cold
from events.log.cold import ColdFile, ColdName, Index, Part, Shelf
from events.log.disk_io import DiskIO
from events.log.port import Tidied, Tidying
from events.log.segments import SegmentName
from events.log.sources import Sources

#: More than any segment has: 8 MiB, one more batch, and the longest line.
_WHOLE = 32 << 20
#: Files that one step removes at the most.
_REMOVED_AT_ONCE = 64


class NotVerifiedError(OSError):
    """What was read back is not what was written; nothing was removed."""

    def __init__(self, name: ColdName) -> None:
        """`name` is that of the cold file."""
        super().__init__(f"{cold.FOLDER}/{name} does not read back as it was written")


@frozen
class _Piece:
    """A segment to be copied: its bytes as they were seen, and where they can be read again."""

    part: Part
    path: Path
    begin: int


@define(eq=False)
class Consolidator:
    """Does it for one host in one project. One caller at a time, who holds the claim `cold`."""

    gallery: Path
    project: str
    host: str
    disk: DiskIO
    #: Seconds since 1970.
    wall: Callable[[], float]
    _sources: Sources = field(init=False)
    #: Segments that are better left where they are, with their sizes; cold files that do not hold
    #: what they should. Both as found by this process.
    _left: dict[SegmentName, int] = field(factory=dict)
    _damaged: set[ColdName] = field(factory=set)

    @_sources.default
    def _over(self) -> Sources:
        return Sources(self.gallery / "log", self.project, self.disk)

    def step(
        self, running: str, seen: Mapping[str, Mapping[str, int]], live: Collection[str]
    ) -> Tidied | None:
        """Do one small piece of work; None if there is nothing to do.

        Args:
            running: our incarnation that writes now; only earlier ones have ended.
            seen: per `writer.host`, how far each host has told in its marks to have read it.
            live: the other hosts that work on the project.

        Raises:
            OSError: the share refuses, or took something and did not keep it. Nothing was removed
                that is not somewhere else.
        """
        names = self._sources.names(self.gallery / "log")
        there = [name for each in names if (name := SegmentName.parse(each)) is not None]
        own = [
            name for name in cold.ended(there, self.host, running) if str(name) in self._sources.own
        ]
        shelf = Shelf(tuple(self._sound()))
        return (
            self._copy(shelf, own)
            or self._merge(shelf)
            or self._remove(shelf, own, seen, live)
            or self._clear(shelf)
        )

    def _sound(self) -> Iterator[ColdFile]:
        """Our cold files that are whole, and were not found damaged."""
        for file in self._sources.shelf.files:
            if file.name.host == self.host and file.name not in self._damaged:
                yield file

    # Making.

    def _copy(self, shelf: Shelf, own: Sequence[SegmentName]) -> Tidied | None:
        waiting = [name for name in own if name not in shelf.best and name not in self._left]
        taken = cold.gather([(name, self._size(name)) for name in waiting])
        pieces = [piece for name in taken if (piece := self._piece(name)) is not None]
        return self._make(Tidying.COPIED, pieces) if pieces else None

    def _size(self, name: SegmentName) -> int:
        return self.disk.read(self._path(name), 0, 0).size

    def _path(self, name: SegmentName) -> Path:
        return self.gallery / "log" / str(name)

    def _piece(self, name: SegmentName) -> _Piece | None:
        data = self.disk.read(self._path(name), 0, _WHOLE).data
        now = int(self.wall())
        part = cold.examine(name, data, self.project, now) if len(data) < _WHOLE else None
        if part is None:
            self._left[name] = len(data)
            return None
        return _Piece(part, self._path(name), 0)

    def _merge(self, shelf: Shelf) -> Tidied | None:
        files = cold.to_merge(shelf.current())
        best = [
            (file, part)
            for file in files
            for part in file.index.parts
            if shelf.best[part.segment] == (file, part)
        ]
        for file in files:
            if not self._holds(file, (part for source, part in best if source == file)):
                return None  # it is known as damaged now, and the next step does without it
        pieces = [
            _Piece(part, self._cold(file.name), file.base + part.offset) for file, part in best
        ]
        return self._make(Tidying.MERGED, pieces) if pieces else None

    def _cold(self, name: ColdName) -> Path:
        return self.gallery / cold.FOLDER / str(name)

    def _make(self, work: Tidying, pieces: Sequence[_Piece]) -> Tidied:
        """Write a new cold file, and read it back."""
        folder = self.gallery / cold.FOLDER
        self.disk.make_folder(folder)
        # Names that are listed, whole or not, foreign or not: none of their numbers is used again.
        taken = [name for each in self.disk.names(folder) if (name := ColdName.parse(each))]
        number = max((name.number for name in taken if name.host == self.host), default=0) + 1
        parts = [piece.part for piece in pieces]
        index = cold.laid_out(number, self.host, self.project, int(self.wall()), parts)
        path = self._cold(index.name)
        try:
            self._write(path, index, pieces)
            self._read_back(path, index)
        except FileExistsError:
            raise  # another program of this host's id has just made it, and it is not ours
        except OSError:
            # It never counted, since all that is in it is still where it was.
            with suppress(OSError):  # then it stays, and is cleared away when its time has come
                self.disk.remove(path)
            raise
        return Tidied(work, len(pieces), index.size)

    def _write(self, path: Path, index: Index, pieces: Sequence[_Piece]) -> None:
        line = index.encode()
        by_segment = {piece.part.segment: piece for piece in pieces}
        descriptor = self.disk.create(path)
        try:
            self.disk.write(descriptor, line, 0)
            for part in index.parts:
                piece = by_segment[part.segment]
                data = self.disk.read(piece.path, piece.begin, part.size).data
                if sha256(data).hexdigest() != part.sha256:
                    raise NotVerifiedError(index.name)  # it changed since it was looked at
                self.disk.write(descriptor, data + b"\n", len(line) + part.offset)
            self.disk.sync(descriptor)
        finally:
            self.disk.close(descriptor)
        self.disk.sync_folder(path.parent)

    def _read_back(self, path: Path, index: Index) -> None:
        line = index.encode()
        file = ColdFile(index.name, index, len(line))
        good = self.disk.read(path, 0, len(line)).data == line and all(
            self._copy_holds(file, part, chain=True) for part in index.parts
        )
        if not good or self.disk.read(path, 0, 0).size != file.complete_size:
            raise NotVerifiedError(index.name)

    def _copy_holds(self, file: ColdFile, part: Part, *, chain: bool = False) -> bool:
        """Whether a copy reads as the index says, through a descriptor of its own."""
        data = self.disk.read(self._cold(file.name), file.base + part.offset, part.size).data
        if sha256(data).hexdigest() != part.sha256:
            return False
        if not chain:
            return True
        again = cold.examine(part.segment, data, self.project, part.since)
        return again is not None and evolve(again, offset=part.offset) == part

    def _holds(self, file: ColdFile, parts: Iterable[Part]) -> bool:
        """Whether these parts of a cold file are sound; else it is known as damaged from now on."""
        for part in parts:
            if not self._copy_holds(file, part):
                self._damaged.add(file.name)
                return False
        return True

    # Removing.

    def _remove(
        self,
        shelf: Shelf,
        own: Sequence[SegmentName],
        seen: Mapping[str, Mapping[str, int]],
        live: Collection[str],
    ) -> Tidied | None:
        now, files, size = self.wall(), 0, 0
        for name in own:
            kept = shelf.best.get(name)
            if kept is None or name in self._left:
                continue
            file, part = kept
            if not cold.may_go(part, now, seen, live):
                continue
            data = self.disk.read(self._path(name), 0, _WHOLE).data
            if len(data) != part.size or sha256(data).hexdigest() != part.sha256:
                self._left[name] = len(data)  # it is not what was copied: somebody wrote there
                continue
            if not self._holds(file, [part]):
                break  # copied anew by a later step, from here
            try:
                self.disk.remove(self._path(name))
            except OSError:
                # Perhaps somebody has it open (SMB): the next steps do without it.
                self._left[name] = len(data)
                raise
            files, size = files + 1, size + part.size
            if files == _REMOVED_AT_ONCE or size > cold.MAX_BYTES:
                break
        if files:
            self.disk.sync_folder(self.gallery / "log")
        return Tidied(Tidying.REMOVED, files, size) if files else None

    def _clear(self, shelf: Shelf) -> Tidied | None:
        """Remove one cold file that nobody needs: merged into others, damaged, or never whole."""
        incomplete = (file for file in self._sources.incomplete if file.name.host == self.host)
        damaged = (file for file in self._sources.shelf.files if file.name in self._damaged)
        for file in (*shelf.superseded(), *damaged, *incomplete):
            if self._is_replaced(shelf, file):
                self.disk.remove(self._cold(file.name))
                self.disk.sync_folder(self.gallery / cold.FOLDER)
                return Tidied(Tidying.CLEARED, 1, file.index.size)
        return None

    def _is_replaced(self, shelf: Shelf, file: ColdFile) -> bool:
        """Whether everything in a cold file has long been in sound later ones."""
        before = self.wall() - cold.KEEP_SECONDS
        copies: dict[ColdName, tuple[ColdFile, list[Part]]] = {}
        for part in file.index.parts:
            kept = shelf.later_copy(part, file.name.number, before)
            if kept is None:
                return False
            copies.setdefault(kept[0].name, (kept[0], []))[1].append(kept[1])
        return all(self._holds(copy, parts) for copy, parts in copies.values())
