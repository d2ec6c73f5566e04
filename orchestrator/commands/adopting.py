"""Taking over the jobs of a host that is gone. Pure."""

from __future__ import annotations

from attrs import frozen

from events.hosts import HostAdopted
from projections.jobs import FINAL
from projections.project import ProjectView

#: More jobs than this are taken over in several steps: a line of the log has its size.
MOST_AT_ONCE = 5_000


@frozen(kw_only=True)
class AdoptHost:
    """Let `by` run the open jobs of `host`, at most `MOST_AT_ONCE` of them."""

    host: str
    by: str

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"host:{self.host}",)


def open_jobs(view: ProjectView, host: str) -> list[str]:
    """Ids of the jobs of a host that have not ended."""
    return [job_id for job_id, job in view.jobs() if job.owner == host and job.status not in FINAL]


def adopt_host(view: ProjectView, command: AdoptHost) -> list[object]:
    """Says nothing if the host has no open jobs, or would take over its own."""
    jobs = open_jobs(view, command.host)[:MOST_AT_ONCE]
    if not jobs or command.host == command.by:
        return []
    return [HostAdopted(host=command.host, by=command.by, jobs=tuple(jobs))]
