"""Telling the log what the scheduler learned, however long the share takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import structlog

from events.jobs import JobId
from events.record import Record
from orchestrator.commands.deciders import Command
from orchestrator.commands.jobs import AdvanceJob, Step
from orchestrator.errors import FileMissing, Unavailable
from orchestrator.project import Project
from orchestrator.projects import Projects
from orchestrator.scheduling.timing import Timing
from projections.jobs import Job

_log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Who the log names for what nobody asked for in particular.
ACTOR = "orchestrator"
#: What a project says that cannot be read or changed for the moment.
PASSING: tuple[type[Exception], ...] = (Unavailable, FileMissing)
#: Letters of a reason that is kept: backends may send whole tensors as an error message.
REASON_LENGTH = 4_000


def pauses(timing: Timing) -> Callable[[], float]:
    """Each call gives the seconds until the next try, growing from first to most."""
    following = timing.retry_first

    def give() -> float:
        nonlocal following
        pause, following = following, min(following * 2, timing.retry_most)
        return pause

    return give


async def persist(
    work: Callable[[], Awaitable[T]], timing: Timing, what: str, *also: type[Exception]
) -> T:
    """Do something that can fail for the moment, again and again with growing pauses."""
    pause = pauses(timing)
    while True:
        try:
            return await work()
        except (*PASSING, *also) as exc:
            seconds = pause()
            _log.warning("scheduler.retries", what=what, error=str(exc), seconds=seconds)
            await asyncio.sleep(seconds)


def as_reason(text: str) -> str:
    """Any text as the log can hold it: not endless, and whole Unicode."""
    text = text if len(text) <= REASON_LENGTH else f"{text[:REASON_LENGTH]} ..."
    return text.encode("utf-8", "replace").decode()


class Teller:
    """Questions about one job and changes of it, asked and told until they succeed."""

    def __init__(self, projects: Projects, root: Path, job: str, timing: Timing) -> None:
        """`root` is the project's folder, `job` ties what is told together."""
        self._projects = projects
        self.root = root
        self._job = JobId(job)
        self._timing = timing

    async def project(self) -> Project:
        """The project, opened anew if it had to be closed.

        Raises:
            Unavailable, FileMissing: its share is gone for the moment.
        """
        return await self._projects.get(self.root)

    async def job(self) -> Job:
        """The job as it now is, however long that takes."""

        async def look() -> Job:
            job = (await self.project()).view.job(self._job)
            assert job is not None  # it was queued, and the log forgets nothing
            return job

        return await persist(look, self._timing, "look at the job")

    async def tell_once(self, command: Command) -> list[Record]:
        """Carry a command out, if that is possible now.

        Returns an empty list if the job had gone on meanwhile, and there was nothing to tell; and
        if another host has taken it over, which alone says what becomes of it.

        Raises:
            Unavailable, FileMissing: the project cannot be changed for the moment.
        """
        project = await self.project()
        if isinstance(command, AdvanceJob) and self._is_taken_over(project):
            return []
        return await project.change(command, ACTOR, self._job)

    def _is_taken_over(self, project: Project) -> bool:
        job = project.view.job(self._job)
        return job is not None and job.owner not in (None, self._projects.host.id)

    async def tell(self, command: Command) -> list[Record]:
        """The same, however long that takes."""
        return await persist(lambda: self.tell_once(command), self._timing, type(command).__name__)

    async def step(self, step: Step) -> None:
        """Tell the next step of the job, however long that takes."""
        await self.tell(AdvanceJob(step=step))
