"""Looks on the disk whether files can be brought back, before any is touched. Blocks."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.gallery.past.trails import Spot
from orchestrator.gallery.past.undo_parts import (
    FILES_BY_SERVICE,
    MISSING,
    PATH_TAKEN,
    Impossible,
    UndoPlan,
)
from projections.project import ProjectView
from projections.trash import trash_place


def leave_out_impossible(plan: UndoPlan, view: ProjectView, root: Path) -> None:
    """Take out of a plan the files that are not where they were left, or whose name is taken.

    It is a look, not a promise: whoever moves the files looks again.
    """
    # What comes after the first stage depends on what that has done.
    tasks = [task for stage in plan.stages[:1] for task in stage if not task.along]
    vacated = {_key(task.now.path) for task in tasks if task.now.trash is None}
    stuck: dict[str, str] = {}
    for task in tasks:
        if task.now == task.then:
            continue  # there and back: nothing is to be done
        place = _place(view, task.now)
        if place is None or not os.path.lexists(root / place):
            stuck[task.file] = MISSING
        elif _taken(root, task.now, task.then, vacated):
            stuck[task.file] = PATH_TAKEN
    _take_out(plan, stuck)


def leave_out_files(plan: UndoPlan) -> None:
    """Take all that is done to files out of a plan: where no service moves them."""
    _take_out(plan, {task.file: FILES_BY_SERVICE for stage in plan.stages for task in stage})


def _take_out(plan: UndoPlan, stuck: dict[str, str]) -> None:
    for stage in plan.stages:
        for task in stage:
            if task.file in stuck:
                plan.impossible += (Impossible(edit, stuck[task.file]) for edit in task.edits)
        stage[:] = [task for task in stage if task.file not in stuck]


def _place(view: ProjectView, spot: Spot) -> str | None:
    """Where a file should lie on disk."""
    if spot.trash is None:
        return None if spot.gone else spot.path
    trashed = view.trashed(spot.trash)
    return None if trashed is None else trash_place(spot.trash, trashed)


def _taken(root: Path, now: Spot, then: Spot, vacated: set[str]) -> bool:
    """Whether something lies where a file is to go, and will not go away itself."""
    if then.trash is not None or now.trash is not None:
        return False  # the trash has room, and who comes out of it takes a free name
    target = root / then.path
    if _key(then.path) in vacated or not os.path.lexists(target):
        return False
    # On a share that ignores case, the name may be the file's own.
    return not target.samefile(root / now.path)


def _key(path: str) -> str:
    return path.casefold()
