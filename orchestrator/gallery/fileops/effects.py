"""Moving one file or folder without ever replacing another. Blocks."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from events.log.disk_io import DiskIO

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
#: What kernels and file systems say that cannot rename without replacing: NFS, older SMB, FUSE.
_UNABLE = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
#: What file systems say that have no hard links: some SMB servers, FAT, some FUSE.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}

_Rename = Callable[[bytes, bytes], int]


def _renamer() -> _Rename | None:
    """`renameat2` of the C library with RENAME_NOREPLACE (rename(2)); None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)

    def rename(source: bytes, target: bytes) -> int:
        failed: int = call(_AT_FDCWD, source, _AT_FDCWD, target, _RENAME_NOREPLACE)
        return ctypes.get_errno() if failed else 0

    return rename


#: The system's rename that replaces nothing, as an errno; None where there is none.
RENAME = _renamer()


def move(source: str, target: str, *, folder: bool, op: str, disk: DiskIO) -> None:
    """Give a file or folder another name on the same file system; nothing is ever replaced.

    Where a name can only be had by keeping it with a small file first, that file names the `op`.

    Raises:
        FileExistsError: the name is taken; nothing was changed.
        OSError: anything else. The file may have the one or the other name, or both.
    """
    number = errno.ENOSYS if RENAME is None else RENAME(os.fsencode(source), os.fsencode(target))
    if number in _UNABLE:
        _move_otherwise(source, target, folder=folder, op=op, disk=disk)
    elif number:
        raise OSError(number, os.strerror(number), source, None, target)


def _move_otherwise(source: str, target: str, *, folder: bool, op: str, disk: DiskIO) -> None:
    if os.name == "nt":
        os.rename(source, target)  # noqa: PTH104  # strings all the way; never replaces here
    elif folder:
        # Folders have no second names. A rename onto a folder fails unless that is empty.
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), source, None, target)
        os.rename(source, target)  # noqa: PTH104  # strings all the way
    else:
        _move_by_link(source, target, op, disk)


def _move_by_link(source: str, target: str, op: str, disk: DiskIO) -> None:
    """A hard link fails if the name is taken, on every system that has them."""
    links = os.lstat(source).st_nlink
    try:
        os.link(source, target)
    except OSError as exc:
        if exc.errno in _NO_LINKS:
            _move_by_keeping(source, target, op, disk)
            return
        if not _was_linked(source, target, links):
            raise
    try:
        os.unlink(source)  # noqa: PTH108  # strings all the way
    except FileNotFoundError:
        # NFS may have repeated the request; or another host was faster, which had linked the file
        # just as we did. Then it has the name that it got there, and must not have ours as well.
        if _has_another_name(target):
            os.unlink(target)  # noqa: PTH108  # strings all the way
            raise
    except OSError:
        # Two names are one too many: better the old one. If both are gone wrong, both stay.
        if os.path.lexists(source):
            with suppress(OSError):
                os.unlink(target)  # noqa: PTH108  # strings all the way
        raise


def _was_linked(source: str, target: str, links: int) -> bool:
    """Whether a link was made although we were told that it was not.

    NFS may repeat a request whose answer was lost, and then find the link that it made; a share
    that went away may have taken the request with it, done.
    """
    try:
        return Path(source).samefile(target) and os.lstat(source).st_nlink != links
    except OSError:
        return False


def _has_another_name(path: str) -> bool:
    """Whether a file has more names than this one, as the server knows it now.

    Opening is what makes NFS ask; else it may tell what it was told seconds ago.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except PermissionError:  # who may rename a file need not be able to read it
        return os.lstat(path).st_nlink > 1
    try:
        return os.fstat(descriptor).st_nlink > 1
    finally:
        os.close(descriptor)


def _move_by_keeping(source: str, target: str, op: str, disk: DiskIO) -> None:
    """Keep the name with a small file, which is as exclusive, and then replace that.

    Nobody else replaces or deletes it, for it says whose it is.
    """
    if not os.path.lexists(source):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), source)
    descriptor = disk.create(Path(target))
    try:
        disk.write(descriptor, _kept_for(op), 0)
    except OSError:
        with suppress(OSError):
            os.unlink(target)  # noqa: PTH108  # strings all the way
        raise
    finally:
        disk.close(descriptor)
    try:
        os.replace(source, target)  # noqa: PTH105  # strings all the way
    except OSError:
        with suppress(OSError):
            give_up_name(target, op)
        raise


def _kept_for(op: str) -> bytes:
    return f"This name is kept for a file that is on its way here: {op}\n".encode()


def give_up_name(target: str, op: str) -> None:
    """Remove what a crash has left where a name was kept for a file; anything else stays.

    Raises:
        OSError: the share does not let us.
    """
    kept = _kept_for(op)
    try:
        if os.lstat(target).st_size == len(kept) and Path(target).read_bytes() == kept:
            os.unlink(target)  # noqa: PTH108  # strings all the way
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return


def error_name(exc: OSError) -> str:
    """The name of an error as the log has it, such as `ENOSPC`."""
    return errno.errorcode.get(exc.errno or 0, "EIO")
