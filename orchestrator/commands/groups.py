"""What people ask of groups of jobs, and what follows from it. Pure."""

from __future__ import annotations

from attrs import frozen

from events.groups import GroupCancelRequested, GroupCreated, GroupId
from events.jobs import JobCancelRequested, JobId
from orchestrator.errors import GroupUnknown
from projections.jobs import FINAL
from projections.project import ProjectView


@frozen(kw_only=True)
class CreateGroup:
    """Make a group of jobs that have all been queued: from now on they may begin."""

    order: GroupCreated

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"group:{self.order.group}",)


@frozen(kw_only=True)
class CancelGroup:
    """Stop all jobs of a group that have not ended."""

    group: GroupId
    #: Its jobs, as the group names them.
    jobs: tuple[str, ...]

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"group:{self.group}", *(f"job:{job}" for job in self.jobs))


def create_group(view: ProjectView, command: CreateGroup) -> list[object]:
    """A group's id is fresh, so there is nothing to refuse; the same group twice is one group."""
    return [] if view.group(command.order.group) is not None else [command.order]


def cancel_group(view: ProjectView, command: CancelGroup) -> list[object]:
    """The group and its jobs in one; says nothing if all have ended, or if it said so before."""
    group = view.group(command.group)
    if group is None:
        raise GroupUnknown(command.group)
    found = {job_id: view.job(job_id) for job_id in command.jobs}
    running = {job_id: job for job_id, job in found.items() if job and job.status not in FINAL}
    told: list[object] = []
    if running and group.cancelled is None:
        told.append(GroupCancelRequested(group=command.group))
    told += [JobCancelRequested(job=JobId(i)) for i, job in running.items() if job.cancel is None]
    return told
