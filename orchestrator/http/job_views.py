"""Jobs and backends as the API shows them. Pure."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from attrs import field, frozen

from events.stamp import Stamp, moment
from orchestrator.comfyui.progress import ProgressTracker
from orchestrator.http.fields import about
from orchestrator.webhooks.message import Delivery
from projections.jobs import FINAL, Attempt, Job, Output, Status

#: What parts folders on this host, in a path and in the query of an address.
_SEP: Final = os.sep
_QUOTED_SEP: Final = quote(_SEP, safe="")
#: Folders of projects whose addresses are kept.
_FOLDERS: Final = 256


@frozen(kw_only=True, repr=False)
class OutputView:
    """A file that a job brought into its project."""

    path: str = field(metadata=about("Absolute path on the service's host."))
    rel_path: str = field(metadata=about("Relative to the project, with `/`."))
    url: str = field(metadata=about("Where the service serves it."))
    asset_id: str
    node: str = field(metadata=about("The node that made it."))
    kind: str = field(metadata=about("As ComfyUI calls it.", example="images"))
    size: int = field(metadata=about("Bytes."))
    sha256: str
    attempt: int


@frozen(kw_only=True, repr=False)
class AttemptView:
    """One try on one backend."""

    number: int
    backend_id: str | None
    prompt_id: str | None = field(metadata=about("Its id on the backend."))
    submitted_at: datetime | None
    started_at: datetime | None
    rendered_at: datetime | None
    given_up_at: datetime | None = field(metadata=about("When it was put back into our queue."))
    reason: str | None = field(metadata=about("Why it was put back."))
    ended_by: str | None = field(
        metadata=about("Why it was put back, in one word: lost, execution, stopped.")
    )


@frozen(kw_only=True, repr=False)
class JobView:
    """A job, as it stands now."""

    job_id: str
    status: Status = field(metadata=about("See docs/job-states.md.", example="running"))
    progress: float = field(metadata=about("0 to 100."))
    current_step: str | None = field(metadata=about("Such as 3/20, while a node counts steps."))
    current_node: str | None
    waiting_for: str | None = field(metadata=about("Why it is not with a backend yet."))
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    error_message: str | None
    error_kind: str | None
    error_node: str | None
    backend_id: str | None
    attempt: int = field(metadata=about("Number of the last attempt; 0 before the first."))
    attempts: tuple[AttemptView, ...]
    outputs: tuple[OutputView, ...]
    extra_outputs: tuple[OutputView, ...] = field(
        metadata=about("Files of attempts that had been given up and came late all the same.")
    )
    priority: int
    held: bool
    not_before: datetime | None
    after: tuple[str, ...] = field(metadata=about("Jobs that must have succeeded before."))
    group_id: str | None
    seed: int | None = field(metadata=about("The seed that its group gave it."))
    timeout_seconds: float | None
    workflow_id: str | None
    parameters: dict[str, Any]
    metadata: dict[str, Any]
    project_path: str
    actor: str = field(metadata=about("Who submitted it."))
    host: str = field(metadata=about("Id of the host whose service runs it."))
    webhooks: tuple[Delivery, ...] = field(metadata=about("Who is told of its end."))


def job_view(
    root: Path,
    job_id: str,
    job: Job,
    progress: ProgressTracker | None,
    waiting_for: str | None,
    webhooks: tuple[Delivery, ...] = (),
) -> JobView:
    """A job's facts and its live progress as one answer.

    A list has a hundred of them, and is to be there at once: nothing here is made twice.
    """
    queued, end, last, status = job.queued, job.end, job.last, job.status
    assert queued is not None  # only queued jobs are shown
    order = queued.order
    attempts = tuple([_attempt(each) for each in job.attempts])
    newest = attempts[-1] if attempts else None
    return JobView(
        job_id=job_id,
        status=status,
        progress=_percent(status, progress),
        current_step=progress.current_step if progress else None,
        current_node=progress.node if progress else None,
        waiting_for=waiting_for if status is Status.QUEUED else None,
        created_at=moment(queued.as_of),
        started_at=(newest.started_at or newest.rendered_at) if newest else None,
        completed_at=moment(end.as_of) if end else None,
        error_message=end.reason if end else None,
        error_kind=end.kind if end else None,
        error_node=end.node if end else None,
        backend_id=last.backend if last and status is not Status.QUEUED else None,
        attempt=last.number if last else 0,
        attempts=attempts,
        outputs=tuple([_output(root, each) for each in job.outputs if not each.extra]),
        extra_outputs=tuple([_output(root, each) for each in job.outputs if each.extra]),
        priority=job.priority,
        held=job.held,
        not_before=_time(order.not_before),
        after=order.after,
        group_id=order.group,
        seed=order.seed,
        timeout_seconds=order.timeout_seconds,
        workflow_id=order.workflow_id,
        parameters=order.parameters,
        metadata=order.metadata,
        project_path=str(root),
        actor=queued.actor,
        host=job.owner or queued.host,
        webhooks=webhooks,
    )


def _attempt(attempt: Attempt) -> AttemptView:
    return AttemptView(
        number=attempt.number,
        backend_id=attempt.backend,
        prompt_id=attempt.prompt_id,
        submitted_at=_when(attempt.submitted),
        started_at=_when(attempt.started),
        rendered_at=_when(attempt.rendered),
        given_up_at=_when(attempt.requeued),
        reason=attempt.reason,
        ended_by=attempt.kind if attempt.requeued else None,
    )


def _percent(status: Status, progress: ProgressTracker | None) -> float:
    if status is Status.SUCCEEDED:
        return 100.0
    if status in FINAL or progress is None:
        return 0.0
    return round(progress.percent, 1)


def _when(stamp: Stamp | None) -> datetime | None:
    return None if stamp is None else moment(stamp)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _output(root: Path, output: Output) -> OutputView:
    folder, address = _folder(root)
    below = output.path.replace("/", _SEP)
    return OutputView(
        path=folder + below,
        rel_path=output.path,
        # `quote` is much faster with text that it may leave alone, and most of it is.
        url=address + quote(below, safe=_SEP).replace(_SEP, _QUOTED_SEP),
        asset_id=output.asset,
        node=output.node,
        kind=output.kind,
        size=output.size,
        sha256=output.sha256,
        attempt=output.attempt,
    )


@lru_cache(_FOLDERS)
def _folder(root: Path) -> tuple[str, str]:
    """How the paths of files in a project begin, and how the addresses where they are served."""
    path = str(root).rstrip(_SEP) + _SEP  # the root of a disk ends in it already
    return path, f"/api/serve-image?path={quote(path, safe='')}"


def now() -> datetime:
    """The current time, for answers that say when they were made."""
    return datetime.now(UTC)
