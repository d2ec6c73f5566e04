"""Brings the index up to what lies in a project: looks at all files, reads those that changed.

Blocks, for long; runs in a thread of its own. What was read is kept batch by batch, so a scan that
was stopped is gone on with by the next one.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from attrs import define, evolve, field

from orchestrator.gallery.attributes import look_at
from orchestrator.gallery.index.differences import Comparison, Differences
from orchestrator.gallery.index.lanes import Lanes
from orchestrator.gallery.index.model import Phase, Progress, ScanReport, Seen, joined
from orchestrator.gallery.index.reading import Entry, read_entry
from orchestrator.gallery.index.rows import Row
from orchestrator.gallery.index.store import Index
from orchestrator.gallery.index.walk import Walk
from orchestrator.gallery.listing import FileStat

#: Files that are read, and written into the index, at a time.
BATCH = 2_000
#: The first batches are small: whether a share is slow shall not show after 500 files only.
FIRST_BATCH = 25
#: A batch that took longer than this (seconds) is followed by a smaller one.
_QUICK = 0.2
#: Batches that may wait to be written: memory, against waiting for each other.
_AHEAD = 2
#: Files that may fail one after the other before the share is taken to be gone.
_MANY_FAILED = 20
#: How often progress is told, in seconds.
_TELL_EVERY = 0.1
#: How often a scan that waits for another one looks whether it was told to stop.
_LOOK = 0.1

Tell = Callable[[Progress], None]
Reader = Callable[[str], Entry]


@define
class _Teller:
    """Tells progress, not too often, but each change of phase."""

    tell: Tell | None
    _phase: Phase | None = None
    _next: float = 0.0

    def __call__(self, phase: Phase, done: int, total: int | None) -> None:
        now = time.monotonic()
        if self.tell is not None and (phase != self._phase or now >= self._next or done == total):
            self._phase, self._next = phase, now + _TELL_EVERY
            self.tell(Progress(phase, done, total))


@define(eq=False)
class Scan:
    """One look through a project."""

    root: Path
    index: Index
    #: Set to have it stop soon.
    stop: threading.Event = field(factory=threading.Event)
    tell: Tell | None = None
    #: Whether a link to a folder may be followed; without it no link is.
    follow: Callable[[Path], bool] | None = None
    #: Take files for deleted however many are missing: somebody has confirmed it.
    accept_loss: bool = False
    read: Reader = read_entry
    _teller: _Teller = field(init=False)
    _lanes: Lanes = field(init=False)
    _root: str = field(init=False)
    _unreadable: list[str] = field(factory=list, init=False)
    _read: list[str] = field(factory=list, init=False)
    _failed_in_row: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._teller = _Teller(self.tell)
        self._lanes = Lanes(self.stop)
        self._root = f"{self.root}{os.sep}"

    def run(self) -> ScanReport:
        """Look, read and record. Waits for another scan of the same index to end first.

        Raises:
            IndexUnusable, IndexDamaged: What was recorded until then stays.
        """
        with self._turn():
            return self._run(time.monotonic())

    def read_only(self, files: Sequence[Seen]) -> ScanReport:
        """Read files that a listing has just shown to be new or changed, and nothing else."""
        with self._turn():
            begin = time.monotonic()
            listed = sorted(files, key=lambda file: file.mtime_ns)
            self._read_all(listed)
            self._tidy()
            return self._report(Differences(files=len(listed)), begin)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Around a scan: no other one of the same index runs, unless we were told to stop."""
        while not (mine := self.index.scanning.acquire(timeout=_LOOK)):
            if self.stop.is_set():
                break
        try:
            yield
        finally:
            if mine:
                self.index.scanning.release()

    def _run(self, begin: float) -> ScanReport:
        found = self._look()
        if self.stop.is_set() or (found.offline and not self._confirmed(found)):
            return self._report(found, begin)
        missing = [path for path in found.missing if self._is_gone(path)]
        if missing:
            if not _is_there(self.root):
                # It went while we looked, and some of its files with it.
                return self._report(evolve(found, nothing_there=True), begin)
            self.index.lose(missing)
        if found.back:
            self.index.regain(found.back)
        self._read_all(found.to_read)
        self._teller("done", found.files, found.files)
        self._tidy()
        return self._report(found, begin, [*missing, *found.back])

    def _confirmed(self, found: Differences) -> bool:
        return self.accept_loss and not found.nothing_there

    def _report(self, found: Differences, begin: float, touched: Iterable[str] = ()) -> ScanReport:
        gone = self._failed_in_row >= _MANY_FAILED
        return ScanReport(
            files=found.files,
            read=len(self._read),
            changed=len(found.changed.intersection(self._read)),
            missing=len(found.missing),
            offline=gone or (found.offline and not self._confirmed(found)),
            unreadable=tuple(sorted([*found.unreadable, *self._unreadable])),
            seconds=time.monotonic() - begin,
            stopped=self.stop.is_set(),
            touched=(*touched, *self._read),
        )

    # Looking. -----------------------------------------------------------------------------------

    def _look(self) -> Differences:
        """Compare the project with the index. Nothing is written."""
        total = self.index.count()
        walk = Walk(self.root, self.follow, births=not total)
        comparison = Comparison()
        self._teller("looking", 0, total or None)
        try:
            # An empty folder is where a share is mounted when it is.
            nothing_there = total > 0 and _is_empty(self.root)
            for folder in walk.folders():
                if self.stop.is_set():
                    break
                # Listed first: a file that the service moves meanwhile is then seen twice, or
                # looked for once more before it is called missing.
                comparison.compare(folder, self.index.known(folder.relative))
                self._teller("looking", comparison.files, max(total, comparison.files) or None)
        except OSError as exc:
            walk.unreadable.append(f". ({exc.strerror or exc})")
            nothing_there = True
        missing = comparison.missing
        if not self.stop.is_set() and not nothing_there:
            missing |= self._unvisited(comparison.visited, walk.unreadable)
        comparison.to_read.sort(key=lambda file: file.mtime_ns)
        return Differences(
            files=comparison.files,
            known=total,
            to_read=comparison.to_read,
            changed=frozenset(comparison.changed),
            missing=missing,
            back=comparison.back,
            unreadable=[*comparison.unreadable, *walk.unreadable],
            nothing_there=nothing_there,
        )

    def _unvisited(self, visited: set[str], unreadable: list[str]) -> dict[str, tuple[int, int]]:
        """Files known in folders that are gone. Those that could not be read are not gone."""
        return {
            joined(folder, name): (size, mtime)
            for folder in self.index.known_folders()
            if folder not in visited and not _lies_in(folder, unreadable)
            for name, (size, mtime, missing) in self.index.known(folder).items()
            if not missing
        }

    def _is_gone(self, path: str) -> bool:
        """Ask once more: between the listing and the look into the index it may have moved."""
        try:
            (self.root / path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            self._unreadable.append(path)
        return False

    # Reading. -----------------------------------------------------------------------------------

    def _read_all(self, files: list[Seen]) -> None:
        """Read files, which come in rising order of time, from the end: the newest first."""
        total, left = len(files), len(files)
        first_id = self.index.reserve(total)
        waiting: list[Future[None]] = []
        size = FIRST_BATCH
        self._teller("reading", 0, total)
        while left and not self.stop.is_set() and self._failed_in_row < _MANY_FAILED:
            begin = max(0, left - size)
            started = time.monotonic()
            numbered = [(first_id + at, files[at]) for at in range(left - 1, begin - 1, -1)]
            rows = [row for row in self._lanes.run(numbered, self._row) if row is not None]
            quick = time.monotonic() - started < _QUICK
            if len(waiting) >= _AHEAD:
                waiting.pop(0).result()
            if rows:
                self._read += [row.seen.path for row in rows]
                rows.reverse()
                waiting.append(self.index.put(rows))
            left, size = begin, min(BATCH, 4 * size) if quick else max(FIRST_BATCH, size // 2)
            self._teller("reading", total - left, total)
        for put in waiting:
            put.result()

    def _row(self, numbered: tuple[int, Seen]) -> Row | None:
        """A file read; None if it is gone or cannot be read, and then it is named."""
        number, file = numbered
        try:
            path = self._root + file.path
            entry = self.read(path)
            if file.birth_ns is None:
                file = file._replace(birth_ns=look_at(path).birth_ns)
        except (FileNotFoundError, NotADirectoryError):
            return None  # the next scan will say whether it is missing or has moved
        except OSError:
            self._unreadable.append(file.path)
            self._failed_in_row += 1
            return None
        self._failed_in_row = 0
        return Row(number, file, entry)

    def _tidy(self) -> None:
        """Join what was written batch by batch; searches find it all before that, too."""
        while self._read and not self.stop.is_set() and self.index.tidy():
            pass


def differing(index: Index, folder: str, listing: Iterable[FileStat]) -> list[Seen]:
    """The files of a folder that was just listed which the index does not know as they are.

    Blocks, on local disk only. What is missing is left to a scan, which sees the whole project.
    """
    known = index.known(folder)
    return [
        Seen(folder, file.name, file.size, file.mtime_ns, file.birth_ns)
        for file in listing
        if known.get(file.name) != (file.size, file.mtime_ns, False)
    ]


def _is_empty(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return next(entries, None) is None


def _is_there(folder: Path) -> bool:
    try:
        return not _is_empty(folder)
    except OSError:
        return False


def _lies_in(folder: str, tops: Iterable[str]) -> bool:
    return any(folder == top or folder.startswith(f"{top}/") for top in tops)
