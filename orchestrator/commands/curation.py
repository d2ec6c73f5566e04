"""What people ask of assets and tags, and what follows from it. Pure."""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from events.assets import AssetChanged, AssetId, AssetSeen
from events.curation import AssetRated, AssetTagged, AssetUntagged, TagDefined, TagDeleted, TagId
from events.views import ViewSaved
from orchestrator.errors import Fault, InvalidFields, TagNameTaken, TagUnknown
from orchestrator.gallery.fingerprint import asset_id
from projections.project import ProjectView

MAX_STARS = 5
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


@frozen(kw_only=True)
class RateAsset:
    """Give a file zero to five stars."""

    sighting: Sighting
    stars: int

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"path:{self.sighting.path}",)


@frozen(kw_only=True)
class TagAsset:
    """Put tags on a file and take others off."""

    sighting: Sighting
    add: tuple[TagId, ...]
    remove: tuple[TagId, ...]

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


DEFAULT_COLOR = "#808080"


def recognise(view: ProjectView, sighting: Sighting) -> tuple[AssetId, list[object]]:
    """The asset that a file is, and what must be told of it before an edit can speak of it."""
    known = view.asset_at(sighting.path)
    if known is None:
        fresh = AssetId(asset_id(sighting.path, sighting.size, sighting.head))
        seen = AssetSeen(
            asset=fresh,
            path=sighting.path,
            size=sighting.size,
            mtime=sighting.mtime,
            head=sighting.head,
        )
        return fresh, [seen]
    asset = view.asset(known)
    if asset is not None and (asset.size, asset.head) == (sighting.size, sighting.head):
        return known, []
    changed = AssetChanged(
        asset=known,
        path=sighting.path,
        size=sighting.size,
        mtime=sighting.mtime,
        head=sighting.head,
    )
    return known, [changed]


def rate_asset(view: ProjectView, command: RateAsset) -> list[object]:
    """Refuses stars outside 0 to 5; says nothing if the file has them already."""
    if not 0 <= command.stars <= MAX_STARS:
        message = f"must be 0 (none) to {MAX_STARS}"
        raise InvalidFields((Fault("rating", message, command.stars),))
    asset, told = recognise(view, command.sighting)
    rating = view.rating(asset)
    if (rating.stars if rating else 0) == command.stars:
        return []
    return [*told, AssetRated(asset=asset, stars=command.stars)]


def tag_asset(view: ProjectView, command: TagAsset) -> list[object]:
    """Refuses tags that do not exist; says only what changes. A tag in both lists is taken off."""
    unknown = [tag for tag in (*command.add, *command.remove) if view.tag(tag) is None]
    if unknown:
        raise TagUnknown(tuple(dict.fromkeys(unknown)))
    asset, told = recognise(view, command.sighting)
    marks = view.marks(asset)
    present = set(marks.present()) if marks else set()
    add = [t for t in dict.fromkeys(command.add) if t not in present and t not in command.remove]
    remove = [t for t in dict.fromkeys(command.remove) if t in present]
    if not add and not remove:
        return []
    return [
        *told,
        *(AssetTagged(asset=asset, tag=tag) for tag in add),
        *(AssetUntagged(asset=asset, tag=tag) for tag in remove),
    ]


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
