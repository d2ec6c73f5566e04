"""When old pieces of this host's log are put together: once a day, a little at a time.

A service that is restarted often leaves many small files on the share, and every host that opens
the project has to open each. It is never urgent: so it waits until the service has settled, does
one small step a minute, in a thread of its own, and gives up for today whenever the share refuses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog
from attrs import define, field

from events.log.port import Capability, Log, LogError
from orchestrator.claiming import claimed
from orchestrator.errors import OrchestratorError
from orchestrator.project import Project
from orchestrator.projects import Projects
from orchestrator.reader_thread import ReaderThread
from projections.fold import Tables
from projections.witness import witnessed

_log = structlog.get_logger(__name__)

#: What is claimed for it; the key is the host.
COLD = "cold"
#: After the start, and then after each round (seconds).
FIRST_SECONDS = 600.0
AGAIN_SECONDS = 24 * 3600.0
#: Between two steps, each of which reads and writes at most a few hundred MiB (seconds).
PACE_SECONDS = 60.0
#: Steps of one round in one project: shorter than a claim lasts. The rest waits for the next day.
MOST_STEPS = 50


def seen_by_hosts(tables: Tables) -> dict[str, dict[str, int]]:
    """Per `writer.host`, how far each host has told in its marks to have read it."""
    return {
        log: {host: head.sequence for host, head in told.by}
        for log, told in witnessed(tables).items()
    }


def other_hosts(log: Log, ours: str) -> frozenset[str]:
    """The other hosts that have the project open now."""
    return frozenset(
        peer.beat.host for peer in log.peers() if peer.alive and peer.beat.host != ours
    )


@define(eq=False)
class Consolidating:
    """Consolidates this host's logs in all open projects."""

    projects: Projects
    #: `consolidate_logs` of the configuration.
    enabled: bool = True
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep
    _thread: ReaderThread = field(factory=lambda: ReaderThread("consolidate"))
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin. Must be called on the event loop."""
        if self.enabled:
            self._task = asyncio.create_task(self._for_ever())

    async def close(self) -> None:
        """End; a share that hangs is not waited for, and a step that is cut short does no harm."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._thread.close()

    async def _for_ever(self) -> None:
        await self.pause(FIRST_SECONDS)
        while True:
            for project in self.projects.all():
                try:
                    await self.consolidate(project)
                except OrchestratorError as exc:
                    _log.info("log.not_consolidated", project=str(project.root), reason=str(exc))
                except Exception:  # noqa: BLE001  # told in full; the other projects go on
                    _log.exception("log.consolidating_failed", project=str(project.root))
            await self.pause(AGAIN_SECONDS)

    async def consolidate(self, project: Project) -> Mapping[str, int]:
        """One round in a project: how often each kind of step was done.

        Raises:
            OrchestratorError: the project cannot be written now, or another program of this host
                is at it.
        """
        done: dict[str, int] = {}
        log = project.log
        if log is None or project.away or project.read_only is not None:
            return done
        ours = project.host.id
        ended = (who for who in log.positions() if who != f"{log.writer}.{ours}")
        if not any(who.endswith(f".{ours}") for who in ended):
            return done  # who has written nothing here before leaves no claim either
        if Capability.CLAIM not in log.capabilities:
            return done
        async with claimed(project, COLD, ours):
            for _ in range(MOST_STEPS):
                seen, live = seen_by_hosts(project.tables), other_hosts(log, ours)
                try:
                    step = await self._thread.run(partial(log.consolidate, seen, live))
                except LogError as exc:
                    reason = str(exc)
                    _log.warning(
                        "log.consolidating_stopped", project=str(project.root), reason=reason
                    )
                    break
                if step is None:
                    break
                done[step.work] = done.get(step.work, 0) + 1
                _log.info(
                    "log.consolidated",
                    project=str(project.root),
                    work=step.work.value,
                    pieces=step.pieces,
                    bytes=step.size,
                )
                await self.pause(PACE_SECONDS)
        return done
