"""Which old stores were taken over, and of which files that are not there something was said."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from events.assets import AssetId
from events.curation import TagId
from events.imports import FileArrived, FileAwaited, ProjectImported
from events.record import Record
from events.stamp import Stamp
from projections.fold import Projection, Tables


@frozen
class Imported:
    """An old store as it was when it was taken over last."""

    size: int
    head: str
    counts: dict[str, Any]
    left_out: int
    actor: str
    as_of: Stamp


def _imported_key(event: ProjectImported) -> tuple[str, ...]:
    return (event.source,)


def _imported(state: Imported | None, record: Record, key: str) -> Imported | None:
    if state is not None and record.stamp <= state.as_of:
        return state
    match record.event:
        case ProjectImported() as event:
            return Imported(
                size=event.size,
                head=event.head,
                counts=event.counts,
                left_out=event.left_out,
                actor=record.actor,
                as_of=record.stamp,
            )
        case _:
            return state


def _pack_imported(state: Imported) -> list[Any]:
    return [state.size, state.head, state.counts, state.left_out, state.actor, state.as_of]


IMPORTED = Projection("imported", (ProjectImported,), _imported_key, _imported, _pack_imported,
                      lambda packed: Imported(*packed))  # fmt: skip


@frozen
class Awaited:
    """What was said of a file that is not there, or which asset it turned out to be.

    The newest stamp wins.
    """

    stars: int
    tags: tuple[TagId, ...]
    note: str
    as_of: Stamp
    #: None as long as it is awaited.
    arrived: AssetId | None = None


def _awaited_key(event: FileAwaited | FileArrived) -> tuple[str, ...]:
    return (event.path,)


def _awaited(state: Awaited | None, record: Record, key: str) -> Awaited | None:
    if state is not None and record.stamp <= state.as_of:
        return state
    match record.event:
        case FileAwaited(stars=stars, tags=tags, note=note):
            return Awaited(stars, tags, note, record.stamp)
        case FileArrived(asset=asset):
            return Awaited(0, (), "", record.stamp, asset)
        case _:
            return state


def _pack_awaited(state: Awaited) -> list[Any]:
    return [state.stars, list(state.tags), state.note, state.as_of, state.arrived]


def _unpack_awaited(packed: list[Any]) -> Awaited:
    stars, tags, note, as_of, arrived = packed
    return Awaited(stars, tuple(tags), note, as_of, arrived)


AWAITED = Projection("awaited", (FileAwaited, FileArrived), _awaited_key, _awaited,
                     _pack_awaited, _unpack_awaited)  # fmt: skip


def imported(tables: Tables, source: str) -> Imported | None:
    """How an old store was when it was taken over; None if it never was."""
    return tables.table(IMPORTED.name).get(source)


def heard_of(tables: Tables, path: str) -> Awaited | None:
    """What was last told of an awaited file, even if it has arrived."""
    return tables.table(AWAITED.name).get(path)


def awaited(tables: Tables) -> dict[str, Awaited]:
    """All files that are still awaited, by path."""
    everything = tables.table(AWAITED.name).items()
    return dict(sorted((path, told) for path, told in everything if told.arrived is None))
