"""What tests of job groups ask of the service, and what they look up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from events.jobs import JobFailed, JobId
from orchestrator.commands.jobs import AdvanceJob
from orchestrator.config import BackendConfig
from tests.http.studio import Answer, Service, events_of, graph

#: Nothing listens there.
BEAST = BackendConfig(id="beast", name="Beast", host="127.0.0.1", port=1, capabilities=("flux",))
NODE = BackendConfig(id="node", name="Node", host="127.0.0.1", port=2)
RESTING = BackendConfig(id="resting", name="R", host="127.0.0.1", port=3, enabled=False)


async def send(service: Service, **body: Any) -> Answer:
    """Submit a group to the project, with a workflow unless it has its own."""
    if not body.keys() & {"workflow", "workflow_json", "workflow_id", "jobs"}:
        body["workflow_json"] = graph()
    return await service.post("/api/job-groups", {"project_path": str(service.project), **body})


async def taken(service: Service, **body: Any) -> Any:
    """The answer to a group that is taken."""
    answer = await send(service, **body)
    assert answer.status == 201, answer.body[:2000]
    return answer.plain


async def look(service: Service, group_id: str) -> Any:
    """A group as it now is."""
    answer = await service.get(f"/api/job-groups/{group_id}")
    assert answer.status == 200, answer.body
    return answer.plain


def seeds_of(group: Any) -> list[int]:
    """The seeds of its jobs."""
    return [child["seed"] for child in group["child_jobs"]]


def orders(project: Path) -> list[Any]:
    """The jobs that the project's log was told of."""
    return [each["d"] for each in events_of(project) if each["t"] == "job.queued"]


def told(project: Path) -> list[str]:
    """What the project's log was told."""
    return [each["t"] for each in events_of(project)]


async def fail(service: Service, job_id: str, kind: str = "execution") -> None:
    """Let a job fail."""
    step = JobFailed(job=JobId(job_id), reason="it went wrong", kind=kind)
    await (await service.opened()).change(AdvanceJob(step=step), "test", job_id)
