"""Compares this computer's clock with that of each open project's share, again and again.

A host whose clock is wrong would win against edits that are newer than its own, or lose against
older ones; beyond a minute its projects can only be read. Before the first change of a project
its clock is measured anyway (`Project.change`); from here on it is watched.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from weakref import WeakKeyDictionary

import structlog
from attrs import define, field

from orchestrator.project import Project
from orchestrator.projects import Projects

_log = structlog.get_logger(__name__)

#: How often is looked whether anything is to be measured, and how often that is when all is well
#: (seconds).
LOOK_SECONDS = 60.0
MEASURE_SECONDS = 3600.0


@define(eq=False)
class Clocks:
    """Watches the clock in all open projects."""

    projects: Projects
    monotonic: Callable[[], float] = time.monotonic
    #: When each project's clock was last measured from here.
    _measured: WeakKeyDictionary[Project, float] = field(factory=WeakKeyDictionary)
    _measuring: dict[Project, asyncio.Task[None]] = field(factory=dict)
    _loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch."""
        self._loop = asyncio.create_task(self._watch_for_ever())

    async def _watch_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Measure where that is due; a share that hangs keeps no other waiting."""
        now = self.monotonic()
        for project in self.projects.all():
            if project.log is None or project.ailment is not None or project in self._measuring:
                continue
            if self._is_due(project, now):
                self._measured[project] = now
                self._measuring[project] = asyncio.create_task(self._measure(project))

    def _is_due(self, project: Project, now: float) -> bool:
        """After an hour; at once if the clock was set; with every look while it is not well."""
        well = project.skew is not None and project.clock_fault is None
        late = now - self._measured.get(project, float("-inf")) >= MEASURE_SECONDS
        return late or not well or project.clock_was_set()

    async def _measure(self, project: Project) -> None:
        before = project.clock_fault
        try:
            await project.measure_clock()
        finally:
            del self._measuring[project]
        after = project.clock_fault
        if after is not None and before is None:
            _log.error("clock.wrong", project=str(project.root), reason=after)
        elif before is not None and after is None:
            _log.info("clock.right_again", project=str(project.root), skew=str(project.skew))

    async def settled(self) -> None:
        """Return when all measuring that was begun is over."""
        await asyncio.gather(*self._measuring.values(), return_exceptions=True)

    async def close(self) -> None:
        """Stop watching; a measurement that hangs is left behind."""
        tasks = [*self._measuring.values(), *([] if self._loop is None else [self._loop])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
