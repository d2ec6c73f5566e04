"""`orchestrator log jobs`: the jobs of a project, and what became of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson
from attrs import frozen

from events.stamp import Stamp, moment
from orchestrator.job_history import total_seconds
from orchestrator.wording import number
from projections.jobs import Job
from projections.project import ProjectView
from tools.cli.place import locate
from tools.cli.reading import gc_paused
from tools.cli.replay import run
from tools.cli.terminal import iso, local, table, warn_of

#: Letters of a reason in the table; it may be a whole traceback.
_REASON = 160


@frozen(kw_only=True)
class Wanted:
    """Which jobs are to be shown; None, and no status, is no restriction."""

    statuses: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    #: One of its attempts was there.
    backend: str | None = None
    #: Who submitted it.
    actor: str | None = None

    def has(self, job: Job) -> bool:
        """Whether a job is one of them."""
        if self.statuses and job.status not in self.statuses:
            return False
        if self.actor is not None and _actor(job) != self.actor:
            return False
        if self.backend is not None and self.backend not in backends_of(job):
            return False
        return self._is_in_time(job)

    def _is_in_time(self, job: Job) -> bool:
        """A job counts by its end; one that is open counts from its order on."""
        at = moment(when(job))
        if self.since is not None and job.end is not None and at < self.since:
            return False
        return self.until is None or at <= self.until


def when(job: Job) -> Stamp:
    """When a job ended, or was queued if it has not."""
    assert job.queued is not None  # only jobs that were queued are listed
    return job.queued.as_of if job.end is None else job.end.as_of


def backends_of(job: Job) -> list[str]:
    """The backends on which a job was tried, in that order, each once."""
    return list(dict.fromkeys(a.backend for a in job.attempts if a.backend is not None))


def _actor(job: Job) -> str:
    assert job.queued is not None  # as above
    return job.queued.actor


def jobs(project: Path, wanted: Wanted, *, machine: bool, rows: int | None) -> None:
    """Print the jobs that are wanted, newest first, at most `rows` (None: as fits the output).

    Raises:
        OrchestratorError: there is no log to be read.
    """
    place = locate(project)
    with gc_paused():
        done = run(place)
        view = ProjectView(done.tables)
        found = [(job_id, job) for job_id, job in view.jobs() if wanted.has(job)]
        found.sort(key=lambda pair: when(pair[1]), reverse=True)
        now = datetime.now(UTC)
        if machine:
            for job_id, job in found:
                sys.stdout.buffer.write(orjson.dumps(_as_json(job_id, job, now)) + b"\n")
        elif found:
            _show(found, now, rows)
    sys.stdout.flush()
    warn_of(done.findings)
    lost = sum(job.queued is None for job in done.tables.table("jobs").values())
    if lost:
        told = f"{number(lost, 'job')} left out, whose orders the log does not have"
        click.echo(f"warning: {told}; log audit says what is missing", err=True)
    if not found:
        click.echo("note: no such job was ever recorded here", err=True)


def _show(found: list[tuple[str, Job]], now: datetime, rows: int | None) -> None:
    columns = ("time", "job", "status", "who", "workflow", "backend", "tries", "seconds", "reason")
    table("Jobs", columns, (tuple(_cells(job_id, job, now)) for job_id, job in found), rows)


def _cells(job_id: str, job: Job, now: datetime) -> Iterator[str]:
    assert job.queued is not None  # as above
    yield local(when(job))
    yield job_id
    yield job.status.value
    yield job.queued.actor
    yield job.queued.order.workflow_id or "(inline)"
    yield ", ".join(backends_of(job)) or "-"
    yield str(len(job.attempts))
    yield f"{total_seconds(job, now):.1f}"
    yield _short(_reason(job))


def _reason(job: Job) -> str | None:
    """Why it failed; while it is open, why it was last put back."""
    if job.end is not None:
        return job.end.reason
    given_up = [attempt.reason for attempt in job.attempts if attempt.requeued is not None]
    return given_up[-1] if given_up else None


def _short(reason: str | None) -> str:
    first, *more = (reason or "-").splitlines() or ["-"]
    if len(first) > _REASON:
        return f"{first[:_REASON]} ..."
    return f"{first} ..." if more else first


def _as_json(job_id: str, job: Job, now: datetime) -> dict[str, Any]:
    assert job.queued is not None  # as above
    end, order = job.end, job.queued.order
    return {
        "job": job_id,
        "status": job.status.value,
        "queued_at": iso(job.queued.as_of),
        "ended_at": None if end is None else iso(end.as_of),
        "actor": job.queued.actor,
        "host": job.owner,
        "workflow": order.workflow_id,
        "group": order.group,
        "backends": backends_of(job),
        "attempts": len(job.attempts),
        "seconds": total_seconds(job, now),
        "reason": _reason(job),
        "kind": None if end is None else end.kind,
        "node": None if end is None else end.node,
        "outputs": [output.path for output in job.outputs],
    }
