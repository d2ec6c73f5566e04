"""Endpoints of jobs, and of the service's health."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiohttp import web
from attrs import field, frozen

from orchestrator import __version__, errors
from orchestrator.following import summary
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.job_views import JobView, job_view, now
from orchestrator.http.middleware import ACTOR
from orchestrator.jobs import Found, Submission
from orchestrator.scheduling.dispatcher import Dispatcher
from orchestrator.services import DISPATCHER, FLEET, JOBS, PROJECTS
from orchestrator.webhooks.message import deliveries
from projections.jobs import Status


@frozen(kw_only=True, repr=False)
class SubmitJob:
    """A workflow to be run. One of workflow_id, workflow_json and workflow is needed."""

    workflow_id: str | None = field(
        default=None,
        metadata=about("Name of a file in `workflows_dir`, without `.json`.", example="flux_dev"),
    )
    workflow_json: dict[str, Any] | None = field(
        default=None,
        metadata=about("A graph in ComfyUI's API format.", aliases=("workflow",)),
    )
    parameters: dict[str, Any] = field(
        factory=dict,
        metadata=about(
            "Values by exposed name, by `node:input`, or by a common name: prompt, "
            "negative_prompt, seed, steps, cfg, width, height, denoise, sampler.",
            example={"prompt": "cinematic shot", "steps": 20},
        ),
    )
    metadata: dict[str, Any] = field(
        factory=dict,
        metadata=about(
            "Kept with the job. `panel_id` names the folder of its outputs; `project_path` the "
            "project, if it does not stand in the body.",
            example={"source": "storyboard", "panel_id": "Panel_01"},
        ),
    )
    project_path: str | None = field(
        default=None,
        metadata=about(
            "Folder of the project; else the current project, else the host's own.",
            aliases=("projectPath",),
        ),
    )
    required_capabilities: tuple[str, ...] = field(
        default=(), metadata=about("A backend must have all of these.", example=["flux"])
    )
    backend_id: str | None = field(
        default=None,
        metadata=about("Only this backend will do.", aliases=("backend_affinity",)),
    )
    naming_template: str | None = field(
        default=None,
        metadata=about(
            "Where outputs go, below the project.",
            example="{panel}/{project}_{panel}_v{version}",
        ),
    )
    stall_seconds: float = field(
        default=3600.0,
        metadata=about(
            "How long the backend may show no sign of life from it.", ge=1, le=7 * 86_400
        ),
    )
    timeout_seconds: float | None = field(
        default=None,
        metadata=about(
            "How long one attempt may take, from when it is sent; without it there is no limit.",
            ge=1,
            le=7 * 86_400,
        ),
    )
    priority: int = field(
        default=0,
        metadata=about("Among the jobs of one person, higher goes first.", ge=-100, le=100),
    )
    held: bool = field(
        default=False, metadata=about("Wait until somebody releases it.", aliases=("hold",))
    )
    not_before: datetime | None = field(
        default=None,
        metadata=about("Wait until this moment.", example="2026-11-25T22:00:00Z"),
    )
    after: tuple[str, ...] = field(
        default=(),
        metadata=about("Ids of jobs that must have succeeded before it begins."),
    )
    webhook: str | None = field(
        default=None,
        metadata=about("An address that is told of its end, besides those of config.yaml."),
    )


@frozen(kw_only=True, repr=False)
class JobAccepted:
    """The job is in the queue, and in the log."""

    success: bool = True
    job_id: str
    status: str
    message: str
    submitted_at: datetime
    project_path: str
    backend_id: str | None = field(
        metadata=about("The only backend that will do; null as long as none is chosen.")
    )


def submission(asked: SubmitJob) -> Submission:
    """What a request asks for.

    Raises:
        WorkflowInvalid: neither or both of a name and a graph were sent.
    """
    if (asked.workflow_id is None) == (asked.workflow_json is None):
        raise errors.WorkflowInvalid("send either workflow_id, or workflow_json (or workflow)")
    metadata = asked.metadata
    named = metadata.get("project_path") or metadata.get("projectPath")
    return Submission(
        workflow_id=asked.workflow_id,
        graph=asked.workflow_json,
        parameters=asked.parameters,
        metadata=metadata,
        capabilities=asked.required_capabilities,
        backend_id=asked.backend_id,
        naming_template=asked.naming_template,
        project_path=asked.project_path or (named if isinstance(named, str) else None),
        stall_seconds=asked.stall_seconds,
        timeout_seconds=asked.timeout_seconds,
        priority=asked.priority,
        held=asked.held,
        not_before=asked.not_before,
        after=asked.after,
        webhook=asked.webhook,
    )


def shown(request: web.Request, found: Found) -> JobView:
    """A job with its live progress."""
    return _shown(request.app[DISPATCHER], found)


def _shown(dispatcher: Dispatcher, found: Found) -> JobView:
    # Most jobs of a long list have ended and tell nobody: nothing is looked up for those.
    project, job_id, job = found.project, found.job_id, found.job
    told = job.queued is not None and job.queued.order.webhooks
    return job_view(
        project.root,
        job_id,
        job,
        dispatcher.progress(job_id),
        None if job.end else dispatcher.why_waiting(job_id),
        deliveries(job_id, job, project.view.notified(job_id)) if told else (),
    )


@endpoint(
    "POST",
    "/api/job",
    request=SubmitJob,
    response=JobAccepted,
    status=202,
    extra="ignore",
    body_limit=16 << 20,
    tags=("jobs",),
    errors=(
        errors.WorkflowUnknown,
        errors.WorkflowInvalid,
        errors.ParametersInvalid,
        errors.BackendUnknown,
        errors.CapabilityUnknown,
        errors.JobUnknown,
        errors.PathNotPermitted,
        errors.FileMissing,
        errors.TemplateInvalid,
        errors.ProjectReadOnly,
    ),
)
async def submit_job(request: web.Request, asked: SubmitJob) -> JobAccepted:
    """Submit a workflow to be run."""
    found = await request.app[JOBS].submit(submission(asked), request[ACTOR])
    view = shown(request, found)
    return JobAccepted(
        job_id=view.job_id,
        status="accepted",
        message="Job accepted for execution",
        submitted_at=view.created_at,
        project_path=view.project_path,
        backend_id=asked.backend_id,
    )


@frozen(kw_only=True, repr=False)
class ListJobs:
    """Which jobs to list."""

    status: tuple[Status, ...] = field(
        default=(), metadata=about("Only jobs in one of these states; may be repeated.")
    )
    project_path: str | None = field(
        default=None,
        metadata=about("Only jobs of this project.", aliases=("projectPath", "project")),
    )
    backend_id: str | None = field(
        default=None,
        metadata=about("Only jobs whose last attempt is there.", aliases=("backend",)),
    )
    limit: int = field(default=100, metadata=about("Jobs on a page.", ge=1, le=1000))
    offset: int = field(default=0, metadata=about("Jobs to pass over.", ge=0))


@frozen(kw_only=True, repr=False)
class JobList:
    """A page of jobs, newest first."""

    jobs: list[JobView]
    total: int = field(metadata=about("Jobs on all pages."))
    limit: int
    offset: int


@endpoint(
    "GET",
    "/api/jobs",
    request=ListJobs,
    response=JobList,
    tags=("jobs",),
    errors=(errors.PathNotPermitted, errors.FileMissing),
)
async def list_jobs(request: web.Request, asked: ListJobs) -> JobList:
    """List jobs, newest first."""
    page, total = await request.app[JOBS].page(
        status=frozenset(asked.status) or None,
        project_path=asked.project_path,
        backend_id=asked.backend_id,
        offset=asked.offset,
        limit=asked.limit,
    )
    dispatcher = request.app[DISPATCHER]
    return JobList(
        jobs=[_shown(dispatcher, each) for each in page],
        total=total,
        limit=asked.limit,
        offset=asked.offset,
    )


@frozen(kw_only=True, repr=False)
class OneJob:
    """Which job."""

    job_id: str


@endpoint(
    "GET",
    "/api/jobs/{job_id}",
    request=OneJob,
    response=JobView,
    tags=("jobs",),
    errors=(errors.JobUnknown, errors.StillOpening),
)
async def get_job(request: web.Request, asked: OneJob) -> JobView:
    """Look at a job."""
    return shown(request, request.app[JOBS].get(asked.job_id))


@endpoint(
    "POST",
    "/api/jobs/{job_id}/cancel",
    request=OneJob,
    response=JobView,
    tags=("jobs",),
    errors=(errors.JobUnknown, errors.JobEnded, errors.ProjectReadOnly, errors.StillOpening),
)
async def cancel_job(request: web.Request, asked: OneJob) -> JobView:
    """Cancel a job.

    It is `cancelling` until the backend has really let go of it, then `cancelled`. A job that
    was about to finish may still succeed.
    """
    return shown(request, await request.app[JOBS].cancel(asked.job_id, request[ACTOR]))


@frozen(kw_only=True, repr=False)
class Health:
    """The service answers."""

    status: str = field(metadata=about("Always ok; what is amiss stands beside.", example="ok"))
    timestamp: datetime
    backends_online: int
    version: str
    projects_open: int
    projects_read_only: list[str] = field(
        metadata=about("Projects that cannot be changed now, each with the reason.")
    )
    log_left_out: int = field(
        metadata=about(
            "Places in logs that could not be read; `orchestrator log audit` names them."
        )
    )
    hosts_heard: int = field(
        default=0, metadata=about("Other hosts that have one of these projects open now.")
    )
    writers_with_alarms: int = field(
        default=0,
        metadata=about("Writers that cannot be read on; `GET /api/log/status` names them."),
    )
    worst_lag_seconds: float = field(
        default=0.0, metadata=about("For how long another host has been ahead of us.")
    )
    shares_silent: list[str] = field(
        factory=list, metadata=about("Projects whose share does not answer now.")
    )


@endpoint("GET", "/health", response=Health, tags=("service",))
async def health(request: web.Request) -> Health:
    """Whether the service is well."""
    projects = request.app[PROJECTS].all()
    heard = summary(request.app[PROJECTS].following)
    return Health(
        status="ok",
        timestamp=now(),
        backends_online=sum(backend.online for backend in request.app[FLEET].all()),
        version=__version__,
        projects_open=len(projects),
        projects_read_only=[f"{p.root}: {p.read_only}" for p in projects if p.read_only],
        log_left_out=sum(len(p.alarms()) for p in projects),
        hosts_heard=heard.hosts,
        writers_with_alarms=heard.alarms,
        worst_lag_seconds=round(heard.worst_lag, 1),
        shares_silent=list(heard.silent),
    )
