"""What a start finds half done in a project: settled and swept before any job goes on there."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path, PurePosixPath

import structlog
from attrs import define, field

from events.files import FilesIntended
from events.log.disk_io import DiskIO
from orchestrator.host import Host
from orchestrator.project import Project
from orchestrator.projects import Projects
from orchestrator.scheduling.placing import incoming, settle
from orchestrator.scheduling.settle import sweep
from orchestrator.scheduling.teller import Teller, persist
from orchestrator.scheduling.timing import Timing
from orchestrator.scheduling.works import Works

_log = structlog.get_logger(__name__)


@define(eq=False)
class Restorer:
    """Settles each project once after a start, and knows which cannot be used for a while."""

    projects: Projects
    host: Host
    timing: Timing
    works: Works
    #: Projects in which a start's leftovers are settled.
    _restored: set[Path] = field(factory=set)
    #: Projects that cannot be used just now: until when they are left alone, and why.
    _rests: dict[Path, tuple[float, str]] = field(factory=dict)

    def hindrance(self, root: Path) -> str | None:
        """Why nothing can be done in an open project now."""
        until, reason = self._rests.get(root, (0.0, ""))
        if time.monotonic() < until:
            return reason
        if root not in self._restored:
            return "what the last run of the service left in its project is being settled"
        return None

    def rest(self, root: Path, reason: str) -> None:
        """Leave a project alone for a while."""
        self._rests[root] = (time.monotonic() + self.timing.retry_most, reason)

    def take_up(self, root: Path) -> None:
        """Settle what a start finds in a project, once."""
        name = f"restore {root}"
        rests = time.monotonic() < self._rests.get(root, (0.0, ""))[0]
        if root not in self._restored and name not in self.works and not rests:
            self.works.start(name, self._restore(root))

    async def _restore(self, root: Path) -> None:
        try:
            await restore(await self.projects.get(root), self.projects, self.host, self.timing)
        except Exception as exc:  # noqa: BLE001  # told in full, and tried again
            _log.exception("project.not_restored", project=str(root))
            self.rest(root, f"what the last run left in its project cannot be settled: {exc}")
        else:
            self._restored.add(root)


async def restore(project: Project, projects: Projects, host: Host, timing: Timing) -> None:
    """Settle the files of jobs that are over; sweep all that no job needs any more.

    What belongs to an open attempt is left to that attempt, which knows how to go on.
    """
    root, kept = project.root, set()
    for _, operation in list(project.view.open_operations()):
        intent = operation.intent
        assert intent is not None  # only a settled one has none
        if _is_at_work(project, intent) or operation.host != host.id:
            # Another host may be putting a file of ours in place, whose job it has taken over.
            kept.add(PurePosixPath(intent.source).name)
        else:
            teller = Teller(projects, root, intent.job, timing)
            await settle(teller, intent, "interrupted", timing, DiskIO())

    async def clean() -> None:
        await asyncio.to_thread(sweep, root / incoming(host), kept)

    await persist(clean, timing, "sweep the staging folder", OSError)


def _is_at_work(project: Project, intent: FilesIntended) -> bool:
    job = project.view.job(intent.job)
    return job is not None and job.open_attempt is not None
