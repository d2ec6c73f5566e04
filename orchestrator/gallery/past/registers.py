"""What an edit changes, what it replaced, and the event that puts that back. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from events.assets import AssetId
from events.curation import (
    AssetNoted,
    AssetRated,
    AssetTagged,
    AssetUntagged,
    TagDefined,
    TagDeleted,
)
from events.views import ViewDeleted, ViewSaved
from projections.edits import subject_of
from projections.history import Edit, History

#: What one edit changes and another may change again: a kind, and whose it is.
Register = tuple[str, ...]


def register_of(event: object) -> Register | None:
    """The one value that an event sets; None for places of files, and for mere facts."""
    match event:
        case AssetRated(asset=asset):
            return "rating", asset
        case AssetNoted(asset=asset):
            return "note", asset
        case AssetTagged(asset=asset, tag=tag) | AssetUntagged(asset=asset, tag=tag):
            return "tag", asset, tag
        case TagDefined(tag=tag) | TagDeleted(tag=tag):
            return "definition", tag
        case ViewSaved(name=name) | ViewDeleted(name=name):
            return "view", name
        case _:
            return None


def register_edits(history: History, event: object) -> Iterator[Edit]:
    """All edits of the register that an event sets, newest first."""
    register, subject = register_of(event), subject_of(event)
    assert subject is not None  # whatever sets a register has a subject
    return (edit for edit in history.about(subject) if register_of(edit.event) == register)


def putting_back(event: object, base: object | None) -> object:
    """The event that makes a register what `base` made it, or as if nothing had ever been said.

    `event` is any event of the register.
    """
    match event:
        case AssetRated(asset=asset):
            return base if isinstance(base, AssetRated) else AssetRated(asset=asset, stars=0)
        case AssetNoted(asset=asset):
            return base if isinstance(base, AssetNoted) else AssetNoted(asset=asset, note="")
        case AssetTagged(asset=asset, tag=tag) | AssetUntagged(asset=asset, tag=tag):
            gone = AssetUntagged(asset=AssetId(asset), tag=tag)
            return base if isinstance(base, AssetTagged) else gone
        case TagDefined(tag=tag) | TagDeleted(tag=tag):
            return base if isinstance(base, TagDefined) else TagDeleted(tag=tag)
        case ViewSaved(name=name) | ViewDeleted(name=name):
            return base if isinstance(base, ViewSaved) else ViewDeleted(name=name)
        case _:
            raise TypeError(event)
