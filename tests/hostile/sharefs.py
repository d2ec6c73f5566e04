"""A hostile file system: one server's folder, as several hosts see it, each below its own name.

`MOUNT/north/Eliot/a.png` is `BACK/Eliot/a.png` as the host `north` sees it. A host holds writes
back until it syncs or closes; the others see them late, and now and then a call goes wrong. One
JSON object written to `MOUNT/.control` changes that:

    {"weather": {"lag": 1.5, "nuls": true, "one_in": 500}}
    {"power": "north"}        that host is gone: its handles are dead, its unsynced writes lost

`python -m tests.hostile` mounts it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

import orjson
from attrs import define, field, frozen

from tests.hostile.caches import Caches, Piece
from tests.hostile.weather import Dice, Mishap, Weather

CONTROL = "/.control"
_STATS = ("f_bavail", "f_bfree", "f_blocks", "f_bsize", "f_files", "f_ffree", "f_namemax")
#: A folder that only this file system has.
_FOLDER = {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@frozen
class Handle:
    """An open file of a host."""

    descriptor: int
    host: str
    inode: int
    writes: bool
    #: How often its host had lost its power when it was opened.
    life: int


@define(eq=False)
class ShareFS:
    """The calls of FUSE. They come on many threads; each raises an OSError or is done."""

    #: The server's folder.
    back: str
    dice: Dice
    caches: Caches = field(init=False)
    #: Times of files are whole nanoseconds; mfusepy asks for this.
    use_ns: bool = True
    _handles: dict[int, Handle] = field(factory=dict)
    _lives: dict[str, int] = field(factory=lambda: defaultdict(int))
    _last: int = 0
    _lock: RLock = field(factory=RLock)

    @caches.default
    def _empty_caches(self) -> Caches:
        return Caches(self.dice)

    # Places.

    def _place(self, path: str) -> tuple[str, str]:
        """The host that asks, and the path on the share."""
        _, host, *rest = path.split("/", 2)
        return host, rest[0] if rest else ""

    def _real(self, shared: str) -> str:
        return f"{self.back}/{shared}" if shared else self.back

    @contextmanager
    def _call(self, name: str, path: str) -> Iterator[tuple[str, str, str]]:
        """A call on a path: the host, the path on the share, and on the server; or a mishap."""
        host, shared = self._place(path)
        mishap, number = self.dice.mishap(name)
        if mishap is Mishap.FAILS:
            raise _error(number)
        with self._lock:
            yield host, shared, self._real(shared)
        if mishap is Mishap.DONE_BUT_FAILS:
            raise _error(number)

    def _known(self, host: str, shared: str) -> None:
        if not self.caches.sees(host, shared):
            raise _error(errno.ENOENT)

    def _handle(self, number: int) -> Handle:
        handle = self._handles[number]
        if handle.life != self._lives[handle.host]:
            raise _error(errno.ESTALE)
        return handle

    # Reading.

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        """What a host knows of a file."""
        if path == "/":
            return dict(_FOLDER)
        if path == CONTROL:
            return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": 0}
        with self._call("getattr", path) as (host, shared, real):
            handle = self._handles.get(fh) if fh else None
            if handle is None:
                self._known(host, shared)
            info = os.lstat(real) if handle is None else os.fstat(handle.descriptor)
            told: dict[str, Any] = {
                key: getattr(info, key)
                for key in ("st_mode", "st_nlink", "st_uid", "st_gid", "st_size", "st_ino")
            }
            for key in ("st_atime", "st_mtime", "st_ctime"):
                told[key] = getattr(info, f"{key}_ns")
            if stat.S_ISREG(info.st_mode):
                told["st_size"] = self.caches.size(host, info.st_ino, info.st_size)
            return told

    def readdir(self, path: str, fh: int) -> list[tuple[str, dict[str, Any], int] | str]:
        """The names that a host knows of."""
        if path == "/":
            return [".", ".."]
        with self._call("readdir", path) as (host, shared, real):
            found: list[tuple[str, dict[str, Any], int] | str] = [".", ".."]
            with os.scandir(real) as entries:
                for entry in entries:
                    if self.caches.sees(host, f"{shared}/{entry.name}" if shared else entry.name):
                        kind = stat.S_IFDIR if entry.is_dir() else stat.S_IFREG
                        found.append((entry.name, {"st_mode": kind, "st_ino": entry.inode()}, 0))
            return found

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        """Bytes, as the host sees them."""
        if path == CONTROL:
            return b""
        with self._call("read", path):
            handle = self._handle(fh)
            data = os.pread(handle.descriptor, size, offset)
            return self.caches.read(handle.host, handle.inode, offset, data, size)

    def statfs(self, path: str) -> dict[str, int]:
        """How much room there is."""
        found = os.statvfs(self.back)
        return {name: getattr(found, name) for name in _STATS}

    # Handles.

    def open(self, path: str, flags: int) -> int:
        """Open what is there."""
        if path == CONTROL:
            return 0
        with self._call("open", path) as (host, shared, real):
            self._known(host, shared)
            return self._opened(host, os.open(real, _server_flags(flags)), flags)

    def create(self, path: str, mode: int, flags: int) -> int:
        """Make a file; O_EXCL is the server's to decide, whatever the host knew."""
        with self._call("create", path) as (host, shared, real):
            new = not os.path.lexists(real)
            descriptor = os.open(real, _server_flags(flags) | os.O_CREAT, mode & 0o777)
            if new:
                self.caches.forget(os.fstat(descriptor).st_ino)
                self.caches.made(host, shared)
            return self._opened(host, descriptor, flags)

    def _opened(self, host: str, descriptor: int, flags: int) -> int:
        inode = os.fstat(descriptor).st_ino
        writes = bool(flags & os.O_ACCMODE)
        self._last += 1
        self._handles[self._last] = Handle(descriptor, host, inode, writes, self._lives[host])
        return self._last

    def release(self, path: str, fh: int) -> None:
        """The last user of a handle is gone."""
        with self._lock:
            handle = self._handles.pop(fh, None)
            if handle is not None:
                os.close(handle.descriptor)

    # Writing.

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        """The host holds it back; it may be too little, or half of it behind an error."""
        if path == CONTROL:
            self._control(data)
            return len(data)
        mishap, number = self.dice.mishap("write")
        if mishap is Mishap.FAILS:
            raise _error(number)
        with self._lock:
            handle = self._handle(fh)
            taken = data if mishap is Mishap.NONE else data[: max(1, len(data) // 2)]
            self.caches.hold(handle.host, handle.inode, Piece(offset, taken))
        if mishap is Mishap.DONE_BUT_FAILS:
            raise _error(number)
        return len(taken)

    def fsync(self, path: str, datasync: int, fh: int) -> None:
        """What was held back is on the server's disk; or some of it is, and nobody knows."""
        self._send("fsync", fh)

    def fsyncdir(self, path: str, datasync: int, fh: int) -> None:
        """Names are always on the server's disk."""

    def flush(self, path: str, fh: int) -> None:
        """A host closes a file: what it held back goes to the server."""
        if path != CONTROL and self._handles[fh].writes:
            self._send("flush", fh)

    def _send(self, call: str, fh: int) -> None:
        mishap, number = self.dice.mishap(call)
        with self._lock:
            handle = self._handle(fh)
            # As the kernel does: whatever became of them, the pages are dropped.
            pieces = self.caches.let_go(handle.host, handle.inode)
            for index, piece in enumerate(pieces):
                if mishap is Mishap.FAILS and index >= len(pieces) // 2:
                    break
                os.pwrite(handle.descriptor, piece.data, piece.offset)
                self.caches.arrived(handle.host, handle.inode, piece)
        if mishap is not Mishap.NONE:
            raise _error(number)

    def truncate(self, path: str, length: int, fh: int | None = None) -> None:
        """Cut a file off."""
        if path != CONTROL:
            with self._call("truncate", path) as (_, _, real):
                self.caches.forget(Path(real).stat().st_ino)
                os.truncate(real, length)

    # Names.

    def mkdir(self, path: str, mode: int) -> None:
        """Make a folder."""
        with self._call("mkdir", path) as (host, shared, real):
            Path(real).mkdir(mode)
            self.caches.made(host, shared)

    def link(self, target: str, source: str) -> None:
        """Give a file a second name."""
        with self._call("link", target) as (host, shared, real):
            os.link(self._real(self._place(source)[1]), real)
            self.caches.made(host, shared)

    def rename(self, old: str, new: str) -> None:
        """Give a file or folder another name, and replace what has it, as the system call does."""
        with self._call("rename", old) as (host, _, real):
            shared = self._place(new)[1]
            Path(real).rename(self._real(shared))
            self.caches.made(host, shared)

    def unlink(self, path: str) -> None:
        """Take a name away."""
        with self._call("unlink", path) as (host, shared, real):
            self._known(host, shared)
            info = os.lstat(real)
            Path(real).unlink()
            if info.st_nlink == 1:
                self.caches.forget(info.st_ino)

    def rmdir(self, path: str) -> None:
        """Take an empty folder away."""
        with self._call("rmdir", path) as (_, _, real):
            Path(real).rmdir()

    def chmod(self, path: str, mode: int) -> None:
        """Change who may."""
        with self._call("chmod", path) as (_, _, real):
            Path(real).chmod(mode)

    def chown(self, path: str, uid: int, gid: int) -> None:
        """Everything belongs to everybody."""

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> None:
        """Set a file's times."""
        with self._call("utimens", path) as (_, _, real):
            os.utime(real, ns=times) if times is not None else os.utime(real)

    # What the tests say.

    def _control(self, data: bytes) -> None:
        told = orjson.loads(data)
        with self._lock:
            if "weather" in told:
                self.dice.weather = Weather(**told["weather"])
            if "power" in told:
                self._lives[told["power"]] += 1
                self.caches.drop(told["power"])


def _server_flags(flags: int) -> int:
    """How the server opens a file: it must be able to read what a host only writes."""
    access = os.O_RDWR if flags & os.O_ACCMODE else os.O_RDONLY
    return access | (flags & (os.O_CREAT | os.O_EXCL | os.O_TRUNC))
