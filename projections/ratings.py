"""Stars per asset. The newest stamp wins."""

from __future__ import annotations

from attrs import frozen

from events.curation import AssetRated
from events.record import Record
from events.stamp import Stamp
from projections.fold import Projection


@frozen
class Rating:
    """How many stars an asset has, and who gave them; 0 is none."""

    stars: int
    actor: str
    as_of: Stamp


def _key(event: AssetRated) -> tuple[str, ...]:
    return (event.asset,)


def _apply(state: Rating | None, record: Record, key: str) -> Rating | None:
    if state is not None and record.stamp <= state.as_of:
        return state  # older news, or the same news again
    match record.event:
        case AssetRated(stars=stars):
            return Rating(stars, record.actor, record.stamp)
        case _:
            return state


RATINGS = Projection("ratings", (AssetRated,), _key, _apply,
                     lambda state: [state.stars, state.actor, state.as_of],
                     lambda packed: Rating(*packed))  # fmt: skip
