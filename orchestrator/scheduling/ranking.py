"""Where a job goes when somebody moves it in its lane: the least that must be said. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen


@frozen
class Standing:
    """A waiting job's place in its lane: higher priority first, then lower rank."""

    job_id: str
    priority: int
    rank: float


def moved(lane: Sequence[Standing], job_id: str, target: int) -> list[Standing]:
    """The new standings that bring a job to a place in its lane.

    A job that passes one of another priority takes that priority. Mostly only the job itself gets
    a new standing; where there is no number left between its new neighbours, all of their
    priority are numbered anew.

    Args:
        lane: All jobs of the lane, in their order.
        job_id: The job to move; it stands in the lane.
        target: Its new index; past either end means that end.
    """
    others = [each for each in lane if each.job_id != job_id]
    target = max(0, min(target, len(others)))
    if lane[target].job_id == job_id:
        return []
    before = others[target - 1] if target > 0 else None
    after = others[target] if target < len(others) else None
    old = next(each for each in lane if each.job_id == job_id)
    priority = _priority(old, before, after)
    low = before.rank if before is not None and before.priority == priority else None
    high = after.rank if after is not None and after.priority == priority else None
    rank = _between(low, high, old.rank)
    if rank is not None:
        return [Standing(job_id, priority, rank)]
    order = [*others[:target], Standing(job_id, priority, 0.0), *others[target:]]
    return _numbered_anew([each for each in order if each.priority == priority], lane)


def _priority(old: Standing, before: Standing | None, after: Standing | None) -> int:
    """Its own, as far as the new neighbours allow."""
    most = None if before is None else before.priority
    least = None if after is None else after.priority
    priority = old.priority if most is None else min(old.priority, most)
    return priority if least is None else max(priority, least)


def _between(low: float | None, high: float | None, old: float) -> float | None:
    """A number between two others; None if there is none."""
    if low is None and high is None:
        return old
    if low is None:
        assert high is not None
        return high - 1.0
    if high is None:
        return low + 1.0
    middle = (low + high) / 2
    return middle if low < middle < high else None


def _numbered_anew(order: Sequence[Standing], lane: Sequence[Standing]) -> list[Standing]:
    """Ranks at a distance of 1 from the first one on; those that keep theirs are left out."""
    first = min(each.rank for each in lane if each.job_id in {o.job_id for o in order})
    fresh = [Standing(o.job_id, o.priority, first + n) for n, o in enumerate(order)]
    return [each for each in fresh if each not in lane]
