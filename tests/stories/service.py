"""The real service as a process of its own, to be used, killed and started again."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Any

import aiohttp
from attrs import define, field

ROOT = Path(__file__).resolve().parent.parent.parent


@define
class Service:
    """One host's service over one root folder."""

    #: Where its configuration, data and logs are.
    home: Path
    root: Path
    url: str = ""
    _process: Process | None = field(default=None, init=False)

    async def start(self) -> None:
        """Start it, and wait until it says where it listens."""
        self.home.mkdir(exist_ok=True)
        config = self.home / "config.yaml"
        config.write_text(f"port: 0\nroots: [{json.dumps(str(self.root))}]\n")
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        environment.pop("ORCHESTRATOR_PORT", None)
        # As a person's shell has it: then a line is only there if it was flushed.
        environment.pop("PYTHONUNBUFFERED", None)
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "orchestrator", "--config", str(config)),
            env=environment,
            stdout=PIPE,
            stderr=DEVNULL,
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(30):
            self.url = (await self._process.stdout.readline()).decode().strip()
        assert self.url.startswith("http://"), "the service did not start"

    async def kill(self) -> None:
        """Kill -9, and wait until it is gone."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> int:
        """Ask it to stop; its exit code."""
        assert self._process is not None
        self._process.terminate()
        async with asyncio.timeout(30):
            return await self._process.wait()

    async def post(self, session: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> int:
        """Status of a POST whose answer was read whole."""
        async with session.post(self.url + path, json=body) as response:
            await response.read()
            return response.status
