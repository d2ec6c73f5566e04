"""Saving, listing and loading the states of projects."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, field, frozen

from events import stamp
from events.log.disk_io import DiskIO
from orchestrator.commands.locks import NamedLocks
from orchestrator.commands.states import TellStates
from orchestrator.errors import FileChanging, ProjectReadOnly, ShareMissing, StateUnknown
from orchestrator.gallery.finder import Finder
from orchestrator.project import Project
from orchestrator.states.document import Document, saved, written
from orchestrator.states.files import ReplacedMeanwhileError, state_name
from orchestrator.states.loading import Broken, Loaded, from_files, from_vault, one_kept
from orchestrator.states.saving import Before, examine, put
from projections.states import Saving

T = TypeVar("T")

#: If others write to the file again and again so often, it is left to them.
RACES = 10


@frozen
class Saved:
    """Where a state was saved."""

    path: Path
    #: Of the bytes in the file.
    sha256: str
    #: False if the file held this work already, and was left as it is.
    changed: bool


@define(eq=False)
class ProjectStates:
    """The states of all projects; see the package for the order in which a save is done."""

    finder: Finder
    disk: DiskIO = field(factory=DiskIO)
    #: Saves of one file take turns.
    _turns: NamedLocks = field(factory=NamedLocks)
    #: What must be finished, even if whoever asked for it has hung up.
    _running: set[asyncio.Task[Any]] = field(factory=set)

    async def save(
        self, folder_path: str, filename: str, state: dict[str, Any], actor: str
    ) -> Saved:
        """Save a state as a file of a project's folder.

        Raises:
            InvalidFields: it is no state.
            PathInvalid, PathNotPermitted, FileMissing: the folder or name cannot be used.
            FileChanging: others write to the file all the time.
            FileNotWritten, StateUnreadable, Unavailable: it cannot be saved now. The state may be
                kept already, but the file is as it was; unless the log itself fails after that.
        """
        name = state_name(filename)
        document = await asyncio.to_thread(written, state)
        project = await self.finder.project(folder_path)
        return await self._finish(self._save(project, name, document, actor))

    async def _save(self, project: Project, name: str, document: Document, actor: str) -> Saved:
        path = project.root / name
        held = await self._turns.take((str(path),))
        try:
            for _ in range(RACES):
                # What other hosts have told by now need not be found.
                await project.follow()
                _writable(project)
                before = await self._examine(project, path, document, actor)
                newest = project.view.newest_state(name)
                if newest is not None and _holds(before, newest, document):
                    return Saved(path, newest.sha256, changed=False)
                try:
                    await asyncio.to_thread(put, path, document, before, self.disk)
                except ReplacedMeanwhileError:
                    continue
                await project.change(TellStates(file=name, states=(saved(name, document),)), actor)
                return Saved(path, document.sha256, changed=True)
        finally:
            self._turns.give_back(held)
        raise FileChanging(str(path))

    async def _examine(
        self, project: Project, path: Path, document: Document, actor: str
    ) -> Before:
        """Look at the file, and tell what is found there, before it is replaced."""
        newest = project.view.newest_state(path.name)
        before = await asyncio.to_thread(examine, path, document, newest, self.disk)
        if before.found:
            await project.change(TellStates(file=path.name, states=before.found), actor)
        return before

    async def load(self, file_path: str) -> Loaded:
        """The state in a file; if that is missing or broken, the backup or the newest that is kept.

        Raises:
            PathInvalid, PathNotPermitted: the path cannot be used.
            FileMissing, StateUnreadable: there is no state at all.
            FileUnreadable, ProjectUnreadable, ShareMissing: the share does not answer.
        """
        path = await self._locate(file_path)
        found = await asyncio.to_thread(from_files, path, self.disk)
        if isinstance(found, Broken):
            states = await self._states(path)
            return await asyncio.to_thread(from_vault, path, states, found, self.disk)
        return found

    async def load_kept(self, file_path: str, sha256: str) -> Loaded:
        """An earlier state, by the sha256 of its bytes. The file stays as it is.

        Raises:
            StateUnknown, StateUnreadable: it is not there, or damaged; else as `load`.
        """
        path = await self._locate(file_path)
        project = await self.finder.project(str(path.parent))
        saving = project.view.state(path.name, sha256)
        return await asyncio.to_thread(one_kept, path, sha256, saving, self.disk)

    async def load_as_of(self, file_path: str, at: datetime) -> Loaded:
        """The state that a file had at a moment. The file stays as it is.

        Raises:
            StateUnknown, StateUnreadable: it had none then, or that is damaged; else as `load`.
        """
        path = await self._locate(file_path)
        limit = stamp.before(at)
        states = await self._states(path)
        saving = next((each for each in states if each.as_of < limit), None)
        if saving is None:
            raise StateUnknown(path.name, f"from {at:%Y-%m-%d %H:%M:%S} UTC or before")
        return await asyncio.to_thread(one_kept, path, saving.sha256, saving, self.disk)

    async def states(self, file_path: str) -> list[Saving]:
        """All states of a file, what was saved last first.

        Raises:
            PathInvalid, PathNotPermitted, FileMissing, ProjectUnreadable, ShareMissing.
        """
        return await self._states(await self._locate(file_path))

    async def _states(self, path: Path) -> list[Saving]:
        project = await self.finder.project(str(path.parent))
        await project.follow()
        return project.view.states(path.name)

    async def _locate(self, file_path: str) -> Path:
        path = await asyncio.to_thread(self.finder.roots.permit, file_path)
        state_name(path.name)
        return path

    async def _finish(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Finish what was begun."""
        await asyncio.gather(*self._running, return_exceptions=True)


def _holds(before: Before, newest: Saving, document: Document) -> bool:
    """Whether a file holds this work already, and the log says so."""
    there = before.document
    return there is not None and there.sha256 == newest.sha256 and document.same_work(there)


def _writable(project: Project) -> None:
    """Refuse before anything is done.

    Raises:
        ShareMissing, ProjectReadOnly: what is done could not be told.
    """
    if project.away:
        raise ShareMissing(str(project.root))
    if project.read_only is not None:
        raise ProjectReadOnly(str(project.root), project.read_only)
