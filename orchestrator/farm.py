"""The backends of this host while it runs: added, changed, removed, cared for by people.

They stand in the host's own log; `config.yaml` gives the start set. Runs on the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import structlog
from attrs import define, field

from events.backends import BackendConfigured, BackendRemoved
from events.record import Record
from orchestrator.commands.farm import (
    AddBackend,
    Changes,
    EditBackend,
    Merged,
    PauseBackend,
    RemoveBackend,
    ResumeBackend,
    merge,
)
from orchestrator.config import BackendConfig
from orchestrator.errors import BackendInUse, OrchestratorError
from orchestrator.jobs import Found
from orchestrator.project import Project
from orchestrator.projects import Projects
from orchestrator.scheduling.backend import Backend
from orchestrator.scheduling.care import Restarted, TakenOff, restart, take_off
from orchestrator.scheduling.fleet import Fleet
from orchestrator.scheduling.mark import job_of
from orchestrator.scheduling.teller import ACTOR, persist
from orchestrator.scheduling.timing import Timing

_log = structlog.get_logger(__name__)

Verdict = PauseBackend | ResumeBackend


@define(eq=False)
class Farm:
    """What the endpoints of backends ask for."""

    projects: Projects
    fleet: Fleet
    #: The backends of config.yaml.
    file: tuple[BackendConfig, ...]
    timing: Timing
    #: Jobs of all open projects that have not ended.
    unfinished: Callable[[], Iterable[Found]]
    #: Pauses and their ends that the log does not have yet, in their order.
    _verdicts: asyncio.Queue[Verdict] = field(factory=asyncio.Queue)
    _teller: asyncio.Task[None] | None = None
    #: Whether the host's own log was ever read.
    _loaded: bool = False

    async def start(self) -> None:
        """Read the host's own log; to be done before the fleet starts.

        A host whose log cannot be read goes by config.yaml until it can, and says so.
        """
        self.fleet.on_verdict = self._verdicts.put_nowait
        try:
            await self.projects.default()  # `opened` does the rest, or has done it
        except (OrchestratorError, OSError) as exc:
            _log.warning("backends.not_loaded", reason=str(exc))
        self._teller = asyncio.create_task(self._tell_for_ever())

    async def close(self) -> None:
        """Stop telling the log of pauses."""
        if self._teller is not None:
            self._teller.cancel()
            await asyncio.gather(self._teller, return_exceptions=True)

    async def add(self, backend_id: str | None, settings: Changes, actor: str) -> Backend:
        """Use one more backend; without an id it gets one that is made from its name.

        Raises:
            BackendExists, BackendAddressTaken: another one has that id, or that address.
            InvalidFields: a value that config.yaml could not have either.
            ProjectReadOnly, LogBusy: the host's log cannot be written now.
        """
        command = AddBackend(backend=backend_id or "", settings=settings, file=self.file)
        for record in await (await self.projects.default()).change(command, actor):
            if isinstance(record.event, BackendConfigured):
                return self.fleet.get(record.event.backend)
        raise AssertionError("what was added is told")

    async def edit(self, backend_id: str, settings: Changes, actor: str) -> Backend:
        """Change what is configured of a backend, also of one of config.yaml.

        Raises:
            BackendUnknown, BackendAddressTaken, InvalidFields, ProjectReadOnly, LogBusy.
            BackendInUse: it is to get another address, and jobs of ours are at the old one.
        """
        backend = self.fleet.get(backend_id)
        command = EditBackend(backend=backend_id, settings=settings, file=self.file)
        moves = settings.host not in (None, backend.config.host) or settings.port not in (
            None,
            backend.config.port,
        )
        project = await self.projects.default()
        if moves:
            with backend.holding("is being moved"):
                self._refuse_in_use(backend)
                await project.change(command, actor)
        else:
            await project.change(command, actor)
        return self.fleet.get(backend_id)

    async def remove(self, backend_id: str, actor: str, *, force: bool) -> TakenOff:
        """Use a backend no more. With `force` its jobs go back to the queue, at no cost of a try.

        Raises:
            BackendUnknown, ProjectReadOnly, LogBusy.
            BackendInUse: it has jobs of ours, and `force` was not asked for.
        """
        backend, taken_off = self.fleet.get(backend_id), TakenOff()
        project = await self.projects.default()
        with backend.holding("is being removed"):
            if force:
                reason = f"backend {backend_id} was removed"
                taken_off = await take_off(backend, self._jobs_on(backend), reason)
            else:
                self._refuse_in_use(backend)
            await project.change(RemoveBackend(backend=backend_id, file=self.file), actor)
        return taken_off

    async def resume(self, backend_id: str, actor: str) -> Backend:
        """Let a paused backend take jobs again; what failed there before is forgotten.

        Raises:
            BackendUnknown, ProjectReadOnly, LogBusy.
        """
        backend = self.fleet.get(backend_id)
        command = ResumeBackend(backend=backend_id, reason=f"{actor} resumed it")
        await (await self.projects.default()).change(command, actor)
        backend.trust.forgive()
        return backend

    async def restart(self, backend_id: str, *, interrupt: bool, free_memory: bool) -> Restarted:
        """Take our jobs off a backend, free its memory, and see whether it is well.

        Raises:
            BackendUnknown: there is none of this id.
        """
        backend = self.fleet.get(backend_id)
        jobs = self._jobs_on(backend)
        return await restart(backend, jobs, interrupt=interrupt, free_memory=free_memory)

    def _refuse_in_use(self, backend: Backend) -> None:
        if jobs := self._jobs_on(backend):
            names = tuple(dict.fromkeys(jobs.values()))
            raise BackendInUse(backend.config.id, names)

    def _jobs_on(self, backend: Backend) -> dict[str, str]:
        """Jobs of ours by their prompt ids there, by all that anybody knows.

        The log knows those whose outputs are still being fetched, and the queue those of projects
        that are not open. One that is being sent has no name yet but that of its prompt.
        """
        found = {prompt_id: prompt_id for prompt_id in backend.watches}
        queue = backend.queue
        for item in () if queue is None else (*queue.running, *queue.pending):
            if (job_id := job_of(item, backend.host)) is not None:
                found[item.prompt_id] = job_id
        for each in self.unfinished():
            attempt = each.job.open_attempt
            if each.job.owner != backend.host or attempt is None:
                continue
            if attempt.backend == backend.config.id and attempt.prompt_id is not None:
                found[attempt.prompt_id] = each.job_id
        return found

    def opened(self, project: Project) -> None:
        """A project was opened, perhaps anew after its log could not be read: perhaps ours.

        To be told before the dispatcher, which gives up attempts on backends that are not there.
        """
        if project.root == self.projects.default_root:
            merged = self._use(project)
            for overruled in () if self._loaded else merged.overruled:
                _log.warning(
                    "backend.overruled", backend=overruled.backend, reason=overruled.reason
                )
            self._loaded = True

    def hear(self, project: Project, records: list[Record]) -> None:
        """Something was recorded, perhaps of backends."""
        if project.root == self.projects.default_root and any(
            isinstance(record.event, BackendConfigured | BackendRemoved) for record in records
        ):
            self._use(project)

    def _use(self, project: Project) -> Merged:
        facts = project.view.backends()
        merged = merge(self.file, facts)
        draining = {standing.config.id for standing in merged.standing if standing.draining}
        fresh = self.fleet.apply([standing.config for standing in merged.standing], draining)
        for backend in fresh if self._loaded else self.fleet.all():
            known = facts.get(backend.config.id)
            pause = None if known is None else known.pause
            if pause is not None and pause.reason is not None:
                backend.trust.recall(pause.reason, pause.jobs)
        return merged

    async def _tell_for_ever(self) -> None:
        while True:
            verdict = await self._verdicts.get()

            async def tell(verdict: Verdict = verdict) -> None:
                await (await self.projects.default()).change(verdict, ACTOR)

            try:
                await persist(tell, self.timing, "tell of a backend", OSError)
            except Exception:  # noqa: BLE001  # told in full
                # The pause itself stands; only a restart of the service would forget it.
                _log.exception("backend.verdict_not_told", backend=verdict.backend)
