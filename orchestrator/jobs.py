"""Jobs as people see them: submitted, listed, looked at, cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, frozen
from uuid_utils import uuid7

from events.jobs import JobId, JobQueued
from orchestrator.comfyui import workflow as workflows
from orchestrator.comfyui.catalogue import Catalogue
from orchestrator.comfyui.parameters import Exposed
from orchestrator.commands.jobs import QueueJob, RequestCancel
from orchestrator.errors import CapabilityUnknown, JobUnknown, StillOpening
from orchestrator.gallery import naming
from orchestrator.paths.roots import Roots
from orchestrator.project import Project
from orchestrator.projects import CurrentProject, Projects
from orchestrator.scheduling.fleet import Fleet
from orchestrator.scheduling.placing import DEFAULT_TEMPLATE
from projections.jobs import FINAL, Job, Status


@frozen(kw_only=True)
class Submission:
    """What somebody wants rendered. Exactly one of workflow_id and graph is set."""

    workflow_id: str | None
    graph: Any
    parameters: Mapping[str, Any]
    metadata: Mapping[str, Any]
    capabilities: tuple[str, ...]
    backend_id: str | None
    naming_template: str | None
    project_path: str | None
    stall_seconds: float


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

    async def submit(self, asked: Submission, actor: str) -> Found:
        """Check everything that can be checked now, and take the job into the queue.

        Raises:
            OrchestratorError: whatever is wrong with it; nothing was recorded.
        """
        graph, exposed = await self._graph(asked)
        graph = workflows.apply_parameters(graph, asked.parameters, exposed)
        self._check_backends(asked)
        project = await self._project(asked)
        current = await asyncio.to_thread(self.current.load) or {}
        template = asked.naming_template or _template_of(current, project) or DEFAULT_TEMPLATE
        naming.render_open(template, {})
        job_id = JobId(str(uuid7()))
        order = JobQueued(
            job=job_id,
            workflow=graph,
            workflow_id=asked.workflow_id,
            parameters=dict(asked.parameters),
            metadata=dict(asked.metadata),
            capabilities=asked.capabilities,
            backend=asked.backend_id,
            naming_template=template,
            stall_seconds=asked.stall_seconds,
        )
        await project.change(QueueJob(order=order), actor, job_id)
        return self._found(project, job_id)

    async def _graph(self, asked: Submission) -> tuple[dict[str, Any], Iterable[Exposed]]:
        if asked.workflow_id is None:
            workflows.check(asked.graph)
            return asked.graph, ()
        entry = await asyncio.to_thread(self.catalogue.load, asked.workflow_id)
        return entry.graph, entry.exposed

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

    async def _project(self, asked: Submission) -> Project:
        """The project named with the job, else the current one, else the host's own."""
        path = asked.project_path
        if path is None:
            path = (await asyncio.to_thread(self.current.load) or {}).get("path") or None
        if path is None:
            return await self.projects.default()
        root = await asyncio.to_thread(self.roots.permit, path)
        return await self.projects.get(root)

    def _found(self, project: Project, job_id: str) -> Found:
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
        for project in self.projects.all():
            if project.view.job(job_id) is not None:
                return self._found(project, job_id)
        # A client that is told "unknown" after a restart would take its job for lost.
        raise StillOpening() if self.projects.still_opening else JobUnknown(job_id)

    async def list(
        self,
        *,
        status: frozenset[Status] | None,
        project_path: str | None,
        backend_id: str | None,
    ) -> list[Found]:
        """Jobs that fit, newest first."""
        projects: Iterable[Project] = self.projects.all()
        if project_path is not None:
            root = await asyncio.to_thread(self.roots.permit, project_path)
            projects = (await self.projects.get(root),)
        found = [
            Found(project, job_id, job)
            for project in projects
            for job_id, job in project.view.jobs()
            if (status is None or job.status in status)
            and (backend_id is None or (job.last is not None and job.last.backend == backend_id))
        ]
        found.sort(
            key=lambda f: (f.job.queued.as_of if f.job.queued else "", f.job_id), reverse=True
        )
        return found

    def unfinished(self) -> Iterable[Found]:
        """Jobs of all open projects that have not ended."""
        for project in self.projects.all():
            for job_id, job in project.view.jobs():
                if job.status not in FINAL:
                    yield Found(project, job_id, job)

    async def cancel(self, job_id: str, actor: str) -> Found:
        """Ask to stop a job.

        Raises:
            JobUnknown, JobEnded.
        """
        project = self.get(job_id).project
        await project.change(RequestCancel(job=JobId(job_id)), actor, job_id)
        return self._found(project, job_id)


def _template_of(current: Mapping[str, Any], project: Project) -> str | None:
    """The current project's own naming template, if the job goes there."""
    if current.get("path") == str(project.root):
        template = current.get("naming_template")
        return template if isinstance(template, str) and template else None
    return None
