"""Saved views by name. The newest stamp wins."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from events.record import Record
from events.stamp import Stamp
from events.views import ViewDeleted, ViewSaved
from projections.fold import Projection


@frozen
class View:
    """How somebody wants to see the gallery; a deleted view is shown nowhere."""

    settings: dict[str, Any]
    actor: str
    as_of: Stamp
    deleted: bool = False


def _key(event: ViewSaved | ViewDeleted) -> tuple[str, ...]:
    return (event.name,)


def _apply(state: View | None, record: Record, key: str) -> View | None:
    if state is not None and record.stamp <= state.as_of:
        return state
    match record.event:
        case ViewSaved(settings=settings):
            return View(settings, record.actor, record.stamp)
        case ViewDeleted():
            return View({}, record.actor, record.stamp, deleted=True)
        case _:
            return state


VIEWS = Projection("views", (ViewSaved, ViewDeleted), _key, _apply,
                   lambda state: [state.settings, state.actor, state.as_of, state.deleted],
                   lambda packed: View(*packed))  # fmt: skip
