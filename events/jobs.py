"""What happens to a job: one run of a workflow that we watch over."""

from __future__ import annotations

from typing import Any, NewType

from attrs import field, frozen

from events.registry import event

JobId = NewType("JobId", str)


@event("job.queued")
@frozen(kw_only=True)
class JobQueued:
    """Somebody asked for a run of a workflow; it waits in our queue.

    The graph stands here as it will be sent, with all parameters applied, so that the job can be
    run, and run again, from the log alone.
    """

    job: JobId
    #: The graph in ComfyUI's API format.
    workflow: dict[str, Any]
    #: Name of the file in `workflows_dir` that it came from; None for a graph sent inline.
    workflow_id: str | None = None
    #: As the client sent them.
    parameters: dict[str, Any] = field(factory=dict)
    metadata: dict[str, Any] = field(factory=dict)
    #: A backend must have all of these.
    capabilities: tuple[str, ...] = ()
    #: Only this backend will do; None for any.
    backend: str | None = None
    #: Where outputs go: template of the path below the project folder.
    naming_template: str
    #: How long the backend may show no sign of life from it, in seconds.
    stall_seconds: float = 3600.0
    #: Among the jobs of one person, higher goes first; -100 to 100.
    priority: int = 0
    #: Whether it waits until somebody releases it.
    held: bool = False
    #: It waits until this moment (ISO 8601, UTC); None for no wait.
    not_before: str | None = None
    #: Jobs that must have succeeded before it begins.
    after: tuple[str, ...] = ()
    #: Files that are uploaded to its backend first. Each has `node`, `input`, and `path`
    #: (relative to the project, or absolute) or `job` and `output` (a file that this job made).
    inputs: tuple[dict[str, Any], ...] = ()
    #: The group that it belongs to; it begins only once `group.created` names it.
    group: str | None = None
    #: The seed in its workflow, if it belongs to a group.
    seed: int | None = None
    #: How long one attempt may take, from its submission, in seconds; None for no limit.
    timeout_seconds: float | None = None
    #: Addresses that are told of its end.
    webhooks: tuple[str, ...] = ()


@event("job.submitted")
@frozen(kw_only=True)
class JobSubmitted:
    """An attempt begins: the graph is about to be sent to a backend under this prompt id."""

    job: JobId
    attempt: int
    backend: str
    prompt_id: str


@event("job.started")
@frozen(kw_only=True)
class JobStarted:
    """The backend was seen to execute the attempt."""

    job: JobId
    attempt: int


@event("job.rendered")
@frozen(kw_only=True)
class JobRendered:
    """The backend finished the attempt; its outputs are to be fetched now."""

    job: JobId
    attempt: int
    #: How many files are to be fetched.
    outputs: int


@event("job.output_stored")
@frozen(kw_only=True)
class JobOutputStored:
    """An output of the job is in the project: this ties the file to the job."""

    job: JobId
    attempt: int
    #: The node that made it, and its place among that node's outputs.
    node: str
    index: int
    #: `images`, `gifs`, `videos`, `audio`: as ComfyUI calls them.
    kind: str
    asset: str
    #: Relative to the project, with `/`.
    path: str
    size: int
    sha256: str
    #: Whether its attempt had been given up by then. Files of an attempt that is given up later
    #: are beside the outputs, too.
    extra: bool = False


@event("job.requeued")
@frozen(kw_only=True)
class JobRequeued:
    """The attempt came to nothing, perhaps not by the job's fault; it waits in our queue again."""

    job: JobId
    attempt: int
    reason: str
    #: False if the backend never got it: then it does not count as a try.
    sent: bool = True
    #: `lost`: nobody knows how it ended; `execution`: it failed there; `stopped`: we took it
    #: away, because its backend is restarted or removed.
    kind: str = "lost"
    #: Whether the backend may still render it, so that a result may come late.
    adrift: bool = False


@event("job.ordered")
@frozen(kw_only=True)
class JobOrdered:
    """Somebody gave the job another place in the queue."""

    job: JobId
    priority: int
    #: Among jobs of one person and priority, lower goes first; None is the time of its order, in
    #: milliseconds since 1970.
    rank: float | None = None


@event("job.held")
@frozen(kw_only=True)
class JobHeld:
    """The job shall not begin until somebody releases it."""

    job: JobId


@event("job.released")
@frozen(kw_only=True)
class JobReleased:
    """The job may begin."""

    job: JobId


@event("job.cancel_requested")
@frozen(kw_only=True)
class JobCancelRequested:
    """Somebody asked to stop the job. It is cancelled only when the backend has let go of it."""

    job: JobId


@event("job.cancelled")
@frozen(kw_only=True)
class JobCancelled:
    """The job was stopped as asked; no backend works on it any more."""

    job: JobId


@event("job.succeeded")
@frozen(kw_only=True)
class JobSucceeded:
    """All outputs of the job are in the project."""

    job: JobId
    attempt: int


@event("job.failed")
@frozen(kw_only=True)
class JobFailed:
    """The job ended without its outputs, and will not be tried again."""

    job: JobId
    reason: str
    #: The last attempt; None if there was none.
    attempt: int | None = None
    #: `validation`, `execution`, `interrupted`, `inputs`, `outputs`, `attempts`, `stalled`,
    #: `timeout`, `dependency`, `group`, `internal`.
    kind: str
    #: The node that failed, if one did.
    node: str | None = None
    node_type: str | None = None
