"""A note per asset. The newest stamp wins."""

from __future__ import annotations

from attrs import frozen

from events.curation import AssetNoted
from events.record import Record
from events.stamp import Stamp
from projections.fold import Projection


@frozen
class Note:
    """What somebody wrote about an asset; empty if it was removed."""

    text: str
    actor: str
    as_of: Stamp


def _key(event: AssetNoted) -> tuple[str, ...]:
    return (event.asset,)


def _apply(state: Note | None, record: Record, key: str) -> Note | None:
    if state is not None and record.stamp <= state.as_of:
        return state
    match record.event:
        case AssetNoted(note=note):
            return Note(note, record.actor, record.stamp)
        case _:
            return state


NOTES = Projection("notes", (AssetNoted,), _key, _apply,
                   lambda state: [state.text, state.actor, state.as_of],
                   lambda packed: Note(*packed))  # fmt: skip
