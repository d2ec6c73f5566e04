"""All figures of one service, in a registry of its own, and how they are written."""

from __future__ import annotations

from attrs import define, field
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from orchestrator import __version__
from orchestrator.metrics.appends import AppendMeter
from orchestrator.metrics.farm import FarmMeter
from orchestrator.metrics.jobs import JobMeter
from orchestrator.projects import Projects
from orchestrator.scheduling.fleet import Fleet

# Each counter would else have a second series with the time when it began; nobody asks for that.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's, and it takes nothing


@define(eq=False)
class Metrics:
    """What GET /metrics tells."""

    projects: Projects
    fleet: Fleet
    registry: CollectorRegistry = field(factory=CollectorRegistry)
    jobs: JobMeter = field(init=False)
    appends: AppendMeter = field(init=False)

    def __attrs_post_init__(self) -> None:
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        build = Info("orchestrator_build", "The version that runs.", registry=self.registry)
        build.info({"version": __version__})
        self.jobs = JobMeter(self.projects.host, self.registry)
        self.appends = AppendMeter(self.registry)
        self.registry.register(FarmMeter(self.fleet, self.projects))

    def start(self) -> None:
        """Count from now on."""
        self.projects.listeners.append(self.jobs.hear)
        self.projects.openers.append(self.jobs.opened)
        self.projects.on_settled = self.appends.settled

    def render(self, accept: str) -> tuple[bytes, str]:
        """All figures and their content type, in a format that the client's `Accept` names."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type
