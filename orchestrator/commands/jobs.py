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
    JobId,
    JobOutputStored,
    JobQueued,
    JobRendered,
    JobRequeued,
    JobStarted,
    JobSubmitted,
    JobSucceeded,
)
from orchestrator.commands.curation import Sighting, fresh_asset
from orchestrator.errors import JobEnded, JobUnknown
from projections.jobs import FINAL, MOVES
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
        ),
        FilesDone(op=intent.op),
    ]


def file_failed(view: ProjectView, command: FileFailed) -> list[object]:
    """Nothing to refuse; telling it again tells nothing new."""
    operation = view.operation(command.op)
    if operation is not None and operation.settled:
        return []
    return [FilesFailed(op=command.op, error=command.error)]
