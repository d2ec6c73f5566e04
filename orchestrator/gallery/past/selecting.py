"""Which edits are meant: one, a batch, or all by somebody in a span of time. Pure."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from events.edits import EditsUndone
from events.stamp import COUNTER_BITS, before
from orchestrator.errors import EditUnknown, UndoTooLarge
from projections.history import Edit, History

#: Edits that are undone at once.
MOST_EDITS = 10_000


@frozen(kw_only=True)
class Selection:
    """What is to be undone: by `id`, or by `batch`, or by who did it and when."""

    id: str | None = None
    batch: str | None = None
    #: None is anybody, or any host.
    actor: str | None = None
    host: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def first_of(at: datetime) -> str:
    """The smallest stamp of the millisecond of `at`: what happened in it lies at or above."""
    return f"{int(before(at), 16) - (1 << COUNTER_BITS):016x}"


def select(history: History, wanted: Selection) -> list[Edit]:
    """The edits, oldest first.

    Raises:
        EditUnknown: there is no edit, or no batch, of that id.
        UndoTooLarge: they are too many for one undo.
    """
    if wanted.id is not None:
        edits = _one(history, wanted.id)
    elif wanted.batch is not None:
        edits = list(history.batch(wanted.batch))
        if not edits:
            raise EditUnknown(wanted.batch)
    else:
        first = None if wanted.since is None else first_of(wanted.since)
        end = None if wanted.until is None else before(wanted.until)
        edits = [e for e in history.between(first, end) if by(e, wanted.actor, wanted.host)]
    if len(edits) > MOST_EDITS:
        raise UndoTooLarge(len(edits), MOST_EDITS)
    return edits


def by(edit: Edit, actor: str | None, host: str | None) -> bool:
    """Whether somebody made an edit; None is anybody."""
    return (actor is None or edit.who.actor == actor) and (host is None or edit.who.host == host)


def _one(history: History, edit_id: str) -> list[Edit]:
    edit = history.get(edit_id)
    if edit is None:
        raise EditUnknown(edit_id)
    if isinstance(edit.event, EditsUndone):
        return list(history.batch(edit.batch))  # an undo is undone as a whole
    return [edit]
