"""Saying which file a lost asset is, and which file is none of those that were known. Pure."""

from __future__ import annotations

from attrs import evolve, frozen

from events.assets import AssetId, AssetRelinked
from orchestrator.commands.curation import Sighting, recognise
from orchestrator.errors import AssetTaken, AssetUnknown, Fault, InvalidFields
from projections.assets import State
from projections.project import ProjectView

#: The reason of a relinking that a person decided.
PERSON = "person"


@frozen(kw_only=True)
class RelinkAsset:
    """The file that was seen is the asset that was at `source`."""

    asset: AssetId
    source: str
    sighting: Sighting
    #: `fingerprint`, `lineage` or `person`.
    reason: str

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return tuple(sorted({f"path:{self.source}", f"path:{self.sighting.path}"}))


@frozen(kw_only=True)
class MeetNewRender:
    """A file says of itself that it was made otherwise than the one that was known at its path."""

    sighting: Sighting

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"path:{self.sighting.path}",)


def relink_asset(view: ProjectView, command: RelinkAsset) -> list[object]:
    """Says nothing if the asset is there already, or has gone on since it was looked for.

    Refuses a file of which something else was said (stars must not be mixed up), and to take an
    asset out of the trash. Of a file that is another asset, but of which nothing was said yet, a
    person may say that it is this one after all.
    """
    known, seen = view.asset(command.asset), command.sighting
    if known is None:
        raise AssetUnknown(command.asset)
    if known.state is not State.PRESENT:
        raise InvalidFields((Fault("assetId", f"is {_GONE[known.state]}", command.asset),))
    other = view.asset_at(seen.path)
    if other == command.asset or known.path != command.source:
        return []
    if other is not None and _keeps_its_place(view, other, command):
        raise AssetTaken(seen.path, other)
    return [
        AssetRelinked(
            asset=command.asset,
            source=command.source,
            path=seen.path,
            size=seen.size,
            mtime=seen.mtime,
            head=seen.head,
            reason=command.reason,
        )
    ]


def meet_new_render(view: ProjectView, command: MeetNewRender) -> list[object]:
    """The file is an asset of its own; that of before, whose stars stay with it, is lost.

    Says nothing if no asset is believed to lie there, or if it has these bytes: somebody has told.
    """
    sighting = command.sighting
    if view.asset_at(sighting.path) is None:
        return []
    return recognise(view, evolve(sighting, made_anew=True))[1]


_GONE = {State.TRASHED: "in the trash", State.PURGED: "deleted for good"}


def _keeps_its_place(view: ProjectView, other: AssetId, command: RelinkAsset) -> bool:
    """Whether the file is the other asset, and no person may say otherwise."""
    known, seen = view.asset(other), command.sighting
    if known is None or (known.size, known.head) != (seen.size, seen.head):
        return False  # it only lies where that lay
    if command.reason != PERSON or view.lineage(other) is not None:
        return True
    return bool(view.stars_of(other) or view.tags_of(other) or view.note(other))
