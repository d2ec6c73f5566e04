"""Backends as the API shows them. Pure."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from orchestrator.http.fields import about
from orchestrator.scheduling.backend import Backend, State
from orchestrator.scheduling.mark import job_of

_MB = 1 << 20


@frozen(kw_only=True, repr=False)
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
    state: State = field(
        metadata=about("What keeps it from work, if anything does.", example="online")
    )
    draining: bool = field(
        metadata=about("Whether it finishes what it has, and takes nothing new.")
    )
    paused: str | None = field(
        metadata=about("Why it gets no jobs until it is found well again; null if it gets them.")
    )
    failures_in_a_row: int = field(
        metadata=about("Different jobs that failed there since one last succeeded.")
    )
    fault: str | None = field(metadata=about("Why it does not answer or takes no jobs."))
    queue_depth: int = field(metadata=about("Prompts of anybody, running and waiting."))
    queue_running: int
    queue_pending: int
    foreign_prompts: int = field(metadata=about("Prompts that this service did not send."))
    current_job_id: str | None = field(metadata=about("The job of ours that runs there."))
    our_prompts: int = field(metadata=about("Attempts of ours that are there."))
    capabilities: tuple[str, ...]
    max_concurrent_jobs: int
    node_classes: int | None = field(
        metadata=about("How many classes of nodes are installed; null while nobody knows.")
    )
    models: int | None = field(
        metadata=about("How many files its loaders offer; null while nobody knows.")
    )
    warm_models: list[str] = field(
        metadata=about("Model files of the last job it got, which it probably has in memory.")
    )
    os: str | None = field(metadata=about("As Python calls it there.", example="posix"))
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
    gpu_utilization: float = field(
        default=0.0, metadata=about("Always 0, as are the next two: ComfyUI does not tell.")
    )
    gpu_temperature: int = 0
    cpu_utilization: float = 0.0


def backend_view(backend: Backend) -> BackendView:
    """A backend's configuration and its last look as one answer."""
    config, stats, queue = backend.config, backend.stats, backend.queue
    device = stats.devices[0] if stats and stats.devices else None
    total = device.vram_total if device else None
    used = device.vram_total - device.vram_free if device else None
    running = queue.running if queue else ()
    jobs = [job_of(item, backend.host) for item in running if item.prompt_id in backend.watches]
    abilities = backend.abilities
    files = frozenset[str]().union(*abilities.choices.values()) if abilities else frozenset[str]()
    return BackendView(
        id=config.id,
        name=config.name,
        host=config.host,
        port=config.port,
        enabled=config.enabled,
        online=backend.online,
        status=_status(backend),
        state=backend.state,
        draining=backend.draining,
        paused=backend.trust.paused,
        failures_in_a_row=len(backend.trust.breaker.jobs),
        fault=backend.candidate().trouble or backend.fault,
        queue_depth=backend.depth,
        queue_running=len(running),
        queue_pending=len(queue.pending) if queue else 0,
        foreign_prompts=backend.foreign(),
        current_job_id=next(iter(jobs), None),
        our_prompts=len(backend.watches),
        capabilities=config.capabilities,
        max_concurrent_jobs=config.max_concurrent_jobs,
        node_classes=len(abilities.classes) if abilities else None,
        models=len(files) if abilities else None,
        warm_models=sorted(backend.warm),
        os=stats.os or None if stats else None,
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


@frozen(kw_only=True, repr=False)
class OneBackend:
    """Which backend."""

    backend_id: str


@frozen(kw_only=True, repr=False)
class BackendChanged:
    """The change is in the host's log, and counts from now on."""

    success: bool
    message: str
    backend_id: str
    backend: BackendView


def changed(backend: Backend, message: str) -> BackendChanged:
    """The answer to a change."""
    name = backend.config.id
    return BackendChanged(
        success=True, message=message, backend_id=name, backend=backend_view(backend)
    )


def _mib(size: int | None) -> int | None:
    return None if size is None else size // _MB


def _status(backend: Backend) -> str:
    """As the frontend knows it, which has no word for a pause."""
    if not backend.config.enabled:
        return "disabled"
    if not backend.online:
        return "offline"
    if backend.worker_dead:
        return "worker_dead"
    return "busy" if backend.depth else "idle"
