"""Keeping each open project's log safe against loss: the local copy, and marks of what was read.

A mark (`log.marked`) tells how far this host has read the logs of all others. From then on a log
that is shorter than that, or says something else there, has lost or changed what was recorded,
and every host can see it, even one that never met the log before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog
from attrs import define, field

from events.log.port import Copy, Finding, Tail
from events.record import Position, Record
from events.witness import LogMarked
from orchestrator.commands.witness import MarkHeads
from orchestrator.errors import OrchestratorError
from orchestrator.project import Project
from orchestrator.projects import Projects
from projections.witness import Head, Witnessed, witnessed

_log = structlog.get_logger(__name__)

ACTOR = "orchestrator"
#: How often copies are looked after, and marks thought of (seconds).
TEND_SECONDS = 10.0
#: A host marks after so many events of its own, or so long after others' first news (seconds).
MARK_EVENTS = 100
MARK_SECONDS = 60.0
#: A log that seems shorter than others have read it is one for so long before it is told: they
#: may have seen its lines a moment before us.
DOUBT_SECONDS = 60.0


@define
class Tally:
    """What has happened in a project since this host's last mark."""

    #: Whether this incarnation has written anything: who only reads leaves no trace.
    writes: bool = False
    ours: int = 0
    #: When the first news of others came; None if none did.
    since: float | None = None

    def count(self, records: list[Record], writer: str, now: float) -> None:
        """Count records, but no marks: else idle hosts would answer each other for ever."""
        for record in records:
            if type(record.event) is LogMarked:
                continue
            if record.writer == writer:
                self.ours += 1
                self.writes = True
            elif self.since is None:
                self.since = now

    def is_due(self, now: float) -> bool:
        """Whether to mark now."""
        waited = self.since is not None and now - self.since >= MARK_SECONDS
        return self.writes and (self.ours >= MARK_EVENTS or waited)

    def begin_anew(self) -> None:
        """A mark was made."""
        self.ours, self.since = 0, None


def doubts(seen: Mapping[str, Witnessed], read: Mapping[str, Position]) -> dict[str, Finding]:
    """The logs that do not hold what some host has read of them, as far as it shows. Pure."""
    found = {}
    for log, witness in seen.items():
        head, at = witness.furthest, read.get(log)
        sequence = 0 if at is None else at.sequence
        hosts = ", ".join(host for host, told in witness.by if told == head)
        if head.sequence > sequence:
            told = f"it ends at record {sequence}, but {hosts} has read it up to {head.sequence}"
            found[log] = Finding(Tail.ROLLED_BACK, log, 0, told)
        elif at is not None and head.sequence == sequence and head.chain != at.chain:
            told = f"record {sequence} is not the one that {hosts} has read"
            found[log] = Finding(Tail.CORRUPT, log, 0, told)
    return found


@define(eq=False)
class _Kept:
    """One open project as it is looked after."""

    project: Project
    tally: Tally = field(factory=Tally)
    #: Heads as they were at the last look: what was read so long ago is durable by now.
    heads: dict[str, Head] = field(factory=dict)
    #: Since when each log is in doubt.
    doubted: dict[str, float] = field(factory=dict)
    copy: Copy | None = None


@define(eq=False)
class Mirroring:
    """Looks after the logs of all open projects."""

    projects: Projects
    monotonic: Callable[[], float] = time.monotonic
    tend_seconds: float = TEND_SECONDS
    _kept: dict[Path, _Kept] = field(factory=dict)
    _tasks: dict[Path, asyncio.Task[None]] = field(factory=dict)
    _clock: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin. Must be called on the event loop."""
        self.projects.listeners.append(self.hear)
        self._clock = asyncio.create_task(self._tick())

    async def close(self) -> None:
        """End; a share that hangs is not waited for."""
        tasks = [*self._tasks.values(), *([self._clock] if self._clock is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def copy_of(self, project: Project) -> Copy | None:
        """The local copy of a project's log, as it was when it was last looked after."""
        kept = self._kept.get(project.root)
        return kept.copy if kept is not None and kept.project is project else None

    def hear(self, project: Project, records: list[Record]) -> None:
        """Count what happens."""
        if project.log is not None:
            self._of(project).tally.count(records, project.log.writer, self.monotonic())

    def _of(self, project: Project) -> _Kept:
        kept = self._kept.get(project.root)
        if kept is None or kept.project is not project:  # opened, or opened anew
            kept = self._kept[project.root] = _Kept(project)
        return kept

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self.tend_seconds)
            for project in self.projects.all():
                # Each on its own: one share that hangs must not keep the others waiting.
                if project.root not in self._tasks:
                    self._tasks[project.root] = asyncio.create_task(self._look_after(project))

    async def _look_after(self, project: Project) -> None:
        try:
            await self.look_after(project)
        except OrchestratorError as exc:
            _log.info("mark.refused", project=str(project.root), reason=str(exc))
        except Exception:  # noqa: BLE001  # told in full
            _log.exception("mirror.failed", project=str(project.root))
        finally:
            self._tasks.pop(project.root, None)

    async def look_after(self, project: Project) -> None:
        """Tend the copy of a project's log, mark what was read, and see what is missing.

        Raises:
            OrchestratorError: a mark could not be written now.
        """
        log = project.log
        if log is None or project.away:
            return
        kept, now = self._of(project), self.monotonic()
        kept.copy = await asyncio.to_thread(log.tend)
        positions = log.positions()
        found = doubts(witnessed(project.tables), positions)
        kept.doubted = {who: kept.doubted.get(who, now) for who in found}
        project.doubts = tuple(
            finding
            for who, finding in found.items()
            if now - kept.doubted[who] >= DOUBT_SECONDS or finding.kind is Tail.CORRUPT
        )
        mine = f"{log.writer}.{project.host.id}"
        heads, kept.heads = (
            kept.heads,
            {who: Head(at.sequence, at.chain) for who, at in positions.items() if who != mine},
        )
        if project.read_only is None and kept.tally.is_due(now) and heads:
            kept.tally.begin_anew()
            await project.change(MarkHeads(host=project.host.id, heads=heads), ACTOR)
