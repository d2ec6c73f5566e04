"""Saved views by name. The newest stamp wins."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from events.record import Record
from events.stamp import Stamp
from events.views import ViewSaved
from projections.fold import Projection


@frozen
class View:
    """How somebody wants to see the gallery."""

    settings: dict[str, Any]
    actor: str
    as_of: Stamp


def _key(event: ViewSaved) -> tuple[str, ...]:
    return (event.name,)


def _apply(state: View | None, record: Record, key: str) -> View | None:
    if state is not None and record.stamp <= state.as_of:
        return state
    match record.event:
        case ViewSaved(settings=settings):
            return View(settings, record.actor, record.stamp)
        case _:
            return state


VIEWS = Projection("views", (ViewSaved,), _key, _apply,
                   lambda state: [state.settings, state.actor, state.as_of],
                   lambda packed: View(*packed))  # fmt: skip
