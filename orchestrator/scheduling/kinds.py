"""What each open job asks of a backend, read off its graph once."""

from __future__ import annotations

from functools import lru_cache

from attrs import define, field

from orchestrator.comfyui.needs import Needs, models_of, needs_of
from orchestrator.scheduling.choose import Kind
from orchestrator.scheduling.ending import failed_backends
from projections.jobs import Job


@lru_cache(maxsize=4096)
def _shared(kind: Kind) -> Kind:
    """One object for all jobs of a kind: it is looked up all the time, and found by identity."""
    return kind


@define(eq=False)
class Kinds:
    """Remembers what graphs need for as long as their jobs are open."""

    _needs: dict[str, tuple[Needs, frozenset[str]]] = field(factory=dict)

    def of(self, job_id: str, job: Job) -> Kind:
        """What an open job asks of a backend, as things stand."""
        assert job.queued is not None  # only queued jobs are open
        order = job.queued.order
        if job_id not in self._needs:
            self._needs[job_id] = needs_of(order.workflow), models_of(order.workflow)
        needs, models = self._needs[job_id]
        return _shared(
            Kind(
                capabilities=frozenset(order.capabilities),
                backend=order.backend,
                needs=needs,
                models=models,
                avoid=frozenset(a.backend for a in job.attempts if a.backend is not None),
                failed_on=failed_backends(job),
            )
        )

    def forget(self, job_id: str) -> None:
        """A job has ended."""
        self._needs.pop(job_id, None)
