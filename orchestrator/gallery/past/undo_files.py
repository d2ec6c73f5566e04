"""Undoing what was done to files: which go back, where to, and in which order. Pure.

A file that was moved several times goes back in one go. Only where whole folders were moved is
one operation undone after the other, since what lies in a folder moves with it.
"""

from __future__ import annotations

from itertools import takewhile

from events.assets import AssetMoved, AssetRelinked, AssetSeen
from events.trash import FilePurged
from orchestrator.gallery.past.trails import spot_after, spot_before
from orchestrator.gallery.past.undo_parts import (
    PURGED,
    Conflict,
    FileTask,
    Impossible,
    UndoPlan,
    Unlink,
)
from orchestrator.gallery.past.undo_walk import Wanted, fates, walk
from projections.edits import FileMoved
from projections.history import Edit, History


def plan_files(
    plan: UndoPlan,
    history: History,
    files: dict[str, list[Edit]],
    wanted: Wanted,
    *,
    force: bool,
) -> None:
    """Decide which files are brought back; `files` has the moves of each, newest first."""
    walks: list[tuple[str, list[Edit], list[Edit]]] = []
    for file, edits in files.items():
        done = _plan_place(plan, history, edits, wanted, force=force)
        if done:
            walks.append((file, edits, done))
    folders = [
        edit.event
        for _, _, done in walks
        for edit in done
        if isinstance(edit.event, FileMoved) and edit.event.folder
    ]
    if folders:
        _plan_stages(plan, history, walks, folders)
        return
    tasks: list[FileTask] = []
    for file, edits, done in walks:
        of, back = fates(history, edits, done)
        tasks.append(
            FileTask(
                file=file,
                now=spot_after(edits[0].event),
                then=spot_before(done[-1].event),
                edits=tuple(done),
                of=tuple(of),
                back=tuple(back),
            )
        )
    if tasks:
        plan.stages.append(tasks)


def _plan_place(
    plan: UndoPlan, history: History, edits: list[Edit], wanted: Wanted, *, force: bool
) -> list[Edit]:
    """Which moves of a file are to be undone, newest first; relinks are planned here."""
    purged = [e for e in edits if isinstance(e.event, FilePurged)]
    if purged and purged[0] is edits[0]:
        told = (e for e in edits if e.id in wanted.ids and not isinstance(e.event, AssetSeen))
        plan.impossible += (Impossible(edit, PURGED) for edit in told)
        return []
    moves = [e for e in edits if not isinstance(e.event, AssetSeen)]
    walked = walk(history, moves, wanted, force=force)
    plan.note(walked)
    if not walked.done:
        return []
    # A relink is undone by what is said, a move by what is done: not both in one go.
    relinked = isinstance(walked.done[0].event, AssetRelinked)
    done = list(takewhile(lambda e: isinstance(e.event, AssetRelinked) is relinked, walked.done))
    plan.conflicts += (Conflict(edit, done[-1]) for edit in walked.done[len(done) :])
    if not relinked:
        return done
    first = done[-1].event
    assert isinstance(first, AssetRelinked)  # all of `done` are
    of, back = fates(history, moves, done)
    plan.unlinks.append(
        Unlink(
            asset=first.asset,
            source=spot_after(edits[0].event).path,
            path=first.source,
            until=done[-1].stamp,
            edits=tuple(done),
            of=tuple(of),
            back=tuple(back),
        )
    )
    return []


def _plan_stages(
    plan: UndoPlan,
    history: History,
    walks: list[tuple[str, list[Edit], list[Edit]]],
    folders: list[FileMoved],
) -> None:
    """Where folders were moved, operation by operation is undone, newest first.

    What lies in a folder moves with it, so no file can be brought to its end in one go.
    """
    tasks: list[tuple[str, FileTask]] = []
    for file, edits, done in walks:
        now = spot_after(edits[0].event)
        for edit in done:
            then = spot_before(edit.event)
            of, back = fates(history, edits, [edit])
            task = FileTask(
                file=file,
                now=now,
                then=then,
                edits=(edit,),
                along=any(_brought(edit.event, folder) for folder in folders),
                of=tuple(of),
                back=tuple(back),
            )
            tasks.append((edit.id, task))
            now = then
    tasks.sort(key=lambda pair: pair[0], reverse=True)
    last: str | None = None
    for _, task in tasks:
        op: str = getattr(task.edits[0].event, "op", "")
        if op != last or not plan.stages:
            plan.stages.append([])
        plan.stages[-1].append(task)
        last = op


def _brought(event: object, folder: FileMoved) -> bool:
    """Whether a file moved because the folder did in which it lay."""
    if not isinstance(event, AssetMoved | FileMoved) or event.op != folder.op:
        return False
    return event.source.startswith(f"{folder.source}/") and event.path.startswith(f"{folder.path}/")
