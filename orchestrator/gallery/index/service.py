"""The indexes of the open projects: scanned in the background, asked from the event loop.

Everything that blocks runs in threads. Scans have threads of their own, because a share that hangs
hangs whoever waits for it; questions have a few others, because they only wait for local disk.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import structlog
from attrs import define, field

from orchestrator.errors import IndexDamaged, IndexUnusable, OrchestratorError
from orchestrator.gallery.index import schema
from orchestrator.gallery.index.model import Found, Progress, ScanReport, Search, Seen
from orchestrator.gallery.index.scanner import Scan, differing
from orchestrator.gallery.index.store import Index
from orchestrator.gallery.listing import FileStat

_log = structlog.get_logger(__name__)
T = TypeVar("T")

#: A project that somebody looks at is scanned so often (seconds).
RESCAN_EVERY = 60.0
#: Somebody looks at a project for so long after the last question about it (seconds).
WATCHED_FOR = 300.0
#: How often we see whether a scan is due (seconds).
TICK = 5.0
#: How long a scan that was told to stop is waited for (seconds); then its thread is left behind.
CLOSE_WITHIN = 2.0
#: Questions that are answered side by side.
_THREADS = 4


@define(eq=False)
class ProjectIndex:
    """The index of one project. Methods are called on the event loop and never block it."""

    root: Path
    #: Where the index is kept, on local disk.
    cache: Path
    _indexer: Indexer
    #: How far the scan that runs is, or how the last one ended.
    progress: Progress = field(factory=lambda: Progress("looking", 0, None))
    #: What the last whole scan found; None before the first.
    report: ScanReport | None = None
    _index: Index | None = None
    _opening: threading.Lock = field(factory=threading.Lock)
    _looked: float = float("-inf")
    _scanned: float = float("-inf")
    _running: threading.Thread | None = None
    _stop: threading.Event = field(factory=threading.Event)
    #: Those who wait for the scan that runs, and for the one after it.
    _now: list[asyncio.Future[ScanReport]] = field(factory=list)
    _next: list[asyncio.Future[ScanReport]] = field(factory=list)
    _wanted: bool = False
    _accept_loss: bool = False
    #: Listed files that wait to be read, by path.
    _listed: dict[str, Seen] = field(factory=dict)

    # Questions. ---------------------------------------------------------------------------------

    async def ask(self, question: Callable[[Index], T]) -> T:
        """The answer of the index, worked out in a thread.

        Raises:
            IndexUnusable: The local disk does not let us.
            IndexDamaged: It was broken, and is being made anew.
        """
        self._looked = self._indexer.clock()
        loop = asyncio.get_running_loop()
        if self._stop.is_set():
            raise IndexUnusable(str(self.cache), "it was closed")
        return await loop.run_in_executor(self._indexer.threads, self._answer, question)

    async def search(self, wanted: Search) -> Found:
        """Find files by what stands in them."""
        return await self.ask(lambda index: index.search(wanted))

    async def moved(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Files were given new paths by the service, (old, new) each."""
        await self.ask(lambda index: index.moved(pairs))

    async def moved_folder(self, old: str, new: str) -> None:
        """A folder was given a new path by the service."""
        await self.ask(lambda index: index.moved_folder(old, new))

    async def forget(self, paths: Iterable[str]) -> None:
        """Files went to the trash, or for good."""
        given = tuple(paths)
        await self.ask(lambda index: index.forget(given))

    async def refresh(self, folder: str, listing: Sequence[FileStat]) -> int:
        """A folder was just listed: what is new or changed there is read soon; how many that is.

        Args:
            folder: Below the project, with `/`; `.` is the project itself.
            listing: Its files.
        """
        found = await self.ask(lambda index: differing(index, folder, listing))
        self._listed.update((file.path, file) for file in found)
        self._start()
        return len(found)

    async def rescan(self, *, accept_loss: bool = False) -> ScanReport:
        """Look through the project, beginning from now; what that found.

        Args:
            accept_loss: Somebody confirms that missing files are deleted, however many they are.
        """
        done: asyncio.Future[ScanReport] = asyncio.get_running_loop().create_future()
        self._next.append(done)
        self._accept_loss = self._accept_loss or accept_loss
        self.want()
        return await done

    def want(self) -> None:
        """Have the project looked through soon."""
        self._wanted = True
        self._start()

    # Scans. -------------------------------------------------------------------------------------

    def is_due(self, now: float) -> bool:
        """Whether somebody looks, and the last scan was long ago."""
        watched = now - self._looked < WATCHED_FOR
        return watched and self._running is None and now - self._scanned >= RESCAN_EVERY

    def _start(self) -> None:
        """Start what is wanted, unless something runs: then it is started after that."""
        if self._running is not None or self._stop.is_set():
            return
        listed, whole = list(self._listed.values()), self._wanted
        if not whole and not listed:
            return
        self._listed.clear()  # a whole scan meets them as well
        accept_loss = False
        if whole:
            self._now, self._next, self._wanted = self._next, [], False
            accept_loss, self._accept_loss = self._accept_loss, False
        loop = asyncio.get_running_loop()

        def tell(progress: Progress) -> None:
            _soon(loop, lambda: self._told(progress))

        def run() -> None:
            ended: ScanReport | Exception
            try:
                ended = self._scan(None if whole else listed, tell, accept_loss=accept_loss)
            except Exception as exc:  # noqa: BLE001  # told on the event loop, below
                ended = exc
            _soon(loop, lambda: self._ended(ended, whole=whole))

        # A daemon: one that hangs on a dead share must not keep the program from ending.
        self._running = threading.Thread(target=run, name="index-scan", daemon=True)
        self._running.start()

    def _scan(
        self, listed: list[Seen] | None, tell: Callable[[Progress], None], *, accept_loss: bool
    ) -> ScanReport:
        """Blocks, for long."""

        def look(index: Index) -> ScanReport:
            scan = Scan(
                self.root, index, self._stop, tell, self._indexer.follow, accept_loss=accept_loss
            )
            return scan.run() if listed is None else scan.read_only(listed)

        try:
            return self._answer(look)
        except IndexDamaged:
            return self._answer(look)  # made anew by now; if that is damaged too, it is told

    def _told(self, progress: Progress) -> None:
        self.progress = progress
        for listener in self._indexer.listeners:
            listener(self.root, progress)

    def _ended(self, ended: ScanReport | Exception, *, whole: bool) -> None:
        self._running = None
        waiting = []
        if whole:
            self._scanned = self._indexer.clock()
            waiting, self._now = self._now, []
        if isinstance(ended, ScanReport):
            if whole:
                self.report = ended
            for listener in self._indexer.enders:
                listener(self.root, ended)
        else:
            self._log_failure(ended)
        for future in waiting:
            if future.done():
                continue
            if isinstance(ended, ScanReport):
                future.set_result(ended)
            else:
                future.set_exception(ended)
        self._start()

    def _log_failure(self, failure: Exception) -> None:
        if isinstance(failure, OrchestratorError):
            _log.warning("index.scan_failed", root=str(self.root), reason=str(failure))
        else:
            _log.error("index.scan_broke", root=str(self.root), exc_info=failure)

    # In threads. --------------------------------------------------------------------------------

    def _answer(self, question: Callable[[Index], T]) -> T:
        """Ask the index, opened if need be; one that is damaged is made anew. Blocks."""
        with self._opening:
            if self._stop.is_set():
                raise IndexUnusable(str(self.cache), "it was closed")
            index = self._index = self._index or Index(self.cache)
        try:
            return question(index)
        except IndexDamaged:
            self._make_anew(index)
            raise

    def _make_anew(self, damaged: Index) -> None:
        with self._opening:
            if self._index is not damaged:
                return  # somebody else has done it
            damaged.close()
            schema.remove(self.cache)
            self._index = None
        self._indexer.soon(self.want)

    async def close(self) -> None:
        """Stop what runs, and let go of the index's file."""
        self._stop.set()
        thread, loop = self._running, asyncio.get_running_loop()
        if thread is not None:
            await loop.run_in_executor(self._indexer.threads, thread.join, CLOSE_WITHIN)
        with self._opening:
            index, self._index = self._index, None
        if index is not None:
            await loop.run_in_executor(self._indexer.threads, index.close)
        for future in [*self._now, *self._next]:
            if not future.done():
                future.set_exception(IndexUnusable(str(self.cache), "it was closed"))


@define(eq=False)
class Indexer:
    """The indexes of all projects that were asked for."""

    #: Whether a link to a folder may be followed (`Roots.permits`); without it no link is.
    follow: Callable[[Path], bool] | None = None
    clock: Callable[[], float] = time.monotonic
    #: Called on the event loop with a project's folder, while it is scanned and after.
    listeners: list[Callable[[Path, Progress], None]] = field(factory=list)
    enders: list[Callable[[Path, ScanReport], None]] = field(factory=list)
    threads: ThreadPoolExecutor = field(init=False)
    _projects: dict[Path, ProjectIndex] = field(factory=dict)
    _loop: asyncio.AbstractEventLoop | None = None
    _ticker: asyncio.Task[None] | None = None

    @threads.default
    def _make_threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_THREADS, thread_name_prefix="index-ask")

    def of(self, root: Path, cache: Path) -> ProjectIndex:
        """The index of a project; the first call for a project starts its first scan.

        Args:
            root: The project's folder.
            cache: Where its index is kept, on local disk. Made if need be.
        """
        project = self._projects.get(root)
        if project is None:
            if self._ticker is None:
                self._loop = asyncio.get_running_loop()
                self._ticker = self._loop.create_task(self._tick_for_ever())
            project = self._projects[root] = ProjectIndex(root, cache, self)
            project.want()
        return project

    def tick(self) -> None:
        """Start the scans that are due."""
        now = self.clock()
        for project in self._projects.values():
            if project.is_due(now):
                project.want()

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self.tick()

    def soon(self, call: Callable[[], None]) -> None:
        """Have something called on the event loop, from any thread."""
        if self._loop is not None:
            _soon(self._loop, call)

    async def close(self) -> None:
        """Stop all scans; a thread that hangs on a dead share is left behind."""
        if self._ticker is not None:
            self._ticker.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticker
        await asyncio.gather(*(project.close() for project in self._projects.values()))
        self._projects.clear()
        self.threads.shutdown(wait=False, cancel_futures=True)


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop has ended, and nobody is left to be told
        loop.call_soon_threadsafe(call)
