"""What assets there are, where each lies, and which asset a path means. The newest stamp wins."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from events.assets import AssetChanged, AssetId, AssetSeen
from events.jobs import JobOutputStored
from events.record import Record
from events.stamp import Stamp
from projections.fold import Projection


@frozen
class Asset:
    """A file with an identity."""

    path: str
    #: Bytes, nanoseconds since 1970, and the fingerprint of both ends.
    size: int
    mtime: int
    head: str
    as_of: Stamp


def _asset_key(event: AssetSeen | AssetChanged) -> tuple[str, ...]:
    return (event.asset,)


def _asset(state: Asset | None, record: Record, key: str) -> Asset | None:
    if state is not None and record.stamp <= state.as_of:
        return state
    match record.event:
        case AssetSeen() | AssetChanged() as event:
            return Asset(event.path, event.size, event.mtime, event.head, record.stamp)
        case _:
            return state


def _pack_asset(state: Asset) -> list[Any]:
    return [state.path, state.size, state.mtime, state.head, state.as_of]


ASSETS = Projection("assets", (AssetSeen, AssetChanged), _asset_key, _asset, _pack_asset,
                    lambda packed: Asset(*packed))  # fmt: skip


@frozen
class Place:
    """Which asset lies at a path."""

    asset: AssetId
    as_of: Stamp


def _place_key(event: AssetSeen | AssetChanged) -> tuple[str, ...]:
    return (event.path,)


def _place(state: Place | None, record: Record, key: str) -> Place | None:
    if state is not None and record.stamp <= state.as_of:
        return state
    match record.event:
        case AssetSeen(asset=asset) | AssetChanged(asset=asset):
            return Place(asset, record.stamp)
        case _:
            return state


PLACES = Projection("places", (AssetSeen, AssetChanged), _place_key, _place,
                    lambda state: [state.asset, state.as_of],
                    lambda packed: Place(*packed))  # fmt: skip


@frozen
class Lineage:
    """Which run of which node made an asset. The oldest stamp wins: a file is made once."""

    job: str
    attempt: int
    node: str
    as_of: Stamp


def _lineage_key(event: JobOutputStored) -> tuple[str, ...]:
    return (event.asset,)


def _lineage(state: Lineage | None, record: Record, key: str) -> Lineage | None:
    if state is not None and record.stamp >= state.as_of:
        return state
    match record.event:
        case JobOutputStored(job=job, attempt=attempt, node=node):
            return Lineage(job, attempt, node, record.stamp)
        case _:
            return state


def _pack_lineage(state: Lineage) -> list[Any]:
    return [state.job, state.attempt, state.node, state.as_of]


LINEAGE = Projection("lineage", (JobOutputStored,), _lineage_key, _lineage, _pack_lineage,
                     lambda packed: Lineage(*packed))  # fmt: skip
