"""Hosts whose jobs were taken over: by whom, and when last."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from events.hosts import HostAdopted
from events.record import Record
from events.stamp import Stamp
from projections.fold import Projection


@frozen
class Adoption:
    """The newest taking over of a host's jobs."""

    as_of: Stamp
    by: str
    #: Who asked for it.
    actor: str


def _key(event: HostAdopted) -> tuple[str, ...]:
    return (event.host,)


def _apply(state: Adoption | None, record: Record, key: str) -> Adoption | None:
    assert isinstance(record.event, HostAdopted)  # the only class that is handled
    if state is not None and record.stamp <= state.as_of:
        return state
    return Adoption(record.stamp, record.event.by, record.actor)


def _pack(state: Adoption) -> list[Any]:
    return [state.as_of, state.by, state.actor]


def _unpack(packed: list[Any]) -> Adoption:
    return Adoption(*packed)


HOSTS = Projection("hosts", (HostAdopted,), _key, _apply, _pack, _unpack)
