"""Several hosts with their services in one process, on one project, and simulated backends."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer
from attrs import define

from orchestrator.app import build
from orchestrator.config import Config
from orchestrator.host import load_host
from orchestrator.project import Project
from orchestrator.services import PROJECTS
from tests.scheduling import rig
from tests.scheduling.rig import PATIENCE, Client, Farm, Service


@define(eq=False, repr=False)
class Hosts(Farm):
    """A share with one film, and hosts that work on it with the same backends."""

    @property
    def project(self) -> Path:
        """The film."""
        return self.folder / "share" / "film"

    def id_of(self, name: str) -> str:
        """The stable id of a host."""
        return load_host(self.folder / "hosts" / name).id

    async def host(self, name: str, **timing: Any) -> Service:
        """Start the service of a host, and have it open the film."""
        self.project.mkdir(parents=True, exist_ok=True)
        asyncio.get_running_loop().set_task_factory(rig._note_owner)  # type: ignore[arg-type]  # the stub knows no context
        tasks: set[asyncio.Task[Any]] = set()
        token = rig._OWNER.set(tasks)
        try:
            config = Config(
                data_dir=self.folder / "hosts" / name,
                workflows_dir=self.folder,
                backends=tuple(self._configs),
                roots=(self.folder / "share",),
            )
            app = await build(config, timing=rig.QUICK, timeouts=self.limits)
            client: Client = TestClient(TestServer(app))
            await client.start_server()
        finally:
            rig._OWNER.reset(token)
        self._services.push_async_callback(client.close)
        service = Service(client, app, tasks)
        await opened(service, self.project)
        return service

    def silent(self, name: str, seconds: float = 600.0) -> None:
        """Let a host have written nothing for so long."""
        then = time.time() - seconds
        for file in (self.project / ".gallery").rglob(f"*.{self.id_of(name)}.*"):
            os.utime(file, (then, then))


async def opened(service: Service, root: Path) -> Project:
    """The film as a service has it."""
    return await service.app[PROJECTS].get(root)


async def reads_on(service: Service, root: Path) -> None:
    """A service reads what the others wrote, without waiting for its time to look."""
    await (await opened(service, root)).follow()


async def sees(
    service: Service, root: Path, job_id: str, condition: Callable[[dict[str, Any]], object]
) -> dict[str, Any]:
    """Wait until something is so of a job, as a service shows it that must read of it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await reads_on(service, root)
            async with service.client.get(f"/api/jobs/{job_id}") as answer:
                if answer.status == 200:
                    job: dict[str, Any] = await answer.json()
                    if condition(job):
                        return job
            await asyncio.sleep(0.02)
