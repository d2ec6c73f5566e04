"""Groups of jobs: what was submitted together, and whether somebody stopped it."""

from __future__ import annotations

from typing import Any

from attrs import asdict, evolve, frozen

from events.groups import GroupCancelRequested, GroupCreated
from events.record import Record
from events.stamp import Stamp
from projections.fold import Projection


@frozen
class Created:
    """The order of the group, and who gave it on which host."""

    as_of: Stamp
    actor: str
    host: str
    order: GroupCreated


@frozen
class Group:
    """All facts about one group; how far it is, its jobs tell."""

    created: Created | None = None
    #: Since when it is to be stopped.
    cancelled: Stamp | None = None


def _key(event: GroupCreated | GroupCancelRequested) -> tuple[str, ...]:
    return (event.group,)


def _apply(state: Group | None, record: Record, key: str) -> Group | None:
    group, at = state or Group(), record.stamp
    match record.event:
        case GroupCreated() as order:
            if group.created is None or at < group.created.as_of:
                return evolve(group, created=Created(at, record.actor, record.host, order))
        case GroupCancelRequested():
            if group.cancelled is None or at < group.cancelled:
                return evolve(group, cancelled=at)
        case _:
            pass
    return state


def _unpack(packed: Any) -> Group:
    created = packed["created"]
    if created is not None:
        order = dict(created["order"], jobs=tuple(created["order"]["jobs"]))
        created = Created(**{**created, "order": GroupCreated(**order)})
    return Group(created, packed["cancelled"])


GROUPS = Projection("groups", (GroupCreated, GroupCancelRequested), _key, _apply, asdict, _unpack)
