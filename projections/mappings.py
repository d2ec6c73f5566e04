"""Path mappings as people changed them while the service ran. The newest stamp wins."""

from __future__ import annotations

from typing import Any

from attrs import asdict, evolve, frozen

from events.mappings import MappingRemoved, MappingSet
from events.record import Record
from events.stamp import Stamp
from projections.fold import Projection


@frozen
class ToldMapping:
    """What somebody last said of a mapping."""

    as_of: Stamp
    actor: str
    said: MappingSet | MappingRemoved
    #: When anything was said of it first: mappings are listed in the order in which they came.
    since: Stamp


def _key(event: MappingSet | MappingRemoved) -> tuple[str, ...]:
    return (event.mapping,)


def _apply(state: ToldMapping | None, record: Record, key: str) -> ToldMapping | None:
    match record.event:
        case MappingSet() | MappingRemoved() as said:
            at = record.stamp
            if state is None:
                return ToldMapping(at, record.actor, said, at)
            if at > state.as_of:
                return ToldMapping(at, record.actor, said, state.since)
            return evolve(state, since=at) if at < state.since else state
        case _:
            return state


def _unpack(packed: Any) -> ToldMapping:
    kind = MappingSet if "name" in packed["said"] else MappingRemoved
    return ToldMapping(**{**packed, "said": kind(**packed["said"])})


MAPPINGS = Projection("mappings", (MappingSet, MappingRemoved), _key, _apply, asdict, _unpack)
