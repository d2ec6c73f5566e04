"""`orchestrator log why`: what happened to a job, in sentences."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson
from attrs import asdict

from orchestrator.job_history import AttemptHistory, job_history
from orchestrator.wording import number
from projections.project import ProjectView
from tools.cli.lazy import Refusal
from tools.cli.place import locate
from tools.cli.reading import gc_paused
from tools.cli.replay import run
from tools.cli.telling import Told, sentences
from tools.cli.terminal import clean, iso, warn_of

#: Ids that are named if several begin as asked for.
_NAMED = 5


def why(project: Path, begin: str, *, machine: bool) -> None:
    """Print the life of the job whose id begins like that.

    Raises:
        OrchestratorError: there is no log to be read.
        Refusal: no job, or more than one, is meant; or the log has lost its order.
    """
    place = locate(project)
    with gc_paused():
        done = run(place)
        warn_of(done.findings)
        view = ProjectView(done.tables)
        job_id = find(view, begin)
        told = look(view, job_id, datetime.now(UTC))
    if machine:
        click.echo(_document(told))
        return
    for line in sentences(told):
        click.echo(clean(line))


def find(view: ProjectView, begin: str) -> str:
    """The id of the one job whose id is `begin`, or begins like that.

    Raises:
        Refusal: there is none, or more than one; or the log has lost its order.
    """
    known = view.tables.table("jobs")
    found = [begin] if begin in known else sorted(id_ for id_ in known if id_.startswith(begin))
    if not found:
        raise Refusal(
            f"No job of this project has an id that begins with {begin!r}.",
            "See the ids with `orchestrator log jobs PROJECT`.",
        )
    if len(found) > 1:
        more = ", ..." if len(found) > _NAMED else ""
        raise Refusal(
            f"The ids of {number(len(found), 'job')} begin with {begin!r}: "
            f"{', '.join(found[:_NAMED])}{more}",
            "Name more letters of it.",
        )
    if view.job(found[0]) is None:
        raise Refusal(
            f"The log does not have the order of job {found[0]}, only what followed from it.",
            "See what is missing with `orchestrator log audit`, and the rest with "
            "`orchestrator log history --job`.",
        )
    return found[0]


def look(view: ProjectView, job_id: str, now: datetime) -> Told:
    """A job that was queued, with its life."""
    job = view.job(job_id)
    assert job is not None  # see `find`
    history = job_history(job, group=view.group_of(job), notified=view.notified(job_id), now=now)
    return Told(view, job_id, job, history, now)


def _document(told: Told) -> bytes:
    """Everything for machines; stamps as times."""
    end, history = told.job.end, told.history
    return orjson.dumps(
        {
            "job": told.job_id,
            "status": told.job.status.value,
            "actor": told.queued.actor,
            "host": told.job.owner,
            "workflow": told.queued.order.workflow_id,
            "group": told.queued.order.group,
            "reason": None if end is None else end.reason,
            "kind": None if end is None else end.kind,
            "waited_seconds": history.waited_seconds,
            "rendered_seconds": history.rendered_seconds,
            "total_seconds": history.total_seconds,
            "attempts": [_attempt_json(attempt) for attempt in history.attempts],
            "events": [{**asdict(step), "at": iso(step.at)} for step in history.events],
            "story": list(sentences(told)),
        },
        option=orjson.OPT_INDENT_2,
    )


def _attempt_json(attempt: AttemptHistory) -> dict[str, Any]:
    plain = asdict(attempt, recurse=False)
    for step in ("submitted", "started", "rendered", "ended"):
        at = plain.pop(step)
        plain[f"{step}_at"] = None if at is None else iso(at)
    for files in ("outputs", "extra_outputs"):
        plain[files] = [output.path for output in plain[files]]
    return plain
