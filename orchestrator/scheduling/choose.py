"""Which backend a waiting job goes to. Pure.

By what it can do and has, online, free slots; then one that is idle, that has the job's models
in memory, and that is least busy. A job that must wait gets the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from attrs import field, frozen

from orchestrator.comfyui.needs import Missing, Needs, missing
from orchestrator.comfyui.object_info import Abilities

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
    #: Model files of the job that it got last: loading them anew can take minutes.
    warm: frozenset[str] = frozenset()
    #: What is installed there; None as long as nobody knows.
    abilities: Abilities | None = None

    @property
    def slots(self) -> int:
        """How many attempts of ours may be there at a time."""
        return min(self.limit, MAX_WAITING_INSIDE + self.running_ours)

    @property
    def is_ready(self) -> bool:
        """Whether it takes jobs."""
        return self.online and self.enabled and self.trouble is None

    @property
    def load(self) -> tuple[int, int, str]:
        """What is compared: prompts in all, then ours, then the id, so that ties are settled."""
        return max(self.depth, self.ours), self.ours, self.id


@frozen(cache_hash=True)
class Kind:
    """What a job asks of a backend. Jobs of one kind have the same choice."""

    capabilities: frozenset[str] = frozenset()
    #: Only this backend will do; None for any.
    backend: str | None = None
    #: Node classes and files that must be installed.
    needs: Needs = field(factory=Needs)
    #: Model files that it will load.
    models: frozenset[str] = frozenset()
    #: Backends on which it came to nothing before: taken only if no other is free.
    avoid: frozenset[str] = frozenset()
    #: Backends on which it failed by itself: taken only if no other one takes jobs.
    failed_on: frozenset[str] = frozenset()


@frozen
class Wait:
    """No backend can take the job now."""

    #: For people.
    reason: str
    #: What no backend has, if that is the reason and all of them told what they have.
    lacking: Missing | None = None


def place(kind: Kind, fleet: Iterable[Candidate]) -> Candidate | Wait:
    """The backend for a job of this kind, or why it waits."""
    allowed = [b for b in fleet if _may(kind, b)]
    able = [b for b in allowed if _lacks(kind, b) is None]
    able = [b for b in able if b.id not in kind.failed_on and b.is_ready] or able
    ready = [b for b in able if b.is_ready]
    free = [b for b in ready if b.ours < b.slots]
    if not free:
        return _wait(kind, allowed, able, ready)
    return min(free, key=lambda b: _order(kind, b))


def room(kind: Kind, free: Iterable[Candidate]) -> Candidate | None:
    """The same choice among backends that are ready and have a free slot.

    For a kind of which no job has failed by itself anywhere.
    """
    able = [b for b in free if _may(kind, b) and _lacks(kind, b) is None]
    return min(able, key=lambda b: _order(kind, b)) if able else None


def lacking(kind: Kind, fleet: Sequence[Candidate]) -> Wait | None:
    """What no backend has that a job of this kind needs, if that is so."""
    if any(_may(kind, b) and _lacks(kind, b) is None for b in fleet):
        return None
    found = place(kind, fleet)
    return found if isinstance(found, Wait) and found.lacking is not None else None


def _may(kind: Kind, backend: Candidate) -> bool:
    return kind.backend in (None, backend.id) and kind.capabilities <= backend.capabilities


def could_take(kind: Kind, backend: Candidate) -> bool:
    """Whether a backend could run a job of this kind, now or when it has a free slot."""
    return backend.is_ready and _may(kind, backend) and _lacks(kind, backend) is None


def _lacks(kind: Kind, backend: Candidate) -> Missing | None:
    return None if backend.abilities is None else _missing(kind.needs, backend.abilities)


@lru_cache(maxsize=4096)
def _missing(needs: Needs, abilities: Abilities) -> Missing | None:
    return missing(needs, abilities) or None


def _order(kind: Kind, backend: Candidate) -> tuple[object, ...]:
    busy = max(backend.depth, backend.ours) > 0
    cold = not kind.models <= backend.warm
    return backend.id in kind.avoid, busy, cold, backend.load


def _wait(
    kind: Kind,
    allowed: Sequence[Candidate],
    able: Sequence[Candidate],
    ready: Sequence[Candidate],
) -> Wait:
    if not allowed:
        needs = ", ".join(sorted(kind.capabilities))
        if kind.backend is not None:
            lacks = f", or lacks: {needs}" if needs else ""
            return Wait(f"backend {kind.backend} is not configured{lacks}")
        return Wait(f"no backend has: {needs}" if needs else "no backend is configured")
    if not able:
        lacking = [lack for b in allowed if (lack := _lacks(kind, b)) is not None]
        # One that is away may have been given it meanwhile; a disabled one does not count.
        all_known = all(b.is_ready for b in allowed if b.enabled)
        said = f"no backend that is known has {lacking[0]}"
        return Wait(said, lacking[0] if all_known else None)
    if not ready:
        states = ", ".join(f"{b.id} {_state(b)}" for b in able)
        return Wait(f"no backend that could run it is available: {states}")
    return Wait(f"all slots are taken on: {', '.join(b.id for b in ready)}")


def _state(backend: Candidate) -> str:
    if not backend.enabled:
        return "is disabled"
    if not backend.online:
        return "does not answer"
    return backend.trouble or "is ready"
