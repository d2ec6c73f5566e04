"""What people and the scheduler ask of jobs, and what follows from it. Pure.

The table MOVES decides: an event whose move is not in it is refused, or, where the scheduler
merely learns late what has become of a job, is not told at all.
"""

from __future__ import annotations

from attrs import frozen

from events.files import FilesDone, FilesFailed, FilesIntended
from events.jobs import (
    JobCancelled,
    JobCancelRequested,
    JobFailed,
    JobHeld,
    JobId,
    JobOrdered,
    JobOutputStored,
    JobQueued,
    JobReleased,
    JobRendered,
    JobRequeued,
    JobStarted,
    JobSubmitted,
    JobSucceeded,
)
from orchestrator.commands.curation import Sighting, fresh_asset
from orchestrator.errors import JobBegun, JobEnded, JobUnknown
from projections.jobs import FINAL, MOVES, Job, Status
from projections.project import ProjectView


@frozen(kw_only=True)
class QueueJob:
    """Take a job into the queue."""

    order: JobQueued

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"job:{self.order.job}",)


@frozen(kw_only=True)
class RequestCancel:
    """Stop a job, wherever it stands."""

    job: JobId

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"job:{self.job}",)


@frozen(kw_only=True)
class OrderJob:
    """Give a job another place in the queue."""

    job: JobId
    priority: int
    rank: float | None = None

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"job:{self.job}",)


@frozen(kw_only=True)
class HoldJob:
    """Hold a job back, or let it go."""

    job: JobId
    held: bool

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"job:{self.job}",)


Step = (
    JobSubmitted | JobStarted | JobRendered | JobRequeued | JobSucceeded | JobFailed | JobCancelled
)


@frozen(kw_only=True)
class AdvanceJob:
    """The scheduler learned, or is about to do, the next step of a job."""

    step: Step

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"job:{self.step.job}",)


@frozen(kw_only=True)
class IntendFile:
    """Announce that a file is about to be put in place."""

    intent: FilesIntended

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"op:{self.intent.op}",)


@frozen(kw_only=True)
class FileStored:
    """A fetched output is in place: tie it to its job, and know it as an asset."""

    intent: FilesIntended
    sighting: Sighting

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"op:{self.intent.op}", f"path:{self.sighting.path}", f"job:{self.intent.job}")


@frozen(kw_only=True)
class FileFailed:
    """An announced operation was not carried out."""

    op: str
    error: str

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"op:{self.op}",)


def queue_job(view: ProjectView, command: QueueJob) -> list[object]:
    """A job id is fresh, so there is nothing to refuse; the same job twice is one job."""
    return [] if view.job(command.order.job) is not None else [command.order]


def request_cancel(view: ProjectView, command: RequestCancel) -> list[object]:
    """Refuses jobs that are unknown or have ended; asking twice is asking once."""
    job = view.job(command.job)
    if job is None:
        raise JobUnknown(command.job)
    if job.status in FINAL:
        raise JobEnded(command.job, job.status)
    if job.cancel is not None:
        return []
    return [JobCancelRequested(job=command.job)]


def order_job(view: ProjectView, command: OrderJob) -> list[object]:
    """Refuses jobs that are unknown or wait no longer; says nothing if it stands there already."""
    job = _waiting(view, command.job)
    rank = job.rank if command.rank is None else command.rank
    if (job.priority, job.rank) == (command.priority, rank):
        return []
    return [JobOrdered(job=command.job, priority=command.priority, rank=rank)]


def hold_job(view: ProjectView, command: HoldJob) -> list[object]:
    """Refuses jobs that are unknown or wait no longer; asking twice is asking once."""
    job = _waiting(view, command.job)
    if job.held == command.held:
        return []
    return [JobHeld(job=command.job) if command.held else JobReleased(job=command.job)]


def _waiting(view: ProjectView, job_id: JobId) -> Job:
    job = view.job(job_id)
    if job is None:
        raise JobUnknown(job_id)
    if job.status in FINAL:
        raise JobEnded(job_id, job.status)
    if job.status is not Status.QUEUED:
        raise JobBegun(job_id, job.status)
    return job


def advance_job(view: ProjectView, command: AdvanceJob) -> list[object]:
    """Says nothing if the machine has no such move: the job has gone on or ended meanwhile."""
    step = command.step
    job = view.job(step.job)
    if job is None:
        raise JobUnknown(step.job)
    if job.status not in MOVES[type(step)]:
        return []
    last = 0 if job.last is None else job.last.number
    return [step] if _speaks_of(last, step) else []


def _speaks_of(last: int, step: Step) -> bool:
    """Whether a step speaks of the attempt that is open: late news of older ones change nothing."""
    match step:
        case JobSubmitted(attempt=number):
            return number == last + 1
        case JobStarted() | JobRendered() | JobRequeued() | JobSucceeded():
            return step.attempt == last
        case JobFailed() | JobCancelled():
            return True


def intend_file(view: ProjectView, command: IntendFile) -> list[object]:
    """Nothing to refuse: whether the name is free, only the disk can say."""
    return [command.intent]


def file_stored(view: ProjectView, command: FileStored) -> list[object]:
    """The file as an asset, its tie to the job, and the end of the operation, all in one.

    The name was free when we took it, so this is a new asset, whatever lay there before: a new
    picture must not inherit the stars of an old one. Telling it again tells nothing new.
    """
    intent, seen = command.intent, command.sighting
    operation = view.operation(intent.op)
    if operation is not None and operation.settled:
        return []
    fresh = fresh_asset(view, seen)
    return [
        fresh,
        JobOutputStored(
            job=JobId(intent.job),
            attempt=intent.attempt,
            node=intent.node,
            index=intent.index,
            kind=intent.kind,
            asset=fresh.asset,
            path=seen.path,
            size=intent.size,
            sha256=intent.sha256,
            extra=_came_late(view, intent),
        ),
        FilesDone(op=intent.op),
    ]


def _came_late(view: ProjectView, intent: FilesIntended) -> bool:
    """Whether the attempt had been given up: then its file stands beside the job's outputs."""
    job = view.job(intent.job)
    attempts = () if job is None else job.attempts
    return any(a.number == intent.attempt and a.requeued is not None for a in attempts)


def file_failed(view: ProjectView, command: FileFailed) -> list[object]:
    """Nothing to refuse; telling it again tells nothing new."""
    operation = view.operation(command.op)
    if operation is not None and operation.settled:
        return []
    return [FilesFailed(op=command.op, error=command.error)]
