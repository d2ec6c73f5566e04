"""The orders for the jobs of a group: each checked as if it came alone, with its seed set."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from attrs import evolve, frozen
from uuid_utils import uuid7

from events.jobs import JobId, JobQueued
from orchestrator.comfyui.parameters import Exposed
from orchestrator.errors import BackendDisabled, GroupJobRefused, Invalid, NotFound
from orchestrator.groups.asking import GroupSubmission, ListedJob, in_turn, merged, with_ids
from orchestrator.groups.seeds import (
    SeedStrategy,
    draw_base,
    open_places,
    seed_of,
    seeds,
    with_seed,
)
from orchestrator.jobs import Jobs, Submission
from orchestrator.project import Project


@frozen(kw_only=True)
class Prepared:
    """All orders of a group; nothing of it has been recorded yet."""

    orders: list[JobQueued]
    #: None for a list of jobs, which bring their seeds.
    strategy: str | None = None
    base_seed: int | None = None
    #: Whether the seeds went anywhere; without, all its jobs render the same.
    varied: bool = True


async def prepare(jobs: Jobs, asked: GroupSubmission, project: Project) -> Prepared:
    """The orders for a group that has passed its own check.

    Raises:
        OrchestratorError: whatever is wrong with one of them.
    """
    if asked.jobs is not None:
        return Prepared(orders=await _listed(jobs, asked.common, asked.jobs, project))
    return await _repeated(jobs, asked, project)


async def _listed(
    jobs: Jobs, common: Submission, listed: tuple[ListedJob, ...], project: Project
) -> list[JobQueued]:
    """Orders for a list, in its order; those that others wait for are made first."""
    orders: dict[int, JobQueued] = {}
    ids: dict[str, str] = {}
    for place in in_turn(listed):
        job = listed[place]
        wanted = with_ids(merged(common, job.asked), ids)
        try:
            order = await jobs.prepare(wanted, project, siblings=frozenset(ids.values()))
        except (Invalid, NotFound) as exc:
            raise GroupJobRefused(exc, place, job.key) from exc
        orders[place] = evolve(order, seed=seed_of(order.workflow))
        if job.key is not None:
            ids[job.key] = order.job
    return [orders[place] for place in range(len(listed))]


async def _repeated(jobs: Jobs, asked: GroupSubmission, project: Project) -> Prepared:
    """Orders for one workflow with several seeds, on certain backends or on any."""
    made = {
        backend: await jobs.prepare(evolve(asked.common, backend_id=backend), project)
        for backend in _backends(jobs, asked)
    }
    graph = next(iter(made.values())).workflow
    exposed = await _exposed(jobs, asked.common)
    places = open_places(graph, asked.common.parameters, exposed)
    backends = asked.backend_ids or (None,) * (asked.count or 0)
    base = draw_base() if asked.first_seed is None else asked.first_seed
    strategy = asked.seed_strategy or SeedStrategy.RANDOM
    orders = [
        evolve(
            made[backend],
            job=JobId(str(uuid7())),
            workflow=with_seed(made[backend].workflow, places, seed),
            seed=seed if places else seed_of(graph),
        )
        for backend, seed in zip(backends, seeds(strategy, base, len(backends)), strict=True)
    ]
    return Prepared(orders=orders, strategy=strategy.value, base_seed=base, varied=bool(places))


def _backends(jobs: Jobs, asked: GroupSubmission) -> Iterable[str | None]:
    """The backends that were asked for, each once; None if any will do.

    Raises:
        BackendUnknown, BackendDisabled: one of them takes no job.
    """
    if asked.backend_ids is None:
        return (None,)
    for backend_id in asked.backend_ids:
        if not jobs.fleet.get(backend_id).config.enabled:
            raise BackendDisabled(backend_id)
    return dict.fromkeys(asked.backend_ids)


async def _exposed(jobs: Jobs, asked: Submission) -> tuple[Exposed, ...]:
    if asked.workflow_id is None:
        return ()
    entry = await asyncio.to_thread(jobs.catalogue.load, asked.workflow_id)
    return entry.exposed
