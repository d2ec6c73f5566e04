"""Endpoints of the queue: who waits and why, and how people change that."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from aiohttp import web
from attrs import field, frozen

from events.stamp import moment
from orchestrator import errors
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.job_views import JobView
from orchestrator.http.jobs import OneJob, shown
from orchestrator.http.middleware import ACTOR
from orchestrator.queueing import Waiting
from orchestrator.services import QUEUE

#: What any change of the queue may be refused with.
REFUSALS = (
    errors.JobUnknown,
    errors.JobEnded,
    errors.JobBegun,
    errors.ProjectReadOnly,
    errors.StillOpening,
)


@frozen(kw_only=True, repr=False)
class ShowQueue:
    """Which part of the queue to show."""

    actor: str | None = field(default=None, metadata=about("Only jobs of this person."))
    limit: int = field(default=100, metadata=about("Jobs on a page.", ge=1, le=1000))
    offset: int = field(default=0, metadata=about("Jobs to pass over.", ge=0))


@frozen(kw_only=True, repr=False)
class WaitingView:
    """A job that waits."""

    job_id: str
    position: int | None = field(
        metadata=about("Its turn, from 1, if it waits for a backend and for nothing else.")
    )
    waiting_for: str = field(metadata=about("Why it is not with a backend yet, for people."))
    actor: str
    priority: int
    held: bool
    not_before: str | None
    after: tuple[str, ...]
    group_id: str | None
    backend_id: str | None = field(metadata=about("The only backend that will do."))
    required_capabilities: tuple[str, ...]
    workflow_id: str | None
    project_path: str
    created_at: datetime
    attempts: int = field(metadata=about("How often it was tried before."))


@frozen(kw_only=True, repr=False)
class QueueView:
    """The queue of this host."""

    success: bool = True
    jobs: list[WaitingView]
    total: int = field(metadata=about("Jobs that wait, on all pages."))
    counts: dict[str, int] = field(metadata=about("Jobs that have not ended, by status."))
    limit: int
    offset: int


@endpoint("GET", "/api/queue", request=ShowQueue, response=QueueView, tags=("queue",))
async def show_queue(request: web.Request, asked: ShowQueue) -> QueueView:
    """Who waits, why, and in which order.

    People take turns; among the jobs of one person priority counts, then the order of
    submission or what was moved. First come the jobs that only wait for a backend, in the order in
    which they would begin; then those that something else keeps. Jobs of other hosts are theirs
    to show.
    """
    queue = request.app[QUEUE]
    waiting = [each for each in queue.waiting() if asked.actor in (None, _actor(each))]
    page = waiting[asked.offset : asked.offset + asked.limit]
    return QueueView(
        jobs=[_view(each) for each in page],
        total=len(waiting),
        counts={status.value: number for status, number in sorted(queue.counts().items())},
        limit=asked.limit,
        offset=asked.offset,
    )


@endpoint(
    "POST",
    "/api/jobs/{job_id}/hold",
    request=OneJob,
    response=JobView,
    tags=("queue",),
    errors=REFUSALS,
)
async def hold_job(request: web.Request, asked: OneJob) -> JobView:
    """Hold a waiting job back until somebody releases it."""
    return shown(request, await request.app[QUEUE].hold(asked.job_id, request[ACTOR], held=True))


@endpoint(
    "POST",
    "/api/jobs/{job_id}/release",
    request=OneJob,
    response=JobView,
    tags=("queue",),
    errors=REFUSALS,
)
async def release_job(request: web.Request, asked: OneJob) -> JobView:
    """Let a job that was held begin when its turn comes."""
    return shown(request, await request.app[QUEUE].hold(asked.job_id, request[ACTOR], held=False))


@frozen(kw_only=True, repr=False)
class ChangeJob:
    """What shall be different."""

    job_id: str
    priority: int = field(metadata=about("Higher goes first.", ge=-100, le=100))


@endpoint(
    "PATCH",
    "/api/jobs/{job_id}",
    request=ChangeJob,
    response=JobView,
    tags=("queue",),
    errors=REFUSALS,
)
async def change_job(request: web.Request, asked: ChangeJob) -> JobView:
    """Give a waiting job another priority among the jobs of the same person."""
    found = await request.app[QUEUE].prioritise(asked.job_id, asked.priority, request[ACTOR])
    return shown(request, found)


@frozen(kw_only=True, repr=False)
class MoveJob:
    """Where a job shall go. One of direction and before is needed."""

    job_id: str
    direction: Literal["up", "down", "top", "bottom"] | None = field(
        default=None, metadata=about("By one place, or to an end.")
    )
    before: str | None = field(
        default=None, metadata=about("The id of the job that it shall precede.")
    )


@endpoint(
    "POST",
    "/api/jobs/{job_id}/move",
    request=MoveJob,
    response=JobView,
    tags=("queue",),
    errors=(*REFUSALS, errors.JobElsewhere, errors.MoveUnclear),
)
async def move_job(request: web.Request, asked: MoveJob) -> JobView:
    """Move a waiting job among those of the same person.

    One that passes jobs of another priority takes that priority.
    """
    target = asked.direction or asked.before
    if target is None or (asked.direction and asked.before):
        raise errors.MoveUnclear
    found = await request.app[QUEUE].move(asked.job_id, target, request[ACTOR])
    return shown(request, found)


def _actor(waiting: Waiting) -> str:
    queued = waiting.found.job.queued
    assert queued is not None  # only queued jobs wait
    return queued.actor


def _view(waiting: Waiting) -> WaitingView:
    job, queued = waiting.found.job, waiting.found.job.queued
    assert queued is not None  # only queued jobs wait
    order = queued.order
    return WaitingView(
        job_id=waiting.found.job_id,
        position=waiting.position,
        waiting_for=waiting.reason,
        actor=queued.actor,
        priority=job.priority,
        held=job.held,
        not_before=order.not_before,
        after=order.after,
        group_id=order.group,
        backend_id=order.backend,
        required_capabilities=order.capabilities,
        workflow_id=order.workflow_id,
        project_path=str(waiting.found.project.root),
        created_at=moment(queued.as_of),
        attempts=len(job.attempts),
    )
