"""What people ask to be done to files: move, rename, trash, restore, delete for good.

Each request looks at the disk, plans, and hands the plan to the engine. Of many files, those that
cannot be moved are named, and the others are moved all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from attrs import define

from orchestrator.errors import PathInvalid
from orchestrator.gallery.fileops.engine import Done, Engine
from orchestrator.gallery.fileops.names import accepted_name
from orchestrator.gallery.fileops.planning import Wish
from orchestrator.gallery.fileops.requests import Conflict, Moved, Report, Request
from orchestrator.gallery.fileops.steps import Step
from orchestrator.gallery.finder import Finder
from orchestrator.paths.roots import relative
from orchestrator.project import Project

__all__ = ["Conflict", "FileWork", "Moved", "Report"]


@define(eq=False)
class FileWork:
    """Moves, renames and trashes files of projects."""

    finder: Finder
    engine: Engine

    async def move(
        self, project_path: str, files: Sequence[str], destination: str, conflict: Conflict,
        actor: str,
    ) -> Report:  # fmt: skip
        """Bring files and folders into a folder of the project, which is made if need be.

        Raises:
            PathInvalid, PathNotPermitted: the destination cannot be.
            OrchestratorError: the project cannot be changed.
        """
        project = await self.finder.editable(project_path, actor)
        request = Request(self.finder, project, files, folders=True)

        def plan(op: str) -> Sequence[Step]:
            folder = _destination(self.finder, project.root, destination)
            request.look()
            return request.plan_into(folder, conflict, op)

        return request.report(await self.engine.run(project, "move", actor, plan))

    async def rename(self, project_path: str, file: str, name: str, actor: str) -> Report:
        """Give one file or folder another name in its folder.

        Raises:
            NameInvalid: no system could have it, or the gallery would not show it.
            FileCollides: the name is taken.
            OrchestratorError: the file is not there, or the project cannot be changed.
        """
        accepted_name(name)
        project = await self.finder.editable(project_path, actor)
        return await self._rename(project, {file: name}, actor, alone=True)

    async def rename_all(self, project_path: str, names: dict[str, str], actor: str) -> Report:
        """Give many files new names in their folders, all at once: swaps and chains are fine."""
        return await self._rename(await self.finder.editable(project_path, actor), names, actor)

    async def _rename(
        self, project: Project, names: dict[str, str], actor: str, *, alone: bool = False
    ) -> Report:
        request = Request(self.finder, project, tuple(names), folders=True)

        def plan(op: str) -> Sequence[Step]:
            request.look()
            return request.plan_names(names, op)

        report = request.report(await self.engine.run(project, "rename", actor, plan))
        (error,) = [file.error for file in report.files] if alone else [None]
        if error is not None:
            raise error
        return report

    async def move_pairs(
        self, project: Project, pairs: Sequence[tuple[str, str]], actor: str, correlation: str
    ) -> list[Moved]:
        """Bring each file to the path beside it, if that is free: the way back of a move."""
        targets = dict(pairs)
        request = Request(self.finder, project, tuple(targets), folders=True)

        def plan(op: str) -> Sequence[Step]:
            request.look()
            wishes = []
            for item in request.items:
                to = self.finder.roots.inside(project.root, targets[item.asked])
                wishes.append(Wish(item, relative(project.root, to)))
            return request.plan_wishes(wishes, op)

        done = await self.engine.run(project, "move", actor, plan, correlation=correlation)
        return list(request.report(done).files)

    async def trash(
        self, project_path: str, files: Sequence[str], actor: str, correlation: str | None = None
    ) -> Report:
        """Put files into the trash, with what belongs to them."""
        project = await self.finder.editable(project_path, actor)
        request = Request(self.finder, project, files, folders=False)

        def plan(_: str) -> Sequence[Step]:
            request.look()
            return request.plan_trash()

        done = await self.engine.run(project, "trash", actor, plan, correlation=correlation)
        return request.report(done)

    async def preview(self, project_path: str, names: dict[str, str]) -> tuple[Moved, ...]:
        """What `rename_all` would come to; nothing is changed, and nothing told."""
        project = await self.finder.project(project_path)
        request = Request(self.finder, project, tuple(names), folders=True)

        def plan() -> Sequence[Step]:
            request.look()
            return request.plan_names(names, "preview")

        steps = tuple(await asyncio.to_thread(plan))
        landed = {index: step.to for index, step in enumerate(steps)}
        return request.report(Done("", steps, landed, {})).files


def _destination(finder: Finder, root: Path, destination: str) -> str:
    """The folder to move to, relative to the project; "" is the project. Blocks.

    Raises:
        PathInvalid: a file lies there, or no system could have such a folder.
    """
    path = finder.roots.inside(root, destination)
    below = relative(root, path)
    if below == ".":
        return ""
    at = root
    for name in below.split("/"):
        at = at / name
        if not at.exists():
            accepted_name(name)
        elif not at.is_dir():
            raise PathInvalid(destination, f"{name!r} is a file")
    return below
