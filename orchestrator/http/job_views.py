"""Jobs and backends as the API shows them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from attrs import field, frozen

from events.stamp import Stamp, moment
from orchestrator.comfyui.progress import ProgressTracker
from orchestrator.http.fields import about
from orchestrator.scheduling.backend import Backend
from projections.jobs import FINAL, Job, Output, Status


@frozen(kw_only=True)
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


@frozen(kw_only=True)
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


@frozen(kw_only=True)
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
    workflow_id: str | None
    parameters: dict[str, Any]
    metadata: dict[str, Any]
    project_path: str
    actor: str = field(metadata=about("Who submitted it."))
    host: str = field(metadata=about("Id of the host whose service runs it."))


def job_view(
    root: Path, job_id: str, job: Job, progress: ProgressTracker | None, waiting_for: str | None
) -> JobView:
    """A job's facts and its live progress as one answer."""
    queued, end, last = job.queued, job.end, job.last
    assert queued is not None  # only queued jobs are shown
    status = job.status
    return JobView(
        job_id=job_id,
        status=status,
        progress=_percent(status, progress),
        current_step=progress.current_step if progress else None,
        current_node=progress.node if progress else None,
        waiting_for=waiting_for if status is Status.QUEUED else None,
        created_at=moment(queued.as_of),
        started_at=_when(last.started or last.rendered) if last else None,
        completed_at=_when(end.as_of) if end else None,
        error_message=end.reason if end else None,
        error_kind=end.kind if end else None,
        error_node=end.node if end else None,
        backend_id=last.backend if last and status is not Status.QUEUED else None,
        attempt=last.number if last else 0,
        attempts=tuple(
            AttemptView(
                number=a.number,
                backend_id=a.backend,
                prompt_id=a.prompt_id,
                submitted_at=_when(a.submitted),
                started_at=_when(a.started),
                rendered_at=_when(a.rendered),
                given_up_at=_when(a.requeued),
                reason=a.reason,
            )
            for a in job.attempts
        ),
        outputs=tuple(_output(root, output) for output in job.outputs),
        workflow_id=queued.order.workflow_id,
        parameters=queued.order.parameters,
        metadata=queued.order.metadata,
        project_path=str(root),
        actor=queued.actor,
        host=queued.host,
    )


def _percent(status: Status, progress: ProgressTracker | None) -> float:
    if status is Status.SUCCEEDED:
        return 100.0
    if status in FINAL or progress is None:
        return 0.0
    return round(progress.percent, 1)


def _when(stamp: Stamp | None) -> datetime | None:
    return None if stamp is None else moment(stamp)


def _output(root: Path, output: Output) -> OutputView:
    path = str(root / output.path)
    return OutputView(
        path=path,
        rel_path=output.path,
        url=f"/api/serve-image?path={quote(path, safe='')}",
        asset_id=output.asset,
        node=output.node,
        kind=output.kind,
        size=output.size,
        sha256=output.sha256,
        attempt=output.attempt,
    )


_MB = 1 << 20


@frozen(kw_only=True)
class BackendView:
    """A ComfyUI backend, as it was when last looked at."""

    id: str
    name: str
    host: str
    port: int
    enabled: bool
    online: bool
    status: str = field(
        metadata=about("idle, busy, offline, disabled, or worker_dead.", example="idle")
    )
    fault: str | None = field(metadata=about("Why it does not answer or takes no jobs."))
    queue_depth: int = field(metadata=about("Prompts of anybody, running and waiting."))
    queue_running: int
    queue_pending: int
    current_job_id: str | None = field(metadata=about("The job of ours that runs there."))
    our_prompts: int = field(metadata=about("Attempts of ours that are there."))
    capabilities: tuple[str, ...]
    max_concurrent_jobs: int
    gpu_name: str | None
    gpu_memory_total: int | None = field(metadata=about("MiB."))
    gpu_memory_used: int | None = field(metadata=about("MiB."))
    gpu_memory_free: int | None = field(metadata=about("MiB."))
    gpu_memory_total_bytes: int | None
    gpu_memory_used_bytes: int | None
    gpu_memory_percent: float | None
    ram_total: int | None = field(metadata=about("Bytes."))
    ram_used: int | None = field(metadata=about("Bytes."))
    comfyui_version: str | None
    last_seen: datetime | None


def backend_view(backend: Backend) -> BackendView:
    """A backend's configuration and its last look as one answer."""
    config, stats, queue = backend.config, backend.stats, backend.queue
    device = stats.devices[0] if stats and stats.devices else None
    total = device.vram_total if device else None
    used = device.vram_total - device.vram_free if device else None
    running = queue.running if queue else ()
    ours = [i.extra_data.get("orchestrator") for i in running if i.prompt_id in backend.watches]
    job = ours[0].get("job") if ours and isinstance(ours[0], dict) else None
    return BackendView(
        id=config.id,
        name=config.name,
        host=config.host,
        port=config.port,
        enabled=config.enabled,
        online=backend.online,
        status=_status(backend),
        fault=backend.candidate().trouble or backend.fault,
        queue_depth=backend.depth,
        queue_running=len(running),
        queue_pending=len(queue.pending) if queue else 0,
        current_job_id=job if isinstance(job, str) else None,
        our_prompts=len(backend.watches),
        capabilities=config.capabilities,
        max_concurrent_jobs=config.max_concurrent_jobs,
        gpu_name=device.name if device else None,
        gpu_memory_total=_mib(total),
        gpu_memory_used=_mib(used),
        gpu_memory_free=_mib(device.vram_free if device else None),
        gpu_memory_total_bytes=total,
        gpu_memory_used_bytes=used,
        gpu_memory_percent=round(100 * used / total, 1) if total and used is not None else None,
        ram_total=stats.ram_total if stats else None,
        ram_used=stats.ram_total - stats.ram_free if stats else None,
        comfyui_version=stats.version if stats else None,
        last_seen=backend.last_seen,
    )


def _mib(size: int | None) -> int | None:
    return None if size is None else size // _MB


def _status(backend: Backend) -> str:
    if not backend.config.enabled:
        return "disabled"
    if not backend.online:
        return "offline"
    if backend.worker_dead:
        return "worker_dead"
    return "busy" if backend.depth else "idle"


def now() -> datetime:
    """The current time, for answers that say when they were made."""
    return datetime.now(UTC)
