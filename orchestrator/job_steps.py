"""What happened to a job, step by step and in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from attrs import evolve, frozen

from events import jobs as e
from events.groups import GroupCancelRequested
from events.hosts import HostAdopted
from events.registry import BY_CLASS
from events.stamp import Stamp
from events.webhooks import WebhookSettled
from orchestrator.wording import number, size
from projections.groups import Group
from projections.jobs import Attempt, End, Job, Status
from projections.webhooks import Notified, Told

_ENDS = {
    Status.SUCCEEDED: e.JobSucceeded,
    Status.FAILED: e.JobFailed,
    Status.CANCELLED: e.JobCancelled,
}


@frozen(kw_only=True)
class Step:
    """One thing that happened to a job."""

    at: Stamp
    #: The event's name in the log, such as `job.requeued`.
    kind: str
    #: A sentence for people, without the job and without a full stop.
    what: str
    #: Who asked for it; None for what nobody asked for in particular, or if no table keeps it.
    actor: str | None = None
    #: Id of the host that did it; None for what people may do from any host.
    host: str | None = None


def steps_of(job: Job, group: Group | None, notified: Notified) -> Iterator[Step]:
    """Everything that is known to have happened, in no order."""
    queued, adopted = job.queued, job.adopted
    assert queued is not None  # only jobs that were queued have a history
    for step in _own_steps(job, notified):
        # Its owner writes them; of several, the newest that took it over is known.
        later = adopted is not None and step.at > adopted.as_of
        yield evolve(step, host=job.owner if later else queued.host)
    if adopted is not None:
        what = f"taken over from host {queued.host}, which was gone"
        yield _done(HostAdopted, adopted.as_of, what, adopted.by)
    yield Step(
        at=queued.as_of,
        kind=_name(e.JobQueued),
        what=_order_words(queued.order, group),
        actor=queued.actor,
        host=queued.host,
    )
    yield from _wishes(job, group)


def _own_steps(job: Job, notified: Notified) -> Iterator[Step]:
    """What its host told of it."""
    for attempt in job.attempts:
        yield from _attempt_steps(attempt)
    for output in job.outputs:
        late = f" late, from attempt {output.attempt}, beside the outputs" if output.extra else ""
        what = f"output of node {output.node} stored{late}, {size(output.size)}: {output.path}"
        yield _done(e.JobOutputStored, output.as_of, what)
    if job.end is not None:
        yield _done(_ENDS[job.end.status], job.end.as_of, end_words(job.end))
    for url, told in notified.urls:
        yield _done(WebhookSettled, told.as_of, webhook_words(url, told))


def number_in(job_id: str, group: Group | None) -> int | None:
    """A job's number in its group, from 1; None as long as the group does not name it."""
    jobs = () if group is None or group.created is None else group.created.order.jobs
    return jobs.index(job_id) + 1 if job_id in jobs else None


def _name(event: type) -> str:
    return BY_CLASS[event].name


def _done(event: type, at: Stamp, what: str, host: str | None = None) -> Step:
    """What nobody asked for in particular, or of which no table keeps who did."""
    return Step(at=at, kind=_name(event), what=what, host=host)


def _order_words(order: e.JobQueued, group: Group | None) -> str:
    said = [f"queued ({order.workflow_id or 'inline workflow'})"]
    if order.group is not None:
        place = number_in(order.job, group)
        of = "" if place is None else f"{place} of {_size_of(group)} "
        said.append(f"as job {of}of group {order.group}")
    if order.held:
        said.append("held back")
    if order.not_before is not None:
        said.append(f"not to begin before {order.not_before}")
    if order.after:
        said.append(f"to begin after {number(len(order.after), 'job')}: {', '.join(order.after)}")
    return ", ".join(said)


def _size_of(group: Group | None) -> int:
    return 0 if group is None or group.created is None else len(group.created.order.jobs)


def _wishes(job: Job, group: Group | None) -> Iterator[Step]:
    """What people asked for after the order; of places and holds only the last is kept."""
    if job.place is not None:
        what = f"moved in the queue, priority {job.place.priority}"
        yield _done(e.JobOrdered, job.place.as_of, what)
    if job.hold is not None:
        held = job.hold.held
        what = "held back" if held else "released"
        yield _done(e.JobHeld if held else e.JobReleased, job.hold.as_of, what)
    if group is not None and group.cancelled is not None:
        yield _done(GroupCancelRequested, group.cancelled, "its group was to be cancelled")
    if job.cancel is not None:
        yield Step(
            at=job.cancel.as_of,
            kind=_name(e.JobCancelRequested),
            what="to be cancelled",
            actor=job.cancel.actor,
        )


def _attempt_steps(attempt: Attempt) -> Iterator[Step]:
    backend, of = attempt.backend or "?", f"attempt {attempt.number}"
    if attempt.submitted is not None:
        yield _done(e.JobSubmitted, attempt.submitted, f"sent to {backend}, {of}")
    if attempt.started is not None:
        yield _done(e.JobStarted, attempt.started, f"running on {backend}, {of}")
    if attempt.rendered is not None:
        files = number(attempt.outputs or 0, "file")
        yield _done(e.JobRendered, attempt.rendered, f"rendered {files}, {of}")
    if attempt.requeued is not None:
        what = f"back in the queue, {of} came to nothing: {attempt.reason}"
        yield _done(e.JobRequeued, attempt.requeued, what)


def end_words(end: End) -> str:
    """How a job ended, in words."""
    if end.status is not Status.FAILED:
        return end.status.value
    node = "" if end.node is None else f" in node {end.node}"
    node += f" ({end.node_type})" if node and end.node_type else ""
    return f"failed{node}: {end.reason}"


def webhook_words(url: str, told: Told) -> str:
    """How telling an address ended; only its host is named, the rest may be a password."""
    tries = "1 try" if told.tries == 1 else f"{told.tries:,} tries"
    if told.delivered:
        return f"its end was told to {_host_of(url)}, after {tries}"
    return f"its end could not be told to {_host_of(url)}, after {tries}: {told.error}"


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or "?"
    except ValueError:
        return "?"
