"""Shares that do wrong, in one way each, on top of a real folder; and assistants in threads."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unicodedata import normalize

from attrs import define, field

from events.log.disk_io import Chunk
from tools.doctor.assistant import Assistant
from tools.doctor.second import Second, Starter
from tools.doctor.share import Seen, Share


class QuickShare(Share):
    """The real file system without fsync: no power is cut in these tests."""

    def sync(self, descriptor: int) -> None:
        """Nothing waits for the disk."""


class FailingShare(QuickShare):
    """One call fails, always."""

    def __init__(self, call: str, number: int) -> None:
        """`call` is the name of the method, `number` the errno."""

        def fail(*_arguments: object, **_named: object) -> None:
            raise OSError(number, os.strerror(number))

        setattr(self, call, fail)


class HangingShare(QuickShare):
    """One call never comes back, until the test ends."""

    def __init__(self, call: str) -> None:
        """`call` is the name of the method."""
        self.released = threading.Event()

        def hang(*_arguments: object, **_named: object) -> None:
            self.released.wait(30)
            raise OSError(errno.EIO, "released")

        setattr(self, call, hang)


class BothWinShare(QuickShare):
    """Exclusive creation is not exclusive: as where each client asks only itself."""

    def create(self, path: Path) -> int:
        """See `DiskIO`."""
        return os.open(path, os.O_WRONLY | os.O_CREAT, 0o664)


class NobodyWinsShare(QuickShare):
    """The answer that a file was created is lost, and asked for again."""

    def create(self, path: Path) -> int:
        """See `DiskIO`."""
        if path.name.startswith("race-"):
            os.close(super().create(path))
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        return super().create(path)


class LateShare(QuickShare):
    """What was written is seen only after a while, in chosen ways of looking."""

    def __init__(self, seconds: float, *, ways: tuple[str, ...]) -> None:
        """`ways` are names of the files that are seen late."""
        self._seconds = seconds
        self._ways = ways
        self._first: dict[tuple[str, int], float] = {}

    def read(self, path: Path, offset: int, limit: int) -> Chunk:
        """See `DiskIO`."""
        chunk = super().read(path, offset, limit)
        if path.name in self._ways and self._is_young(path, offset + len(chunk.data)):
            return Chunk(b"", offset)
        return chunk

    def look(self, path: Path) -> Seen:
        """See `Share`."""
        seen = super().look(path)
        if path.parent.name in self._ways and self._is_young(path, 0):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return seen

    def _is_young(self, path: Path, size: int) -> bool:
        now = time.monotonic()
        return now - self._first.setdefault((str(path), size), now) < self._seconds


class GarblingShare(QuickShare):
    """Other bytes come back than were written, or NULs for a while."""

    def __init__(self, *, nuls: bool) -> None:
        """Whether NULs come first, and then the right bytes."""
        self._nuls = nuls
        self._looks = 0

    def read(self, path: Path, offset: int, limit: int) -> Chunk:
        """See `DiskIO`."""
        chunk = super().read(path, offset, limit)
        if not path.name.startswith("watched") or not chunk.data:
            return chunk
        self._looks += 1
        if not self._nuls:
            return Chunk(b"?" * len(chunk.data), chunk.size)
        return Chunk(bytes(len(chunk.data)), chunk.size) if self._looks == 1 else chunk


class NormalizingShare(QuickShare):
    """Names are rewritten: decomposed as by old Macs, without a trailing dot as by Windows."""

    def create(self, path: Path) -> int:
        """See `DiskIO`."""
        return super().create(path.with_name(normalize("NFD", path.name).rstrip(". ") or "_"))

    def names(self, folder: Path) -> list[str]:
        """See `DiskIO`."""
        return super().names(folder)


class CaselessShare(QuickShare):
    """Names that differ only in case are one."""

    def create(self, path: Path) -> int:
        """See `DiskIO`."""
        if path.name.casefold() in {name.casefold() for name in self.names(path.parent)}:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        return super().create(path)


class ReplacingShare(QuickShare):
    """Moving replaces what has the name."""

    def move(self, source: Path, target: Path, *, folder: bool = False) -> None:
        """See `Share`."""
        if folder:
            super().move(source, target, folder=True)
        else:
            source.replace(target)


class PlainShare(QuickShare):
    """No exclusive rename in the kernel, and no hard links."""

    def can_rename_exclusively(self, source: Path, target: Path) -> bool | None:
        """See `Share`."""
        return False

    def link(self, existing: Path, path: Path) -> None:
        """See `DiskIO`."""
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))


@define
class OtherClock(QuickShare):
    """Files have the time of another clock, kept no finer than that."""

    ahead: float = 0.0
    grain_ns: int = 1
    _set: dict[Path, int] = field(factory=dict)

    def set_time(self, path: Path, mtime_ns: int) -> None:
        """See `Share`."""
        self._set[path] = mtime_ns // self.grain_ns * self.grain_ns

    def look(self, path: Path) -> Seen:
        """See `Share`."""
        seen = super().look(path)
        told = self._set.get(path, seen.mtime_ns + int(self.ahead * 1e9))
        return Seen(seen.size, told, seen.inode)


def in_a_thread(
    share: Callable[[], Share] = QuickShare,
    *,
    here: bool = True,
    wall_ns: Callable[[], int] = time.time_ns,
) -> Starter:
    """How an examination gets an assistant that sees the share in its own way."""

    @contextmanager
    def start(folder: Path, ours: Share) -> Iterator[Second]:
        stop = threading.Event()
        assistant = Assistant(folder, share(), stop, wall_ns)
        thread = threading.Thread(target=assistant.run)
        thread.start()
        try:
            yield Second(folder, ours, here=here)
        finally:
            stop.set()
            thread.join()

    return start
