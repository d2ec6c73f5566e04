"""A file's attributes, with the time of its creation, which Python does not tell on Linux. Blocks.

`statx` (statx(2)) tells it in the same call that tells all else. It belongs to the file and not
to its name, so it stays true when a file is renamed or moved; the time of the inode's last change,
which is often shown instead, does not.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_AT_FDCWD = -100
_BASIC, _BIRTH = 0x7FF, 0x800
#: stx_mask, stx_mode, stx_size, stx_btime, stx_mtime of `struct statx`; ctime stands between.
_FIELDS = struct.Struct("<I24xH10xQ32xqI4xqI4xqI")
_SIZE = 256
_BILLION = 1_000_000_000
_HAS_BIRTH = hasattr(os.stat_result, "st_birthtime")


class Attributes(NamedTuple):
    """What is asked of a file, links followed."""

    mode: int
    #: In bytes.
    size: int
    #: Nanoseconds since 1970, by the file server's clock. Never an order of events.
    mtime_ns: int
    #: When it was created; where the file system does not know, the oldest time that it knows.
    birth_ns: int


#: Gives the attributes of a name, as a plain tuple: thousands of names cost what the rest does.
Look = Callable[[str], tuple[int, int, int, int]]


def _library() -> Callable[..., int] | None:
    if not sys.platform.startswith("linux") or sys.byteorder != "little":
        return None
    call = getattr(ctypes.CDLL(None, use_errno=True), "statx", None)
    if call is None:
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p)
    function: Callable[..., int] = call
    return function


_STATX = _library()


@contextmanager
def looking_into(folder: str) -> Iterator[tuple[list[str], Look]]:
    """The names in a folder, and a function that looks at one of them. For one thread.

    Raises:
        OSError: the folder cannot be listed. So does the function for a name that is gone.
    """
    if _STATX is None or os.listdir not in os.supports_fd:
        names = os.listdir(folder)  # noqa: PTH208  # names only
        yield names, lambda name: _usual(Path(folder, name).stat())
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield os.listdir(descriptor), _looker(_STATX, descriptor)  # noqa: PTH208  # names only
    finally:
        os.close(descriptor)


def look_at(path: str) -> Attributes:
    """The attributes of one file.

    Raises:
        OSError: it is not there, or cannot be looked at.
    """
    if _STATX is None:
        return _usual(Path(path).stat())
    return Attributes._make(_looker(_STATX, _AT_FDCWD)(path))


def looker(folder: int) -> Look | None:
    """A function that looks at names in an open folder; None where the system has none.

    For one thread, as long as the folder is open. It raises OSError for a name that is gone.
    """
    return None if _STATX is None else _looker(_STATX, folder)


def _looker(statx: Callable[..., int], descriptor: int) -> Look:
    buffer = ctypes.create_string_buffer(_SIZE)
    address, unpack, wanted = ctypes.addressof(buffer), _FIELDS.unpack_from, _BASIC | _BIRTH

    def look(name: str) -> tuple[int, int, int, int]:
        # As os.fsencode, which asks first what it was given.
        if statx(descriptor, name.encode("utf-8", "surrogateescape"), 0, wanted, address):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), name)
        mask, mode, size, birth_s, birth_n, change_s, change_n, mtime_s, mtime_n = unpack(buffer)
        mtime = mtime_s * _BILLION + mtime_n
        if mask & _BIRTH:
            birth = birth_s * _BILLION + birth_n
        else:
            birth = min(mtime, change_s * _BILLION + change_n)
        return mode, size, mtime, birth

    return look


def _usual(info: os.stat_result) -> Attributes:
    if _HAS_BIRTH:
        birth = int(getattr(info, "st_birthtime") * _BILLION)  # noqa: B009 - not on Linux
    else:
        birth = min(info.st_mtime_ns, info.st_ctime_ns)
    return Attributes(info.st_mode, info.st_size, info.st_mtime_ns, birth)
