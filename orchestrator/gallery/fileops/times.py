"""Keeping a file's time when it is renamed, without asking for what the file system does anyway.

Local file systems leave the time alone. SMB servers and some FUSE file systems set it to now, so
there it is set again after each rename: a call to the share that costs as much as a small read.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable

from attrs import define, field

#: `f_type` of statfs(2) of file systems that are known to keep times.
_KEEPERS = frozenset(
    {
        0xEF53,  # ext2, ext3, ext4
        0x58465342,  # XFS
        0x9123683E,  # btrfs
        0xF2F52010,  # F2FS
        0x2FC12FC1,  # ZFS
        0x01021994,  # tmpfs
        0x794C7630,  # overlayfs
    }
)
#: More than any system's `struct statfs` has; the type stands first.
_STATFS_BYTES = 512


def _asker() -> Callable[[str], int | None]:
    """How to ask for the type of the file system that a folder is on; None if it cannot be told."""

    def unknown(_folder: str) -> None:
        return None

    call = None
    if sys.platform.startswith("linux"):
        call = getattr(ctypes.CDLL(None), "statfs", None)
    if call is None:
        return unknown
    call.argtypes = (ctypes.c_char_p, ctypes.c_void_p)

    def ask(folder: str) -> int | None:
        buffer = ctypes.create_string_buffer(_STATFS_BYTES)
        if call(os.fsencode(folder), buffer):
            return None
        return ctypes.c_ulong.from_buffer(buffer).value

    return ask


_file_system = _asker()


@define
class Times:
    """Sets times again after renames where that is needed; made anew for each batch."""

    #: By folder: whether its file system has been seen to keep times.
    _kept: dict[str, bool] = field(factory=dict)

    def keep(self, target: str, mtime: int, *, folder: bool) -> None:
        """See to it that a file that was just renamed has its time (nanoseconds since 1970).

        The first one in each folder is looked at, whatever the file system promises. Folders that
        are moved have theirs set always: they are few, and systems differ there.

        Raises:
            OSError: the share does not let us look at it, or set the time.
        """
        if not folder and self._is_kept(target, mtime):
            return
        try:  # noqa: SIM105  # `suppress` costs a tenth of the rename
            os.utime(target, ns=(mtime, mtime))
        except PermissionError:
            pass  # who may rename a file need not own it, and only owners may set times

    def _is_kept(self, target: str, mtime: int) -> bool:
        place = target[: target.rindex("/")]
        kept = self._kept.get(place)
        if kept is None:
            kept = _file_system(place) in _KEEPERS and os.lstat(target).st_mtime_ns == mtime
            self._kept[place] = kept
        return kept
