"""Putting a file in its place without ever replacing another one. Functions block."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from events.log.disk_io import DiskIO

#: What file systems say that have no hard links: some SMB servers, FAT, some FUSE.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def put_in_place(source: Path, target: Path, disk: DiskIO) -> None:
    """Give a finished file its final name on the same file system, durably.

    A hard link fails if the name is taken, on every system that has them. Where there are none,
    the name is first reserved by creating it empty, which is as exclusive, and then replaced:
    nobody but us can have made that empty file.

    Raises:
        FileExistsError: the name is taken; nothing was changed.
        OSError: anything else; the source is still there.
    """
    if os.name == "nt":
        source.rename(target)  # on Windows a rename never replaces
        return
    try:
        os.link(source, target)
    except FileExistsError:
        # NFS may repeat a request whose answer was lost, and then find our own link.
        if not source.samefile(target):
            raise
        source.unlink()
    except OSError as exc:
        if exc.errno not in _NO_LINKS:
            raise
        disk.close(disk.create(target))
        source.replace(target)
    else:
        source.unlink()
    disk.sync_folder(target.parent)
