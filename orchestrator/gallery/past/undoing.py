"""Undoing edits: what was said by saying the opposite, what was done to files by doing it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

from attrs import define, field, frozen
from uuid_utils import uuid7

from events.assets import AssetRelinked
from events.edits import EditsUndone
from orchestrator.commands.undoing import Reversal, TellUndone, lines
from orchestrator.errors import ChangeTooLarge
from orchestrator.gallery.past.bringing_back import BringingBack
from orchestrator.gallery.past.filework import FileMover
from orchestrator.gallery.past.keeping import Histories
from orchestrator.gallery.past.looking import leave_out_files, leave_out_impossible
from orchestrator.gallery.past.moments import Moments
from orchestrator.gallery.past.registers import register_edits
from orchestrator.gallery.past.selecting import Selection, select
from orchestrator.gallery.past.trails import asset_trail
from orchestrator.gallery.past.undo_parts import (
    Conflict,
    FileTask,
    Impossible,
    UndoPlan,
    Unlink,
)
from orchestrator.gallery.past.undo_plan import plan_undo, refuse_taken_names
from orchestrator.project import Project
from projections.edits import FileMoved
from projections.history import Edit, History
from projections.project import seen_stamp

#: Ids in one line of the log that tells what was undone.
_MOST_TOLD = 5_000


@frozen
class Undone:
    """What an undo came to, or would come to."""

    #: Its batch: undoing that is the redo. None if nothing was written.
    undo: str | None
    #: Newest first, as all of these.
    done: tuple[Edit, ...]
    conflicts: tuple[Conflict, ...]
    impossible: tuple[Impossible, ...]


@define(eq=False)
class Undoing:
    """Undoes edits of projects; undos of one project take turns."""

    histories: Histories
    moments: Moments
    #: None where only what was said can be undone.
    mover: FileMover | None
    _turns: dict[Path, asyncio.Lock] = field(factory=dict)

    async def undo(
        self, project: Project, wanted: Selection, actor: str, *, dry_run: bool, force: bool
    ) -> Undone:
        """Undo the edits that were selected, but for those that later ones built upon.

        Args:
            project: Whose edits.
            wanted: Which edits.
            actor: Who undoes them.
            dry_run: Whether to tell only what would be done.
            force: Whether to undo also what later edits built upon.

        Raises:
            EditUnknown: there is no such edit or batch.
            UndoTooLarge: they are too many for one undo.
            OrchestratorError: the log cannot be read or written. What was done before that is
                done: the history tells of it, under the undo's id.
        """
        async with self._turns.setdefault(project.root, asyncio.Lock()):
            history = await self.histories.of(project)
            edits = await asyncio.to_thread(select, history, wanted)
            plan = await asyncio.to_thread(plan_undo, history, project.view, edits, force=force)
            refuse_taken_names(plan, project.view)
            if self.mover is None:
                leave_out_files(plan)
            else:
                view, root = project.view, project.root
                await asyncio.to_thread(leave_out_impossible, plan, view, root)
            plan.reversals += [await self._relinked(project, each) for each in plan.unlinks]
            plan.unlinks.clear()
            if dry_run:
                return _undone(None, plan.edits(), plan.conflicts, plan.impossible)
            return await self._carry_out(project, history, plan, actor)

    async def _relinked(self, project: Project, unlink: Unlink) -> Reversal:
        """An asset as it was before it was relinked; what its file was like, only the log tells."""
        past = await self.moments.view_before(project, unlink.until)
        before, now = past.asset(unlink.asset), project.view.asset(unlink.asset)
        known = before or now
        event = AssetRelinked(
            asset=unlink.asset,
            source=unlink.source,
            path=unlink.path,
            size=-1 if known is None else known.size,
            mtime=0 if known is None else known.mtime,
            head="" if known is None else known.head,
            reason="undo",
        )
        return Reversal(
            event=event,
            lock=f"path:{unlink.source}",
            expected=seen_stamp(project.view, event),
            edits=unlink.edits,
            of=unlink.of,
            back=unlink.back,
        )

    async def _carry_out(
        self, project: Project, history: History, plan: UndoPlan, actor: str
    ) -> Undone:
        undo = str(uuid7())
        done: list[Edit] = []
        for command in lines(undo, plan.reversals):
            try:
                records = await project.change(command, actor, undo)
            except ChangeTooLarge as exc:
                edits = (edit for reversal in command.reversals for edit in reversal.edits)
                plan.impossible += (Impossible(edit, str(exc)) for edit in edits)
                continue
            said = [record.event for record in records]
            told = {e for mark in said if isinstance(mark, EditsUndone) for e in mark.of}
            for reversal in command.reversals:
                if told.issuperset(reversal.of):
                    done += reversal.edits
                else:
                    plan.conflicts += _overtaken(history, reversal)
        if self.mover is not None and plan.stages:
            work = BringingBack(self.mover, project, actor, undo)
            try:
                for stage in plan.stages:
                    await work.carry_out(stage)
            finally:  # if the share goes away in the middle, what was done is told all the same
                await self._tell(project, undo, work.done, actor)
            done += (edit for task in work.done for edit in task.edits)
            plan.impossible += work.impossible
        return _undone(undo if done else None, done, plan.conflicts, plan.impossible)

    async def _tell(
        self, project: Project, undo: str, done: Sequence[FileTask], actor: str
    ) -> None:
        """Tell what was undone by what was done to files."""
        of = [edit for task in done for edit in task.of]
        back = [edit for task in done for edit in task.back]
        for begin in range(0, max(len(of), len(back)), _MOST_TOLD):
            part = slice(begin, begin + _MOST_TOLD)
            command = TellUndone(undo=undo, of=tuple(of[part]), back=tuple(back[part]))
            await project.change(command, actor, undo)


def _overtaken(history: History, reversal: Reversal) -> list[Conflict]:
    """Somebody changed the value in the last moment: that is the later edit."""
    event = reversal.event
    if isinstance(event, AssetRelinked):
        newest = asset_trail(history, event.asset)[0]
    else:
        newest = next(register_edits(history, event))
    return [Conflict(edit, newest) for edit in reversal.edits]


def _undone(
    undo: str | None,
    done: Iterable[Edit],
    conflicts: Iterable[Conflict],
    impossible: Iterable[Impossible],
) -> Undone:
    # A folder's edit stands for each file that it brought along, and is shown once.
    undone = {edit.id: edit for edit in sorted(done, key=_by_folder)}
    left = {each.edit.id: each for each in conflicts}
    not_at_all = {each.edit.id: each for each in impossible}
    return Undone(
        undo,
        tuple(undone[edit_id] for edit_id in sorted(undone, reverse=True)),
        tuple(left[edit_id] for edit_id in sorted(left, reverse=True)),
        tuple(not_at_all[edit_id] for edit_id in sorted(not_at_all, reverse=True)),
    )


def _by_folder(edit: Edit) -> bool:
    """Folders last: of edits of one id, theirs is the one to be shown."""
    return isinstance(edit.event, FileMoved) and edit.event.folder
