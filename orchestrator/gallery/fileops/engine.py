"""Doing what was planned to files: announced in the log, carried out, and told.

    plan -> files.planned (durable) -> the disk -> outcomes and files.settled (durable)

Operations of one project take turns on this host. Between hosts nothing is locked: no step ever
replaces a file, so of two hosts that want the same, one finds the name taken or the file gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

import structlog
from attrs import define, field, frozen
from uuid_utils import uuid7

from events.files import FilesPlanned, FilesSettled
from events.log.disk_io import DiskIO
from orchestrator.commands.files import PlanFiles
from orchestrator.errors import FilesUnsettled, FileUnreadable, OrchestratorError
from orchestrator.gallery.fileops import telling
from orchestrator.gallery.fileops.carrying import Ends, carry_out, purged
from orchestrator.gallery.fileops.planning import introduce
from orchestrator.gallery.fileops.steps import (
    Role,
    Step,
    StepUnreadableError,
    portions,
    read,
    written,
)
from orchestrator.project import Project
from projections.plans import Plan

_log = structlog.get_logger(__name__)

T = TypeVar("T")

#: After so long (seconds) what is not settled is looked at again.
RETRY = 10.0
#: A share that is away for a moment is asked again after these times (seconds).
PAUSES = (0.5, 2.0, 5.0)


@frozen
class Done:
    """What an operation came to: for each step its end."""

    #: Names the whole request in the log.
    batch: str
    steps: tuple[Step, ...]
    #: Where each file came to lie, by the place of its step.
    landed: dict[int, str]
    #: Errors by the place of the step.
    failed: dict[int, str]

    def went(self) -> list[tuple[Role, str, str]]:
        """From where to where files and folders went; sidecars are not listed."""
        main = (Role.FILE, Role.FOLDER)
        steps = ((self.steps[index], to) for index, to in self.landed.items())
        return [
            (step.role, step.origin, to)
            for step, to in steps
            if step.role in main and step.origin != to
        ]


Went = Callable[[Project, list[tuple[Role, str, str]]], None]


@define(eq=False)
class Engine:
    """Carries out operations on files, one after the other in each project."""

    disk: DiskIO = field(factory=DiskIO)
    #: Called with what went where, once it is told: indexes follow.
    listeners: list[Went] = field(factory=list)
    _turns: dict[Path, asyncio.Lock] = field(factory=dict)
    #: Projects in which nothing of before our start is left half done.
    _settled: WeakSet[Project] = field(factory=WeakSet)
    _working: set[asyncio.Task[Any]] = field(factory=set)
    _closing: asyncio.Event = field(factory=asyncio.Event)

    async def run(
        self,
        project: Project,
        action: str,
        actor: str,
        plan: Callable[[str], Sequence[Step]],
        *,
        correlation: str | None = None,
    ) -> Done:
        """Plan something in a thread, and do it. Once planned it is done, whoever hangs up.

        Args:
            project: Whose files.
            action: What the log calls it.
            actor: Who asked for it.
            plan: Looks at the disk and says what is to be done; gets a name for the operation.
            correlation: Ties it to other edits; its own name if left out.

        Raises:
            FilesUnsettled: the share went away in the middle.
            OrchestratorError: the log cannot be written; nothing was touched.
        """
        return await asyncio.shield(
            self._keep(self._run(project, action, actor, plan, correlation))
        )

    async def _run(
        self,
        project: Project,
        action: str,
        actor: str,
        plan: Callable[[str], Sequence[Step]],
        correlation: str | None,
    ) -> Done:
        batch = correlation or str(uuid7())
        async with self._turn(project):
            await self._settle_all(project)
            steps, parts = await asyncio.to_thread(_planned, project, plan, batch)
            plans = [FilesPlanned(op=str(uuid7()), action=action, steps=part) for part in parts]
            try:
                await self._announce(project, plans, actor, batch)
                done = await self._do(project, plans, steps, actor, batch)
            except BaseException:
                # The log may say more than was done, or say it late. It is looked at until that
                # is settled: nobody shall be surprised by it at a start in a month.
                self._settled.discard(project)
                self._keep(self._settle_what_comes(project))
                raise
        went = done.went() if self.listeners else []
        for listener in self.listeners:
            listener(project, went)
        return done

    async def _announce(
        self, project: Project, plans: Sequence[FilesPlanned], actor: str, batch: str
    ) -> None:
        """Tell all of it before any of it is done: so a crash leaves nothing forgotten.

        Raises:
            OrchestratorError: not all can be told. What is told already is taken back.
        """
        told = await asyncio.gather(
            *(project.change(PlanFiles(planned=each), actor, batch) for each in plans),
            return_exceptions=True,
        )
        faults = [fault for fault in told if isinstance(fault, BaseException)]
        if not faults:
            return
        for each, fault in zip(plans, told, strict=True):
            if not isinstance(fault, BaseException):
                steps = read(each.steps)
                ends = Ends({}, dict.fromkeys(range(len(steps)), "ECANCELED"))
                await self._tell(project, each.op, steps, ends, actor, batch)
        raise faults[0]

    async def _do(
        self,
        project: Project,
        plans: Sequence[FilesPlanned],
        steps: tuple[Step, ...],
        actor: str,
        batch: str,
    ) -> Done:
        done = Done(batch, steps, {}, {})
        left: set[str] = set()
        begin = 0
        for each in plans:
            mine = steps[begin : begin + len(each.steps)]
            ends = await self._carry_out(project, each.op, mine, left, again=False)
            await self._tell(project, each.op, mine, ends, actor, batch)
            done.landed.update((begin + index, to) for index, to in ends.landed.items())
            done.failed.update((begin + index, error) for index, error in ends.failed.items())
            begin += len(mine)
        return done

    def _keep(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return task

    async def _settle_what_comes(self, project: Project) -> None:
        await project.drain()
        self._settled.discard(project)
        await self._settle_later(project)

    async def _settle_later(self, project: Project, *, at_once: bool = False) -> None:
        pause = 0.0 if at_once else RETRY
        while project not in self._settled and not await self._closing_within(pause):
            await self.settle(project)
            pause = RETRY

    async def _closing_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)
        return self._closing.is_set()

    def _turn(self, project: Project) -> asyncio.Lock:
        return self._turns.setdefault(project.root, asyncio.Lock())

    async def _carry_out(
        self, project: Project, op: str, steps: Sequence[Step], left: set[str], *, again: bool
    ) -> Ends:
        """Carry out; if the share then does not say how things stand, look again a few times."""
        for pause in (*PAUSES, None):
            try:
                own = set(left)
                ends = await asyncio.to_thread(
                    carry_out, project.root, steps, self.disk, op=op, left=own, again=again
                )
                left |= own
                return ends
            except OSError as exc:
                _log.warning("files.unsettled", project=str(project.root), op=op, error=str(exc))
                if pause is None:
                    raise FilesUnsettled(op, str(exc)) from exc
                again = True
                await asyncio.sleep(pause)
        raise AssertionError  # the last round returns or raises

    async def _tell(
        self,
        project: Project,
        op: str,
        steps: Sequence[Step],
        ends: Ends,
        actor: str,
        batch: str | None,
    ) -> None:
        failed = tuple({"step": index, "error": error} for index, error in ends.failed.items())
        told = telling.outcomes(project.view, op, steps, ends.landed)
        settled = FilesSettled(op=op, failed=failed, landed=_elsewhere(steps, ends.landed))
        for command in telling.lines(op, told, settled):
            await project.change(command, actor, batch)

    def opened(self, project: Project) -> None:
        """A project was opened: look at once whether anything is left half done there."""
        if project.view.open_plans(project.host.id):
            self._keep(self._settle_later(project, at_once=True))

    async def settle(self, project: Project) -> None:
        """Finish what a crash of this host left half done, once for each project that is opened.

        A plan that cannot be settled now stays open for the next time. Requests wait for this.
        """
        async with self._turn(project):
            await self._settle_all(project)

    async def settle_for(self, project: Project, host: str) -> bool:
        """Finish what a host that is gone left half done; whether all of it is finished.

        To be called under a claim. It is harmless all the same if that host, or another one, does
        the same meanwhile: no step replaces a file, and each looks where the files are.
        """
        async with self._turn(project):
            return await self._settle_those(project, host)

    async def _settle_all(self, project: Project) -> None:
        if project in self._settled:
            return
        if await self._settle_those(project, project.host.id):
            self._settled.add(project)

    async def _settle_those(self, project: Project, host: str) -> bool:
        left: dict[str | None, set[str]] = {}
        failed = False
        for op, plan in project.view.open_plans(host):
            try:
                await self._settle(project, op, plan, left.setdefault(plan.correlation, set()))
            except (OrchestratorError, StepUnreadableError) as exc:
                failed = True
                _log.warning("files.not_settled", project=str(project.root), op=op, error=str(exc))
        return not failed

    async def _settle(self, project: Project, op: str, plan: Plan, left: set[str]) -> None:
        assert plan.planned is not None  # only settled ones have none
        steps = read(plan.planned.steps)
        if plan.planned.action == "purge":
            # Deleting is not taken up again by itself; what is gone is told to be gone.
            try:
                ends = await asyncio.to_thread(purged, project.root, steps)
            except OSError as exc:
                raise FilesUnsettled(op, str(exc)) from exc
        else:
            ends = await self._carry_out(project, op, steps, left, again=True)
        await self._tell(project, op, steps, ends, plan.actor or "", plan.correlation)
        _log.info("files.settled", project=str(project.root), op=op, failed=len(ends.failed))

    async def close(self) -> None:
        """Wait until what was begun is done, but not for a share that is away."""
        self._closing.set()
        while self._working:
            await asyncio.gather(*self._working, return_exceptions=True)


def _planned(
    project: Project, plan: Callable[[str], Sequence[Step]], batch: str
) -> tuple[tuple[Step, ...], list[tuple[dict[str, Any], ...]]]:
    """The steps of a plan, and as the log gets them. Blocks.

    Raises:
        FileUnreadable: the share does not let us look; nothing was told, and nothing touched.
    """
    try:
        steps = introduce(project.view, project.root, plan(batch))
    except OSError as exc:
        raise FileUnreadable.because(exc.filename or project.root, exc) from exc
    return steps, list(portions(written(steps)))


def _elsewhere(steps: Sequence[Step], landed: dict[int, str]) -> tuple[dict[str, Any], ...]:
    """Files that came to lie elsewhere than planned: they had stepped aside and could not go on."""
    return tuple(
        {"step": index, "path": to} for index, to in landed.items() if to != steps[index].to
    )
