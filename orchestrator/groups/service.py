"""Groups of jobs as people see them: submitted, listed, looked at, cancelled.

A group is submitted in two phases, because one line of the log cannot hold hundreds of graphs.
First each job is queued with the group's id, all of them in one write; the dispatcher leaves such
jobs alone. Then `group.created` names them all, and from that moment on they may begin. A crash
in between leaves jobs without a group: they are ended when the project is opened again.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine, Iterable
from typing import Any

import structlog
from attrs import define, evolve, field, frozen

from events.groups import GroupCreated, GroupId
from events.jobs import JobCancelRequested, JobQueued
from orchestrator.commands.groups import CancelGroup, CreateGroup
from orchestrator.commands.jobs import QueueJob
from orchestrator.errors import GroupInvalid, GroupUnknown, StillOpening
from orchestrator.groups.asking import GroupSubmission
from orchestrator.groups.preparing import prepare
from orchestrator.groups.states import ENDED, GroupStatus, Tally, orphans, tally
from orchestrator.jobs import Jobs
from orchestrator.project import Project
from orchestrator.projects import Projects
from orchestrator.scheduling.teller import Teller
from orchestrator.scheduling.timing import Timing
from projections.groups import Group

_log = structlog.get_logger(__name__)

#: Who is refused waits so long for the jobs of the broken group to be ended (seconds).
WITHDRAW_SECONDS = 5.0


@frozen
class FoundGroup:
    """A group, and the project that it belongs to."""

    project: Project
    group_id: str
    group: Group

    @property
    def tally(self) -> Tally:
        """Where it stands now."""
        return tally(self.project.view, self.group)


@frozen
class Submitted:
    """A group that has been taken."""

    found: FoundGroup
    #: Whether its seeds went anywhere; without, all its jobs render the same.
    varied: bool


@frozen
class Stopped:
    """What a cancel has done."""

    found: FoundGroup
    #: How many jobs it stops.
    interrupted: int
    #: How many had ended before.
    already_complete: int


@define(eq=False)
class Groups:
    """What the endpoints of job groups ask for."""

    jobs: Jobs
    projects: Projects
    timing: Timing
    #: Groups that are being submitted: their jobs are no orphans.
    _coming: set[str] = field(factory=set)
    _works: set[asyncio.Task[None]] = field(factory=set)

    async def submit(self, asked: GroupSubmission, actor: str) -> Submitted:
        """Check everything that can be checked now, and take the whole group into the queue.

        Raises:
            OrchestratorError: whatever is wrong with it; none of its jobs will ever begin.
        """
        asked.check()
        project = await self._project(asked)
        group = GroupId(f"jg_{secrets.token_hex(6)}")
        prepared = await prepare(self.jobs, asked, project)
        created = GroupCreated(
            group=group,
            jobs=tuple(order.job for order in prepared.orders),
            seed_strategy=prepared.strategy,
            base_seed=prepared.base_seed,
            metadata=dict(asked.metadata),
            timeout_seconds=asked.common.timeout_seconds,
        )
        orders = [evolve(order, group=group) for order in prepared.orders]
        # Once begun it is finished, even if whoever asked for it has hung up.
        await asyncio.shield(self._work(self._commit(project, orders, created, actor)))
        return Submitted(self.found(project, group), prepared.varied)

    async def _project(self, asked: GroupSubmission) -> Project:
        paths = asked.project_paths()
        project = await self.jobs.project_of(paths[0] if paths else None)
        for path in paths[1:]:
            if (await self.jobs.project_of(path)).root != project.root:
                raise GroupInvalid(f"its jobs belong to one project, not to {paths[0]} and {path}.")
        return project

    async def _commit(
        self, project: Project, orders: list[JobQueued], created: GroupCreated, actor: str
    ) -> None:
        """Queue all jobs, then tell of their group; end the jobs if that does not succeed."""
        self._coming.add(created.group)
        withdrawal = None
        try:
            await _all(project.change(QueueJob(order=o), actor, o.job) for o in orders)
            await project.change(CreateGroup(order=created), actor, created.group)
        except Exception:
            withdrawal = self._work(self._withdraw(project, created.group))
            # Mostly it is done at once; a share that hangs must not keep the client waiting.
            await asyncio.wait({withdrawal}, timeout=WITHDRAW_SECONDS)
            raise
        finally:
            if withdrawal is None:
                self._coming.discard(created.group)

    async def _withdraw(self, project: Project, group: str) -> None:
        """End the jobs of a group of which something could not be recorded."""
        try:
            # What seemed to fail may only have been late: then the group is there after all.
            await project.drain()
        finally:
            self._coming.discard(group)
        await self._end_orphans(self.projects.find(project.root) or project)

    async def _end_orphans(self, project: Project) -> None:
        steps = orphans(project.view, self.projects.host.id, self._coming)
        if steps:
            _log.warning("groups.orphans_ended", project=str(project.root), jobs=len(steps))
        tellers = [Teller(self.projects, project.root, step.job, self.timing) for step in steps]
        pairs = zip(tellers, steps, strict=True)
        await asyncio.gather(*(teller.step(step) for teller, step in pairs))

    def opened(self, project: Project) -> None:
        """End what a crash in the middle of a submission has left in a project."""
        if orphans(project.view, self.projects.host.id, self._coming):
            self._work(self._end_orphans(project))

    def _work(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something that nobody interrupts but the end of the service."""
        task = asyncio.create_task(work)
        self._works.add(task)
        task.add_done_callback(self._works.discard)
        return task

    async def close(self) -> None:
        """Leave what is not finished to the next start."""
        works = tuple(self._works)
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)

    def found(self, project: Project, group_id: str) -> FoundGroup:
        """A group of an open project.

        Raises:
            GroupUnknown: it has no such group.
        """
        group = project.view.group(group_id)
        if group is None:
            raise GroupUnknown(group_id)
        return FoundGroup(project, group_id, group)

    def get(self, group_id: str) -> FoundGroup:
        """A group of any open project.

        Raises:
            GroupUnknown: no open project has it.
            StillOpening: it may be in one that is not open yet.
        """
        for project in self.projects.all():
            if project.view.group(group_id) is not None:
                return self.found(project, group_id)
        raise StillOpening() if self.projects.still_opening else GroupUnknown(group_id)

    async def page(
        self,
        *,
        status: frozenset[GroupStatus] | None,
        project_path: str | None,
        offset: int,
        limit: int,
    ) -> tuple[list[FoundGroup], int]:
        """A page of the groups that fit, newest first, and how many fit in all."""
        projects = self.projects.all()
        if project_path is not None:
            projects = (await self.jobs.project_of(project_path),)
        found = [
            FoundGroup(project, group_id, group)
            for project in projects
            for group_id, group in project.view.groups()
        ]
        found.sort(key=_age, reverse=True)
        fits = [each for each in found if status is None or each.tally.status in status]
        return fits[offset : offset + limit], len(fits)

    async def cancel(self, group_id: str, actor: str) -> Stopped:
        """Stop all jobs of a group that have not ended.

        Raises:
            GroupUnknown, StillOpening: see `get`.
        """
        found = self.get(group_id)
        project, created = found.project, found.group.created
        assert created is not None  # only those are found
        ended = found.tally.of(*ENDED)
        command = CancelGroup(group=GroupId(group_id), jobs=created.order.jobs)
        records = await project.change(command, actor, group_id)
        stopped = sum(isinstance(record.event, JobCancelRequested) for record in records)
        return Stopped(self.found(project, group_id), stopped, ended)


async def _all(changes: Iterable[Coroutine[Any, Any, Any]]) -> None:
    """Do all of these at once, to their end, so that they share a write; then say what failed."""
    outcomes = await asyncio.gather(*changes, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome


def _age(found: FoundGroup) -> tuple[str, str]:
    created = found.group.created
    return ("" if created is None else created.as_of), found.group_id
