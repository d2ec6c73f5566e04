"""One pass over the waiting jobs: who begins where, as long as there is room."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve, frozen

from orchestrator.scheduling.choose import Candidate, Kind, Wait, place
from orchestrator.scheduling.lanes import Lanes


@frozen
class Pass:
    """What a pass decided."""

    #: (job, backend) in the order in which to start them; they wait no longer.
    starts: tuple[tuple[str, str], ...]
    #: Why jobs of these kinds find no backend now.
    waits: dict[Kind, Wait]


def fill(lanes: Lanes, backends: Iterable[Candidate]) -> Pass:
    """Give the free slots of the farm to those whose turn it is; each start counts for the next."""
    fleet = {backend.id: backend for backend in backends}
    waits: dict[Kind, Wait] = {}
    starts = []

    def find(kind: Kind) -> Candidate | None:
        if kind in waits:
            return None  # slots only become fewer in a pass
        found = place(kind, fleet.values())
        if isinstance(found, Candidate):
            return found
        waits[kind] = found
        return None

    while (taken := lanes.take(find)) is not None:
        job_id, chosen = taken
        fleet[chosen.id] = evolve(chosen, ours=chosen.ours + 1, depth=chosen.depth + 1)
        starts.append((job_id, chosen.id))
    return Pass(tuple(starts), waits)
