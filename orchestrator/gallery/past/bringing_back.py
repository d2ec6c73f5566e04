"""Brings files back to where they were, stage by stage, and knows what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from attrs import define, evolve, field

from orchestrator.gallery.past.filework import FileMover, Landed
from orchestrator.gallery.past.trails import Spot
from orchestrator.gallery.past.undo_parts import MISSING, FileTask, Impossible
from orchestrator.project import Project


@define
class BringingBack:
    """One undo's work on files."""

    mover: FileMover
    project: Project
    actor: str
    #: Id of the undo: all that is done is told under it.
    undo: str
    #: Tasks that were carried out.
    done: list[FileTask] = field(factory=list)
    impossible: list[Impossible] = field(factory=list)
    #: Where files really are, and why those that could not go on could not.
    _where: dict[str, Spot] = field(factory=dict)
    _stuck: dict[str, str] = field(factory=dict)

    async def carry_out(self, stage: Sequence[FileTask]) -> None:
        """Do what may be done at once.

        What goes to the trash goes first and what comes out of it comes last, since names that
        were freed for others are needed the other way round.
        """
        for task in stage:
            self._where.setdefault(task.file, task.now)
        ready = [task for task in stage if not task.along and task.file not in self._stuck]
        await self._to_trash(t for t in ready if t.then.trash and not self._where[t.file].trash)
        await self._move(t for t in ready if not t.then.trash and not self._where[t.file].trash)
        await self._from_trash([t for t in ready if not t.then.trash and self._where[t.file].trash])
        self._go_along(stage)
        for task in stage:
            why = self._stuck.get(task.file)
            if why is None:
                self.done.append(task)
            else:
                self.impossible += (Impossible(edit, why) for edit in task.edits)

    async def _to_trash(self, tasks: Iterable[FileTask]) -> None:
        by_path = {self._where[task.file].path: task for task in tasks}
        if by_path:
            trashed = await self.mover.trash(self.project, [*by_path], self.actor, self.undo)
            for task, _ in self._landed(by_path, trashed):
                self._where[task.file] = task.then

    async def _move(self, tasks: Iterable[FileTask]) -> None:
        away = [task for task in tasks if self._where[task.file].path != task.then.path]
        by_path = {self._where[task.file].path: task for task in away}
        if by_path:
            pairs = [(path, task.then.path) for path, task in by_path.items()]
            moved = await self.mover.move_pairs(self.project, pairs, self.actor, self.undo)
            for task, path in self._landed(by_path, moved):
                self._where[task.file] = Spot(path or task.then.path)

    async def _from_trash(self, tasks: Sequence[FileTask]) -> None:
        by_id = {trash: task for task in tasks if (trash := self._where[task.file].trash)}
        if not by_id:
            return
        lay = {task.file: self._where[task.file].path for task in tasks}
        restored = await self.mover.restore(self.project, [*by_id], self.actor, self.undo)
        for task, came in self._landed(by_id, restored):
            self._where[task.file] = Spot(came or lay[task.file])
        # A name that is taken by now gets a suffix, and keeps it; but a file that had been moved
        # before it was trashed still has a way to go.
        await self._move(
            task
            for task in tasks
            if task.file not in self._stuck and lay[task.file] != task.then.path
        )

    def _landed(
        self, by_key: dict[str, FileTask], landed: Iterable[Landed]
    ) -> Iterator[tuple[FileTask, str | None]]:
        """The files that went where they should."""
        for task in by_key.values():
            self._stuck[task.file] = MISSING  # until we are told otherwise
        for file in landed:
            task = by_key[file.asked]
            if file.error is not None:
                self._stuck[task.file] = file.error
            else:
                del self._stuck[task.file]
                yield task, file.path

    def _go_along(self, stage: Sequence[FileTask]) -> None:
        """Files that a folder brings along share its fate."""
        for task in stage:
            if not task.along:
                continue
            for folder in stage:
                if not folder.along and task.now.path.startswith(f"{folder.now.path}/"):
                    why = self._stuck.get(folder.file)
                    if why is not None:
                        self._stuck[task.file] = why
            if task.file not in self._stuck:
                self._where[task.file] = evolve(task.then)
