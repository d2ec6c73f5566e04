"""Hashing many files: from the cache if known, else read by a few threads, with every fault named.

`Looking` belongs to the thread that made it; only the reading itself happens in others.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from attrs import define, field, frozen

from orchestrator.errors import FileChanging
from orchestrator.gallery.duplicates.cache import HashCache, Kind
from orchestrator.gallery.duplicates.opening import (
    CannotCompareError,
    Opened,
    StoppedError,
    opened,
)
from orchestrator.gallery.duplicates.report import Candidate

T = TypeVar("T")
R = TypeVar("R")

#: How many files were read, and how many are to be read as far as is known by now.
Progress = Callable[[int, int], None]
#: The hash of an open file.
Reader = Callable[[Opened], str]

#: Decoding and hashing let go of the interpreter, and a share answers several at once.
THREADS: Final = 4
#: Files handed to the threads ahead of the one that is waited for.
_AHEAD: Final = 32
#: Hashes written to the cache at once: so many are lost at most if the power goes.
_BATCH: Final = 256
#: Before the reason why a file cannot be compared, where a hash would stand in the cache.
_FAULT: Final = "!"


@frozen
class _Outcome:
    """What became of one file: a hash, or a fault with its mark, or neither if stopped."""

    value: str | None = None
    #: Whether an unchanged file would yield it again.
    lasting: bool = False


@define
class Looking:
    """One search for duplicates."""

    root: Path
    cache: HashCache
    stop: threading.Event
    progress: Progress | None = None
    #: Why files could not be compared, by path.
    unreadable: dict[str, str] = field(factory=dict)
    _read: int = 0
    _to_read: int = 0

    def hashes(self, files: Sequence[Candidate], kind: Kind, reader: Reader) -> dict[str, str]:
        """The hashes of files by path. Those without are in `unreadable`, or came after a stop."""
        known = self.cache.get(kind, files)
        found: dict[str, str] = {}
        for path, value in known.items():
            self._take(path, value, found)
        unknown = [file for file in files if file.path not in known]
        self._to_read += len(unknown)
        fresh: list[tuple[Candidate, str]] = []
        try:
            for file, outcome in self.spread(lambda file: self._hash(file, reader), unknown):
                self._tell()
                if outcome.value is None:
                    continue
                self._take(file.path, outcome.value, found)
                if outcome.lasting:
                    fresh.append((file, outcome.value))
                if len(fresh) >= _BATCH:
                    self.cache.put(kind, fresh)
                    fresh = []
        finally:
            self.cache.put(kind, fresh)
        return found

    def spread(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
        """Do something for each item in threads; the results come in order, until a stop."""
        waiting: deque[tuple[T, Future[R]]] = deque()
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="duplicates")
        try:
            for item in items:
                if self.stop.is_set():
                    return
                waiting.append((item, pool.submit(work, item)))
                if len(waiting) >= _AHEAD:
                    first, future = waiting.popleft()
                    yield first, future.result()
            for item, future in waiting:
                if self.stop.is_set():
                    return
                yield item, future.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _hash(self, file: Candidate, reader: Reader) -> _Outcome:
        try:
            with opened(self.root, file, self.stop) as handle:
                return _Outcome(reader(handle), lasting=True)
        except StoppedError:
            return _Outcome()
        except CannotCompareError as exc:
            return _Outcome(f"{_FAULT}{exc}", lasting=True)
        except FileChanging:
            return _Outcome(f"{_FAULT}it changed while it was read")
        except OSError as exc:
            return _Outcome(f"{_FAULT}{exc.strerror or exc}")

    def _take(self, path: str, value: str, found: dict[str, str]) -> None:
        if value.startswith(_FAULT):
            self.unreadable[path] = value.removeprefix(_FAULT)
        else:
            found[path] = value

    def _tell(self) -> None:
        self._read += 1
        if self.progress is not None:
            self.progress(self._read, self._to_read)
