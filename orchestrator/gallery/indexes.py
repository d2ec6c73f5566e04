"""The indexes of projects as the gallery asks for them: one per folder, on local disk."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog
from attrs import define, field

from orchestrator.commands.curation import Sighting
from orchestrator.errors import IndexDamaged, IndexUnusable
from orchestrator.gallery.fileops.steps import Role
from orchestrator.gallery.index.service import Indexer, ProjectIndex
from orchestrator.gallery.listing import FileStat
from orchestrator.gallery.recipe import Recipe
from orchestrator.project import Project

_log = structlog.get_logger(__name__)


@define(eq=False)
class Indexes:
    """Which project has which index, and what the indexes are told by the rest of the service."""

    indexer: Indexer
    #: Folder of all indexes. By the project's folder, since a project without edits has no id.
    cache: Path
    #: Answers about folders, until their index changes.
    _dimensions: dict[Path, dict[str, dict[str, tuple[int, int]]]] = field(factory=dict)
    #: What the indexes are being told, and of which project.
    _working: dict[asyncio.Task[Any], Path] = field(factory=dict)
    #: By the project's folder: what moved twice is told in that order.
    _turns: dict[Path, asyncio.Lock] = field(factory=dict)

    def of(self, project: Project) -> ProjectIndex:
        """The index of a project; the first call starts its first scan."""
        name = sha256(str(project.root).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        return self.indexer.of(project.root, self.cache / name)

    async def dimensions(self, project: Project, folder: str) -> dict[str, tuple[int, int]]:
        """Width and height of the files of a folder by name, as far as they are known."""
        known = self._dimensions.get(project.root, {}).get(folder)
        if known is not None:
            return known
        kept = self._dimensions.setdefault(project.root, {})
        try:
            found = await self.of(project).ask(lambda index: index.dimensions(folder))
        except (IndexUnusable, IndexDamaged) as exc:
            _log.warning("index.not_asked", project=str(project.root), error=str(exc))
            return {}
        # If the index has changed meanwhile, `kept` is no longer what is looked into.
        kept[folder] = found
        return found

    async def is_made_anew(self, project: Project, sighting: Sighting, made: Recipe) -> bool:
        """Whether a file is another picture than was known at its path, by how it was made."""
        if made.empty:
            return False
        path, size, mtime = sighting.path, sighting.size, sighting.mtime
        await self.settled(project)
        try:
            return await self.of(project).ask(lambda it: it.is_another(path, size, mtime, made))
        except (IndexUnusable, IndexDamaged) as exc:
            _log.warning("index.not_asked", project=str(project.root), error=str(exc))
            return False  # an edit must not fail because a cache does

    def changed(self, root: Path, _: object) -> None:
        """An index has read something: what was learned from it before may be outdated."""
        self._dimensions.pop(root, None)

    def looked_at(self, project: Project, folder: str, files: list[FileStat]) -> None:
        """Somebody looks at a folder: what is new in it is read next."""
        self._begin(project, self.of(project).refresh(folder, files))

    def moved(self, project: Project, moved: list[tuple[Role, str, str]]) -> None:
        """The service moved files: what was read of them moves along."""
        if moved:
            self.changed(project.root, moved)
            self._begin(project, self._follow(project, moved))

    async def settled(self, project: Project) -> None:
        """Return when an index knows all that it was told until now."""
        mine = [task for task, root in self._working.items() if root == project.root]
        if mine:
            await asyncio.wait(mine)

    async def _follow(self, project: Project, moved: list[tuple[Role, str, str]]) -> None:
        async with self._turns.setdefault(project.root, asyncio.Lock()):
            await self._tell(self.of(project), moved)

    async def _tell(self, index: ProjectIndex, moved: list[tuple[Role, str, str]]) -> None:
        gone = [old for _, old, new in moved if new.startswith(".gallery/") or not new]
        pairs = [
            (old, new)
            for role, old, new in moved
            if role is Role.FILE and old not in gone and not old.startswith(".gallery/")
        ]
        for role, old, new in moved:
            if role is Role.FOLDER:
                await index.moved_folder(old, new)
        if pairs:
            await index.moved(pairs)
        if gone:
            await index.forget(gone)
        if any(old.startswith(".gallery/") for _, old, _ in moved):
            index.want()  # what came back from the trash is read anew

    def _begin(self, project: Project, work: Coroutine[Any, Any, object]) -> None:
        async def tell() -> None:
            try:
                await work
            except (IndexUnusable, IndexDamaged) as exc:
                # It is disposable: the next scan finds out by itself.
                _log.warning("index.not_told", project=str(project.root), error=str(exc))

        task = asyncio.create_task(tell())
        self._working[task] = project.root
        task.add_done_callback(self._working.pop)

    async def close(self) -> None:
        """Stop all scans."""
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)
        await self.indexer.close()
