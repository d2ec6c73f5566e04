"""The calls to the file system that the doctor measures, in one place, so that tests can fail each.

All block, and may hang: see `limits.py`.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from attrs import define, frozen

from events.log.disk_io import DiskIO
from orchestrator.gallery.fileops import effects


@frozen
class Seen:
    """What the file system says of a file."""

    size: int
    mtime_ns: int
    inode: int


class Share(DiskIO):
    """The real file system. What the log does, is done by the very code of the log."""

    def open_to_read(self, path: Path) -> int:
        """A descriptor that is held."""
        return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))

    def read_on(self, descriptor: int, offset: int, limit: int) -> bytes:
        """Bytes through a descriptor that is held."""
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, limit)

    def look(self, path: Path) -> Seen:
        """`stat` of a file.

        Raises:
            FileNotFoundError: it is not there, as far as this host knows.
        """
        found = path.stat()
        return Seen(found.st_size, found.st_mtime_ns, found.st_ino)

    def set_time(self, path: Path, mtime_ns: int) -> None:
        """Set both times of a file."""
        os.utime(path, ns=(mtime_ns, mtime_ns))

    def make_folder(self, path: Path) -> None:
        """Make a folder that must not exist yet."""
        path.mkdir()

    def replace(self, source: Path, target: Path) -> None:
        """Rename; what has the other name is replaced."""
        source.replace(target)

    def move(self, source: Path, target: Path, *, folder: bool = False) -> None:
        """Rename as the gallery does, which never replaces.

        Raises:
            FileExistsError: the name is taken.
        """
        effects.move(str(source), str(target), folder=folder, op="doctor", disk=self)

    def can_rename_exclusively(self, source: Path, target: Path) -> bool | None:
        """Whether the kernel itself renames a file to a free name without replacing, here.

        None if this system has no such call. Where it works the file has been renamed.
        """
        rename = effects.RENAME
        if rename is None:
            return None
        return rename(os.fsencode(source), os.fsencode(target)) == 0

    def remove(self, path: Path) -> None:
        """Delete a file."""
        path.unlink()

    def space(self, path: Path) -> tuple[int, int]:
        """Free bytes, and all bytes."""
        usage = shutil.disk_usage(path)
        return usage.free, usage.total

    def write_file(self, path: Path, data: bytes) -> None:
        """Create a file that must not exist yet, durably."""
        descriptor = self.create(path)
        try:
            if data:
                self.write(descriptor, data, 0)
                self.sync(descriptor)
        finally:
            self.close(descriptor)


@define
class Appender:
    """A file of ours that grows, through one descriptor, as the log's files do."""

    path: Path
    share: Share
    _descriptor: int | None = None
    _size: int = 0

    def append(self, data: bytes) -> None:
        """Write at the end, durably; the file is created with the first bytes, even if none."""
        if self._descriptor is None:
            self._descriptor = self.share.create(self.path)
        self.share.write(self._descriptor, data, self._size)
        self.share.sync(self._descriptor)
        self._size += len(data)

    def close(self) -> None:
        """Give the descriptor back."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            self.share.close(descriptor)
