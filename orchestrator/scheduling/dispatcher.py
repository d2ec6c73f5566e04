"""The heart of the farm: keeps every job of this host moving, and stops those that should stop.

It works by level, not by edge: again and again it looks at every open job that nobody works on,
and sees from its state alone what is to be done. So nothing is lost with a missed event, a task
that failed, a project that was away, or a restart.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import structlog
from attrs import define, evolve, field, frozen

from events.groups import GroupCreated
from events.hosts import HostAdopted
from events.jobs import JobCancelled, JobFailed, JobId
from events.record import Record
from orchestrator.comfyui.progress import ProgressTracker
from orchestrator.errors import BackendUnreachable
from orchestrator.host import Host
from orchestrator.live import Feed
from orchestrator.project import Project
from orchestrator.projects import Projects
from orchestrator.scheduling.backend import Backend
from orchestrator.scheduling.backlog import Backlog
from orchestrator.scheduling.choose import Kind, Wait, place
from orchestrator.scheduling.filling import fill
from orchestrator.scheduling.fleet import Fleet
from orchestrator.scheduling.kinds import Kinds
from orchestrator.scheduling.lanes import Turn
from orchestrator.scheduling.late import LateHunt
from orchestrator.scheduling.launching import Launcher
from orchestrator.scheduling.outgoing import Outgoing
from orchestrator.scheduling.readiness import Blocked, Doomed, hindrance
from orchestrator.scheduling.restore import Restorer
from orchestrator.scheduling.strays import StrayHunt
from orchestrator.scheduling.teller import as_reason
from orchestrator.scheduling.timing import Timing
from orchestrator.scheduling.works import Works
from projections.jobs import BESIDE, FINAL, MOVES, Job, Status

_log = structlog.get_logger(__name__)

#: Not begun before it is called: a task that is cancelled at once leaves nothing behind.
Work = Callable[[], Coroutine[Any, Any, None]]

#: Jobs that one pass looks at; the event loop has others to serve.
MOST_AT_ONCE = 200
#: A job is refused for what no backend has only if they were asked within this time (seconds).
FRESH = 15.0
_ABOUT_JOBS = frozenset({*MOVES, *BESIDE})


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
    outgoing: Outgoing
    backlog: Backlog = field(factory=Backlog)
    #: Why jobs of these kinds wait, as far as somebody asked since the last pass.
    _reasons: dict[Kind, str] = field(factory=dict)
    _kinds: Kinds = field(factory=Kinds)
    #: When we last had backends look up what they have, because jobs found nothing (monotonic).
    _inspected: WeakKeyDictionary[Backend, float] = field(factory=WeakKeyDictionary)
    _progress: dict[str, ProgressTracker] = field(factory=dict)
    _wake: asyncio.Event = field(factory=asyncio.Event)
    #: When all jobs were last looked at (monotonic seconds).
    _swept: float = field(factory=time.monotonic)
    #: Works on jobs, by their ids, and some others.
    _works: Works = field(init=False)
    _restorer: Restorer = field(init=False)
    _hunt: StrayHunt = field(init=False)
    _late: LateHunt = field(init=False)
    _launcher: Launcher = field(init=False)
    _loop: asyncio.Task[None] | None = None

    def __attrs_post_init__(self) -> None:
        self._works = Works(self._work_ended)
        self._restorer = Restorer(self.projects, self.host, self.timing, self._works)
        self._hunt = StrayHunt(self.host, self._works, self._job_anywhere)
        self._late = LateHunt(self.projects, self.host, self.timing, self._works, self._is_usable)
        self._launcher = Launcher(
            self.projects,
            self.fleet,
            self.host,
            self.timing,
            self.outgoing,
            self._kinds,
            self._works,
            self._on_progress,
            self._restorer.rest,
            self.backlog.drop,
        )

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
        kind = self.backlog.lanes.kind_of(job_id)
        if kind is None:
            return self.backlog.reason(job_id)
        if kind not in self._reasons:
            found = place(kind, [backend.candidate() for backend in self.fleet.all()])
            turn = "its turn comes next"
            self._reasons[kind] = found.reason if isinstance(found, Wait) else turn
        return self._reasons[kind]

    def turns(self) -> Iterator[Turn]:
        """Jobs that wait for a backend, in the order in which they begin."""
        return self.backlog.lanes.in_order()

    def on_records(self, project: Project, records: list[Record]) -> None:
        """Take note of what happened to jobs and groups."""
        told: dict[str, None] = {}
        for record in records:
            if type(record.event) in _ABOUT_JOBS:
                told[record.event.job] = None  # type: ignore[attr-defined]  # all of them are about a job
            elif isinstance(record.event, HostAdopted):
                told |= dict.fromkeys(record.event.jobs)
            elif isinstance(record.event, GroupCreated):
                self.backlog.touch_waiters(record.event.group)
                self._wake.set()
        for job_id in told:
            job = project.view.job(job_id)
            if job is not None:
                self._note(project.root, job_id, job)

    def adopt(self, project: Project) -> None:
        """Take up what a project holds of our work, after a start or a reopening."""
        for job_id, job in project.view.jobs():
            self._late.note(project.root, job_id, job)
            if job.status not in FINAL or job_id in self.backlog:
                self._note(project.root, job_id, job)

    def _note(self, root: Path, job_id: str, job: Job) -> None:
        status = job.status
        if job.queued is not None and job.owner == self.host.id:
            waits_for = _waits_for(job)
            if status in FINAL:
                self.backlog.drop(job_id, waits_for)
                self._kinds.forget(job_id)
            else:
                self.backlog.add(job_id, root, waits_for)
            self._late.note(root, job_id, job)
        elif job_id in self.backlog:
            self._let_go(job_id, job)
        if status in FINAL:
            self.backlog.touch_waiters(job_id)
        if status in FINAL or status is Status.QUEUED:
            self._progress.pop(job_id, None)
        if status is Status.CANCELLING and (attempt := job.open_attempt) is not None:
            backend = self.fleet.find(attempt.backend or "")
            if backend is not None:
                backend.hurry(attempt.prompt_id or "")
        self._wake.set()
        self.feed.publish(JobNews(root, job_id, job, self.progress(job_id), state_changed=True))

    def _let_go(self, job_id: str, job: Job) -> None:
        """Another host has taken a job over while we were not heard of: it is not ours any more.

        A prompt of ours that the other one goes on with stays where it is; all others of this job
        are strays (`strays.py`).
        """
        _log.warning("job.taken_over", job=job_id, by=job.owner)
        self.backlog.drop(job_id, _waits_for(job))
        self._kinds.forget(job_id)
        self._progress.pop(job_id, None)
        self._works.stop(job_id)

    def _on_progress(self, root: Path, job_id: str, tracker: ProgressTracker) -> None:
        job = self._job(root, job_id)
        attempt = None if job is None else job.open_attempt
        if job is not None and attempt is not None and attempt.prompt_id == tracker.prompt_id:
            self._progress[job_id] = tracker
            self.feed.publish(JobNews(root, job_id, job, tracker, state_changed=False))

    def _work_ended(self, name: str) -> None:
        self.backlog.touch(name)
        self._wake.set()

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
                self.backlog.look_at_all()
                begun -= self.timing.heartbeat
            # It may have half of the time, no more: the loop has requests to serve.
            await asyncio.sleep(time.monotonic() - begun)

    def _dispatch(self) -> None:
        """See to open jobs that nobody works on, and start what can be started."""
        for backend in self.fleet.all():
            self._hunt.search(backend)
            self._late.search(backend)
        for project in self.projects.all():
            self._restorer.take_up(project.root)
        if time.monotonic() - self._swept >= self.timing.sweep:
            self._swept = time.monotonic()
            self.backlog.look_at_all()
        self.backlog.unpark(self._is_usable)
        self.backlog.ring(datetime.now(UTC))
        for job_id in self.backlog.take_stale(MOST_AT_ONCE):
            self._see_to(job_id, self.backlog.root(job_id))
        if self.backlog.has_stale:
            self._wake.set()
        self._fill()

    def _hindrance(self, root: Path) -> str | None:
        """Why nothing can be done in a project now."""
        if self.projects.find(root) is None:
            return "its project is not open"
        return self._restorer.hindrance(root)

    def _is_usable(self, root: Path) -> bool:
        return self._hindrance(root) is None

    def _see_to(self, job_id: str, root: Path) -> None:
        """What is to be done with an open job, going by its state alone."""
        if job_id in self._works:
            return
        reason, job = self._hindrance(root), self._job(root, job_id)
        if reason is not None or job is None:
            self.backlog.park(job_id, root, reason or "its project does not know it any more")
        elif (attempt := job.open_attempt) is not None:
            self._launcher.resume(root, job_id, job, attempt)
        elif job.status is Status.CANCELLING:
            self._launcher.tell(root, job_id, JobCancelled(job=JobId(job_id)))
        else:
            self._line_up(root, job_id, job)

    def _line_up(self, root: Path, job_id: str, job: Job) -> None:
        """Let a queued job wait for a backend, or for whatever it must wait for before."""
        project = self.projects.find(root)
        assert project is not None  # see _hindrance
        assert job.queued is not None  # only queued jobs are open
        found = hindrance(
            job_id,
            job,
            datetime.now(UTC),
            self._job_anywhere,
            lambda group: project.view.group(group) is not None,
        )
        match found:
            case Doomed(step=step):
                step = evolve(step, reason=as_reason(step.reason))
                self._launcher.tell(root, job_id, step)
            case Blocked(reason=reason, until=until):
                self.backlog.keep(job_id, reason, until)
            case None:
                self.backlog.lanes.put(
                    job_id,
                    job.queued.actor,
                    self._kinds.of(job_id, job),
                    priority=job.priority,
                    rank=job.rank,
                )

    def _fill(self) -> None:
        """Start jobs as long as there is one for which there is a backend."""
        found = fill(self.backlog.lanes, [backend.candidate() for backend in self.fleet.all()])
        self._reasons.clear()
        for job_id, backend_id in found.starts:
            root, backend = self.backlog.root(job_id), self.fleet.find(backend_id)
            job = self._job(root, job_id)
            if job is None or backend is None or job.status is not Status.QUEUED:
                self.backlog.touch(job_id)
            else:
                self._launcher.start(root, job_id, job, backend)
        for kind, wait in found.lacking.items():
            self._refuse(kind, wait)

    def _refuse(self, kind: Kind, wait: Wait) -> None:
        """No backend has what these jobs need: make sure of that, and end them."""
        allowed = [b for b in self.fleet.all() if kind.backend in (None, b.config.id)]
        # Somebody may just have installed it: nobody is refused because of an old look.
        stale = [b for b in allowed if time.monotonic() - self._inspected.get(b, 0.0) > FRESH]
        for backend in stale:
            name = f"inspect {backend.config.id}"
            if name not in self._works:
                self._works.start(name, self._inspect(backend))
        if stale:
            return
        for job_id in self.backlog.lanes.of_kind(kind):
            root = self.backlog.root(job_id)
            job = self._job(root, job_id)
            node = None if job is None else _node_of(job, wait)
            self.backlog.lanes.discard(job_id)
            said = as_reason(wait.reason)
            step = JobFailed(job=JobId(job_id), reason=said, kind="validation", node=node)
            self._launcher.tell(root, job_id, step)

    async def _inspect(self, backend: Backend) -> None:
        """Look up what is installed on a backend, now."""
        with suppress(BackendUnreachable):  # then it is not available, and jobs wait
            await backend.look_inside()
            self._inspected[backend] = time.monotonic()

    def _job_anywhere(self, job_id: str) -> Job | None:
        roots = (project.root for project in self.projects.all())
        return next((job for root in roots if (job := self._job(root, job_id))), None)


def _waits_for(job: Job) -> tuple[str, ...]:
    """The jobs, and the group, that a job waits for before it can begin."""
    assert job.queued is not None
    order = job.queued.order
    return order.after if order.group is None else (*order.after, order.group)


def _node_of(job: Job, wait: Wait) -> str | None:
    """The node of a job's graph that needs what no backend has."""
    assert job.queued is not None
    assert wait.lacking is not None
    classes = {*wait.lacking.classes, *(cls for cls, _, _ in wait.lacking.files)}
    graph = job.queued.order.workflow
    return next((node for node, body in graph.items() if body.get("class_type") in classes), None)
