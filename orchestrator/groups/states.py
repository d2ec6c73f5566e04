"""How far a group of jobs is: told from its jobs, and from whether somebody stopped it. Pure.

| status | when |
| --- | --- |
| `cancelled` | it was cancelled, from that moment on; or its jobs were, each by itself |
| `pending` | no job has begun yet |
| `running` | some have, and not all have ended |
| `completed` | all have succeeded |
| `failed` | all have ended, and none has succeeded |
| `partial_complete` | all have ended; some have succeeded, and some have not |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from enum import StrEnum

from attrs import frozen

from events.jobs import JobFailed, JobId
from events.stamp import Stamp
from projections.groups import Group
from projections.jobs import FINAL, Job, Status
from projections.project import ProjectView


class ChildStatus(StrEnum):
    """Where a job of a group stands."""

    #: It waits, in our queue or in that of a backend.
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    #: It took longer than it was allowed to.
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"


class GroupStatus(StrEnum):
    """Where a group stands; the table at the top of this module says when."""

    PENDING = "pending"
    RUNNING = "running"
    PARTIAL_COMPLETE = "partial_complete"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset(
    {ChildStatus.COMPLETED, ChildStatus.FAILED, ChildStatus.TIMEOUT, ChildStatus.CANCELLED}
)


def child_status(job: Job | None) -> ChildStatus:
    """Where a job stands; one of which the log has not told yet waits.

    One that is to be stopped stands where it stood, until its backend has let go of it.
    """
    if job is None:
        return ChildStatus.QUEUED
    match job.status:
        case Status.SUCCEEDED:
            return ChildStatus.COMPLETED
        case Status.CANCELLED:
            return ChildStatus.CANCELLED
        case Status.FAILED:
            timed_out = job.end is not None and job.end.kind == "timeout"
            return ChildStatus.TIMEOUT if timed_out else ChildStatus.FAILED
        case _:
            attempt = job.open_attempt
            begun = attempt is not None and (attempt.started or attempt.rendered)
            return ChildStatus.RUNNING if begun else ChildStatus.QUEUED


@frozen
class Tally:
    """How many jobs of a group stand where, and so where the group stands."""

    total: int
    counts: Counter[ChildStatus]
    cancelled: bool

    def of(self, *statuses: ChildStatus) -> int:
        """How many jobs are in one of these states."""
        return sum(self.counts[status] for status in statuses)

    @property
    def ended(self) -> bool:
        """Whether all jobs have ended."""
        return self.of(*ENDED) == self.total

    @property
    def status(self) -> GroupStatus:
        """Where the group stands."""
        completed = self.of(ChildStatus.COMPLETED)
        if self.cancelled:
            return GroupStatus.CANCELLED
        if not self.ended:
            waiting = self.of(ChildStatus.QUEUED) == self.total
            return GroupStatus.PENDING if waiting else GroupStatus.RUNNING
        if completed == self.total:
            return GroupStatus.COMPLETED
        if self.of(ChildStatus.CANCELLED) == self.total:
            return GroupStatus.CANCELLED
        return GroupStatus.PARTIAL_COMPLETE if completed else GroupStatus.FAILED


def children(view: ProjectView, group: Group) -> Iterator[tuple[str, Job | None]]:
    """Ids and jobs of a group, in their order."""
    if group.created is not None:
        for job_id in group.created.order.jobs:
            yield job_id, view.job(job_id)


def tally(view: ProjectView, group: Group) -> Tally:
    """Where a group stands."""
    counts = Counter(child_status(job) for _, job in children(view, group))
    return Tally(counts.total(), counts, group.cancelled is not None)


def ended_at(view: ProjectView, group: Group) -> Stamp | None:
    """When the last job of a group ended; None as long as one has not."""
    ends: list[Stamp] = []
    for _, job in children(view, group):
        if job is None or job.end is None:
            return None
        ends.append(job.end.as_of)
    return max(ends, default=None)


def orphans(view: ProjectView, host: str, coming: Collection[str] = ()) -> list[JobFailed]:
    """What ends the jobs of groups that never came to be: their submission was broken off.

    Args:
        view: The project.
        host: Only jobs of this host, which alone knows what it submits.
        coming: Groups that are being submitted now.
    """
    found = []
    for job_id, job in view.jobs():
        group = None if job.queued is None else job.queued.order.group
        if group is None or job.owner != host:
            continue
        if job.status not in FINAL and group not in coming and view.group(group) is None:
            said = f"its group {group} was never submitted as a whole"
            found.append(JobFailed(job=JobId(job_id), reason=said, kind="group"))
    return found
