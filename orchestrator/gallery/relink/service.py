"""Relinks lost assets after each look through a project; what is not certain waits for a person."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar
from weakref import WeakSet

import structlog
from attrs import define, field
from uuid_utils import uuid7

from events.assets import AssetId
from orchestrator.commands.curation import Sighting
from orchestrator.commands.importing import WelcomeFile
from orchestrator.commands.relinking import PERSON, RelinkAsset
from orchestrator.errors import (
    AssetTaken,
    AssetUnknown,
    Fault,
    FileChanging,
    FileMissing,
    FileUnreadable,
    InvalidFields,
    OrchestratorError,
    PathInvalid,
    PathNotPermitted,
)
from orchestrator.gallery.fileops.steps import Role
from orchestrator.gallery.finder import Finder
from orchestrator.gallery.fingerprint import head
from orchestrator.gallery.index.model import ScanReport, Search
from orchestrator.gallery.index.store import Index
from orchestrator.gallery.indexes import Indexes
from orchestrator.gallery.reading import reading
from orchestrator.gallery.relink.looking import Heads, Known, Look
from orchestrator.gallery.relink.matching import FINGERPRINT, Matched, Pair
from orchestrator.project import Project
from projections.assets import Lineage

_log = structlog.get_logger(__name__)
T = TypeVar("T")

#: Who relinks, where no person does.
ACTOR = "relink"
#: Looks that wait for their shares side by side: one that hangs hangs one of these, nobody else.
_THREADS = 4
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
        if project is None or report.offline or report.stopped:
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
        await project.change(command, actor)
        return project, sighting.path

    # Looking. -----------------------------------------------------------------------------------

    async def _look(self, project: Project) -> Matched:
        """Compare the log, the index and the share, each where it may be waited for."""
        async with self._turns.setdefault(project.root, asyncio.Lock()):
            known = await _known(project)
            if not known.assets:
                return Matched((), ())
            index = self.indexes.of(project)
            files = await index.ask(_all_files)
            heads = self._heads.setdefault(project.root, Heads())
            look = Look(project.root, known, files, heads, self._stop)
            await self._in_thread(look.find)
            made, lost = look.made(), {each.asset: each.path for each in look.lost}
            naming: Mapping[AssetId, list[str]] = {}
            if made:
                naming = await index.ask(lambda asked: _naming(asked, made, lost))
            return await self._in_thread(lambda: look.decide(naming))

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
        except OrchestratorError as exc:
            # The next look that finds anything new tries again.
            self._seen.discard(project)
            _log.warning("relink.failed", project=str(project.root), error=str(exc))
        except Exception:  # noqa: BLE001  # told in full; nobody waits for an answer
            _log.exception("relink.broke", project=str(project.root))
        finally:
            del self._rounds[project]

    async def _relink(self, project: Project) -> None:
        matched = await self._look(project)
        if self._stop.is_set():
            return
        batch = str(uuid7())
        for pair in matched.pairs:
            await self._apply(project, pair, batch)
        awaited = list(project.view.awaited())
        if awaited:
            await self._welcome(project, awaited, batch)

    async def _apply(self, project: Project, pair: Pair, batch: str) -> None:
        lost = pair.lost
        try:
            sighting = await self._in_thread(partial(self._sight, project.root, pair.path))
            seen = sighting.size, sighting.head
            if pair.reason == FINGERPRINT and seen != (lost.size, lost.head):
                return  # it changed since we looked
            command = RelinkAsset(
                asset=lost.asset, source=lost.path, sighting=sighting, reason=pair.reason
            )
            told = await project.change(command, ACTOR, batch)
        except _OF_THE_FILE as exc:
            _log.info("relink.not_done", path=pair.path, reason=str(exc))
            return
        if told:
            where = {"source": lost.path, "path": sighting.path, "reason": pair.reason}
            _log.info("asset.relinked", project=str(project.root), **where)

    async def _welcome(self, project: Project, awaited: Iterable[str], batch: str) -> None:
        """Give files that were awaited what was said of them."""
        files = await self.indexes.of(project).ask(_all_files)
        for path in awaited:
            if path not in files:
                continue  # still not there
            try:
                sighting = await self._in_thread(partial(self._sight, project.root, path))
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


async def _known(project: Project) -> Known:
    """What the log says of assets now; the loop may breathe between the tables."""
    tables = project.tables
    assets = dict(tables.table("assets"))
    await asyncio.sleep(0)
    places = dict(tables.table("places"))
    await asyncio.sleep(0)
    lineage = dict(tables.table("lineage"))
    return Known(assets, places, lineage, *_moving(project))


def _moving(project: Project) -> tuple[frozenset[str], tuple[str, ...]]:
    """Files and folders that operations under way are about to change, on whichever host."""
    files: set[str] = set()
    folders: set[str] = set()
    for plan in project.tables.table("plans").values():
        for step in () if plan.planned is None else plan.planned.steps:
            kind = folders if step.get("role") == Role.FOLDER else files
            kind.update(str(step[name]) for name in ("from", "to", "path") if step.get(name))
    return frozenset(files), tuple(folders)


def _all_files(index: Index) -> dict[str, tuple[int, int]]:
    """Size and time of each file that is there."""
    return {path: (size, mtime) for path, size, mtime in index.all_files()}


def _naming(
    index: Index, made: Mapping[AssetId, Lineage], lost: Mapping[AssetId, str]
) -> dict[AssetId, list[str]]:
    """Files whose graphs name the job that made an asset, and that are made as it was.

    Who draws a new picture with the graph of an old one takes its prefix along.
    """
    found: dict[AssetId, list[str]] = {}
    for asset, lineage in made.items():
        words = Search(text=f'"job-{lineage.job}"', fields=frozenset({"workflow"}), limit=50)
        old = index.file(lost[asset])
        found[asset] = []
        for hit in index.search(words).hits:
            new = index.file(hit.path)
            gone = old is not None and old.missing_ns is not None
            if new is not None and (old is None or not gone or old.recipe == new.recipe):
                found[asset].append(hit.path)
    return found
