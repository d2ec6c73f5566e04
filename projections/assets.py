"""What assets there are, where each lies, and which asset a path means.

Where an asset lies and what its bytes are change for different reasons, so each is a register of
its own, and the newest stamp wins.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from attrs import evolve, frozen

from events.assets import AssetChanged, AssetId, AssetMoved, AssetRelinked, AssetSeen
from events.jobs import JobOutputStored
from events.record import Record
from events.stamp import Stamp
from events.trash import FilePurged, FileRestored, FileTrashed
from projections.fold import Projection


class State(StrEnum):
    """Whether an asset's file is in the project."""

    PRESENT = "present"
    TRASHED = "trashed"
    #: Deleted for good.
    PURGED = "purged"


_NEVER = Stamp("")
#: Why an asset is relinked if somebody takes a relinking back.
TAKEN_BACK = "undo"


@frozen
class Asset:
    """A file with an identity."""

    #: Where it lies; where it lay last if it is not in the project.
    path: str
    state: State
    #: Its place in the trash, if it ever was there.
    trash: str | None
    #: When we last heard of its place; "" if never.
    as_of: Stamp
    #: Bytes, nanoseconds since 1970, the fingerprint of both ends; -1 and "" if never told.
    size: int = -1
    mtime: int = -1
    head: str = ""
    #: When we last heard of its bytes; "" if never.
    bytes_as_of: Stamp = _NEVER
    #: Somebody took back that it was found elsewhere: it is not relinked by itself again.
    held: bool = False

    @property
    def known(self) -> bool:
        """Whether both were told: a host may hear of a move before it hears of the first sight."""
        return self.as_of != _NEVER and self.bytes_as_of != _NEVER


_Placing = AssetSeen | AssetMoved | AssetRelinked | FileTrashed | FileRestored | FilePurged
_PLACING = (AssetSeen, AssetMoved, AssetRelinked, FileTrashed, FileRestored, FilePurged)


def _asset_key(event: _Placing | AssetChanged) -> tuple[str, ...]:
    return () if event.asset is None else (event.asset,)


def _asset(state: Asset | None, record: Record, key: str) -> Asset | None:
    event, at = record.event, record.stamp
    if state is None and isinstance(event, AssetSeen):  # as most assets begin
        return Asset(event.path, State.PRESENT, None, at, event.size, event.mtime, event.head, at)
    return _bytes(_where(state, record), record)


def _where(state: Asset | None, record: Record) -> Asset | None:
    event, at = record.event, record.stamp
    if state is not None and at <= state.as_of:
        return state
    match event:
        case AssetRelinked(path=path, reason=reason):
            found = Asset(path, State.PRESENT, None, at, held=reason == TAKEN_BACK)
        case AssetSeen(path=path) | AssetMoved(path=path):
            found = Asset(path, State.PRESENT, None, at)
        case FileRestored(path=path):
            found = Asset(path, State.PRESENT, None, at)
        case FileTrashed(path=path, trash=trash):
            found = Asset(path, State.TRASHED, trash, at)
        case FilePurged(path=path, trash=trash):
            found = Asset(path, State.PURGED, trash, at)
        case AssetChanged() if state is None:
            # Told by a host that knew the asset; where it lies is still to be heard.
            return Asset("", State.PRESENT, None, _NEVER)
        case _:
            return state
    if state is None:
        return found
    return evolve(
        found,
        size=state.size,
        mtime=state.mtime,
        head=state.head,
        bytes_as_of=state.bytes_as_of,
    )


def _bytes(state: Asset | None, record: Record) -> Asset | None:
    if state is None or record.stamp <= state.bytes_as_of:
        return state
    match record.event:
        case AssetSeen() | AssetChanged() | AssetRelinked() as event:
            return evolve(
                state,
                size=event.size,
                mtime=event.mtime,
                head=event.head,
                bytes_as_of=record.stamp,
            )
        case _:
            return state


def _pack_asset(state: Asset) -> list[Any]:
    return [
        *(state.path, state.state, state.trash, state.as_of),
        *(state.size, state.mtime, state.head, state.bytes_as_of, state.held),
    ]


def _unpack_asset(packed: list[Any]) -> Asset:
    path, state, *rest = packed
    return Asset(path, _STATES[state], *rest)


_STATES = {state.value: state for state in State}

ASSETS = Projection(
    "assets", (*_PLACING, AssetChanged), _asset_key, _asset, _pack_asset, _unpack_asset
)


@frozen
class Place:
    """Which asset came to a path last. Whether it is still there, the asset itself says."""

    asset: AssetId
    as_of: Stamp


_Coming = AssetSeen | AssetMoved | AssetRelinked | FileRestored
_COMING = (AssetSeen, AssetMoved, AssetRelinked, FileRestored)


def _place_key(event: _Coming) -> tuple[str, ...]:
    return () if event.asset is None else (event.path,)


def _place(state: Place | None, record: Record, key: str) -> Place | None:
    if state is not None and record.stamp <= state.as_of:
        return state
    match record.event:
        case AssetSeen(asset=asset) | AssetMoved(asset=asset) | AssetRelinked(asset=asset):
            return Place(asset, record.stamp)
        case FileRestored(asset=asset) if asset is not None:
            return Place(asset, record.stamp)
        case _:
            return state


PLACES = Projection("places", _COMING, _place_key, _place,
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
