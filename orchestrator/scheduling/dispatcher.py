"""The heart of the farm: keeps every job of this host moving, and stops those that should stop.

It works by level, not by edge: again and again it looks at every open job that nobody works on,
and sees from its state alone what is to be done. So nothing is lost with a missed event, a task
that failed, a project that was away, or a restart.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from attrs import define, field, frozen

from events.jobs import JobCancelled, JobFailed, JobId, JobRequeued
from events.record import Record
from orchestrator.comfyui.progress import ProgressTracker
from orchestrator.commands.jobs import Step
from orchestrator.host import Host
from orchestrator.live import Feed
from orchestrator.project import Project
from orchestrator.projects import Projects
from orchestrator.scheduling.attempt import AttemptRun
from orchestrator.scheduling.backend import Backend
from orchestrator.scheduling.choose import Wanted, choose
from orchestrator.scheduling.fleet import Fleet
from orchestrator.scheduling.restore import restore
from orchestrator.scheduling.strays import StrayHunt
from orchestrator.scheduling.teller import PASSING, Teller, as_reason
from orchestrator.scheduling.timing import Timing
from orchestrator.scheduling.watch import Watch
from orchestrator.scheduling.works import Works
from projections.jobs import FINAL, MOVES, Attempt, Job, Status

_log = structlog.get_logger(__name__)

#: Not begun before it is called: a task that is cancelled at once leaves nothing behind.
Work = Callable[[], Coroutine[Any, Any, None]]


@frozen
class JobNews:
    """What a feed tells: a job as it now is, and how far its attempt is."""

    root: Path
    job_id: str
    job: Job
    progress: ProgressTracker | None
    #: Whether the state changed, or only the progress.
    state_changed: bool


@define(eq=False)
class Dispatcher:
    """Starts attempts where there is room, and follows up what a restart left open."""

    projects: Projects
    fleet: Fleet
    host: Host
    timing: Timing
    feed: Feed[JobNews]
    #: Jobs of ours that have not ended, and the folder of their project.
    _open: dict[str, Path] = field(factory=dict)
    #: Projects in which a start's leftovers are settled.
    _restored: set[Path] = field(factory=set)
    #: Projects that cannot be used just now: until when they are left alone, and why.
    _rests: dict[Path, tuple[float, str]] = field(factory=dict)
    #: Why each waiting job waits.
    _reasons: dict[str, str] = field(factory=dict)
    _progress: dict[str, ProgressTracker] = field(factory=dict)
    _wake: asyncio.Event = field(factory=asyncio.Event)
    #: Works on jobs, by their ids, and some others.
    _works: Works = field(init=False)
    _hunt: StrayHunt = field(init=False)
    _loop: asyncio.Task[None] | None = None

    def __attrs_post_init__(self) -> None:
        self._works = Works(self._wake.set)
        self._hunt = StrayHunt(self.host, self._works, self._job_anywhere)

    def start(self) -> None:
        """Begin to dispatch."""
        self.fleet.on_change = self._wake.set
        self.projects.listeners.append(self.on_records)
        self.projects.openers.append(self.adopt)
        self._loop = asyncio.create_task(self._dispatch_for_ever())

    async def close(self) -> None:
        """Let go of everything; what is open in the log is taken up at the next start."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        await self._works.close()

    def progress(self, job_id: str) -> ProgressTracker | None:
        """How far a job's attempt is; None unless a backend has it."""
        return self._progress.get(job_id)

    def why_waiting(self, job_id: str) -> str | None:
        """Why a job is not with a backend; None if it does not wait."""
        return self._reasons.get(job_id)

    def on_records(self, project: Project, records: list[Record]) -> None:
        """Take note of what happened to jobs."""
        for job_id in {r.event.job for r in records if type(r.event) in MOVES}:  # type: ignore[attr-defined]  # all events of MOVES are about a job
            job = project.view.job(job_id)
            if job is not None:
                self._note(project.root, job_id, job)

    def adopt(self, project: Project) -> None:
        """Take up what a project holds of our work, after a start or a reopening."""
        for job_id, job in project.view.jobs():
            if job.status not in FINAL or job_id in self._open:
                self._note(project.root, job_id, job)

    def _note(self, root: Path, job_id: str, job: Job) -> None:
        status = job.status
        if status in FINAL:
            self._open.pop(job_id, None)
        elif job.queued is not None and job.queued.host == self.host.id:
            self._open[job_id] = root
        if status is not Status.QUEUED:
            self._reasons.pop(job_id, None)
        if status in FINAL or status is Status.QUEUED:
            self._progress.pop(job_id, None)
        if status is Status.CANCELLING and (attempt := job.open_attempt) is not None:
            backend = self.fleet.find(attempt.backend or "")
            if backend is not None:
                backend.hurry(attempt.prompt_id or "")
        self._wake.set()
        self.feed.publish(JobNews(root, job_id, job, self.progress(job_id), state_changed=True))

    def _on_progress(self, root: Path, job_id: str, tracker: ProgressTracker) -> None:
        job = self._job(root, job_id)
        attempt = None if job is None else job.open_attempt
        if job is not None and attempt is not None and attempt.prompt_id == tracker.prompt_id:
            self._progress[job_id] = tracker
            self.feed.publish(JobNews(root, job_id, job, tracker, state_changed=False))

    def _job(self, root: Path, job_id: str) -> Job | None:
        project = self.projects.find(root)
        return None if project is None else project.view.job(job_id)

    async def _dispatch_for_ever(self) -> None:
        while True:
            # Not wait_for: in Python 3.11 it loses a cancellation that comes with the event.
            with suppress(TimeoutError):
                async with asyncio.timeout(self.timing.heartbeat):
                    await self._wake.wait()
            self._wake.clear()
            begun = time.monotonic()
            try:
                self._dispatch()
            except Exception:  # noqa: BLE001  # told in full
                # One odd job must not stop the farm; the next pass tries again.
                _log.exception("scheduler.pass_failed")
                begun -= self.timing.heartbeat
            # With thousands of jobs a pass takes a while: it may have a fifth of the time, no more.
            await asyncio.sleep(4 * (time.monotonic() - begun))

    def _dispatch(self) -> None:
        """See to every open job that nobody works on."""
        for backend in self.fleet.all():
            self._hunt.search(backend)
        for project in self.projects.all():
            self._take_up(project.root)
        queued, reasons = {}, {}
        for job_id, root in self._open.items():
            if job_id in self._works:
                continue
            job = self._job(root, job_id)
            if job is None:
                reasons[job_id] = "its project is not open"
            elif (hindrance := self._hindrance(root)) is not None:
                reasons[job_id] = hindrance
            elif (attempt := job.open_attempt) is not None:
                self._resume(root, job_id, job, attempt)
            elif job.status is Status.CANCELLING:
                step = JobCancelled(job=JobId(job_id))
                self._work_on(job_id, root, partial(self._teller(root, job_id).step, step))
            else:
                queued[job_id] = job
        ordered = sorted(queued, key=lambda job_id: queued[job_id].queued.as_of)  # type: ignore[union-attr]  # only queued jobs are here
        choice = choose(
            [_wanted(job_id, queued[job_id]) for job_id in ordered],
            [backend.candidate() for backend in self.fleet.all()],
        )
        self._reasons = reasons | choice.waits
        for job_id, backend_id in choice.starts:
            self._start(self._open[job_id], job_id, queued[job_id], self.fleet.get(backend_id))

    def _hindrance(self, root: Path) -> str | None:
        """Why nothing can be done in an open project now."""
        until, reason = self._rests.get(root, (0.0, ""))
        if time.monotonic() < until:
            return reason
        if root not in self._restored:
            return "what the last run of the service left in its project is being settled"
        return None

    def _take_up(self, root: Path) -> None:
        """Settle what a start finds in a project, once."""
        name = f"restore {root}"
        rests = time.monotonic() < self._rests.get(root, (0.0, ""))[0]
        if root not in self._restored and name not in self._works and not rests:
            self._works.start(name, self._restore(root))

    async def _restore(self, root: Path) -> None:
        try:
            await restore(await self.projects.get(root), self.projects, self.host, self.timing)
        except Exception as exc:  # noqa: BLE001  # told in full, and tried again
            _log.exception("project.not_restored", project=str(root))
            self._rest(root, f"what the last run left in its project cannot be settled: {exc}")
        else:
            self._restored.add(root)

    def _start(self, root: Path, job_id: str, job: Job, backend: Backend) -> None:
        run = self._run(root, job_id, job, backend, len(job.attempts) + 1, str(uuid4()))
        # Watched from now on, so that its slot is taken before its first await.
        backend.watch(run.prompt_id, run.watch)
        self._work_on(job_id, root, run.start)

    def _resume(self, root: Path, job_id: str, job: Job, attempt: Attempt) -> None:
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
        self._work_on(job_id, root, partial(self._teller(root, job_id).step, step))

    def _run(
        self, root: Path, job_id: str, job: Job, backend: Backend, number: int, prompt_id: str
    ) -> AttemptRun:
        assert job.queued is not None  # only queued jobs are open
        order = job.queued.order
        watch = Watch(
            ProgressTracker(prompt_id=prompt_id, node_count=len(order.workflow)),
            lambda tracker: self._on_progress(root, job_id, tracker),
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
        )

    def _teller(self, root: Path, job_id: str) -> Teller:
        return Teller(self.projects, root, job_id, self.timing)

    def _work_on(self, job_id: str, root: Path, work: Work) -> None:
        """Work on a job; a fault of ours ends the job, which must not wait for ever."""

        async def guarded() -> None:
            try:
                await work()
            except PASSING as exc:
                self._rest(root, f"its project cannot be changed now: {exc}")
            except Exception as exc:  # noqa: BLE001  # told in full, and as the job's end
                _log.exception("job.internal_fault", job=job_id)
                # Taken up again only if something happens to it, not for ever in vain.
                self._open.pop(job_id, None)
                said = as_reason(f"{type(exc).__name__}: {exc}")
                step = JobFailed(job=JobId(job_id), reason=said, kind="internal")
                await self._teller(root, job_id).step(step)

        self._works.start(job_id, guarded())

    def _rest(self, root: Path, reason: str) -> None:
        self._rests[root] = (time.monotonic() + self.timing.retry_most, reason)

    def _job_anywhere(self, job_id: str) -> Job | None:
        roots = (project.root for project in self.projects.all())
        return next((job for root in roots if (job := self._job(root, job_id))), None)


def _wanted(job_id: str, job: Job) -> Wanted:
    assert job.queued is not None
    order = job.queued.order
    failed_on = frozenset(a.backend for a in job.attempts if a.backend is not None)
    return Wanted(job_id, frozenset(order.capabilities), order.backend, failed_on)
