"""Puts attempts to work, and guards them: whatever happens, a job is not forgotten."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from attrs import define
from uuid_utils import uuid4

from events.jobs import JobCancelled, JobFailed, JobId, JobRequeued
from orchestrator.comfyui.progress import ProgressTracker
from orchestrator.commands.jobs import Step
from orchestrator.host import Host
from orchestrator.projects import Projects
from orchestrator.scheduling.attempt import AttemptRun
from orchestrator.scheduling.backend import Backend
from orchestrator.scheduling.choose import could_take
from orchestrator.scheduling.fleet import Fleet
from orchestrator.scheduling.kinds import Kinds
from orchestrator.scheduling.outgoing import Outgoing
from orchestrator.scheduling.teller import PASSING, Teller, as_reason
from orchestrator.scheduling.timing import Timing
from orchestrator.scheduling.watch import Watch
from orchestrator.scheduling.works import Works
from projections.jobs import Attempt, Job

_log = structlog.get_logger(__name__)

#: Not begun before it is called: a task that is cancelled at once leaves nothing behind.
Work = Callable[[], Coroutine[Any, Any, None]]


@define(eq=False)
class Launcher:
    """Starts what is to be done with a job; the works know what runs."""

    projects: Projects
    fleet: Fleet
    host: Host
    timing: Timing
    outgoing: Outgoing
    kinds: Kinds
    works: Works
    #: Told how far an attempt is.
    on_progress: Callable[[Path, str, ProgressTracker], None]
    #: Told of a project that cannot be used for a while, and why.
    rest: Callable[[Path, str], None]
    #: Told of a job that is not to be looked at again until something happens to it.
    drop: Callable[[str], None]

    def start(self, root: Path, job_id: str, job: Job, backend: Backend) -> None:
        """Begin a new attempt of a job."""
        run = self._run(root, job_id, job, backend, len(job.attempts) + 1, str(uuid4()))
        # Watched from now on, so that its slot is taken before its first await.
        backend.watch(run.prompt_id, run.watch)
        self._work_on(job_id, root, run.start)

    def resume(self, root: Path, job_id: str, job: Job, attempt: Attempt) -> None:
        """Follow an attempt from before; give it up if its backend is gone for good."""
        backend = self.fleet.find(attempt.backend or "")
        if backend is not None:
            prompt_id = attempt.prompt_id or ""
            run = self._run(root, job_id, job, backend, attempt.number, prompt_id)
            # Its slot is taken before the next waiting job is given a backend.
            backend.watch(run.prompt_id, run.watch)
            self._work_on(job_id, root, partial(run.resume, attempt))
            return
        step: Step = JobCancelled(job=JobId(job_id))
        if job.cancel is None:
            said = f"backend {attempt.backend} is not configured any more"
            step = JobRequeued(job=JobId(job_id), attempt=attempt.number, reason=said)
        self.tell(root, job_id, step)

    def _run(
        self, root: Path, job_id: str, job: Job, backend: Backend, number: int, prompt_id: str
    ) -> AttemptRun:
        assert job.queued is not None  # only queued jobs are open
        order = job.queued.order
        watch = Watch(
            ProgressTracker(prompt_id=prompt_id, node_count=len(order.workflow)),
            lambda tracker: self.on_progress(root, job_id, tracker),
        )
        return AttemptRun(
            job_id=JobId(job_id),
            order=order,
            number=number,
            prompt_id=prompt_id,
            backend=backend,
            watch=watch,
            teller=self._teller(root, job_id),
            host=self.host,
            client_id=self.fleet.client_id(self.host, backend.config.id),
            timing=self.timing,
            outgoing=self.outgoing,
            others=partial(self._others_could, root, job_id, backend.config.id),
            absolve=partial(self._absolve, job_id),
        )

    def _absolve(self, job_id: str) -> None:
        for backend in self.fleet.all():
            backend.absolved(job_id)

    def _others_could(self, root: Path, job_id: str, but: str) -> bool:
        """Whether another backend than this one, on which the job has not failed, may take it."""
        project = self.projects.find(root)
        job = None if project is None else project.view.job(job_id)
        if job is None:
            return False
        kind = self.kinds.of(job_id, job)
        return any(
            could_take(kind, backend.candidate())
            for backend in self.fleet.all()
            if backend.config.id != but and backend.config.id not in kind.failed_on
        )

    def _teller(self, root: Path, job_id: str) -> Teller:
        return Teller(self.projects, root, job_id, self.timing)

    def tell(self, root: Path, job_id: str, step: Step) -> None:
        """Tell the next step of a job that nobody works on."""
        self._work_on(job_id, root, partial(self._teller(root, job_id).step, step))

    def _work_on(self, job_id: str, root: Path, work: Work) -> None:
        """Work on a job; a fault of ours ends the job, which must not wait for ever."""

        async def guarded() -> None:
            try:
                await work()
            except PASSING as exc:
                self.rest(root, f"its project cannot be changed now: {exc}")
            except Exception as exc:  # noqa: BLE001  # told in full, and as the job's end
                _log.exception("job.internal_fault", job=job_id)
                # Taken up again only if something happens to it, not for ever in vain.
                self.drop(job_id)
                said = as_reason(f"{type(exc).__name__}: {exc}")
                step = JobFailed(job=JobId(job_id), reason=said, kind="internal")
                await self._teller(root, job_id).step(step)

        self.works.start(job_id, guarded())
