"""What a start finds half done in a project: settled and swept before any job goes on there."""

from __future__ import annotations

import asyncio
from pathlib import PurePosixPath

from events.files import FilesIntended
from events.log.disk_io import DiskIO
from orchestrator.host import Host
from orchestrator.project import Project
from orchestrator.projects import Projects
from orchestrator.scheduling.placing import incoming, settle
from orchestrator.scheduling.settle import sweep
from orchestrator.scheduling.teller import Teller, persist
from orchestrator.scheduling.timing import Timing


async def restore(project: Project, projects: Projects, host: Host, timing: Timing) -> None:
    """Settle the files of jobs that are over; sweep all that no job needs any more.

    What belongs to an open attempt is left to that attempt, which knows how to go on.
    """
    root, kept = project.root, set()
    for _, operation in list(project.view.open_operations(host.id)):
        intent = operation.intent
        assert intent is not None  # only a settled one has none
        if _is_at_work(project, intent):
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
