"""Thumbnails on local disk: bounded, the least recently used go first. Functions block.

Disposable: it may be deleted, cut off or scribbled on at any time, and a full or broken disk only
makes the service slower. Each file is a picture that any viewer shows; after it stand eight bytes
that tell whether it is whole, which viewers pass over.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import struct
import threading
import time
import zlib
from pathlib import Path
from typing import Final

import structlog
from attrs import define, field

from orchestrator.gallery.thumbnails.making import Made
from orchestrator.gallery.thumbnails.spec import MAKER, Key

_log = structlog.stdlib.get_logger(__name__)

#: Bytes that are kept unless somebody says otherwise.
LIMIT: Final = 2 << 30
#: A used file is marked as used when its last mark is older than so many seconds.
MARK_AFTER: Final = 3600.0
#: Trimming goes down to this part of the limit, so that it is rare: it looks at every file.
_TRIM_TO = 0.9
#: A file that was begun so many seconds ago will not be finished: its writer died.
_ABANDONED = 3600.0

_TRAILER: Final = struct.Struct(">4sI")
_READ: Final = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_WHOLE, _PART = b"thmW", b"thmP"
_OTHER_MAKER = re.compile(r"v[0-9]+")


@define(eq=False)
class DiskCache:
    """Where thumbnails are kept; any number of threads, and processes, may use it at once."""

    #: Nothing else may be kept in this folder.
    folder: Path
    limit: int = LIMIT
    mark_after: float = MARK_AFTER
    _home: Path = field(init=False)
    #: Bytes in it, as far as we know; None before anybody has looked.
    _total: int | None = None
    _counting: threading.Lock = field(factory=threading.Lock)
    _trimming: threading.Lock = field(factory=threading.Lock)
    _numbers: itertools.count[int] = field(factory=itertools.count)
    #: Whether the disk refused the last time, so that it is said once and not for each file.
    _ailing: bool = False

    @_home.default
    def _of_this_maker(self) -> Path:
        return self.folder / f"v{MAKER}"

    def read(self, key: Key) -> Made | None:
        """A thumbnail that is there and whole."""
        try:
            descriptor = os.open(self._path(key), _READ)
            try:
                info = os.fstat(descriptor)
                data = os.read(descriptor, info.st_size)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            return None
        except OSError as exc:
            self._ail(exc)
            return None
        if time.time() - info.st_mtime > self.mark_after:
            self._mark(key)
        return _checked(data)

    def write(self, key: Key, made: Made) -> None:
        """Keep a thumbnail, if the disk lets us."""
        mark = _WHOLE if made.whole else _PART
        parts = (made.data, _TRAILER.pack(mark, zlib.crc32(made.data)))
        path = Path(self._path(key))
        # Seen whole or not at all. Not synced: what a power cut leaves, the trailer tells.
        draft = path.with_name(f"{os.getpid()}-{next(self._numbers)}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with draft.open("xb", buffering=0) as file:
                    for part in parts:
                        _write_all(file.fileno(), part)
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
            self._grow(len(made.data) + _TRAILER.size)
        except OSError as exc:
            self._ail(exc)
        else:
            self._ailing = False

    def _grow(self, size: int) -> None:
        with self._counting:
            if self._total is not None:
                self._total += size
            full = self._total is None or self._total > self.limit
        # While one thread trims, the others go on.
        if full and self._trimming.acquire(blocking=False):
            try:
                self._trim()
            finally:
                self._trimming.release()

    def _trim(self) -> None:
        """Count what is there; if it is too much, delete what was not used for the longest."""
        for other in self.folder.iterdir():
            if other != self._home and _OTHER_MAKER.fullmatch(other.name):
                shutil.rmtree(other, ignore_errors=True)
        found = sorted(self._files())
        total = sum(size for _, size, _ in found)
        if total > self.limit:
            goal = int(self.limit * _TRIM_TO)
            for _, size, path in found:
                if total <= goal:
                    break
                Path(path).unlink(missing_ok=True)
                total -= size
        with self._counting:
            self._total = total

    def _files(self) -> list[tuple[float, int, str]]:
        """When it was used, size and path of every file; abandoned drafts are deleted."""
        found = []
        abandoned = time.time() - _ABANDONED
        for shelf in self._home.iterdir():
            with os.scandir(shelf) as entries:
                for entry in entries:
                    try:
                        info = entry.stat()
                        if entry.name.endswith(".tmp"):
                            if info.st_mtime < abandoned:
                                Path(entry.path).unlink()
                            continue
                    except FileNotFoundError:
                        continue  # finished or trimmed by another process
                    found.append((info.st_mtime, info.st_size, entry.path))
        return found

    def _mark(self, key: Key) -> None:
        """Used just now. The file's own time says so: it outlives us, and serves all processes."""
        try:
            os.utime(self._path(key))
        except FileNotFoundError:
            return  # trimmed meanwhile
        except OSError as exc:
            self._ail(exc)

    def _path(self, key: Key) -> str:
        return f"{self._home}/{key.head[:2]}/{key.name}"

    def _ail(self, exc: OSError) -> None:
        if not self._ailing:
            self._ailing = True
            _log.warning("thumbnails.cache_fails", folder=str(self.folder), reason=str(exc))


def _checked(data: bytes) -> Made | None:
    """What a file holds; None if it is not what was written."""
    if len(data) <= _TRAILER.size:
        return None
    mark, checksum = _TRAILER.unpack_from(data, len(data) - _TRAILER.size)
    picture = data[: -_TRAILER.size]
    if mark not in (_WHOLE, _PART) or zlib.crc32(picture) != checksum:
        return None
    return Made(picture, whole=mark == _WHOLE)


def _write_all(descriptor: int, data: bytes) -> None:
    """An unbuffered write may take less than it is given, without an error."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
