"""What those who watch a group of jobs are told, message by message. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from attrs import asdict, field, frozen

from orchestrator.groups.states import ENDED, ChildStatus, GroupStatus
from orchestrator.http.dialects import CORE
from orchestrator.http.fields import about
from orchestrator.http.frames import text_frame
from orchestrator.http.group_views import ChildOutput, ChildView, GroupView
from orchestrator.http.replies import dump

CURSOR = about("To go on from here after a break; null if nothing is lost without it.")


@frozen(kw_only=True, repr=False)
class InitialState(GroupView):
    """How the group stands at the beginning, or after something that nobody can tell in detail."""

    type: Literal["initial_state"] = "initial_state"
    cursor: str
    reset: bool = field(metadata=about("What was missed is not known: forget what you knew."))


@frozen(kw_only=True, repr=False)
class Child:
    """What all messages about a job of the group say."""

    job_group_id: str
    job_id: str
    backend_id: str | None
    seed: int | None
    status: ChildStatus
    cursor: str | None = field(metadata=CURSOR)


@frozen(kw_only=True, repr=False)
class ChildProgress(Child):
    """A job waits, or runs and has moved on."""

    type: Literal["child_progress"] = "child_progress"
    progress: float
    current_step: str | None
    steps_completed: int | None
    steps_total: int | None


@frozen(kw_only=True, repr=False)
class ChildCompleted(Child):
    """A job has ended well; its files are in the project."""

    type: Literal["child_completed"] = "child_completed"
    outputs: dict[str, list[ChildOutput]]
    completed_at: datetime | None


@frozen(kw_only=True, repr=False)
class ChildFailed(Child):
    """A job has ended without its files."""

    type: Literal["child_failed"] = "child_failed"
    error: str | None
    error_type: str | None
    failed_at: datetime | None


@frozen(kw_only=True, repr=False)
class ChildTimeout(Child):
    """A job took longer than it was allowed to."""

    type: Literal["child_timeout"] = "child_timeout"
    error: str | None
    timeout_seconds: float | None
    timed_out_at: datetime | None


@frozen(kw_only=True, repr=False)
class ChildCancelled(Child):
    """A job was stopped, as asked."""

    type: Literal["child_cancelled"] = "child_cancelled"
    cancelled_at: datetime | None


@frozen(kw_only=True, repr=False)
class Result:
    """How one job of an ended group ended."""

    job_id: str
    backend_id: str | None
    seed: int | None
    status: ChildStatus
    outputs: dict[str, list[ChildOutput]] | None
    error: str | None


@frozen(kw_only=True, repr=False)
class GroupComplete:
    """All jobs of the group have ended."""

    type: Literal["group_complete"] = "group_complete"
    job_group_id: str
    status: GroupStatus
    total: int
    succeeded: int
    failed: int
    cancelled: int
    results: list[Result]
    completed_at: datetime | None
    cursor: str


Message = (
    InitialState
    | ChildProgress
    | ChildCompleted
    | ChildFailed
    | ChildTimeout
    | ChildCancelled
    | GroupComplete
)
_CLASSES: tuple[type[Message], ...] = (
    InitialState,
    ChildProgress,
    ChildCompleted,
    ChildFailed,
    ChildTimeout,
    ChildCancelled,
    GroupComplete,
)
_WRITERS = {cls: CORE.writer(cls) for cls in _CLASSES}


def frame(message: Message) -> bytes:
    """A message as it goes to every client, its type first."""
    return text_frame(dump({"type": message.type, **_WRITERS[type(message)](message)}))


def initial_state(view: GroupView, cursor: str, *, reset: bool) -> InitialState:
    """The group as it stands."""
    return InitialState(**asdict(view, recurse=False), cursor=cursor, reset=reset)


def about_child(group: str, child: ChildView, cursor: str | None) -> Message:
    """What has become of a job.

    Args:
        group: The group's id.
        child: The job, as it stands after that.
        cursor: Where one stands who knows that.
    """
    said: dict[str, Any] = {  # any: the fields of `Child`, which checks them
        "job_group_id": group,
        "job_id": child.job_id,
        "backend_id": child.backend_id,
        "seed": child.seed,
        "status": child.status,
        "cursor": cursor,
    }
    at, error = child.completed_at, child.error_message
    match child.status:
        case ChildStatus.COMPLETED:
            return ChildCompleted(**said, outputs=child.outputs, completed_at=at)
        case ChildStatus.FAILED:
            return ChildFailed(**said, error=error, error_type=child.error_type, failed_at=at)
        case ChildStatus.TIMEOUT:
            limit = child.timeout_seconds
            return ChildTimeout(**said, error=error, timeout_seconds=limit, timed_out_at=at)
        case ChildStatus.CANCELLED:
            return ChildCancelled(**said, cancelled_at=at)
        case ChildStatus.QUEUED | ChildStatus.RUNNING:
            return ChildProgress(
                **said,
                progress=child.progress,
                current_step=child.current_step,
                steps_completed=child.steps_completed,
                steps_total=child.steps_total,
            )


def group_complete(view: GroupView, cursor: str) -> GroupComplete:
    """The end of a group whose jobs have all ended."""
    return GroupComplete(
        job_group_id=view.job_group_id,
        status=view.status,
        total=view.total_count,
        succeeded=view.completed_count,
        failed=view.failed_count,
        cancelled=view.cancelled_count,
        results=[_result(child) for child in view.child_jobs],
        completed_at=view.completed_at,
        cursor=cursor,
    )


def _result(child: ChildView) -> Result:
    completed = child.status is ChildStatus.COMPLETED
    return Result(
        job_id=child.job_id,
        backend_id=child.backend_id,
        seed=child.seed,
        status=child.status,
        outputs=child.outputs if completed else None,
        error=child.error_message,
    )


def open_children(view: GroupView) -> set[str]:
    """The jobs of a group that have not ended."""
    return {child.job_id for child in view.child_jobs if child.status not in ENDED}
