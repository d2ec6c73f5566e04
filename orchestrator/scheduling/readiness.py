"""What keeps a waiting job from beginning, before any backend is asked. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from attrs import frozen

from events.jobs import JobFailed, JobId
from projections.jobs import Job, Status


@frozen
class Blocked:
    """It waits for something that is not a backend."""

    #: For people.
    reason: str
    #: When to look again at the latest; None: when something happens.
    until: datetime | None = None


@frozen
class Doomed:
    """It can never begin."""

    step: JobFailed


def hindrance(
    job_id: str,
    job: Job,
    now: datetime,
    job_of: Callable[[str], Job | None],
    group_is_whole: Callable[[str], bool],
) -> Blocked | Doomed | None:
    """Why a job that is queued cannot begin; None if it can.

    Args:
        job_id: Its id.
        job: Its state.
        now: An aware time.
        job_of: Finds a job of any open project.
        group_is_whole: Whether all jobs of a group have been submitted.
    """
    assert job.queued is not None  # only queued jobs wait
    order = job.queued.order
    if order.group is not None and not group_is_whole(order.group):
        return Blocked("the submission of its group is not complete")
    for other_id in order.after:
        if (found := _after(job_id, other_id, job_of(other_id))) is not None:
            return found
    if job.held:
        return Blocked("it is held; release it to let it begin")
    if order.not_before is not None:
        start = datetime.fromisoformat(order.not_before)
        if start > now:
            return Blocked(f"it shall not begin before {order.not_before}", start)
    return None


def _after(job_id: str, other_id: str, other: Job | None) -> Blocked | Doomed | None:
    if other is None:
        return Blocked(f"it waits for job {other_id}, whose project is not open")
    status = other.status
    if status is Status.SUCCEEDED:
        return None
    if status in (Status.FAILED, Status.CANCELLED):
        why = "" if other.end is None or other.end.reason is None else f": {other.end.reason}"
        said = f"job {other_id}, which it was to wait for, is {status.value}{why}"
        return Doomed(JobFailed(job=JobId(job_id), reason=said, kind="dependency"))
    return Blocked(f"it waits for job {other_id}, which is {status.value}")
