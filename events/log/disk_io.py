"""The few calls to the file system that the log makes, in one place, so that tests can fail each.

All block; none may run on the event loop.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from attrs import frozen

#: Not blocking: a named pipe in the folder must not hang whoever reads the log.
_READ_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NONBLOCK", 0)
)
_CREATE_FLAGS = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)
_REOPEN_FLAGS = os.O_WRONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
#: What file systems say that cannot sync a folder: SMB, some FUSE. Then there is nothing to sync.
_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.ENOSYS}


@frozen
class Chunk:
    """Bytes read from a file, and the size the file had then."""

    data: bytes
    size: int


class DiskIO:
    """The real file system."""

    def create(self, path: Path) -> int:
        """Create a file that must not exist yet, for writing; its descriptor.

        Raises:
            FileExistsError: it does exist.
        """
        return os.open(path, _CREATE_FLAGS, 0o664)

    def reopen(self, path: Path) -> int:
        """Open a file of ours that exists, to rewrite it in place; its descriptor.

        Raises:
            FileNotFoundError: it does not exist.
        """
        return os.open(path, _REOPEN_FLAGS)

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        """Write all of `data` at `offset`.

        Raises:
            OSError: it cannot be written, or not all of it; how much was is not known then.
        """
        view = memoryview(data)
        while view:
            if hasattr(os, "pwrite"):
                written = os.pwrite(descriptor, view, offset)
            else:  # Windows
                os.lseek(descriptor, offset, os.SEEK_SET)
                written = os.write(descriptor, view)
            if written <= 0:
                raise OSError(errno.EIO, "nothing was written, and no reason given")
            view, offset = view[written:], offset + written

    def sync(self, descriptor: int) -> None:
        """Return when the file is on the disk of whoever keeps it."""
        os.fsync(descriptor)

    def size(self, descriptor: int) -> int:
        """Bytes of the file behind a descriptor.

        Raises:
            OSError: ESTALE if the file has no name any more. What is written to it would be
                durable, and gone.
        """
        info = os.fstat(descriptor)
        if info.st_nlink == 0:
            raise OSError(errno.ESTALE, "the log's file was deleted while it was written")
        return info.st_size

    def close(self, descriptor: int) -> None:
        """Close; an error here means that the last write may be lost."""
        os.close(descriptor)

    def link(self, existing: Path, path: Path) -> None:
        """Give a file a second name, unless that is taken.

        Raises:
            FileExistsError: it is taken.
            OSError: the file system has no hard links, or refuses.
        """
        os.link(existing, path)

    def sync_folder(self, folder: Path) -> None:
        """Make the names in a folder durable, where the file system can."""
        if os.name == "nt":
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as exc:
            if exc.errno not in _NO_FOLDER_SYNC:
                raise
        finally:
            os.close(descriptor)

    def make_folder(self, folder: Path) -> None:
        """Make a folder in one that exists, unless it is there."""
        folder.mkdir(exist_ok=True)

    def remove(self, path: Path) -> None:
        """Remove a file that is ours alone, unless it is gone already."""
        path.unlink(missing_ok=True)

    def modified(self, path: Path) -> int:
        """When a file was last changed, by the share's clock: nanoseconds since 1970.

        Through a descriptor of its own, see `read`. A file that this host has written shows
        this host's own time on SMB for a while; one that it has merely created does not.
        """
        descriptor = os.open(path, _READ_FLAGS)
        try:
            return os.fstat(descriptor).st_mtime_ns
        finally:
            os.close(descriptor)

    def unwritable(self, folder: Path) -> str | None:
        """Why this program cannot make files in a folder that exists, as far as can be told.

        Nothing is tried, so nothing is left there. None means that nothing speaks against it.

        Raises:
            OSError: the share does not answer.
        """
        if hasattr(os, "statvfs") and os.statvfs(folder).f_flag & os.ST_RDONLY:
            return f"{folder} lies on a share that is mounted read-only here; mount it for writing"
        if not os.access(folder, os.W_OK | os.X_OK):
            return (
                f"the user of this service may not write to {folder}; give that user the right "
                "to create files there"
            )
        return None

    def names(self, folder: Path) -> list[str]:
        """Names in a folder; none if the folder is not there.

        Raises:
            OSError: the folder cannot be listed.
        """
        try:
            return os.listdir(folder)  # noqa: PTH208  # names only; Path objects cost ten times that
        except FileNotFoundError:
            return _names_by_now(folder)

    def read(self, path: Path, offset: int, limit: int) -> Chunk:
        """Up to `limit` bytes from `offset`, through a descriptor of its own.

        Opening anew is what makes NFS ask the server again (held descriptors show
        other hosts' bytes seconds late).
        """
        descriptor = os.open(path, _READ_FLAGS)
        try:
            size = os.fstat(descriptor).st_size
            os.lseek(descriptor, offset, os.SEEK_SET)
            parts = []
            while limit > 0:
                part = os.read(descriptor, min(limit, 1 << 22))
                if not part:
                    break
                parts.append(part)
                limit -= len(part)
        finally:
            os.close(descriptor)
        data = b"".join(parts)
        return Chunk(data, max(size, offset + len(data) if data else size))


def _names_by_now(folder: Path) -> list[str]:
    """Names in a folder that was absent, as far as was known.

    An NFS client that was once asked for a name that did not exist calls it absent for half a
    minute, however often it is asked. Opening the folder above makes it ask the server anew.

    Raises:
        OSError: that cannot be told now.
    """
    try:
        if os.name == "posix":  # Windows opens no folders, and needs none opened
            os.close(os.open(folder.parent, _READ_FLAGS))
        return os.listdir(folder)  # noqa: PTH208  # see above
    except FileNotFoundError:
        return []
