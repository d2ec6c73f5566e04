"""The story of a job in sentences, as `orchestrator log why` tells it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from attrs import frozen

from events.assets import AssetId
from events.stamp import Stamp, moment
from orchestrator.job_history import AttemptHistory, JobHistory
from orchestrator.job_steps import end_words, number_in, webhook_words
from orchestrator.scheduling.readiness import Blocked, Doomed, hindrance
from orchestrator.wording import number
from projections.assets import State
from projections.jobs import FINAL, Job, Output, Queued, Status
from projections.project import ProjectView
from tools.cli.terminal import local


@frozen
class Told:
    """A job of a project, with its life."""

    view: ProjectView
    job_id: str
    job: Job
    history: JobHistory
    now: datetime

    @property
    def queued(self) -> Queued:
        """The order."""
        assert self.job.queued is not None  # others have no story
        return self.job.queued


def sentences(told: Told) -> Iterator[str]:
    """The story, a line for each thing."""
    yield f"Job {told.job_id} {_standing(told.job)}."
    yield from _order(told)
    since = told.queued.as_of
    for attempt in told.history.attempts:
        yield from _attempt(told.job, attempt, since)
        since = attempt.ended or since
    yield from _end(told)
    yield from _files(told)
    for url, settled in told.view.notified(told.job_id).urls:
        yield _full(f"At {local(settled.as_of)} {webhook_words(url, settled)}")
    if told.job.status not in FINAL:
        yield from _next(told)


def _standing(job: Job) -> str:
    last = job.last
    backend = (last.backend if last is not None else None) or "?"
    return {
        Status.QUEUED: "waits in the queue",
        Status.SUBMITTED: f"was sent to backend {backend}, and was not seen to run yet",
        Status.RUNNING: f"runs on backend {backend}",
        Status.COLLECTING: f"is rendered; its files are fetched from backend {backend}",
        Status.CANCELLING: "is to be stopped",
        Status.SUCCEEDED: "succeeded",
        Status.FAILED: "failed",
        Status.CANCELLED: "was cancelled",
    }[job.status]


def _order(told: Told) -> Iterator[str]:
    """Who wanted it, and what kept it from beginning at once."""
    queued, job = told.queued, told.job
    order = queued.order
    what = (
        "a workflow sent inline" if order.workflow_id is None else f"workflow {order.workflow_id}"
    )
    where = f", for backend {order.backend} only" if order.backend is not None else ""
    needs = f", for a backend with {', '.join(order.capabilities)}" if order.capabilities else ""
    at = local(queued.as_of)
    yield f"{queued.actor} submitted it at {at} on host {queued.host}: {what}{where}{needs}."
    yield from _group(told)
    if order.held:
        yield "It was submitted to wait until somebody releases it."
    if job.hold is not None:
        done = "held back" if job.hold.held else "released"
        yield f"It was {done} at {local(job.hold.as_of)}."
    if order.not_before is not None:
        yield f"It was not to begin before {order.not_before}."
    for other in order.after:
        yield f"It was to begin after job {other}, {_fate(told.view.job(other))}."
    if job.place is not None:
        at = local(job.place.as_of)
        yield f"It was given another place in the queue at {at}, with priority {job.priority}."


def _fate(other: Job | None) -> str:
    if other is None:
        return "which is none of this project"
    at = "" if other.end is None else f" at {local(other.end.as_of)}"
    return f"which {_standing(other)}{at}"


def _group(told: Told) -> Iterator[str]:
    name, group = told.queued.order.group, told.view.group_of(told.job)
    if name is None:
        return
    if group is None or group.created is None:
        yield f"It belongs to group {name}, which was not submitted as a whole."
        return
    place, size = number_in(told.job_id, group), len(group.created.order.jobs)
    yield f"It is job {place or '?'} of {size} in group {name}."
    if group.cancelled is not None:
        yield f"The group was to be cancelled at {local(group.cancelled)}."


def _attempt(job: Job, attempt: AttemptHistory, since: Stamp) -> Iterator[str]:
    backend, of = attempt.backend or "?", f"Attempt {attempt.number}"
    if attempt.submitted is not None:
        waited = _span((moment(attempt.submitted) - moment(since)).total_seconds())
        at = local(attempt.submitted)
        yield f"{of} was sent to backend {backend} at {at}, after {waited} in our queue."
    if attempt.started is not None:
        waited = _span(attempt.waiting_seconds)
        yield f"{of} was seen to run at {local(attempt.started)}, after {waited} there."
    if attempt.rendered is not None:
        took = _span(attempt.rendering_seconds)
        yield f"{of} was rendered at {local(attempt.rendered)}, after {took}."
    if attempt.ended is not None:
        yield f"{of} ended at {local(attempt.ended)}{_outcome(job, attempt)}"
    if attempt.adrift and not attempt.extra_outputs:
        yield f"Backend {backend} may have rendered attempt {attempt.number} all the same."
    for output in attempt.extra_outputs:
        at = local(output.as_of)
        yield f"A file of attempt {attempt.number} came late, at {at}: {output.path}"


def _outcome(job: Job, attempt: AttemptHistory) -> str:
    if job.status is Status.FAILED and job.end is not None and attempt.ended == job.end.as_of:
        return ", and the job with it."  # whose reason is told next
    match attempt.outcome:
        case "succeeded":
            took = _span(attempt.collecting_seconds)
            files = number(len(attempt.outputs), "file")
            return f": {files} brought into the project, in {took}."
        case "cancelled":
            return ": cancelled."
        case _:
            free = "" if attempt.counts else " It does not count as a try."
            return f": {_full(f'{attempt.outcome}, {attempt.reason}')}{free}"


def _end(told: Told) -> Iterator[str]:
    """Who stopped it, how it ended, and where its time went."""
    job, history = told.job, told.history
    if job.cancel is not None:
        yield f"{job.cancel.actor} asked to cancel it at {local(job.cancel.as_of)}."
    if job.end is None:
        return
    was = "was " if job.end.status is Status.CANCELLED else ""
    yield _full(f"It {was}{end_words(job.end)}")
    spent = f"It ended at {local(job.end.as_of)}, {_span(history.total_seconds)} after its order"
    waited, rendered = _span(history.waited_seconds), _span(history.rendered_seconds)
    yield f"{spent}: {waited} of waiting, {rendered} of rendering."


def _files(told: Told) -> Iterator[str]:
    """Where its files are now."""
    if told.job.outputs:
        yield "Its files:"
    for output in told.job.outputs:
        late = f" (late, from attempt {output.attempt})" if output.extra else ""
        yield f"  {output.path}{late}{_whereabouts(told.view, output)}"


def _whereabouts(view: ProjectView, output: Output) -> str:
    """What people did to a file since; nothing if it lies where it was put."""
    asset = view.asset(AssetId(output.asset))
    if asset is None:
        return ""
    match asset.state:
        case State.TRASHED:
            return ", now in the trash"
        case State.PURGED:
            return ", deleted for good since"
        case State.PRESENT:
            return "" if asset.path == output.path else f", now {asset.path}"


def _next(told: Told) -> Iterator[str]:
    """What is to come, as far as the log knows."""
    yield _full(f"Next: {_coming(told)}")
    yield (
        f"Only the service on host {told.job.owner} works on it. While it runs it knows more: "
        f"GET /api/queue, and GET /api/jobs/{told.job_id}/history."
    )


def _coming(told: Told) -> str:
    last = told.job.last
    backend = (last.backend if last is not None else None) or "?"
    match told.job.status:
        case Status.QUEUED:
            return _what_it_waits_for(told)
        case Status.SUBMITTED:
            return f"backend {backend} executes it, when those before it there are done"
        case Status.RUNNING:
            return f"backend {backend} ends it, and its files are fetched"
        case Status.COLLECTING:
            there = len(told.history.attempts[-1].outputs)
            wanted = number((last.outputs if last is not None else None) or 0, "file")
            return f"the rest of its files is fetched; {there} of {wanted} are in the project"
        case _:
            return "it ends as cancelled, once no backend works on it any more"


def _what_it_waits_for(told: Told) -> str:
    view = told.view
    elsewhere = [other for other in told.queued.order.after if view.job(other) is None]
    if elsewhere:
        return f"it waits for job {elsewhere[0]}, of which only another log can tell"
    found = hindrance(
        told.job_id, told.job, told.now, view.job, lambda group: view.group(group) is not None
    )
    match found:
        case Blocked(reason=reason):
            return reason
        case Doomed(step=step):
            return f"it will fail, because {step.reason}"
        case None:
            return "it begins as soon as its turn comes and there is room on a backend for it"


def _full(sentence: str) -> str:
    """A sentence that ends in one full stop, whatever the reason in it ends in."""
    return f"{sentence.strip().rstrip('.')}."


def _span(seconds: float | None) -> str:
    """A span as people say it."""
    if seconds is None:
        return "an unknown time"
    if seconds < 60:
        return f"{max(seconds, 0.0):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s"
