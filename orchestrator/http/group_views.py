"""Groups of jobs as the API shows them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from urllib.parse import quote

from attrs import field, frozen

from events.stamp import Stamp, moment
from orchestrator.comfyui.progress import ProgressTracker
from orchestrator.groups.service import FoundGroup
from orchestrator.groups.states import (
    ENDED,
    ChildStatus,
    GroupStatus,
    Tally,
    child_status,
    children,
    ended_at,
)
from orchestrator.http.fields import about
from projections.jobs import Job, Output

#: How far a job is, by its id; None unless a backend has it.
ProgressOf = Callable[[str], ProgressTracker | None]


@frozen(kw_only=True, repr=False)
class ChildOutput:
    """A file that a job of a group brought into its project."""

    filename: str
    subfolder: str = field(metadata=about("Its folder, relative to the project."))
    type: Literal["output"] = "output"
    url: str = field(metadata=about("Where the service serves it."))
    path: str = field(metadata=about("Absolute path on the service's host."))


@frozen(kw_only=True, repr=False)
class ChildView:
    """A job of a group, as it stands now."""

    job_id: str
    backend_id: str | None = field(
        metadata=about("Where it is or was; until then where it must go, if that was asked for.")
    )
    seed: int | None = field(metadata=about("The seed in its workflow; null if that has none."))
    status: ChildStatus
    progress: float = field(metadata=about("0 to 100."))
    current_step: str | None = field(metadata=about("Such as 3/20, while a node counts steps."))
    steps_completed: int | None
    steps_total: int | None
    outputs: dict[str, list[ChildOutput]] = field(
        metadata=about("By kind, as ComfyUI calls them; `images` is always there.")
    )
    timeout_seconds: float | None = field(metadata=about("How long one attempt may take."))
    error_message: str | None
    error_type: str | None = field(metadata=about("Such as execution, timeout, dependency."))
    queued_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None


@frozen(kw_only=True, repr=False)
class GroupSummary:
    """A group, without its jobs."""

    job_group_id: str
    id: str = field(metadata=about("The same."))
    status: GroupStatus
    total_count: int
    completed_count: int
    failed_count: int = field(metadata=about("Those that took too long are among them."))
    cancelled_count: int
    running_count: int
    queued_count: int
    created_at: datetime
    completed_at: datetime | None = field(metadata=about("When the last of its jobs ended."))
    seed_strategy: str | None
    base_seed: int | None
    timeout_seconds: float | None
    metadata: dict[str, Any]
    project_path: str
    actor: str = field(metadata=about("Who submitted it."))
    host: str = field(metadata=about("Id of the host whose service runs it."))


@frozen(kw_only=True, repr=False)
class GroupView(GroupSummary):
    """A group with its jobs."""

    success: bool = True
    child_jobs: list[ChildView]
    jobs: list[ChildView] = field(metadata=about("The same."))


def child_view(
    root: Path, job_id: str, job: Job | None, progress: ProgressTracker | None
) -> ChildView:
    """A job's facts and its live progress, as its group shows them."""
    status = child_status(job)
    queued, end, last = (None, None, None) if job is None else (job.queued, job.end, job.last)
    step = None if progress is None or status in ENDED else progress.current_step
    done, total = steps(step)
    order = None if queued is None else queued.order
    backend = last.backend if last is not None and last.requeued is None else None
    return ChildView(
        job_id=job_id,
        backend_id=backend or (None if order is None else order.backend),
        seed=None if order is None else order.seed,
        status=status,
        progress=_percent(status, progress),
        current_step=step,
        steps_completed=done,
        steps_total=total,
        outputs=_outputs(root, () if job is None else job.outputs),
        timeout_seconds=None if order is None else order.timeout_seconds,
        error_message=None if end is None else end.reason,
        error_type=None if end is None else end.kind,
        queued_at=_when(None if queued is None else queued.as_of),
        started_at=_when(None if last is None else last.started or last.rendered),
        completed_at=_when(None if end is None else end.as_of),
    )


def child_views(found: FoundGroup, progress_of: ProgressOf) -> list[ChildView]:
    """All jobs of a group."""
    project = found.project
    return [
        child_view(project.root, job_id, job, progress_of(job_id))
        for job_id, job in children(project.view, found.group)
    ]


def group_summary(found: FoundGroup) -> GroupSummary:
    """A group, without its jobs."""
    return GroupSummary(**_facts(found, found.tally))


def group_view(found: FoundGroup, progress_of: ProgressOf) -> GroupView:
    """A group with its jobs."""
    views = child_views(found, progress_of)
    return GroupView(**_facts(found, found.tally), child_jobs=views, jobs=views)


def _facts(found: FoundGroup, tally: Tally) -> dict[str, Any]:
    """What both views say; any: as many kinds as there are fields, which the classes check."""
    created = found.group.created
    assert created is not None  # only those are found
    order = created.order
    return {
        "job_group_id": found.group_id,
        "id": found.group_id,
        "status": tally.status,
        "total_count": tally.total,
        "completed_count": tally.of(ChildStatus.COMPLETED),
        "failed_count": tally.of(ChildStatus.FAILED, ChildStatus.TIMEOUT),
        "cancelled_count": tally.of(ChildStatus.CANCELLED),
        "running_count": tally.of(ChildStatus.RUNNING),
        "queued_count": tally.of(ChildStatus.QUEUED),
        "created_at": moment(created.as_of),
        "completed_at": _when(ended_at(found.project.view, found.group)),
        "seed_strategy": order.seed_strategy,
        "base_seed": order.base_seed,
        "timeout_seconds": order.timeout_seconds,
        "metadata": order.metadata,
        "project_path": str(found.project.root),
        "actor": created.actor,
        "host": created.host,
    }


def steps(step: str | None) -> tuple[int | None, int | None]:
    """`3/20` as two numbers."""
    done, slash, total = (step or "").partition("/")
    return (int(done), int(total)) if slash and done.isdigit() and total.isdigit() else (None, None)


def _percent(status: ChildStatus, progress: ProgressTracker | None) -> float:
    if status is ChildStatus.COMPLETED:
        return 100.0
    return 0.0 if status in ENDED or progress is None else round(progress.percent, 1)


def _outputs(root: Path, outputs: tuple[Output, ...]) -> dict[str, list[ChildOutput]]:
    """Files by kind, but for those that an attempt brought which had been given up."""
    found: dict[str, list[ChildOutput]] = {"images": []}
    for output in outputs:
        if output.extra:
            continue
        inside, path = PurePosixPath(output.path), str(root / output.path)
        folder = inside.parent.as_posix()
        shown = ChildOutput(
            filename=inside.name,
            subfolder="" if folder == "." else folder,
            url=f"/api/serve-image?path={quote(path, safe='')}",
            path=path,
        )
        found.setdefault(output.kind, []).append(shown)
    return found


def _when(stamp: Stamp | None) -> datetime | None:
    return None if stamp is None else moment(stamp)
