"""Results that come late: an attempt was given up, and its backend has rendered it all the same.

Another attempt has taken its place by then, so its files are kept beside the job's outputs, and
told to be extra. What still waits or runs there is a stray, and is taken away (`strays.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import structlog
from attrs import define, field, frozen

from events.jobs import JobId
from events.stamp import wall_ms
from orchestrator.comfyui.answers import QueueView
from orchestrator.comfyui.endings import Succeeded, classify
from orchestrator.errors import BackendUnreachable, FileMissing, OrchestratorError, Unavailable
from orchestrator.host import Host
from orchestrator.projects import Projects
from orchestrator.scheduling.backend import Backend
from orchestrator.scheduling.collect import Collector
from orchestrator.scheduling.placing import NotWantedError, placer
from orchestrator.scheduling.teller import Teller
from orchestrator.scheduling.timing import Timing
from orchestrator.scheduling.works import Works
from projections.jobs import Job

_log = structlog.get_logger(__name__)

#: A backend's history is in memory only, and short: older attempts are not looked for.
MAX_AGE = 24 * 3600.0


@frozen
class Adrift:
    """An attempt that was given up, and may have been rendered."""

    root: Path
    job_id: str
    number: int
    prompt_id: str


@define(eq=False)
class LateHunt:
    """Looks for what backends made of attempts that were given up."""

    projects: Projects
    host: Host
    timing: Timing
    works: Works
    #: Whether a project can be used now.
    is_usable: Callable[[Path], bool]
    #: By backend, then by prompt id.
    _adrift: dict[str, dict[str, Adrift]] = field(factory=dict)
    #: The view of the queue at which each backend's attempts were last looked for.
    _seen: dict[str, QueueView] = field(factory=dict)
    #: Attempts that neither queue nor history had at the last look.
    _absent: set[str] = field(factory=set)

    def note(self, root: Path, job_id: str, job: Job) -> None:
        """Take note of the attempts of a job of ours that may come late."""
        if job.owner != self.host.id or job.cancel is not None:
            return
        for attempt in job.attempts:
            if not (attempt.adrift and attempt.requeued and attempt.backend and attempt.prompt_id):
                continue
            if time.time() - wall_ms(attempt.requeued) / 1000 > MAX_AGE:
                continue
            if not any(output.attempt == attempt.number and output.extra for output in job.outputs):
                found = Adrift(root, job_id, attempt.number, attempt.prompt_id)
                self._adrift.setdefault(attempt.backend, {})[attempt.prompt_id] = found

    def search(self, backend: Backend) -> None:
        """Look what a backend that answers has made of its attempts."""
        adrift, queue = self._adrift.get(backend.config.id), backend.queue
        if not adrift or queue is None or queue is self._seen.get(backend.config.id):
            return
        self._seen[backend.config.id] = queue
        there = {item.prompt_id for item in (*queue.running, *queue.pending)}
        for attempt in list(adrift.values()):
            name = f"late {attempt.prompt_id}"
            free = attempt.prompt_id not in there and name not in self.works
            if free and self.is_usable(attempt.root):
                self.works.start(name, self._look(backend, attempt))

    async def _look(self, backend: Backend, attempt: Adrift) -> None:
        try:
            entry = await backend.client.history(attempt.prompt_id)
            if entry is None and attempt.prompt_id not in self._absent:
                # Between queue and history it may be in neither for a moment.
                self._absent.add(attempt.prompt_id)
                return
            end = None if entry is None else classify(entry)
            if isinstance(end, Succeeded):
                await self._keep(backend, attempt, end)
        except (BackendUnreachable, Unavailable, FileMissing) as exc:
            _log.info("late_result.not_looked_for", job=attempt.job_id, reason=str(exc))
            return
        except (OrchestratorError, NotWantedError) as exc:
            _log.warning("late_result.not_kept", job=attempt.job_id, reason=str(exc))
        self._absent.discard(attempt.prompt_id)
        self._adrift[backend.config.id].pop(attempt.prompt_id, None)

    async def _keep(self, backend: Backend, attempt: Adrift, end: Succeeded) -> None:
        teller = Teller(self.projects, attempt.root, attempt.job_id, self.timing)
        job = await teller.job()
        collector = Collector(
            JobId(attempt.job_id),
            attempt.number,
            backend,
            placer(teller, job, self.timing),
            teller,
            self.timing,
            self.host,
        )
        await collector.collect([output for output in end.outputs if output.kept], job)
        _log.info("late_result.kept", job=attempt.job_id, attempt=attempt.number)
