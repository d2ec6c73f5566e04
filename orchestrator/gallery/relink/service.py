"""Relinks lost assets after each look through a project; what is not certain waits for a person."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TypeVar
from weakref import WeakSet

import structlog
from attrs import define, field
from uuid_utils import uuid7

from events.assets import AssetId
from orchestrator.claiming import RELINK, claimed
from orchestrator.commands.curation import Sighting
from orchestrator.commands.importing import WelcomeFile
from orchestrator.commands.relinking import PERSON, MeetNewRender, RelinkAsset
from orchestrator.errors import (
    AssetTaken,
    AssetUnknown,
    ClaimHeld,
    Fault,
    FileChanging,
    FileMissing,
    FileUnreadable,
    InvalidFields,
    OrchestratorError,
    PathInvalid,
    PathNotPermitted,
)
from orchestrator.gallery.finder import Finder
from orchestrator.gallery.fingerprint import head
from orchestrator.gallery.index.model import ScanReport
from orchestrator.gallery.index.store import Index
from orchestrator.gallery.indexes import Indexes
from orchestrator.gallery.reading import reading
from orchestrator.gallery.relink.asking import (
    all_files,
    first_seen_of,
    known_of,
    naming_of,
    portions,
)
from orchestrator.gallery.relink.looking import Heads, Look
from orchestrator.gallery.relink.matching import FINGERPRINT, Matched, Pair
from orchestrator.project import Project

_log = structlog.get_logger(__name__)
T = TypeVar("T")

#: Who relinks, where no person does.
ACTOR = "relink"
#: Looks that wait for their shares side by side: one that hangs hangs one of these, nobody else.
_THREADS = 4
#: Assets that are relinked side by side.
_TURNS = 64
#: What may be wrong with one file, and is no fault of the project.
_OF_THE_FILE = (
    AssetTaken, FileChanging, FileMissing, FileUnreadable, InvalidFields, PathInvalid,
    PathNotPermitted,
)  # fmt: skip


@define(eq=False)
class _Round:
    """The relinking that goes on in one project."""

    task: asyncio.Task[None]
    #: Whether there was another look meanwhile.
    again: bool = False


@define(eq=False)
class _Guard:
    """The claim of a round, taken when there is anything to be told, and not before."""

    project: Project
    stack: AsyncExitStack
    _is_up: bool = False

    async def up(self) -> None:
        """Have the claim from now on.

        Raises:
            ClaimHeld: another host relinks in this project now.
            OrchestratorError: the project cannot be changed.
        """
        if not self._is_up:
            await self.stack.enter_async_context(claimed(self.project, RELINK))
            self._is_up = True


@define(eq=False)
class Relinker:
    """Finds files again that were renamed or moved outside of the service."""

    finder: Finder
    indexes: Indexes
    _rounds: dict[Project, _Round] = field(factory=dict)
    #: By the project's folder.
    _turns: dict[Path, asyncio.Lock] = field(factory=dict)
    _heads: dict[Path, Heads] = field(factory=dict)
    #: Projects that were looked at since they were opened.
    _seen: WeakSet[Project] = field(factory=WeakSet)
    _stop: threading.Event = field(factory=threading.Event)
    _threads: ThreadPoolExecutor = field(
        factory=lambda: ThreadPoolExecutor(_THREADS, thread_name_prefix="relink")
    )

    def scanned(self, root: Path, report: ScanReport) -> None:
        """A look through a project is over: relink what it makes certain."""
        project = self.finder.projects.find(root)
        if project is None or report.offline or report.stopped or self._stop.is_set():
            return
        whole = self.indexes.of(project).report
        if whole is None or whole.offline:
            return  # where files are that we have not met yet is not known
        if not report.touched and project in self._seen:
            return  # nothing came, nothing went
        self._seen.add(project)
        begun = self._rounds.get(project)
        if begun is not None:
            begun.again = True
            return
        task = asyncio.create_task(self._relink_all(project))
        self._rounds[project] = _Round(task)

    async def settled(self, project: Project) -> None:
        """Return when what the looks until now made certain is relinked."""
        begun = self._rounds.get(project)
        if begun is not None:
            await asyncio.wait({begun.task})

    async def look(self, project_path: str) -> Matched:
        """What is lost in a project, and which files it may be."""
        project = await self.finder.project(project_path)
        await self.settled(project)
        return await self._look(project)

    async def decide(
        self, project_path: str, asset: str, path: str, actor: str
    ) -> tuple[Project, str]:
        """A person says which file an asset is. Returns the project and the file's path.

        Raises:
            AssetUnknown: there is no such asset.
            InvalidFields: its file is not lost.
            AssetTaken: the file is another asset.
            OrchestratorError: there is no such file, or the project cannot be changed.
        """
        project = await self.finder.editable(project_path, actor)
        known = project.view.asset(AssetId(asset))
        if known is None:
            raise AssetUnknown(asset)
        sighting = await self._in_thread(partial(self._sight, project.root, path))
        if sighting.path != known.path and project.view.asset_at(known.path) == asset:
            try:
                here = await self._in_thread(partial(self._sight, project.root, known.path))
            except FileMissing:
                here = None
            if here is not None and (here.size, here.head) == (known.size, known.head):
                raise InvalidFields((Fault("assetId", f"is not lost: see {known.path}", asset),))
        command = RelinkAsset(
            asset=AssetId(asset), source=known.path, sighting=sighting, reason=PERSON
        )
        if await project.change(command, actor):
            await self._not_missing(project, [known.path])
        return project, sighting.path

    # Looking. -----------------------------------------------------------------------------------

    async def _look(self, project: Project) -> Matched:
        """Compare the log, the index and the share, each where it may be waited for."""
        async with self._turns.setdefault(project.root, asyncio.Lock()):
            known = known_of(project)
            if not known.keys:
                return Matched((), ())
            index = self.indexes.of(project)
            files = await index.ask(all_files)
            heads = self._heads.setdefault(project.root, Heads())
            look = Look(project.root, known, files, heads, self._stop)
            await self._in_thread(look.find)
            made, lost = look.made(), {each.asset: each.path for each in look.lost}
            if made:
                naming = await index.ask(lambda asked: naming_of(asked, made, lost))
                await self._in_thread(partial(look.follow, naming))
            first_seen = {}
            for part in portions(look.candidates()):
                first_seen.update(await index.ask(partial(first_seen_of, part)))
            return await self._in_thread(partial(look.decide, first_seen))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _sight(self, root: Path, path: str) -> Sighting:
        file = self.finder.locate(root, path)
        with reading(file.path):
            print_ = head(file.path, file.size)
        return Sighting(file.relative, file.size, file.mtime_ns, print_)

    # Relinking. ---------------------------------------------------------------------------------

    async def _relink_all(self, project: Project) -> None:
        mine = None
        try:
            while mine is None or mine.again:
                mine = self._rounds[project]
                mine.again = False
                await self._relink(project)
        except ClaimHeld as exc:
            # What it finds we will see in the log. If it finds nothing, our next look tries again.
            self._seen.discard(project)
            _log.info("relink.skipped", project=str(project.root), reason=str(exc))
        except OrchestratorError as exc:
            # The next look that finds anything new tries again.
            self._seen.discard(project)
            _log.warning("relink.failed", project=str(project.root), error=str(exc))
        except Exception:  # noqa: BLE001  # told in full; nobody waits for an answer
            _log.exception("relink.broke", project=str(project.root))
        finally:
            del self._rounds[project]

    async def _relink(self, project: Project) -> None:
        async with AsyncExitStack() as stack:
            await self._relink_under(project, _Guard(project, stack))

    async def _relink_under(self, project: Project, guard: _Guard) -> None:
        batch = str(uuid7())
        await self._pair(project, batch, guard)
        # After that: what was only brought to the place of another one is no new picture. What a
        # new one took the place of is lost from now on, and perhaps its run made another file.
        if await self._meet_new(project, batch, guard):
            await self._pair(project, batch, guard)
        awaited = list(project.view.awaited())
        if awaited:
            await self._welcome(project, awaited, batch, guard)

    async def _pair(self, project: Project, batch: str, guard: _Guard) -> None:
        """Relink what is certain."""
        matched = await self._look(project)
        if self._stop.is_set() or not matched.pairs:
            return
        await guard.up()
        turns = asyncio.Semaphore(_TURNS)

        async def one(pair: Pair) -> str | None:
            async with turns:
                return pair.lost.path if await self._apply(project, pair, batch) else None

        # Side by side, so that what is written waits for the share together.
        ends = await asyncio.gather(*map(one, matched.pairs))
        left = [path for path in ends if path is not None]
        if left:
            await self._not_missing(project, left)

    async def _meet_new(self, project: Project, batch: str, guard: _Guard) -> bool:
        """Tell of files that were made anew under the name of an asset. Whether there were any."""
        index, told = self.indexes.of(project), False
        files = await index.ask(lambda asked: asked.made_anew())
        over: list[str] = []
        for path, seen in files.items():
            if project.view.asset_at(path) is None:
                over.append(path)  # nothing was said of what lay there
                continue
            try:
                sighting = await self._in_thread(partial(self._sight, project.root, path))
                if (sighting.size, sighting.mtime) != seen:
                    continue  # it changed again: the next look reads it
                await guard.up()
                command = MeetNewRender(sighting=sighting)
                told = bool(await project.change(command, ACTOR, batch)) or told
            except _OF_THE_FILE as exc:
                _log.info("relink.not_met", path=path, reason=str(exc))
                continue
            over.append(path)
        if over:
            await index.ask(lambda asked: asked.told_anew(over))
        return told

    async def _not_missing(self, project: Project, left: Iterable[str]) -> None:
        """Tell the index that files are not missing where they lay: they lie elsewhere now."""

        def forget(index: Index) -> None:
            gone = {file.path for file in index.missing()}
            index.forget(gone.intersection(left))

        await self.indexes.of(project).ask(forget)

    async def _apply(self, project: Project, pair: Pair, batch: str) -> bool:
        """Relink an asset. Returns whether that changed anything."""
        lost = pair.lost
        try:
            sighting = await self._in_thread(partial(self._sight, project.root, pair.path))
            seen = sighting.size, sighting.head
            if pair.reason == FINGERPRINT and seen != (lost.size, lost.head):
                return False  # it changed since we looked
            command = RelinkAsset(
                asset=lost.asset, source=lost.path, sighting=sighting, reason=pair.reason
            )
            told = await project.change(command, ACTOR, batch)
        except _OF_THE_FILE as exc:
            _log.info("relink.not_done", path=pair.path, reason=str(exc))
            return False
        if told:
            where = {"source": lost.path, "path": sighting.path, "reason": pair.reason}
            _log.info("asset.relinked", project=str(project.root), **where)
        return bool(told)

    async def _welcome(
        self, project: Project, awaited: Iterable[str], batch: str, guard: _Guard
    ) -> None:
        """Give files that were awaited what was said of them."""
        files = await self.indexes.of(project).ask(all_files)
        for path in awaited:
            if path not in files:
                continue  # still not there
            try:
                sighting = await self._in_thread(partial(self._sight, project.root, path))
                await guard.up()
                await project.change(WelcomeFile(path=path, sighting=sighting), ACTOR, batch)
            except _OF_THE_FILE as exc:
                _log.info("relink.not_welcomed", path=path, reason=str(exc))

    async def close(self) -> None:
        """Stop looking; a thread that hangs on a dead share is left behind."""
        self._stop.set()
        working = [begun.task for begun in self._rounds.values()]
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)
