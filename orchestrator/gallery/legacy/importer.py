"""When a project is imported: at its first edit, once, or when somebody asks for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import structlog
from attrs import define, field
from uuid_utils import uuid7

from orchestrator.claiming import IMPORT, claimed
from orchestrator.errors import ImportUnfinished, OrchestratorError, ShareMissing
from orchestrator.gallery.legacy.changes import RealChanges, Rehearsal
from orchestrator.gallery.legacy.import_run import ImportRun, Progress
from orchestrator.gallery.legacy.report import Report
from orchestrator.gallery.legacy.sources import fingerprint, present
from orchestrator.project import Project
from projections.imports import imported

_log = structlog.get_logger(__name__)

#: An edit waits so long for the import of its project (seconds) before it is refused for now.
PATIENCE = 20.0
#: An import that failed is tried again with the first edit after this time (seconds).
RETRY_SECONDS = 60.0


def _no_progress(_done: int, _total: int) -> None:
    """Nobody watches."""


@define(eq=False)
class Importer:
    """Takes over projects that used the predecessor of this service."""

    #: Whether a path outside a project, to which a link in it leads, may be touched; without it
    #: such files are left out.
    permits: Callable[[Path], bool] | None = None
    #: Counts seconds.
    clock: Callable[[], float] = time.monotonic
    #: Projects that need no look any more while this service runs.
    _settled: set[Path] = field(factory=set)
    _running: dict[Path, asyncio.Task[None]] = field(factory=dict)
    #: How many files are done, and of how many, in imports that run.
    _progress: dict[Path, tuple[int, int]] = field(factory=dict)
    #: When an import that failed may be tried again, by the clock.
    _retry: dict[Path, float] = field(factory=dict)

    async def ensure(self, project: Project, actor: str) -> None:
        """Before the first edit of a project: import it, if that was never done.

        Costs nothing once it is settled. An import that fails is told in the service's log, and
        does not stand in the way of edits: what people say comes before what is imported, also
        if that comes later.

        Raises:
            ImportUnfinished: it takes long; the import goes on.
        """
        root = project.root
        if root in self._settled or project.away:
            return
        running = self._running.get(root)
        if running is None:
            if self.clock() < self._retry.get(root, 0.0):
                return
            running = asyncio.create_task(self._settle(project, actor))
            self._running[root] = running
            running.add_done_callback(lambda _task: self._forget(root))
        await asyncio.wait({running}, timeout=PATIENCE)
        if not running.done():
            done, total = self._progress.get(root, (0, 0))
            raise ImportUnfinished(str(root), done, total)

    def _forget(self, root: Path) -> None:
        self._running.pop(root, None)
        self._progress.pop(root, None)

    async def _settle(self, project: Project, actor: str) -> None:
        root = project.root
        try:
            report = await self._import_new(project, actor)
        except OrchestratorError as exc:
            self._retry[root] = self.clock() + RETRY_SECONDS
            _log.warning("import.failed", project=str(root), error=str(exc))
        except Exception:  # noqa: BLE001  # told in full
            # Whatever stands in an old store, it must not keep people from working.
            self._retry[root] = self.clock() + RETRY_SECONDS
            _log.exception("import.failed", project=str(root))
        else:
            self._settled.add(root)
            if report is not None:
                _tell(project, report)

    async def _import_new(self, project: Project, actor: str) -> Report | None:
        """Import the stores that never were; None if there are none."""
        names = await asyncio.to_thread(present, project.root)
        if not _never_imported(project, names):
            return None
        async with claimed(project, IMPORT):
            await project.follow()  # another host may just have done it
            wanted = _never_imported(project, names)
            if not wanted:
                return None
            report = Report(dry_run=False)
            run = self._run(project, actor, report, lambda *now: self._note(project.root, now))
            for name in wanted:
                await run.take(name)
            return report

    def _note(self, root: Path, now: tuple[int, int]) -> None:
        self._progress[root] = now

    def _run(self, project: Project, actor: str, report: Report, progress: Progress) -> ImportRun:
        tables = project.tables
        changes = Rehearsal(tables.copy()) if report.dry_run else RealChanges(project, str(uuid7()))
        return ImportRun(project.root, changes, actor, self.permits, progress, report)

    async def run(
        self,
        project: Project,
        actor: str,
        *,
        dry_run: bool = False,
        progress: Progress = _no_progress,
    ) -> Report:
        """Import a project because somebody asks for it.

        Stores that were written to since they were imported are imported again: what is new in
        them is added.

        Args:
            project: The project, as open in this process.
            actor: Who asks.
            dry_run: Only tell what would be done.
            progress: Called on the event loop.

        Raises:
            ShareMissing, FileMissing, FileUnreadable: the share does not answer.
            ClaimHeld: another host imports it now.
            OrchestratorError: the log cannot take it now.
        """
        if project.away:
            raise ShareMissing(str(project.root))
        await project.follow()
        names = await asyncio.to_thread(present, project.root)
        earlier = tuple([name for name in names if await self._is_as_imported(project, name)])
        report = Report(dry_run=dry_run, earlier=earlier)
        run = self._run(project, actor, report, progress)
        wanted = [name for name in names if name not in earlier]
        async with AsyncExitStack() as stack:
            if wanted and not dry_run:
                await stack.enter_async_context(claimed(project, IMPORT))
            for name in wanted:
                await run.take(name)
        return report

    async def _is_as_imported(self, project: Project, name: str) -> bool:
        known = imported(project.tables, name)
        if known is None:
            return False
        now = await asyncio.to_thread(fingerprint, project.root, name)
        return now == (known.size, known.head)

    async def close(self) -> None:
        """Stop imports that run; they go on with the first edit after the next start."""
        running = tuple(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _never_imported(project: Project, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if imported(project.tables, name) is None]


def _tell(project: Project, report: Report) -> None:
    for source in report.sources:
        told = _log.info if source.fault is None else _log.warning
        told(
            "import.done",
            project=str(project.root),
            source=source.name,
            fault=source.fault,
            left_out=report.left.of(source.name),
            **source.counts,
        )
