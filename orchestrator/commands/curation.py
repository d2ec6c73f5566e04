"""What people ask of assets and tags, and what follows from it. Pure."""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from events.assets import AssetChanged, AssetId, AssetRelinked, AssetSeen
from events.curation import (
    AssetNoted,
    AssetRated,
    AssetTagged,
    AssetUntagged,
    TagDefined,
    TagDeleted,
    TagId,
)
from events.views import ViewDeleted, ViewSaved
from orchestrator.errors import Fault, InvalidFields, TagNameTaken, TagUnknown, ViewUnknown
from orchestrator.gallery.fingerprint import asset_id
from projections.assets import Asset, State
from projections.project import ProjectView

MAX_STARS = 5
MAX_NOTE = 10_000
_COLOR = re.compile(r"#[0-9a-f]{6}")


@frozen
class Sighting:
    """A file as it was just seen on disk; what an edit is about."""

    #: Relative to the project, with `/`.
    path: str
    size: int
    #: Nanoseconds since 1970.
    mtime: int
    head: str
    #: It says of itself that it is another picture than the one that was known there: it was made
    #: otherwise. Only asked of files whose bytes are others than were told.
    made_anew: bool = False


@frozen(kw_only=True)
class CurateAsset:
    """Say something of one file: stars, tags on and off, a note. None leaves a thing as it is."""

    sighting: Sighting
    stars: int | None = None
    add: tuple[TagId, ...] = ()
    remove: tuple[TagId, ...] = ()
    note: str | None = None

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"path:{self.sighting.path}",)


@frozen(kw_only=True)
class DefineTag:
    """Make a tag, or change its name and colour."""

    tag: TagId
    #: Whether the tag must exist already.
    update: bool
    #: None keeps the one that it has.
    name: str | None
    #: `#rrggbb`; None keeps the one that it has.
    color: str | None

    def keys(self) -> tuple[str, ...]:
        """Names are unique among all tags, so all definitions take turns."""
        return ("tags",)


@frozen(kw_only=True)
class DeleteTag:
    """Take a tag off everything, and forget it."""

    tag: TagId

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return ("tags",)


@frozen(kw_only=True)
class SaveView:
    """Save how the gallery looks."""

    name: str
    settings: dict[str, Any]

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"view:{self.name}",)


@frozen(kw_only=True)
class DeleteView:
    """Forget a saved view."""

    name: str

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"view:{self.name}",)


DEFAULT_COLOR = "#808080"


def fresh_asset(view: ProjectView, sighting: Sighting) -> AssetSeen:
    """A file as an asset that never was before, whatever lay at its path.

    The same bytes may come to the same path twice: rendered again after the first was trashed,
    or copied back after it was moved. The second does not inherit what was said of the first.
    """
    nth = 1
    while True:
        asset = AssetId(asset_id(sighting.path, sighting.size, sighting.head, nth))
        if view.asset(asset) is None:
            return AssetSeen(
                asset=asset,
                path=sighting.path,
                size=sighting.size,
                mtime=sighting.mtime,
                head=sighting.head,
                nth=nth if nth > 1 else None,
            )
        nth += 1


def recognise(view: ProjectView, sighting: Sighting) -> tuple[AssetId, list[object]]:
    """The asset that a file is, and what must be told of it before an edit can speak of it.

    Other bytes than were told are an edit of the same picture, which keeps its stars. One that was
    made anew is another picture: perhaps the one that lay here before, and has come back.
    """
    known = view.asset_at(sighting.path)
    asset = None if known is None else view.asset(known)
    if known is not None and asset is not None and _is(asset, sighting):
        return known, []
    if known is None or sighting.made_anew:
        seen = _returned(view, sighting) or fresh_asset(view, sighting)
        return seen.asset, [seen]
    changed = AssetChanged(
        asset=known,
        path=sighting.path,
        size=sighting.size,
        mtime=sighting.mtime,
        head=sighting.head,
    )
    return known, [changed]


def _returned(view: ProjectView, sighting: Sighting) -> AssetRelinked | None:
    """The asset that was met here with these bytes, and has lain nowhere else since."""
    nth = 1
    while True:
        asset = AssetId(asset_id(sighting.path, sighting.size, sighting.head, nth))
        known = view.asset(asset)
        if known is None:
            return None
        here = known.state is State.PRESENT and known.path == sighting.path
        if here and _is(known, sighting):
            return AssetRelinked(
                asset=asset,
                source=sighting.path,
                path=sighting.path,
                size=sighting.size,
                mtime=sighting.mtime,
                head=sighting.head,
                reason="fingerprint",
            )
        nth += 1


def _is(known: Asset, sighting: Sighting) -> bool:
    """Whether a file has the bytes that were told of an asset last."""
    return (known.size, known.head) == (sighting.size, sighting.head)


def curate_asset(view: ProjectView, command: CurateAsset) -> list[object]:
    """Says only what changes. A tag in both lists is taken off.

    Refuses stars outside 0 to 5, tags that do not exist, and notes that are too long.
    """
    _check(view, command)
    asset, told = recognise(view, command.sighting)
    said = [
        *_stars(view, asset, command.stars),
        *_tags(view, asset, command.add, command.remove),
        *_note(view, asset, command.note),
    ]
    # Whoever takes off stars that the picture of before had must see them go.
    return [*told, *said] if said or command.sighting.made_anew else []


def _check(view: ProjectView, command: CurateAsset) -> None:
    stars, note = command.stars, command.note
    if stars is not None and not 0 <= stars <= MAX_STARS:
        message = f"must be 0 (none) to {MAX_STARS}"
        raise InvalidFields((Fault("rating", message, stars),))
    if note is not None and len(note) > MAX_NOTE:
        message = f"must have at most {MAX_NOTE} characters"
        raise InvalidFields((Fault("note", message, note[:100]),))
    unknown = [tag for tag in (*command.add, *command.remove) if view.tag(tag) is None]
    if unknown:
        raise TagUnknown(tuple(dict.fromkeys(unknown)))


def _stars(view: ProjectView, asset: AssetId, stars: int | None) -> list[object]:
    rating = view.rating(asset)
    if stars is None or (rating.stars if rating else 0) == stars:
        return []
    return [AssetRated(asset=asset, stars=stars)]


def _tags(
    view: ProjectView, asset: AssetId, add: tuple[TagId, ...], remove: tuple[TagId, ...]
) -> list[object]:
    if not add and not remove:
        return []
    marks = view.marks(asset)
    present = set(marks.present()) if marks else set()
    added = [t for t in dict.fromkeys(add) if t not in present and t not in remove]
    removed = [t for t in dict.fromkeys(remove) if t in present]
    return [
        *(AssetTagged(asset=asset, tag=tag) for tag in added),
        *(AssetUntagged(asset=asset, tag=tag) for tag in removed),
    ]


def _note(view: ProjectView, asset: AssetId, note: str | None) -> list[object]:
    if note is None or view.note(asset) == note:
        return []
    return [AssetNoted(asset=asset, note=note)]


def define_tag(view: ProjectView, command: DefineTag) -> list[object]:
    """Refuses empty or taken names (compared without case) and colours that are none."""
    known = view.tag(command.tag)
    if command.update and known is None:
        raise TagUnknown((command.tag,))
    name = command.name if command.name is not None else (known.name if known else "")
    name = " ".join(name.split())
    color = command.color
    if color is None:
        color = known.color if known else DEFAULT_COLOR
    color = color.lower()
    faults = []
    if not 1 <= len(name) <= 100:
        faults.append(Fault("name", "must have 1 to 100 characters", name[:120]))
    if not _COLOR.fullmatch(color):
        faults.append(Fault("color", "must be #rrggbb", color[:20]))
    if faults:
        raise InvalidFields(tuple(faults))
    for other, tag in view.tags().items():
        if other != command.tag and tag.name.casefold() == name.casefold():
            raise TagNameTaken(tag.name, other)
    if known is not None and (known.name, known.color) == (name, color):
        return []
    return [TagDefined(tag=command.tag, name=name, color=color)]


def delete_tag(view: ProjectView, command: DeleteTag) -> list[object]:
    """Refuses a tag that does not exist."""
    if view.tag(command.tag) is None:
        raise TagUnknown((command.tag,))
    return [TagDeleted(tag=command.tag)]


def save_view(view: ProjectView, command: SaveView) -> list[object]:
    """Says nothing if the view is saved as it is."""
    if not 1 <= len(command.name) <= 100:
        raise InvalidFields((Fault("name", "must have 1 to 100 characters", command.name[:120]),))
    saved = view.view(command.name)
    if saved is not None and saved.settings == command.settings:
        return []
    return [ViewSaved(name=command.name, settings=command.settings)]


def delete_view(view: ProjectView, command: DeleteView) -> list[object]:
    """Refuses a view that does not exist."""
    if view.view(command.name) is None:
        raise ViewUnknown(command.name, tuple(view.views()))
    return [ViewDeleted(name=command.name)]
