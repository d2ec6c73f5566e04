"""What becomes of a host's work when the host is gone: another one takes it over.

Its jobs are taken over when somebody asks for it. What it left half done with files is finished
by itself, a while after nothing was heard of it any more: each step looks where the files are,
and none replaces one, so it does no harm if that host was merely cut off and comes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from attrs import define, field, frozen

from events.files import FilesIntended
from events.hosts import HostAdopted
from events.log.disk_io import DiskIO
from events.log.port import DEAD_SECONDS
from orchestrator.claiming import ADOPT, SETTLE, claimed
from orchestrator.commands.adopting import AdoptHost, open_jobs
from orchestrator.errors import ClaimHeld, HostAlive, HostIsOurs, HostUnknown, OrchestratorError
from orchestrator.gallery.fileops.engine import Engine
from orchestrator.project import Project
from orchestrator.projects import Projects
from orchestrator.scheduling.placing import settle
from orchestrator.scheduling.teller import Teller
from orchestrator.scheduling.timing import Timing

_log = structlog.get_logger(__name__)

#: How often is looked whether a host that is gone has left anything (seconds).
LOOK_SECONDS = 60.0


@frozen
class Adopted:
    """What was taken over."""

    host: str
    by: str
    jobs: tuple[str, ...]
    #: Seconds since the host was heard of; None if it never was.
    silent: float | None


def is_dead(silent: float | None) -> bool:
    """Whether a host of which nothing was heard for so long counts as gone."""
    return silent is None or silent > DEAD_SECONDS


async def adopt(project: Project, host: str, actor: str, *, force: bool = False) -> Adopted:
    """Take over the open jobs of a host that is gone; none is no error.

    Args:
        project: Where they are.
        host: Its id.
        actor: Who asks for it.
        force: Also of a host that was heard of lately. It lets go of them as soon as it reads
            of it; what both do until then is done twice.

    Raises:
        HostIsOurs, HostUnknown, HostAlive: they cannot be taken over.
        ClaimHeld: another host takes them over now.
        OrchestratorError: the project cannot be read or changed.
    """
    ours = project.host.id
    if host == ours:
        raise HostIsOurs(host)
    await project.follow()  # what it may have done last
    silent = await project.silence(host)
    if silent is None and not open_jobs(project.view, host):
        raise HostUnknown(host)
    if silent is not None and not is_dead(silent) and not force:
        raise HostAlive(host, silent)
    jobs: list[str] = []
    async with claimed(project, ADOPT, host):
        await project.follow()  # another one may have been faster
        command = AdoptHost(host=host, by=ours)
        while records := await project.change(command, actor):
            for record in records:
                assert isinstance(record.event, HostAdopted)  # the command tells of nothing else
                jobs += record.event.jobs
    _log.info("host.adopted", project=str(project.root), host=host, jobs=len(jobs))
    return Adopted(host, ours, tuple(jobs), silent)


@define(eq=False)
class Caretaker:
    """Finishes what hosts that are gone have begun to do to files."""

    projects: Projects
    engine: Engine
    timing: Timing
    disk: DiskIO = field(factory=DiskIO)
    #: Called with a project in which jobs were taken over.
    listeners: list[Callable[[Project], None]] = field(factory=list)
    _looking: dict[Project, asyncio.Task[None]] = field(factory=dict)
    _loop: asyncio.Task[None] | None = None

    async def adopt(
        self, project: Project, host: str, actor: str, *, force: bool = False
    ) -> Adopted:
        """See `adopt`; those who care for jobs are told."""
        adopted = await adopt(project, host, actor, force=force)
        for listener in self.listeners if adopted.jobs else ():
            listener(project)
        return adopted

    def start(self) -> None:
        """Begin to look."""
        self._loop = asyncio.create_task(self._look_for_ever())

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for project in self.projects.all():
                if project not in self._looking and self._hosts(project):
                    self._looking[project] = asyncio.create_task(self._look(project))

    async def _look(self, project: Project) -> None:
        try:
            await self.look(project)
        except Exception:  # noqa: BLE001  # told in full; the next look tries again
            _log.exception("caretaker.failed", project=str(project.root))
        finally:
            del self._looking[project]

    async def look(self, project: Project) -> None:
        """Finish what hosts that are gone have left in a project; what cannot be is left again."""
        for host in self._hosts(project):
            try:
                if not is_dead(await project.silence(host)):
                    continue
                async with claimed(project, SETTLE, host):
                    await project.follow()  # it, or another one, may have done it
                    await self._settle(project, host)
            except ClaimHeld as exc:
                _log.info("caretaker.skipped", project=str(project.root), reason=str(exc))
            except OrchestratorError as exc:
                _log.warning("caretaker.not_done", project=str(project.root), reason=str(exc))

    def _hosts(self, project: Project) -> list[str]:
        """Other hosts that have announced something, and not told the end of it."""
        if project.read_only is not None:
            return []
        hosts = {plan.host for _, plan in project.view.open_plans()}
        hosts |= {
            operation.host
            for _, operation in project.view.open_operations()
            if operation.intent is not None
            and not _is_at_work(project, operation.intent, operation.host)
        }
        return sorted(host for host in hosts if host not in (None, project.host.id))

    async def _settle(self, project: Project, host: str) -> None:
        whole = await self.engine.settle_for(project, host)
        for _, operation in list(project.view.open_operations(host)):
            intent = operation.intent
            if intent is None or _is_at_work(project, intent, host):
                continue
            teller = Teller(self.projects, project.root, intent.job, self.timing)
            await settle(teller, intent, "interrupted", self.timing, self.disk)
        _log.info("caretaker.settled", project=str(project.root), host=host, whole=whole)

    async def close(self) -> None:
        """Stop looking; what is half done then is looked at by the next start of any host."""
        tasks = [*self._looking.values(), *([] if self._loop is None else [self._loop])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _is_at_work(project: Project, intent: FilesIntended, host: str | None) -> bool:
    """Whether a file that `host` announced is seen to by whoever runs its job.

    That is who follows the attempt; of a job that still is the gone host's, who takes it over.
    """
    job = project.view.job(intent.job)
    if job is None or job.end is not None:
        return False
    return job.open_attempt is not None or job.owner == host
