"""The past of projects, as the gallery's endpoints ask for it."""

from __future__ import annotations

import asyncio
from datetime import datetime

from attrs import define, evolve, field, frozen

from events.record import Record
from events.stamp import before
from orchestrator.gallery.finder import Finder
from orchestrator.gallery.past.differences import Difference, differences, moves
from orchestrator.gallery.past.filework import FileMover
from orchestrator.gallery.past.keeping import Histories
from orchestrator.gallery.past.moments import Moments
from orchestrator.gallery.past.pages import Asked, Page, page
from orchestrator.gallery.past.selecting import Selection
from orchestrator.gallery.past.telling import Told, tell
from orchestrator.gallery.past.undoing import Undoing
from orchestrator.gallery.past.whereabouts import Whereabouts, whereabouts
from orchestrator.paths.roots import relative
from orchestrator.project import Project
from projections.history import Edit
from projections.project import ProjectView


@frozen
class ToldUndo:
    """What an undo came to, in words."""

    undo: str | None
    done: tuple[Told, ...]
    #: Each with the later edit that is in its way.
    conflicts: tuple[tuple[Told, Told], ...]
    #: Each with the reason.
    impossible: tuple[tuple[Told, str], ...]


@define(eq=False)
class Past:
    """History, undo, the project as of a moment, and differences."""

    finder: Finder
    mover: FileMover | None
    histories: Histories = field(factory=Histories)
    moments: Moments = field(factory=Moments)
    _undoing: Undoing = field(init=False)

    @_undoing.default
    def _make_undoing(self) -> Undoing:
        return Undoing(self.histories, self.moments, self.mover)

    def hear(self, project: Project, records: list[Record]) -> None:
        """A listener of projects: histories follow them."""
        self.histories.hear(project, records)

    async def history(self, project_path: str, asked: Asked) -> Page:
        """A page of a project's history; `asked.path` may be absolute, inside the project.

        Raises:
            PathInvalid, PathNotPermitted: the file cannot be one of the project.
            OrchestratorError: the project cannot be read.
        """
        project = await self.finder.project(project_path)
        if asked.path is not None:
            inside = await asyncio.to_thread(self._inside, project, asked.path)
            asked = evolve(asked, path=inside)
        history = await self.histories.of(project)
        return await asyncio.to_thread(page, history, project.view, asked)

    def _inside(self, project: Project, path: str) -> str:
        return relative(project.root, self.finder.roots.inside(project.root, path))

    async def undo(
        self, project_path: str, wanted: Selection, actor: str, *, dry_run: bool, force: bool
    ) -> ToldUndo:
        """Undo edits, or tell what undoing them would come to. See `Undoing.undo`."""
        if dry_run:
            project = await self.finder.project(project_path)
        else:
            project = await self.finder.editable(project_path, actor)
        undone = await self._undoing.undo(project, wanted, actor, dry_run=dry_run, force=force)
        history = await self.histories.of(project)

        def told() -> ToldUndo:
            def one(edit: Edit) -> Told:
                return tell(history, project.view, edit)

            return ToldUndo(
                undone.undo,
                tuple(one(edit) for edit in undone.done),
                tuple((one(each.edit), one(each.later)) for each in undone.conflicts),
                tuple((one(each.edit), each.why) for each in undone.impossible),
            )

        return await asyncio.to_thread(told)

    async def view_at(self, project: Project, at: datetime | None) -> ProjectView:
        """The project as of a moment; None is now.

        Raises:
            ProjectUnreadable: its log cannot be read.
        """
        return await self.moments.view_at(project, at)

    async def moved_since(self, project: Project, at: datetime) -> Whereabouts:
        """Where files lay at a moment that lie elsewhere now.

        Raises:
            ProjectUnreadable: its log cannot be read.
        """
        history = await self.histories.of(project)
        return await asyncio.to_thread(lambda: whereabouts(history.between(before(at), None)))

    async def differences(
        self, project_path: str, since: datetime, until: datetime | None
    ) -> list[Difference]:
        """What differs between two moments; None is now.

        Raises:
            OrchestratorError: the project cannot be read.
        """
        project = await self.finder.project(project_path)
        then = await self.moments.view_at(project, since)
        now = await self.moments.view_at(project, until)
        history = await self.histories.of(project)

        def compare() -> list[Difference]:
            edits = history.between(before(since), None if until is None else before(until))
            return differences(then, now, moves(edits))

        return await asyncio.to_thread(compare)

    def close(self) -> None:
        """Forget everything."""
        self.histories.close()
        self.moments.close()
