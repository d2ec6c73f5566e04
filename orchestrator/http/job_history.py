"""The endpoint that tells all that happened to a job."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web
from attrs import field, frozen

from events.stamp import Stamp, moment
from orchestrator import errors
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.job_views import JobView, OutputView
from orchestrator.http.jobs import OneJob, shown
from orchestrator.job_history import AttemptHistory, JobHistory, job_history
from orchestrator.job_steps import Step, number_in
from orchestrator.services import JOBS
from orchestrator.webhooks.message import Delivery
from projections.groups import Group
from projections.jobs import Job, Status


@frozen(kw_only=True, repr=False)
class StepView:
    """One thing that happened."""

    at: datetime
    what: str = field(metadata=about("For people.", example="sent to node1, attempt 1"))
    kind: str = field(metadata=about("The event in the log.", example="job.submitted"))
    actor: str | None = field(metadata=about("Who asked for it, where that is kept."))
    host: str | None = field(metadata=about("Id of the host that did it."))


@frozen(kw_only=True, repr=False)
class PastAttempt:
    """One try on one backend, from its submission to its end."""

    number: int
    backend_id: str | None
    prompt_id: str | None = field(metadata=about("Its id on the backend."))
    submitted_at: datetime | None
    started_at: datetime | None
    rendered_at: datetime | None
    ended_at: datetime | None
    waiting_seconds: float | None = field(
        metadata=about("In the backend's queue; null if it was rendered before anybody saw it run.")
    )
    rendering_seconds: float | None = field(
        metadata=about("Executed by the backend; from its submission if nobody saw it begin.")
    )
    collecting_seconds: float | None = field(metadata=about("Fetching its outputs."))
    outcome: str | None = field(
        metadata=about(
            "succeeded, cancelled, or why it came to nothing: lost, execution, stopped, timeout, "
            "stalled, interrupted, validation, inputs, outputs, attempts (the last one that was "
            "allowed); null while it is open.",
            example="succeeded",
        )
    )
    reason: str | None = field(metadata=about("Why it came to nothing, for people."))
    counts: bool = field(metadata=about("Whether it counts as a try: not if nobody got it."))
    adrift: bool = field(
        metadata=about("Whether the backend may have rendered it after it was given up.")
    )
    outputs: tuple[OutputView, ...]
    extra_outputs: tuple[OutputView, ...] = field(
        metadata=about("Files that came after it had been given up; kept beside the outputs.")
    )


@frozen(kw_only=True, repr=False)
class GroupPlace:
    """The group that a job belongs to, and its place there."""

    group_id: str
    number: int | None = field(
        metadata=about("From 1; null if the group was never submitted as a whole.")
    )
    total_count: int | None
    cancelled_at: datetime | None = field(metadata=about("When somebody stopped the group."))


@frozen(kw_only=True, repr=False)
class HistoryView:
    """All that happened to a job."""

    job_id: str
    status: Status
    waiting_for: str | None = field(metadata=about("Why it is not with a backend yet."))
    created_at: datetime
    completed_at: datetime | None
    error_message: str | None
    error_kind: str | None
    error_node: str | None
    waited_seconds: float = field(
        metadata=about("In which no backend worked on it: in our queue, or in a backend's.")
    )
    rendered_seconds: float = field(metadata=about("Executed by backends, over all attempts."))
    total_seconds: float = field(metadata=about("From its order to its end, or until now."))
    attempts: tuple[PastAttempt, ...]
    events: tuple[StepView, ...] = field(
        metadata=about("Oldest first. Of holds and places in the queue, the last one is kept.")
    )
    group: GroupPlace | None
    webhooks: tuple[Delivery, ...] = field(metadata=about("Who is told of its end."))
    workflow_id: str | None
    project_path: str
    actor: str = field(metadata=about("Who submitted it."))
    host: str = field(metadata=about("Id of the host whose service runs it."))


@endpoint(
    "GET",
    "/api/jobs/{job_id}/history",
    request=OneJob,
    response=HistoryView,
    tags=("jobs",),
    errors=(errors.JobUnknown, errors.StillOpening),
)
async def get_job_history(request: web.Request, asked: OneJob) -> HistoryView:
    """Tell all that happened to a job.

    Each attempt with its backend, its times and why it ended; each step with its time. It is read
    from the log, so it is there for jobs of all times.
    """
    found = request.app[JOBS].get(asked.job_id)
    project = found.project.view
    group = project.group_of(found.job)
    history = job_history(
        found.job, group=group, notified=project.notified(found.job_id), now=datetime.now(UTC)
    )
    return history_view(shown(request, found), found.job, group, history)


def history_view(view: JobView, job: Job, group: Group | None, history: JobHistory) -> HistoryView:
    """The life of a job as one answer; `view` is the job as it stands now."""
    return HistoryView(
        job_id=view.job_id,
        status=view.status,
        waiting_for=view.waiting_for,
        created_at=view.created_at,
        completed_at=view.completed_at,
        error_message=view.error_message,
        error_kind=view.error_kind,
        error_node=view.error_node,
        waited_seconds=history.waited_seconds,
        rendered_seconds=history.rendered_seconds,
        total_seconds=history.total_seconds,
        attempts=tuple(_attempt(each, view) for each in history.attempts),
        events=tuple(_step(each) for each in history.events),
        group=_place(view.job_id, job, group),
        webhooks=view.webhooks,
        workflow_id=view.workflow_id,
        project_path=view.project_path,
        actor=view.actor,
        host=view.host,
    )


def _attempt(each: AttemptHistory, view: JobView) -> PastAttempt:
    return PastAttempt(
        number=each.number,
        backend_id=each.backend,
        prompt_id=each.prompt_id,
        submitted_at=_when(each.submitted),
        started_at=_when(each.started),
        rendered_at=_when(each.rendered),
        ended_at=_when(each.ended),
        waiting_seconds=each.waiting_seconds,
        rendering_seconds=each.rendering_seconds,
        collecting_seconds=each.collecting_seconds,
        outcome=each.outcome,
        reason=each.reason,
        counts=each.counts,
        adrift=each.adrift,
        outputs=tuple(file for file in view.outputs if file.attempt == each.number),
        extra_outputs=tuple(file for file in view.extra_outputs if file.attempt == each.number),
    )


def _step(step: Step) -> StepView:
    return StepView(
        at=moment(step.at), what=step.what, kind=step.kind, actor=step.actor, host=step.host
    )


def _place(job_id: str, job: Job, group: Group | None) -> GroupPlace | None:
    if job.queued is None or job.queued.order.group is None:
        return None
    created = None if group is None else group.created
    return GroupPlace(
        group_id=job.queued.order.group,
        number=number_in(job_id, group),
        total_count=None if created is None else len(created.order.jobs),
        cancelled_at=None if group is None else _when(group.cancelled),
    )


def _when(at: Stamp | None) -> datetime | None:
    return None if at is None else moment(at)
