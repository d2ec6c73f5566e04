"""The trash: what lies in it, bringing it back, and deleting it for good."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Sequence
from pathlib import Path

from attrs import define, evolve, frozen

from events.assets import AssetId
from events.trash import TrashId
from orchestrator.claiming import TRASH, claimed
from orchestrator.errors import (
    FileChanging,
    FileMissing,
    FileNotMoved,
    FileUnreadable,
    OrchestratorError,
    TrashUnknown,
)
from orchestrator.gallery.fileops.engine import Done, Engine
from orchestrator.gallery.fileops.looking import Companion, Folders, Item
from orchestrator.gallery.fileops.planning import free_place, joined, out_of_trash
from orchestrator.gallery.fileops.requests import Moved, Report
from orchestrator.gallery.fileops.steps import Role, Step
from orchestrator.gallery.finder import Finder
from orchestrator.gallery.fingerprint import head
from orchestrator.project import Project
from projections.trash import Trashed, trash_place


@frozen
class Stored:
    """A file in the trash as it lies there: itself, then what went with it."""

    trash: TrashId
    trashed: Trashed
    items: tuple[Item, ...]


@define(eq=False)
class Bin:
    """Restores what lies in the trash of a project, or deletes it."""

    finder: Finder
    engine: Engine

    async def restore(
        self, project: Project, trash_ids: Sequence[str], actor: str, correlation: str | None = None
    ) -> Report:
        """Bring files back to where they lay, with everything that was said of them.

        A name that was taken meanwhile gets a suffix.
        """
        refused: dict[str, OrchestratorError] = {}
        origins: dict[str, str] = {}

        def plan(_: str) -> Sequence[Step]:
            folders, steps, taken = Folders(project.root), list[Step](), set[str]()
            for stored in _stored(project, trash_ids, refused):
                origins[stored.trash] = stored.trashed.path
                main, *beside = stored.items
                folder = stored.trashed.path.rpartition("/")[0]
                named = Item.at(main.asked, joined(folder, _last(stored.trashed.path)), 0, 0, 0)
                companions = [Companion(each.name, 0, 0, 0) for each in beside]
                to = free_place(folders, named, folder, companions, taken)
                mine = out_of_trash(
                    folders, stored.trash, stored.trashed.asset, [main, *beside], to
                )
                steps += mine
                folders.expect(step.to for step in mine)
            return steps

        done = await self.engine.run(project, "restore", actor, plan, correlation=correlation)
        await asyncio.to_thread(_sweep, project.root, done)
        report = _report(trash_ids, done, refused)
        files = (evolve(file, origin=origins.get(file.asked)) for file in report.files)
        return evolve(report, files=tuple(files))

    async def empty(self, project: Project, trash_ids: Sequence[str] | None, actor: str) -> Report:
        """Delete files in the trash for good; all of them if no ids are given.

        What is deleted is told with its name, size and fingerprint, so that it can be recognised
        if it turns up elsewhere.

        Raises:
            ClaimHeld: another host empties the trash now.
            OrchestratorError: the project cannot be changed.
        """
        if trash_ids is not None:
            return await self._delete(project, trash_ids, actor)
        everything = [trash for trash, _ in project.view.trash()]
        if not everything:
            return await self._delete(project, everything, actor)
        async with claimed(project, TRASH):
            return await self._delete(project, everything, actor)

    async def _delete(self, project: Project, ids: Sequence[str], actor: str) -> Report:
        refused: dict[str, OrchestratorError] = {}

        def plan(_: str) -> Sequence[Step]:
            return [
                step
                for stored in _stored(project, ids, refused, gone_too=True)
                for step in _deleting(project.root, stored, refused)
            ]

        done = await self.engine.run(project, "purge", actor, plan)
        await asyncio.to_thread(_sweep, project.root, done)
        return _report(ids, done, refused)


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _stored(
    project: Project,
    trash_ids: Sequence[str],
    refused: dict[str, OrchestratorError],
    *,
    gone_too: bool = False,
) -> list[Stored]:
    """What lies in the trash under ids; those with nothing are refused. Blocks."""
    found = []
    for trash in dict.fromkeys(trash_ids):
        trashed = project.view.trashed(trash)
        if trashed is None:
            refused[trash] = TrashUnknown((trash,))
            continue
        place = trash_place(trash, trashed)
        folder = place.rpartition("/")[0]
        main = _item(project.root, trash, place)
        if main is None and gone_too:
            # Only the log has it still.
            main = Item.at(trash, place, trashed.size, trashed.mtime, 0)
        if main is None:
            refused[trash] = FileMissing(str(project.root / place))
            continue
        beside = (_item(project.root, trash, joined(folder, name)) for name in trashed.sidecars)
        items = (main, *(item for item in beside if item is not None))
        found.append(Stored(TrashId(trash), trashed, items))
    return found


def _item(root: Path, asked: str, path: str) -> Item | None:
    try:
        info = (root / path).lstat()
    except OSError:
        return None
    if not stat.S_ISREG(info.st_mode):
        return None
    return Item.at(asked, path, info.st_size, info.st_mtime_ns, info.st_ino)


def _deleting(root: Path, stored: Stored, refused: dict[str, OrchestratorError]) -> list[Step]:
    main, *beside = stored.items
    try:
        print_ = head(root / main.path, main.size)
    except FileNotFoundError:
        print_ = ""
    except FileChanging as exc:
        refused[stored.trash] = exc
        return []
    except OSError as exc:
        refused[stored.trash] = FileUnreadable.because(root / main.path, exc)
        return []
    asset = stored.trashed.asset
    steps = [
        Step(
            source=item.path,
            to="",
            size=item.size,
            mtime=item.mtime,
            ino=item.ino,
            role=Role.PURGE,
            of=main.path,
        )
        for item in beside
    ]
    return [
        Step(
            source=main.path,
            to="",
            size=main.size,
            mtime=main.mtime,
            ino=main.ino,
            role=Role.PURGE,
            trash=stored.trash,
            asset=None if asset is None else AssetId(asset),
            head=print_,
        ),
        *steps,
    ]


def _sweep(root: Path, done: Done) -> None:
    """Remove the folders in the trash that are empty now; others stay, and so does the trash."""
    for folder in {step.source.rpartition("/")[0] for step in done.steps}:
        path = root / folder
        if path.parent.name == ".trash":
            try:
                path.rmdir()
            except OSError:
                continue  # something of somebody lies in it


def _report(asked: Sequence[str], done: Done, refused: dict[str, OrchestratorError]) -> Report:
    by_trash = {step.trash: index for index, step in enumerate(done.steps) if step.trash}
    files = []
    for trash in dict.fromkeys(asked):
        if trash in refused:
            files.append(Moved(trash, None, None, trash=trash, error=refused[trash]))
            continue
        index = by_trash[TrashId(trash)]
        step, failed = done.steps[index], done.failed.get(index)
        error = None if failed is None else FileNotMoved(step.source, step.to, failed)
        to = done.landed.get(index) or None
        files.append(Moved(trash, step.origin, to, trash=trash, error=error))
    return Report(done.batch, tuple(files))
