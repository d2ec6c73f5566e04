"""File systems for tests: one that fails on command, one that forgets, one that is a dict."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

from events.log.disk_io import Chunk, DiskIO

#: What shares answer: gone, full, stale, over quota, unreachable, descriptor lost, not permitted,
#: read-only all at once, too late.
ERRNOS = (
    errno.EIO,
    errno.ENOSPC,
    errno.ESTALE,
    errno.EDQUOT,
    errno.EHOSTDOWN,
    errno.EBADF,
    errno.EACCES,
    errno.EROFS,
    errno.ETIMEDOUT,
)


class RecordingDisk(DiskIO):
    """The real file system without the real fsync; it notes every call that changes something."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self._names: dict[int, str] = {}

    def create(self, path: Path) -> int:
        self._note("create", path.name)
        descriptor = super().create(path)
        self._names[descriptor] = path.name
        return descriptor

    def reopen(self, path: Path) -> int:
        self._note("reopen", path.name)
        descriptor = super().reopen(path)
        self._names[descriptor] = path.name
        return descriptor

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        self._note("write", self._names[descriptor])
        super().write(descriptor, data, offset)

    def sync(self, descriptor: int) -> None:
        self._note("sync", self._names[descriptor])

    def size(self, descriptor: int) -> int:
        self._note("size", self._names[descriptor])
        return super().size(descriptor)

    def close(self, descriptor: int) -> None:
        self._note("close", self._names[descriptor])
        super().close(descriptor)

    def link(self, existing: Path, path: Path) -> None:
        self._note("link", path.name)
        super().link(existing, path)

    def sync_folder(self, folder: Path) -> None:
        self._note("sync_folder", folder.name)

    def _note(self, call: str, name: str) -> None:
        self.calls.append((call, name))

    def count(self, call: str) -> int:
        """How often a call was made."""
        return sum(1 for made, _ in self.calls if made == call)


#: How a call fails: before it did anything, after it did half, or after it did all of it.
FAILURES = ("not done", "half done", "done all the same")


class FaultyDisk(RecordingDisk):
    """Calls whose place in the sequence is in `failing` raise; all are still counted."""

    def __init__(
        self, failing: Callable[[int], bool], number: int, failure: str = "not done"
    ) -> None:
        super().__init__()
        self._failing = failing
        self._number = number
        self._failure = failure
        #: Descriptors that a failed call was made on: nobody may use them again.
        self.broken: set[int] = set()
        self.touched_again: list[str] = []
        #: Creating waits for this.
        self.hold = threading.Event()
        self.hold.set()

    def _fails(self) -> bool:
        return self._failing(len(self.calls))

    def _error(self) -> OSError:
        return OSError(self._number, os.strerror(self._number))

    def create(self, path: Path) -> int:
        assert self.hold.wait(timeout=30)
        if not self._fails():
            return super().create(path)
        self._note("create", path.name)
        if self._failure != "not done":
            os.close(DiskIO.create(self, path))
        raise self._error()

    def reopen(self, path: Path) -> int:
        if self._fails():
            self._note("reopen", path.name)
            raise self._error()
        return super().reopen(path)

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        self._judge(descriptor)
        if not self._fails():
            super().write(descriptor, data, offset)
            return
        self.broken.add(descriptor)
        self._note("write", self._names[descriptor])
        if self._failure == "half done":
            DiskIO.write(self, descriptor, data[: len(data) // 2], offset)
        elif self._failure == "done all the same":
            DiskIO.write(self, descriptor, data, offset)
        raise self._error()

    def sync(self, descriptor: int) -> None:
        self._judge(descriptor)
        self._maybe("sync", descriptor)
        super().sync(descriptor)

    def size(self, descriptor: int) -> int:
        self._judge(descriptor)
        self._maybe("size", descriptor)
        return super().size(descriptor)

    def close(self, descriptor: int) -> None:
        self._judge(descriptor)
        self._maybe("close", descriptor)
        super().close(descriptor)

    def sync_folder(self, folder: Path) -> None:
        if self._fails():
            self._note("sync_folder", folder.name)
            raise self._error()
        super().sync_folder(folder)

    def _maybe(self, call: str, descriptor: int) -> None:
        if self._fails():
            self.broken.add(descriptor)
            self._note(call, self._names[descriptor])
            raise self._error()

    def _judge(self, descriptor: int) -> None:
        if descriptor in self.broken:
            self.touched_again.append(self._names[descriptor])


class SlowDisk(RecordingDisk):
    """An fsync takes until `release` is set; `syncing` says that one has begun."""

    def __init__(self) -> None:
        super().__init__()
        self.syncing = threading.Event()
        self.release = threading.Event()

    def sync(self, descriptor: int) -> None:
        super().sync(descriptor)
        self.syncing.set()
        assert self.release.wait(timeout=30)


class ForgetfulDisk(RecordingDisk):
    """Knows what would be left after a power cut: what was synced, under names that were synced."""

    def __init__(self) -> None:
        super().__init__()
        self._paths: dict[int, Path] = {}
        self._synced: dict[Path, bytes] = {}
        self._named: set[str] = set()

    def create(self, path: Path) -> int:
        descriptor = super().create(path)
        self._paths[descriptor] = path
        return descriptor

    def sync(self, descriptor: int) -> None:
        super().sync(descriptor)
        path = self._paths[descriptor]
        self._synced[path] = path.read_bytes()

    def sync_folder(self, folder: Path) -> None:
        super().sync_folder(folder)
        self._named = {path.name for path in folder.iterdir()}

    def left_after_power_cut(self) -> dict[str, bytes]:
        """Files by name."""
        return {p.name: data for p, data in self._synced.items() if p.name in self._named}


class DictDisk(DiskIO):
    """Files that are entries of a dict, for reading."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        #: Bytes handed out, and files opened.
        self.bytes_read = 0
        self.opened: list[str] = []

    def names(self, folder: Path) -> list[str]:
        return list(self.files)

    def read(self, path: Path, offset: int, limit: int) -> Chunk:
        if path.name not in self.files:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        data = self.files[path.name]
        part = data[offset : offset + limit]
        self.bytes_read += len(part)
        self.opened.append(path.name)
        return Chunk(part, len(data))
