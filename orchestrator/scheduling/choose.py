"""Which waiting job goes to which backend. Pure.

By capability, online, free slots, then least busy. Every job that must wait gets the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import evolve, frozen

#: Prompts of ours that may wait inside a backend: what is queued there dies with it, and cannot
#: be reordered (protocol section 5).
MAX_WAITING_INSIDE = 2


@frozen
class Candidate:
    """A backend as the choice sees it."""

    id: str
    enabled: bool
    online: bool
    capabilities: frozenset[str]
    #: `max_concurrent_jobs` of the configuration.
    limit: int
    #: Attempts of ours that are there: on their way, waiting or running.
    ours: int = 0
    #: Whether one of ours is running.
    running_ours: bool = False
    #: Prompts of anybody, waiting and running.
    depth: int = 0
    #: Why it takes nothing although it answers, such as a dead worker; None if it takes jobs.
    trouble: str | None = None

    @property
    def slots(self) -> int:
        """How many attempts of ours may be there at a time."""
        return min(self.limit, MAX_WAITING_INSIDE + self.running_ours)

    @property
    def load(self) -> tuple[int, int, str]:
        """What is compared: prompts in all, then ours, then the id, so that ties are settled."""
        return max(self.depth, self.ours), self.ours, self.id


@frozen
class Wanted:
    """A waiting job as the choice sees it."""

    job: str
    capabilities: frozenset[str]
    #: Only this backend will do; None for any.
    backend: str | None
    #: Backends on which it came to nothing before: taken only if no other would do.
    avoid: frozenset[str] = frozenset()


@frozen
class Choice:
    """What to start now, and why the others wait."""

    #: (job, backend) in the order in which to start them.
    starts: tuple[tuple[str, str], ...]
    #: Job to a sentence for people.
    waits: dict[str, str]


def choose(waiting: Sequence[Wanted], backends: Iterable[Candidate]) -> Choice:
    """Go through the waiting jobs in order; each gets the least busy backend that it can use."""
    fleet = {b.id: b for b in backends}
    starts, waits = [], {}
    #: What has no free slot for one job has none for the jobs like it that come after.
    hopeless: dict[tuple[frozenset[str], str | None], str] = {}
    for wanted in waiting:
        kind = (wanted.capabilities, wanted.backend)
        if kind in hopeless:
            waits[wanted.job] = hopeless[kind]
            continue
        able = [b for b in fleet.values() if _fits(wanted, b)]
        ready = [b for b in able if b.online and b.enabled and b.trouble is None]
        free = [b for b in ready if b.ours < b.slots]
        if not free:
            waits[wanted.job] = hopeless[kind] = _why(wanted, able, ready)
            continue
        best = min(free, key=lambda b: (b.id in wanted.avoid, b.load))
        starts.append((wanted.job, best.id))
        fleet[best.id] = evolve(best, ours=best.ours + 1, depth=best.depth + 1)
    return Choice(tuple(starts), waits)


def _fits(wanted: Wanted, backend: Candidate) -> bool:
    return wanted.backend in (None, backend.id) and wanted.capabilities <= backend.capabilities


def _why(wanted: Wanted, able: Sequence[Candidate], ready: Sequence[Candidate]) -> str:
    needs = ", ".join(sorted(wanted.capabilities))
    if not able:
        if wanted.backend is not None:
            return f"backend {wanted.backend} is not configured, or lacks: {needs or 'nothing'}"
        return f"no backend has: {needs}" if needs else "no backend is configured"
    if not ready:
        states = ", ".join(f"{b.id} {_state(b)}" for b in able)
        return f"no backend that could run it is available: {states}"
    return f"all slots are taken on: {', '.join(b.id for b in ready)}"


def _state(backend: Candidate) -> str:
    if not backend.enabled:
        return "is disabled"
    if not backend.online:
        return "does not answer"
    return backend.trouble or "is ready"
