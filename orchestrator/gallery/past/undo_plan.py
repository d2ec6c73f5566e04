"""What undoing a selection of edits takes, and what stands in its way. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from events.assets import AssetChanged, AssetId, AssetSeen
from events.curation import TagDefined, TagDeleted
from events.edits import EditsUndone
from events.jobs import JobOutputStored
from events.views import ViewDeleted, ViewSaved
from orchestrator.commands.undoing import Reversal
from orchestrator.gallery.past.registers import (
    Register,
    putting_back,
    register_edits,
    register_of,
)
from orchestrator.gallery.past.trails import PLACING, asset_of, asset_trail, spot_before, trail
from orchestrator.gallery.past.undo_files import plan_files
from orchestrator.gallery.past.undo_parts import FACT, TAG_NAME_TAKEN, Impossible, UndoPlan
from orchestrator.gallery.past.undo_walk import Wanted, fates, walk
from projections.history import Edit, History
from projections.project import ProjectView


def plan_undo(
    history: History, view: ProjectView, selection: Iterable[Edit], *, force: bool
) -> UndoPlan:
    """Decide how to undo a selection of edits; then call `refuse_taken_names`.

    It may run in a thread while edits go on: what is changed meanwhile is left alone when the
    plan is carried out.

    Args:
        history: All edits.
        view: The state now.
        selection: What is to be undone. Mere facts among other edits are passed by.
        force: Whether edits are undone too that a later one, not selected, built upon.
    """
    selected = list(selection)
    wanted = Wanted.of(selected)
    plan = UndoPlan()
    registers: dict[Register, Edit] = {}
    files: dict[str, list[Edit]] = {}
    in_trails: set[str] = set()
    for edit in selected:
        register = register_of(edit.event)
        if register is not None:
            registers[register] = edit
        elif isinstance(edit.event, _FACTS):
            if len(selected) == 1:
                plan.impossible.append(Impossible(edit, FACT))
        elif edit.id not in in_trails and isinstance(edit.event, PLACING):
            asset = asset_of(edit)
            along = trail(history, view, edit) if asset is None else asset_trail(history, asset)
            # A folder's edit in the trail of what it brought along is not the folder's own.
            in_trails.update(e.id for e in along if history.get(e.id) is e)
            first = along[-1]
            files[f"{first.id} {spot_before(first.event).path}"] = along
    for edit in registers.values():
        _plan_register(plan, history, view, edit, wanted, force=force)
    plan_files(plan, history, files, wanted, force=force)
    return plan


_FACTS = (AssetSeen, AssetChanged, JobOutputStored, EditsUndone)


def _plan_register(
    plan: UndoPlan, history: History, view: ProjectView, edit: Edit, wanted: Wanted, *, force: bool
) -> None:
    edits = list(register_edits(history, edit.event))
    walked = walk(history, edits, wanted, force=force)
    plan.note(walked)
    if not walked.done:
        return
    event = putting_back(edit.event, None if walked.base is None else walked.base.event)
    of, back = fates(history, edits, walked.done)
    plan.reversals.append(
        Reversal(
            event=event,
            lock=_lock(view, edit),
            expected=edits[0].stamp,
            edits=tuple(walked.done),
            of=tuple(of),
            back=tuple(back),
        )
    )


def _lock(view: ProjectView, edit: Edit) -> str:
    """The lock that people's own commands about the same thing take."""
    match edit.event:
        case TagDefined() | TagDeleted():
            return "tags"
        case ViewSaved(name=name) | ViewDeleted(name=name):
            return f"view:{name}"
        case _:
            asset = asset_of(edit)
            known = None if asset is None else view.asset(AssetId(asset))
            return f"path:{known.path}" if known else f"asset:{asset}"


def refuse_taken_names(plan: UndoPlan, view: ProjectView) -> None:
    """Names of tags are unique: one that is to come back must not be another's by now."""
    names: dict[str, str] = {t: known.name.casefold() for t, known in view.tags().items()}
    coming: dict[str, Reversal] = {}
    for reversal in plan.reversals:
        match reversal.event:
            case TagDeleted(tag=tag):
                names.pop(tag, None)
            case TagDefined(tag=tag, name=name):
                names[tag] = name.casefold()
                coming[tag] = reversal
    for coming_back, reversal in coming.items():
        if list(names.values()).count(names[coming_back]) > 1:
            del names[coming_back]
            plan.reversals.remove(reversal)
            plan.impossible += (Impossible(edit, TAG_NAME_TAKEN) for edit in reversal.edits)
