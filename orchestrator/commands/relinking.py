"""Saying which file a lost asset is, and which file is none of those that were known. Pure."""

from __future__ import annotations

from attrs import evolve, frozen

from events.assets import AssetId, AssetRelinked
from orchestrator.commands.curation import Sighting, recognise
from orchestrator.errors import AssetTaken, AssetUnknown, Fault, InvalidFields
from projections.assets import Asset, State
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
    asset out of the trash.
    """
    known, seen = view.asset(command.asset), command.sighting
    if known is None:
        raise AssetUnknown(command.asset)
    if known.state is not State.PRESENT:
        raise InvalidFields((Fault("assetId", f"is {_GONE[known.state]}", command.asset),))
    other = view.asset_at(seen.path)
    if other == command.asset or known.path != command.source:
        return []
    if other is not None and _is(view.asset(other), seen):
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


def _is(known: Asset | None, seen: Sighting) -> bool:
    """Whether a file has the bytes of an asset: if not, it only lies where that lay."""
    return known is not None and (known.size, known.head) == (seen.size, seen.head)
