"""What is being worked on: tasks by name, one of a name at a time, none ever lost from sight."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from attrs import define, field

_log = structlog.get_logger(__name__)


@define(eq=False)
class Works:
    """Running tasks, each under the name of what it is about."""

    #: Called with the name of one that has ended.
    on_end: Callable[[str], None]
    _tasks: dict[str, asyncio.Task[None]] = field(factory=dict)

    def __contains__(self, name: object) -> bool:
        """Whether something of this name is being worked on."""
        return name in self._tasks

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run some work; nothing of this name may run already."""
        assert name not in self._tasks  # two works on one thing would undo each other's
        task = asyncio.create_task(work, name=name)
        self._tasks[name] = task
        task.add_done_callback(self._done)

    def stop(self, name: str) -> None:
        """Cancel what runs under a name, if anything does."""
        if name in self._tasks:
            self._tasks[name].cancel()

    async def close(self) -> None:
        """Cancel all, and wait until they have ended."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        name = task.get_name()
        del self._tasks[name]
        if not task.cancelled() and (fault := task.exception()) is not None:
            _log.error("scheduler.work_failed", about=name, exc_info=fault)
        self.on_end(name)
