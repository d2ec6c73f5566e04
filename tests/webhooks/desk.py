"""A host with a project whose jobs end as a test says, and its webhooks."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from aiohttp.abc import AbstractResolver
from attrs import define, field

from events.jobs import (
    JobCancelled,
    JobFailed,
    JobId,
    JobOutputStored,
    JobQueued,
    JobRendered,
    JobStarted,
    JobSubmitted,
    JobSucceeded,
)
from events.record import Record
from events.stamp import stamp
from orchestrator.commands.jobs import AdvanceJob, QueueJob, RequestCancel, Step
from orchestrator.config import WebhookConfig
from orchestrator.host import load_host
from orchestrator.project import Project
from orchestrator.projects import Projects
from orchestrator.scheduling.timing import Timing
from orchestrator.webhooks.receivers import Receivers
from orchestrator.webhooks.sending import Sender
from orchestrator.webhooks.service import Webhooks
from projections.jobs import Job
from projections.webhooks import Told
from tests.webhooks.names import Book

SECRET = "a secret of sixteen letters"
QUICK = Timing(retry_first=0.01, retry_most=0.02)


def order(job: str, *webhooks: str, **fields: Any) -> JobQueued:
    """A job that is submitted."""
    return JobQueued(
        job=JobId(job),
        workflow={"1": {}},
        workflow_id=None,
        parameters={},
        metadata={"panel_id": "Panel_01"},
        capabilities=(),
        backend=None,
        naming_template="{version}",
        webhooks=webhooks,
        **fields,
    )


@define(eq=False)
class Desk:
    """One host, and a project on a share."""

    projects: Projects
    project: Project
    webhooks: Webhooks

    async def queue(self, job: str, *webhooks: str) -> None:
        """A job is submitted."""
        await self.project.change(QueueJob(order=order(job, *webhooks)), "mara")

    async def step(self, step: Step) -> None:
        """The next step of a job."""
        await self.project.change(AdvanceJob(step=step), "orchestrator")

    async def fail(self, job: str, *webhooks: str) -> None:
        """A job is submitted, and fails."""
        await self.queue(job, *webhooks)
        await self.step(JobFailed(job=JobId(job), reason="no such node", kind="validation"))

    async def cancel(self, job: str, *webhooks: str) -> None:
        """A job is submitted, and cancelled."""
        await self.queue(job, *webhooks)
        await self.project.change(RequestCancel(job=JobId(job)), "mara")
        await self.step(JobCancelled(job=JobId(job)))

    async def succeed(self, job: str, *webhooks: str) -> None:
        """A job is submitted, and makes a picture."""
        await self.queue(job, *webhooks)
        name = JobId(job)
        await self.step(JobSubmitted(job=name, attempt=1, backend="node1", prompt_id="p"))
        await self.step(JobStarted(job=name, attempt=1))
        await self.step(JobRendered(job=name, attempt=1, outputs=1))
        stored = JobOutputStored(
            job=name,
            attempt=1,
            node="9",
            index=0,
            kind="images",
            asset="a" * 32,
            path="Panel_01/v001.png",
            size=7,
            sha256="0" * 64,
        )
        # As the collector tells it, without the file that goes with it.
        record = Record(stamp(1 << 16, "0" * 16), stored, "orchestrator", "host", "0" * 16, 1)
        self.project.apply([record])
        await self.step(JobSucceeded(job=name, attempt=1))

    def job(self, job: str) -> Job:
        """A job as it now is."""
        found = self.project.view.job(job)
        assert found is not None
        return found

    def told(self, job: str, url: str) -> Told | None:
        """What the log says of telling an address."""
        project = self.projects.find(self.project.root)
        assert project is not None
        return project.view.notified(job).told(url)

    async def settled(self, job: str, url: str) -> Told:
        """The same, once it says something."""
        async with asyncio.timeout(20):
            while (told := self.told(job, url)) is None:  # noqa: ASYNC110  # no event of its own
                await asyncio.sleep(0.002)
        return told

    async def die(self) -> None:
        """Be gone: nothing that was not durable remains."""
        self.projects.listeners.clear()
        await self.webhooks.close()


@define(eq=False)
class Office:
    """A share, and the hosts that work on it."""

    folder: Path
    _stack: AsyncExitStack = field(factory=AsyncExitStack)

    async def desk(
        self,
        *configs: WebhookConfig,
        host: str = "ada",
        names: AbstractResolver | None = None,
        pauses: tuple[float, ...] = (0.01, 0.01),
        seconds: float = 5.0,
    ) -> Desk:
        """A host; the same name is the same host again."""
        root = self.folder / "share" / "Eliot"
        root.mkdir(parents=True, exist_ok=True)
        data = self.folder / host
        projects = Projects(load_host(data), data)
        names = names or Book({})
        webhooks = Webhooks(
            projects,
            projects.host,
            Receivers.of(configs, SECRET, names),
            Sender(names, names, seconds),
            timing=QUICK,
            pauses=pauses,
        )
        webhooks.start()
        self._stack.push_async_callback(projects.close)
        self._stack.push_async_callback(webhooks.close)
        return Desk(projects, await projects.get(root), webhooks)

    async def close(self) -> None:
        """Everybody goes home."""
        await self._stack.aclose()
