"""Telling the log what the scheduler learned, however long the share takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import structlog

from events.record import Record
from orchestrator.commands.deciders import Command
from orchestrator.errors import FileMissing, Unavailable
from orchestrator.project import Project
from orchestrator.projects import Projects
from orchestrator.scheduling.timing import Timing

_log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Who the log names for what nobody asked for in particular.
ACTOR = "orchestrator"


async def persist(
    work: Callable[[], Awaitable[T]], timing: Timing, what: str, *also: type[Exception]
) -> T:
    """Do something that can fail for the moment, again and again with growing pauses."""
    pause = timing.retry_first
    passing: tuple[type[Exception], ...] = (Unavailable, FileMissing, *also)
    while True:
        try:
            return await work()
        except passing as exc:
            _log.warning("scheduler.retries", what=what, error=str(exc), seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, timing.retry_most)


class Teller:
    """Changes of one job's project, told until they are durable."""

    def __init__(self, projects: Projects, root: Path, job: str, timing: Timing) -> None:
        """`root` is the project's folder, `job` ties what is told together."""
        self._projects = projects
        self.root = root
        self._job = job
        self._timing = timing

    async def project(self) -> Project:
        """The project, opened anew if it had to be closed.

        Raises:
            Unavailable: its share is gone for the moment.
        """
        return await self._projects.get(self.root)

    async def tell(self, command: Command) -> list[Record]:
        """Carry a command out, however long that takes.

        Returns an empty list if the job had gone on meanwhile, and there was nothing to tell.
        """

        async def change() -> list[Record]:
            project = await self.project()
            return await project.change(command, ACTOR, self._job)

        return await persist(change, self._timing, type(command).__name__)
