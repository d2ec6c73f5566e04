"""Jobs as people see them: submitted, listed, looked at, cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import define, field, frozen
from uuid_utils import uuid7

from events.jobs import JobId, JobQueued
from orchestrator.comfyui import workflow as workflows
from orchestrator.comfyui.catalogue import Catalogue
from orchestrator.comfyui.parameters import Exposed
from orchestrator.commands.jobs import QueueJob, RequestCancel
from orchestrator.errors import CapabilityUnknown, JobUnknown, StillOpening
from orchestrator.gallery import naming
from orchestrator.job_index import Entry, JobIndex
from orchestrator.paths.roots import Roots
from orchestrator.project import Project
from orchestrator.projects import CurrentProject, Projects
from orchestrator.scheduling.fleet import Fleet
from orchestrator.scheduling.inputs import depends_on, resolve, spelled
from orchestrator.scheduling.placing import DEFAULT_TEMPLATE
from orchestrator.webhooks.receivers import Receivers
from projections.jobs import FINAL, Job, Status


@frozen(kw_only=True)
class Submission:
    """What somebody wants rendered. Exactly one of workflow_id and graph is set."""

    workflow_id: str | None
    graph: Any
    parameters: Mapping[str, Any] = field(factory=dict)
    metadata: Mapping[str, Any] = field(factory=dict)
    capabilities: tuple[str, ...] = ()
    backend_id: str | None = None
    naming_template: str | None = None
    project_path: str | None = None
    stall_seconds: float = 3600.0
    timeout_seconds: float | None = None
    priority: int = 0
    held: bool = False
    not_before: datetime | None = None
    #: Ids of jobs that must have succeeded before.
    after: tuple[str, ...] = ()
    webhook: str | None = None


@frozen
class Found:
    """A job, and the project that it belongs to."""

    project: Project
    job_id: str
    job: Job


@define(eq=False)
class Jobs:
    """What the job endpoints ask for."""

    projects: Projects
    roots: Roots
    fleet: Fleet
    catalogue: Catalogue
    current: CurrentProject
    index: JobIndex
    receivers: Receivers

    async def submit(self, asked: Submission, actor: str) -> Found:
        """Check everything that can be checked now, and take the job into the queue.

        Raises:
            OrchestratorError: whatever is wrong with it; nothing was recorded.
        """
        project = await self.project_of(asked.project_path)
        order = await self.prepare(asked, project)
        await project.change(QueueJob(order=order), actor, order.job)
        return self.found(project, order.job)

    async def prepare(
        self, asked: Submission, project: Project, *, siblings: frozenset[str] = frozenset()
    ) -> JobQueued:
        """The order for a job with a fresh id, checked as far as it can be checked now.

        Args:
            asked: What is wanted; its project has been found already.
            project: Where the job is to belong.
            siblings: Ids of jobs that are submitted together with it, which it may wait for.

        Raises:
            OrchestratorError: whatever is wrong with it; nothing was recorded.
        """
        graph, exposed = await self._graph(asked)
        graph = workflows.apply_parameters(graph, spelled(asked.parameters), exposed)
        graph, inputs = await asyncio.to_thread(
            resolve,
            graph,
            self.roots,
            project.root,
            uploads=self._uploads(),
            # The roots are what a studio shares; who names a file in them may mean the share.
            on_shares=True,
        )
        self._check_backends(asked)
        after = tuple(dict.fromkeys((*asked.after, *depends_on(inputs))))
        for job_id in after:
            if job_id not in siblings:
                self.get(job_id)
        current = await asyncio.to_thread(self.current.load) or {}
        template = asked.naming_template or _template_of(current, project) or DEFAULT_TEMPLATE
        naming.render_open(template, {})
        when = asked.not_before
        return JobQueued(
            job=JobId(str(uuid7())),
            workflow=graph,
            workflow_id=asked.workflow_id,
            parameters=dict(asked.parameters),
            metadata=dict(asked.metadata),
            capabilities=asked.capabilities,
            backend=asked.backend_id,
            naming_template=template,
            stall_seconds=asked.stall_seconds,
            timeout_seconds=asked.timeout_seconds,
            priority=asked.priority,
            held=asked.held,
            not_before=None if when is None else when.astimezone(UTC).isoformat(),
            after=after,
            inputs=tuple(each.to_dict() for each in inputs),
            webhooks=await self.receivers.addresses_for(asked.webhook),
        )

    async def _graph(self, asked: Submission) -> tuple[dict[str, Any], Iterable[Exposed]]:
        if asked.workflow_id is None:
            workflows.check(asked.graph)
            return asked.graph, ()
        entry = await asyncio.to_thread(self.catalogue.load, asked.workflow_id)
        return entry.graph, entry.exposed

    def _uploads(self) -> frozenset[tuple[str, str]]:
        """Inputs that take uploads, as the backends told."""
        known = [b.abilities.uploads for b in self.fleet.all() if b.abilities is not None]
        return frozenset().union(*known)

    def _check_backends(self, asked: Submission) -> None:
        """A job that no backend could ever run is refused now, not found waiting next morning."""
        if asked.backend_id is not None:
            choice = [self.fleet.get(asked.backend_id)]
        else:
            choice = [backend for backend in self.fleet.all() if backend.config.enabled]
        wanted = frozenset(asked.capabilities)
        offered = [frozenset(backend.config.capabilities) for backend in choice]
        if wanted and not any(wanted <= capabilities for capabilities in offered):
            known = tuple(sorted(frozenset().union(*offered)))
            raise CapabilityUnknown(asked.capabilities, known)

    async def project_of(self, path: str | None) -> Project:
        """The project of this folder; for None the current one, else the host's own.

        Raises:
            PathInvalid, PathNotPermitted, FileMissing, Unavailable: it cannot be opened.
        """
        if path is None:
            path = (await asyncio.to_thread(self.current.load) or {}).get("path") or None
        if path is None:
            return await self.projects.default()
        root = await asyncio.to_thread(self.roots.permit, path)
        return await self.projects.get(root)

    def found(self, project: Project, job_id: str) -> Found:
        """A job of an open project.

        Raises:
            JobUnknown: it has no such job.
        """
        job = project.view.job(job_id)
        if job is None:
            raise JobUnknown(job_id)
        return Found(project, job_id, job)

    def get(self, job_id: str) -> Found:
        """A job of any open project.

        Raises:
            JobUnknown: no open project has it.
            StillOpening: it may be in one that is not open yet.
        """
        root = self.index.root_of(job_id)
        project = None if root is None else self.projects.find(root)
        if project is not None:
            return self.found(project, job_id)
        # A client that is told "unknown" after a restart would take its job for lost.
        raise StillOpening() if self.projects.still_opening else JobUnknown(job_id)

    async def page(
        self,
        *,
        status: frozenset[Status] | None,
        project_path: str | None,
        backend_id: str | None,
        offset: int,
        limit: int,
    ) -> tuple[list[Found], int]:
        """A page of the jobs that fit, newest first, and how many fit in all."""
        root = None
        if project_path is not None:
            root = await asyncio.to_thread(self.roots.permit, project_path)
            await self.projects.get(root)
        page = self.index.page(status, root, backend_id, offset=offset, limit=limit)
        return self._all(page), self.index.count(status, root, backend_id)

    def unfinished(self) -> Iterable[Found]:
        """Jobs of all open projects that have not ended."""
        return self._all(self.index.page(frozenset(Status) - FINAL))

    def _all(self, entries: Iterable[Entry]) -> list[Found]:
        found = []
        for entry in entries:
            project = self.projects.find(entry.root)
            job = None if project is None else project.view.job(entry.job_id)
            if project is not None and job is not None:
                found.append(Found(project, entry.job_id, job))
        return found

    async def cancel(self, job_id: str, actor: str) -> Found:
        """Ask to stop a job.

        Raises:
            JobUnknown, JobEnded.
        """
        project = self.get(job_id).project
        await project.change(RequestCancel(job=JobId(job_id)), actor, job_id)
        return self.found(project, job_id)


def _template_of(current: Mapping[str, Any], project: Project) -> str | None:
    """The current project's own naming template, if the job goes there."""
    if current.get("path") == str(project.root):
        template = current.get("naming_template")
        return template if isinstance(template, str) and template else None
    return None
