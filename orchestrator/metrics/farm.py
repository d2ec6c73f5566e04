"""Figures about backends and projects, looked up when somebody asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from orchestrator.projects import Projects
from orchestrator.scheduling.backend import Backend, State
from orchestrator.scheduling.fleet import Fleet

_BACKEND = ("backend",)


@frozen(eq=False)
class FarmMeter(Collector):
    """Looks at the fleet and at the open projects."""

    _fleet: Fleet
    _projects: Projects

    def collect(self) -> Iterator[Metric]:
        """How things stand now."""
        backends = self._fleet.all()
        yield from _states(backends)
        yield from _loads(backends)
        yield from _memory(backends)
        projects = self._projects.all()
        read_only = sum(project.read_only is not None for project in projects)
        yield GaugeMetricFamily(
            "orchestrator_projects_open", "Projects that are open.", value=len(projects)
        )
        yield GaugeMetricFamily(
            "orchestrator_projects_read_only",
            "Open projects that cannot be changed now; GET /health says why.",
            value=read_only,
        )


def _states(backends: Iterable[Backend]) -> Iterator[Metric]:
    states = GaugeMetricFamily(
        "orchestrator_backend_state",
        "1 for the state that a backend is in, 0 for the others.",
        labels=("backend", "state"),
    )
    for backend in backends:
        now = backend.state
        for state in State:
            states.add_metric((backend.config.id, state.value), float(state is now))
    yield states


def _loads(backends: Iterable[Backend]) -> Iterator[Metric]:
    depth = GaugeMetricFamily(
        "orchestrator_backend_queue_depth",
        "Prompts of anybody that run or wait on a backend, as last seen.",
        labels=_BACKEND,
    )
    ours = GaugeMetricFamily(
        "orchestrator_backend_attempts", "Attempts of ours on a backend.", labels=_BACKEND
    )
    for backend in backends:
        depth.add_metric((backend.config.id,), backend.depth)
        ours.add_metric((backend.config.id,), len(backend.watches))
    yield depth
    yield ours


def _memory(backends: Iterable[Backend]) -> Iterator[Metric]:
    total = GaugeMetricFamily(
        "orchestrator_backend_vram_total_bytes",
        "Memory of a backend's GPUs; as last seen, and only while it answers.",
        labels=_BACKEND,
    )
    used = GaugeMetricFamily(
        "orchestrator_backend_vram_used_bytes", "What of it is in use.", labels=_BACKEND
    )
    for backend in backends:
        if not backend.online or backend.stats is None:
            continue
        devices = backend.stats.devices
        total.add_metric((backend.config.id,), sum(device.vram_total for device in devices))
        used.add_metric(
            (backend.config.id,), sum(device.vram_total - device.vram_free for device in devices)
        )
    yield total
    yield used
