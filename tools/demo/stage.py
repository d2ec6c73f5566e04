"""The set-up: sample project, two simulated ComfyUI servers and the service, up and down again."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import define, frozen

from tools.demo.api import Api, session
from tools.demo.curation import Curated, curate
from tools.demo.folder import Folder, make_folder
from tools.demo.processes import Child
from tools.demo.sample import write_project


@frozen
class SimulatedBackend:
    """One of the two servers that the demo starts."""

    id: str
    name: str
    capabilities: tuple[str, ...]
    seed: int


BACKENDS: Final = (
    SimulatedBackend("beast", "Beast (simulated)", ("flux", "sdxl", "sd15"), 1),
    SimulatedBackend("mule", "Mule (simulated)", ("sdxl", "sd15"), 2),
)


@define
class Stage:
    """Everything up and running."""

    folder: Folder
    backends: list[Child]
    service: Child
    api: Api
    #: Pictures painted now; 0 if the project was there already.
    painted: int
    curated: Curated | None

    @property
    def project(self) -> str:
        """The sample project's path, as requests name it."""
        return str(self.folder.project)


@asynccontextmanager
async def staged(*, keep: Path | None, port: int, pace: float) -> AsyncIterator[Stage]:
    """Set everything up; when the block ends, or anything fails, all of it is stopped.

    The service goes first, so that it can finish what it began while its backends are there.

    Args:
        keep: the folder to live in, which stays; None makes a temporary one.
        port: the service's; 0 takes any free one.
        pace: seconds that a step of a simulated sampler takes.

    Raises:
        DemoError: something does not start.
        StepFailedError: the service refuses the ratings and tags of the sample.
        OSError: the disk refuses.
    """
    # Not in a thread: nothing else runs yet, and a signal in between would leave the folder.
    folder = make_folder(keep)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.to_thread, folder.remove)
        painting = asyncio.create_task(asyncio.to_thread(_paint, folder.project))
        # A thread cannot be stopped: whoever leaves early waits for the painter to finish.
        stack.push_async_callback(asyncio.wait, {painting})
        backends: list[Child] = []
        for each in BACKENDS:
            child = await Child.start(*_backend(folder, each, pace))
            stack.push_async_callback(child.stop)
            backends.append(child)
        await asyncio.to_thread(folder.write_config, _configured(backends))
        arguments = ["--config", str(folder.config), "--port", str(port)]
        errors = folder.errors_of("service")
        service = await Child.start("service", "orchestrator", arguments, errors)
        stack.push_async_callback(service.stop)
        painted = await asyncio.shield(painting)
        api = Api(await stack.enter_async_context(session()), service.url)
        curated = await curate(api, str(folder.project))
        yield Stage(folder, backends, service, api, painted, curated)


def _paint(project: Path) -> int:
    """Make the sample project, whole or not at all; 0 if it is there already."""
    if project.exists():
        return 0
    draft = project.with_name(f".{project.name}.painting")
    shutil.rmtree(draft, ignore_errors=True)  # of a demo that was killed while it painted
    count = write_project(draft, time.time())
    draft.rename(project)
    return count


def _backend(
    folder: Folder, backend: SimulatedBackend, pace: float
) -> tuple[str, str, list[str], Path]:
    """Name, module, arguments and stderr of a simulated server's process."""
    arguments = ["simulate", "--host", "127.0.0.1", "--port", "0"]
    arguments += ["--folder", str(folder.root / "comfyui" / backend.id)]
    arguments += ["--seed", str(backend.seed), "--seconds-per-step", str(pace)]
    return backend.id, "tools.cli", arguments, folder.errors_of(backend.id)


def _configured(children: list[Child]) -> list[dict[str, Any]]:
    """The `backends` of config.yaml, at the ports that the processes were given."""
    return [
        {
            "id": backend.id,
            "name": backend.name,
            "host": "127.0.0.1",
            "port": urlsplit(child.url).port,
            "capabilities": list(backend.capabilities),
        }
        for backend, child in zip(BACKENDS, children, strict=True)
    ]
