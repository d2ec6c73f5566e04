"""One pass over the waiting jobs: who begins where, as long as there is room."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve, frozen

from orchestrator.scheduling.choose import Candidate, Kind, Wait, lacking, place, room
from orchestrator.scheduling.lanes import Lanes


@frozen
class Pass:
    """What a pass decided."""

    #: (job, backend) in the order in which to start them; they wait no longer.
    starts: tuple[tuple[str, str], ...]
    #: Kinds of waiting jobs of which no backend has what they need, and what that is.
    lacking: dict[Kind, Wait]


def fill(lanes: Lanes, backends: Iterable[Candidate]) -> Pass:
    """Give the free slots of the farm to those whose turn it is; each start counts for the next.

    A farm that is busy has few free slots, and its queue may hold jobs of many kinds: only what is
    free is looked at. Why a job waits is found out when somebody asks.
    """
    fleet = {backend.id: backend for backend in backends}
    free = {b.id: b for b in fleet.values() if b.is_ready and b.ours < b.slots}
    unplaced: set[Kind] = set()
    starts = []

    def find(kind: Kind) -> Candidate | None:
        if kind in unplaced:
            return None  # slots only become fewer in a pass
        found = place(kind, fleet.values()) if kind.failed_on else room(kind, free.values())
        if isinstance(found, Candidate):
            return found
        unplaced.add(kind)
        return None

    while free and (taken := lanes.take(find)) is not None:
        job_id, chosen = taken
        now = evolve(chosen, ours=chosen.ours + 1, depth=chosen.depth + 1)
        fleet[now.id] = free[now.id] = now
        if now.ours >= now.slots:
            del free[now.id]
        starts.append((job_id, chosen.id))
    everybody = list(fleet.values())
    hopeless = {kind: wait for kind in lanes.kinds() if (wait := lacking(kind, everybody))}
    return Pass(tuple(starts), hopeless)
