"""What lies in the trash, and what became of what lay there. An id is used for one stay."""

from __future__ import annotations

from typing import Any

from attrs import evolve, frozen

from events.record import Record
from events.stamp import Stamp
from events.trash import FilePurged, FileRestored, FileTrashed
from projections.fold import Projection


@frozen
class Trashed:
    """A file that was put into the trash."""

    path: str
    name: str
    #: Bytes.
    size: int
    #: Nanoseconds since 1970.
    mtime: int
    asset: str | None
    sidecars: tuple[str, ...]
    #: Who did it, where and when.
    actor: str
    host: str
    as_of: Stamp
    #: Where it lies, if that is not the usual place; ask `trash_place`.
    place: str | None = None


@frozen
class Stay:
    """One file's stay in the trash; how it began and how it ended, as far as both are told."""

    trashed: Trashed | None = None
    #: When it was restored or deleted; the oldest stamp counts, since it happens once.
    ended: Stamp | None = None

    @property
    def here(self) -> Trashed | None:
        """What lies in the trash; None if nothing does."""
        return self.trashed if self.ended is None else None


#: Where the trash lies, relative to the project.
_FOLDER = ".gallery/.trash"


def trash_place(trash: str, trashed: Trashed) -> str:
    """Where a file in the trash lies, relative to the project; its sidecars lie beside it."""
    if trashed.place is not None:
        return trashed.place
    return f"{_FOLDER}/{trash}/{trashed.name}"


def _key(event: FileTrashed | FileRestored | FilePurged) -> tuple[str, ...]:
    return (event.trash,)


def _apply(state: Stay | None, record: Record, key: str) -> Stay | None:
    stay, at = state or Stay(), record.stamp
    match record.event:
        case FileTrashed() as event:
            if stay.trashed is not None and stay.trashed.as_of <= at:
                return state
            trashed = Trashed(
                path=event.path,
                name=event.name,
                size=event.size,
                mtime=event.mtime,
                asset=event.asset,
                sidecars=event.sidecars,
                actor=record.actor,
                host=record.host,
                as_of=at,
                place=event.place,
            )
            return evolve(stay, trashed=trashed)
        case FileRestored() | FilePurged():
            if stay.ended is not None and stay.ended <= at:
                return state
            return evolve(stay, ended=at)
        case _:
            return state


def _pack(state: Stay) -> list[Any]:
    told = state.trashed
    packed = None
    if told is not None:
        packed = [
            *(told.path, told.name, told.size, told.mtime, told.asset),
            *(list(told.sidecars), told.actor, told.host, told.as_of, told.place),
        ]
    return [packed, state.ended]


def _unpack(packed: list[Any]) -> Stay:
    told, ended = packed
    if told is None:
        return Stay(None, ended)
    path, name, size, mtime, asset, sidecars, *rest = told
    return Stay(Trashed(path, name, size, mtime, asset, tuple(sidecars), *rest), ended)


TRASH = Projection("trash", (FileTrashed, FileRestored, FilePurged), _key, _apply, _pack, _unpack)
