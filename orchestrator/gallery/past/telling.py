"""An edit as people are told of it: what, from what to what, where its file is now. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from attrs import frozen

from events.assets import AssetChanged, AssetId, AssetRelinked, AssetSeen
from events.curation import AssetTagged, AssetUntagged, TagDefined, TagDeleted
from events.record import Record
from events.registry import name_of
from events.stamp import moment
from orchestrator.gallery.past.registers import register_of
from orchestrator.gallery.past.trails import PLACING, asset_of, trail
from orchestrator.gallery.past.words import describe
from projections.catalogue import empty_tables
from projections.edits import FileMoved
from projections.history import Edit, History, places_of
from projections.project import ProjectView


@frozen(kw_only=True)
class Told:
    """One edit."""

    id: str
    at: datetime
    actor: str
    host: str
    batch: str
    #: Where its file lay just before it; None if it is about no file.
    path: str | None
    #: Where that file lies now; None if it is not in the project.
    current_path: str | None
    asset: str | None
    #: The event's name.
    what: str
    #: In words.
    text: str
    old: Any
    new: Any
    #: The undo because of which it does not count; None if it counts.
    undone_by: str | None


def tell(history: History, view: ProjectView, edit: Edit) -> Told:
    """Tell an edit; `view` is the state now."""
    change = describe(_before(history, edit), as_record(edit))
    event = edit.event
    return Told(
        id=edit.id,
        at=moment(edit.stamp),
        actor=edit.who.actor,
        host=edit.who.host,
        batch=edit.batch,
        path=change.path,
        current_path=_current(history, view, edit),
        asset=change.asset,
        what="file.moved" if isinstance(event, FileMoved) else name_of(event),
        text=change.what,
        old=change.old,
        new=change.new,
        undone_by=history.undone_by(edit.id),
    )


def as_record(edit: Edit) -> Record:
    """An edit as a record, as far as its history knows it."""
    stamp, who = edit.stamp, edit.who
    return Record(stamp, edit.event, who.actor, who.host, stamp[16:-3], 0, edit.correlation)


def _before(history: History, edit: Edit) -> ProjectView:
    """The state just before an edit, as far as it is needed to tell of it."""
    tables = empty_tables()
    tables.apply(as_record(older) for older in _needed(history, edit))
    return ProjectView(tables)


_BYTES = (AssetSeen, AssetChanged, AssetRelinked)


def _needed(history: History, edit: Edit) -> Iterator[Edit]:
    """What the edit replaced, where its file lay, what its bytes were, how its tag was called."""
    register = register_of(edit.event)
    replaced = placed = sized = False
    older = edit.older
    while older is not None and not (replaced and placed and sized):
        event = older.event
        takes = False
        if not replaced and register is not None and register_of(event) == register:
            replaced = takes = True
        if not placed and isinstance(event, PLACING):
            placed = takes = True
        if not sized and isinstance(event, _BYTES):
            sized = takes = True
        if takes:
            yield older
        older = older.older
    if isinstance(edit.event, AssetTagged | AssetUntagged):
        yield from _definition(history, edit, edit.event.tag)
    for arrow in history.arrows(places_of(edit.event)[0]):
        if arrow.id < edit.id:
            yield arrow


def _definition(history: History, edit: Edit, tag: str) -> Iterator[Edit]:
    for told in history.about(f"tag:{tag}"):
        if told.id < edit.id and isinstance(told.event, TagDefined | TagDeleted):
            yield told
            return


def _current(history: History, view: ProjectView, edit: Edit) -> str | None:
    asset = asset_of(edit)
    if asset is None:
        if not isinstance(edit.event, PLACING):
            return None
        last = trail(history, view, edit)[0]
        asset = asset_of(last)
        if asset is None:
            place = places_of(last.event)[1]
            return None if not place or place.startswith("//") else place
    known = view.asset(AssetId(asset))
    if known is None or view.asset_at(known.path) != asset:
        return None
    return known.path
