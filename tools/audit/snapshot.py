"""A log folder as it stood at one moment, so that all checks look at the same bytes.

Segments only grow; so whatever is written during an audit is cut off by the sizes of its begin.
"""

from __future__ import annotations

import io
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from events.codec import MAX_LINE
from events.log.disk_io import Chunk, DiskIO
from events.log.segments import SegmentName
from events.log.sources import Sources

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: Bytes of a segment that are read at once.
_AT_ONCE = 1 << 20


class NotAFileError(OSError):
    """Something that has the name of a segment, but is a folder, a pipe or a device."""


@frozen
class RawLine:
    """A line as it stands in a file."""

    offset: int
    #: Without its newline; only the begin of a line that is longer than any may be.
    data: bytes
    #: Bytes in the file, with the newline.
    size: int
    #: Whether it ends in a newline.
    complete: bool


@define
class Snapshot(DiskIO):
    """The log's segments, wherever they lie, cut off at the sizes of one moment. Reads only."""

    folder: Path
    #: Called with the number of bytes whenever some were read.
    advance: Callable[[int], None] = lambda _count: None
    #: All names in the folder and segments in cold files, and the sizes of the segments.
    listing: tuple[str, ...] = field(init=False)
    sizes: dict[str, int] = field(init=False)
    #: Where segments are read from.
    sources: Sources = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Look at the folder.

        Raises:
            OSError: it, or a segment, cannot be looked at.
        """
        self.sources = Sources(self.folder, None, DiskIO())
        self.listing = tuple(self.sources.names(self.folder))
        cold = {str(name): part.size for name, (_, part) in self.sources.shelf.best.items()}
        self.sizes = {
            name: _size(self.folder / name) if name in self.sources.own else cold[name]
            for name in self.listing
            if SegmentName.parse(name)
        }

    @property
    def total(self) -> int:
        """Bytes of all segments."""
        return sum(self.sizes.values())

    def names(self, folder: Path) -> list[str]:
        """See `DiskIO`."""
        return list(self.listing)

    def read(self, path: Path, offset: int, limit: int) -> Chunk:
        """See `DiskIO`."""
        end = self.sizes[path.name]
        chunk = self.sources.read(path, offset, max(0, min(limit, end - offset)))
        self.advance(len(chunk.data))
        return Chunk(chunk.data, min(chunk.size, end))

    def lines(self, name: str, digest: Callable[[bytes], object]) -> Iterator[RawLine]:
        """All lines of a segment; `digest` gets a line's bytes once the next line is asked for.

        So while a line is looked at, the digest is that of all before it. (A line that is longer
        than any may be is digested as it is read, since it need not fit into memory.)

        Raises:
            OSError: it cannot be read.
        """
        offset, left = 0, self.sizes[name]
        with io.BufferedReader(_Bytes(self.sources, self.folder / name), _AT_ONCE) as file:
            while data := file.readline(min(MAX_LINE + 1, left)):
                size, complete = len(data), data.endswith(b"\n")
                if complete or size <= MAX_LINE:
                    yield RawLine(offset, data[:-1] if complete else data, size, complete)
                    digest(data)
                else:
                    digest(data)
                    while not complete and (rest := file.readline(min(MAX_LINE, left - size))):
                        digest(rest)
                        size, complete = size + len(rest), rest.endswith(b"\n")
                    yield RawLine(offset, data, size, complete)
                self.advance(size)
                offset, left = offset + size, left - size


class _Bytes(io.RawIOBase):
    """The bytes of a segment as a file."""

    def __init__(self, sources: Sources, path: Path) -> None:
        """`path` is that of the segment's own file, whether or not it is there."""
        self._sources = sources
        self._path = path
        self._offset = 0

    def readable(self) -> bool:
        """It is for reading only."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer with what follows, as far as there is something."""
        view = memoryview(buffer)
        data = self._sources.read(self._path, self._offset, len(view)).data
        view[: len(data)] = data
        self._offset += len(data)
        return len(data)


def _size(path: Path) -> int:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise NotAFileError(f"{path} has the name of a segment, but is no file")
    return found.st_size
