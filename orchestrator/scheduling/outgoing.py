"""The graph that is sent to one backend: inputs uploaded there, paths as its system writes them."""

from __future__ import annotations

from pathlib import Path

from attrs import define

from events.assets import AssetId
from events.jobs import JobQueued
from orchestrator.comfyui.graph import Workflow
from orchestrator.paths.backend_paths import graph_for, os_of
from orchestrator.paths.roots import Roots
from orchestrator.projects import Projects
from orchestrator.scheduling.backend import Backend
from orchestrator.scheduling.inputs import JobInput
from orchestrator.scheduling.uploading import upload_inputs


@define(eq=False)
class Outgoing:
    """Makes graphs ready for a backend."""

    roots: Roots
    projects: Projects

    async def graph(self, order: JobQueued, backend: Backend, root: Path) -> Workflow:
        """The graph of a job as this backend must have it.

        Raises:
            InputMissing, InputForbidden, InputTooLarge, InputInvalid: it will never work.
            FileUnreadable, FileChanging: the share does not answer, or a file is being written.
            BackendUnreachable, BackendRefused: the backend did not take a file.
        """
        graph = order.workflow
        if backend.stats is not None and backend.stats.os:
            graph = graph_for(graph, self.roots.mappings, os_of(backend.stats.os))
        inputs = [JobInput.from_dict(said) for said in order.inputs]
        if not inputs:
            return graph
        return await upload_inputs(inputs, graph, backend.client, root, self.roots, self._output_of)

    def _output_of(self, job_id: str, number: int) -> Path | None:
        """Where an output of another job lies now, counted from 0; it may have been renamed."""
        for project in self.projects.all():
            job = project.view.job(job_id)
            if job is None:
                continue
            made = [output for output in job.outputs if not output.extra]
            if number >= len(made):
                return None
            output = made[number]
            asset = project.view.asset(AssetId(output.asset))
            return project.root / (output.path if asset is None else asset.path)
        return None
