"""The heart of the farm: keeps every job of this host moving, and stops those that should stop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from attrs import define, field, frozen

from events.files import FilesIntended
from events.jobs import JobCancelled, JobId, JobRequeued
from events.record import Record
from orchestrator.comfyui.progress import ProgressTracker
from orchestrator.commands.jobs import AdvanceJob, FileFailed, FileStored
from orchestrator.gallery.intake import sight
from orchestrator.host import Host
from orchestrator.live import Feed
from orchestrator.project import Project
from orchestrator.projects import Projects
from orchestrator.scheduling.attempt import AttemptRun
from orchestrator.scheduling.choose import Wanted, choose
from orchestrator.scheduling.collect import Collector, incoming
from orchestrator.scheduling.fleet import Backend, Fleet, Watch
from orchestrator.scheduling.settle import Found, look, sweep
from orchestrator.scheduling.teller import Teller, persist
from orchestrator.scheduling.timing import Timing
from projections.jobs import FINAL, MOVES, Job, Status

_log = structlog.get_logger(__name__)

#: Even if nothing seems to change, the queue is looked through this often, in seconds.
HEARTBEAT = 1.0


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
    #: Jobs that wait, and the folder of their project.
    _waiting: dict[str, Path] = field(factory=dict)
    #: Why each of them waits.
    _reasons: dict[str, str] = field(factory=dict)
    #: Jobs that a task of ours works on.
    _tasks: dict[str, asyncio.Task[None]] = field(factory=dict)
    _progress: dict[str, ProgressTracker] = field(factory=dict)
    _wake: asyncio.Event = field(factory=asyncio.Event)
    _loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to dispatch."""
        self.fleet.on_change = self._wake.set
        self.projects.listeners.append(self.on_records)
        self.projects.openers.append(self.adopt)
        self._loop = asyncio.create_task(self._dispatch_for_ever())

    async def close(self) -> None:
        """Let go of everything; what is open in the log is taken up at the next start."""
        tasks = [*self._tasks.values(), *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def progress(self, job_id: str) -> ProgressTracker | None:
        """How far a job's attempt is; None unless a backend has it."""
        return self._progress.get(job_id)

    def why_waiting(self, job_id: str) -> str | None:
        """Why a job is not with a backend; None if it does not wait."""
        return self._reasons.get(job_id)

    def on_records(self, project: Project, records: list[Record]) -> None:
        """Take note of what happened to jobs."""
        for job_id in {r.event.job for r in records if type(r.event) in MOVES}:  # type: ignore[attr-defined]  # all events of MOVES are about a job
            self._note(project, job_id)

    def _note(self, project: Project, job_id: str) -> None:
        job = project.view.job(job_id)
        if job is None:
            return
        status = job.status
        if self._is_ours(job):
            if status is Status.QUEUED:
                self._waiting.setdefault(job_id, project.root)
                self._wake.set()
            else:
                self._waiting.pop(job_id, None)
                self._reasons.pop(job_id, None)
            if status is Status.CANCELLING and job.open_attempt is None:
                self._work(job_id, self._cancel_unsent(project.root, job_id))
        if status in FINAL or status is Status.QUEUED:
            self._progress.pop(job_id, None)
        self.feed.publish(JobNews(project.root, job_id, job, self.progress(job_id), True))

    def _is_ours(self, job: Job) -> bool:
        return job.queued is not None and job.queued.host == self.host.id

    def adopt(self, project: Project) -> None:
        """Take up what a project holds of our work, after a start or a reopening."""
        self._work(f"adopt {project.root}", self._adopt(project))

    async def _adopt(self, project: Project) -> None:
        """First the files that are half way, then the jobs: these must see what is there."""
        root, view = project.root, project.view
        operations = [o.intent for _, o in view.open_operations(self.host.id) if o.intent]
        # While a job is being worked on here, its files are in that work's hands.
        await asyncio.gather(
            *(self._settle(root, o) for o in operations if o.job not in self._tasks)
        )
        if not any(key in self._tasks for key, _ in view.jobs()):
            await asyncio.to_thread(sweep, root / incoming(self.host), ())
        for job_id, job in list(view.jobs()):
            if not self._is_ours(job) or job.status in FINAL:
                continue
            if job.open_attempt is None or job_id in self._tasks:
                self._note(project, job_id)
            else:
                self._work(job_id, self._resume(root, JobId(job_id), job))

    def _work(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        """Run something about a job, or an operation, unless something about it runs already."""
        if key in self._tasks:
            work.close()
            return
        task = asyncio.create_task(work)
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._done(key, done))

    def _done(self, key: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(key, None)
        self._wake.set()
        if not task.cancelled() and (fault := task.exception()) is not None:
            _log.error("scheduler.task_failed", about=key, exc_info=fault)

    async def _dispatch_for_ever(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), HEARTBEAT)
            self._wake.clear()
            await self._dispatch()

    async def _dispatch(self) -> None:
        jobs = {}
        for job_id, root in self._waiting.items():
            project = self.projects.find(root)
            job = None if project is None else project.view.job(job_id)
            if job is not None and job.status is Status.QUEUED and job_id not in self._tasks:
                jobs[job_id] = job
        ordered = sorted(jobs, key=lambda job_id: jobs[job_id].queued.as_of)  # type: ignore[union-attr]  # only queued ones are here
        choice = choose(
            [_wanted(job_id, jobs[job_id]) for job_id in ordered],
            [backend.candidate() for backend in self.fleet.all()],
        )
        self._reasons = choice.waits
        for job_id, backend_id in choice.starts:
            backend, root = self.fleet.get(backend_id), self._waiting[job_id]
            run = self._run(root, JobId(job_id), jobs[job_id], backend)
            # Watched from now on, so that its slot is taken before its first await.
            backend.watch(run.prompt_id, run.watch)
            self._work(job_id, self._carry(run, run.start()))

    def _run(
        self, root: Path, job_id: JobId, job: Job, backend: Backend, *, resume: bool = False
    ) -> AttemptRun:
        assert job.queued is not None
        order, attempt = job.queued.order, job.open_attempt
        if resume:
            assert attempt is not None
            number, prompt_id = attempt.number, attempt.prompt_id or ""
        else:
            number, prompt_id = len(job.attempts) + 1, str(uuid4())
        watch = Watch(
            ProgressTracker(prompt_id=prompt_id, node_count=len(order.workflow)),
            lambda tracker: self._on_progress(root, job_id, tracker),
        )
        return AttemptRun(
            job_id=job_id,
            order=order,
            number=number,
            prompt_id=prompt_id,
            backend=backend,
            watch=watch,
            teller=Teller(self.projects, root, job_id, self.timing),
            host=self.host,
            client_id=self.fleet.client_id(self.host, backend.config.id),
            timing=self.timing,
        )

    async def _carry(self, run: AttemptRun, work: Coroutine[Any, Any, None]) -> None:
        """Carry an attempt through; a fault of ours ends the job, which must not wait for ever."""
        try:
            await work
        except Exception as exc:  # noqa: BLE001  # told in full, and the job's end tells of it
            _log.exception("attempt.failed", job=run.job_id, attempt=run.number)
            await run.fail("internal", f"{type(exc).__name__}: {exc}")
        finally:
            run.backend.unwatch(run.prompt_id)

    async def _resume(self, root: Path, job_id: JobId, job: Job) -> None:
        """Follow an attempt from before a restart; give it up if its backend is gone for good."""
        assert job.last is not None
        backend = self.fleet.find(job.last.backend or "")
        if backend is not None:
            run = self._run(root, job_id, job, backend, resume=True)
            await self._carry(run, run.follow())
            return
        if job.cancel is not None:
            await self._cancel_unsent(root, job_id)
            return
        reason = f"backend {job.last.backend} is not configured any more"
        step = JobRequeued(job=job_id, attempt=job.last.number, reason=reason)
        await Teller(self.projects, root, job_id, self.timing).tell(AdvanceJob(step=step))

    async def _cancel_unsent(self, root: Path, job_id: str) -> None:
        teller = Teller(self.projects, root, job_id, self.timing)
        await teller.tell(AdvanceJob(step=JobCancelled(job=JobId(job_id))))

    async def _settle(self, root: Path, intent: FilesIntended) -> None:
        """What was announced before a crash: was it done, or can it be done now?"""
        teller = Teller(self.projects, root, intent.job, self.timing)

        async def settle() -> None:
            project = await self.projects.get(root)
            job = project.view.job(intent.job)
            found = await asyncio.to_thread(look, root, intent)
            if found is Found.IN_PLACE:
                seen = await asyncio.to_thread(sight, root, intent.to)
                await teller.tell(FileStored(intent=intent, sighting=seen))
                return
            await teller.tell(FileFailed(op=intent.op, error="interrupted"))
            if found is Found.STAGED and job is not None and job.queued is not None:
                order = job.queued.order
                job_id = JobId(intent.job)
                collector = Collector(job_id, order, teller, self.timing, self.host)
                await collector.place(intent, job)

        await persist(settle, self.timing, "settle an interrupted operation", OSError)

    def _on_progress(self, root: Path, job_id: JobId, tracker: ProgressTracker) -> None:
        self._progress[job_id] = tracker
        project = self.projects.find(root)
        job = None if project is None else project.view.job(job_id)
        if job is not None and job.status not in FINAL:
            self.feed.publish(JobNews(root, job_id, job, tracker, False))


def _wanted(job_id: str, job: Job) -> Wanted:
    assert job.queued is not None
    order = job.queued.order
    failed_on = frozenset(a.backend for a in job.attempts if a.backend is not None)
    return Wanted(job_id, frozenset(order.capabilities), order.backend, failed_on)
