"""The real service on a guest: started, killed, and asked over HTTP as people do."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import yaml
from attrs import define, field

from tests.shares.guests import LOCAL, SHARE, Guest

ROOT = Path(__file__).resolve().parents[2]
PORT = 9820
START_SECONDS = 90
#: A request waits as long as the service lets it; a host that is off never answers.
PATIENCE = aiohttp.ClientTimeout(total=120, sock_connect=3)


@define(eq=False)
class GuestService:
    """The service of one guest. It keeps its address, its identity and its log over restarts."""

    guest: Guest
    _pid: int | None = field(default=None, init=False)
    is_up: bool = field(default=False, init=False)

    @property
    def address(self) -> str:
        """Where people reach it when it is up."""
        return f"http://{self.guest.address}:{PORT}"

    @property
    def url(self) -> str:
        """Where people reach it; "" while it is down."""
        return self.address if self.is_up else ""

    def project(self, name: str) -> Path:
        """A project's folder as this host sees it."""
        return SHARE / name

    async def start(self) -> None:
        """Start the process, and return when it answers."""
        await asyncio.to_thread(self._launch)
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                await self.get("/api/health")
            except (aiohttp.ClientError, TimeoutError):
                assert time.monotonic() < end, f"{self.address} does not answer:\n{self.tail()}"
                await asyncio.sleep(0.1)
            else:
                self.is_up = True
                return

    def _launch(self) -> None:
        assert self._pid is None, "it runs"
        told = {
            "host": "0.0.0.0",  # roots are named
            "port": PORT,
            "public_url": self.address,
            "data_dir": str(LOCAL / "data"),
            "log_dir": str(self.guest.state / "logs"),
            "roots": [str(SHARE)],
        }
        config = self.guest.state / "config.yaml"
        config.write_text(yaml.safe_dump(told), encoding="utf-8")
        command = [sys.executable, "-m", "orchestrator", "--config", str(config)]
        self._pid = self.guest.start(command, self.guest.state / "service.log", ROOT)

    async def kill(self) -> None:
        """SIGKILL: nothing can be finished or said."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """SIGTERM, and wait for its clean end; harmless if it does not run."""
        if self._pid is not None:
            code = await self._end(signal.SIGTERM)
            assert code == 0, f"it ended with {code}:\n{self.tail()}"

    async def _end(self, number: signal.Signals) -> int:
        assert self._pid is not None, "it does not run"
        pid, self._pid, self.is_up = self._pid, None, False
        return await asyncio.to_thread(self.guest.end, pid, number)

    async def lose_power(self, seconds: float) -> None:
        """The whole host goes off, and is switched on again after a while, with its service."""
        self._pid, self.is_up = None, False
        await asyncio.to_thread(self.guest.cut_power)
        await asyncio.sleep(seconds)
        self.guest.boot()
        await asyncio.to_thread(self.guest.wait_up)
        await asyncio.to_thread(self.guest.mount)
        await self.start()

    async def get(self, path: str, **query: str) -> Any:
        """A JSON answer."""
        async with aiohttp.request(
            "GET", self.address + path, params=query, timeout=PATIENCE
        ) as got:
            answer = await got.json()
            assert got.status == 200, answer
            return answer

    async def post(self, path: str, body: Mapping[str, Any], actor: str = "mara") -> Any:
        """Post JSON; the JSON of an answer that must be 200."""
        status, answer = await self.tried(path, body, actor)
        assert status == 200, answer
        return answer

    async def tried(
        self, path: str, body: Mapping[str, Any], actor: str = "mara"
    ) -> tuple[int, Any]:
        """Post JSON; status and JSON of the answer."""
        asked = aiohttp.request(
            "POST", self.address + path, json=body, headers={"X-Actor": actor}, timeout=PATIENCE
        )
        async with asked as got:
            return got.status, await got.json()

    def command(self, *words: str, seconds: float = 120) -> tuple[int, str]:
        """The command line on this host; exit code and output. Blocks."""
        return self.guest.tried(
            sys.executable, "-m", "tools.cli", *words, seconds=seconds, folder=ROOT
        )

    def complaints(self) -> list[dict[str, Any]]:
        """What its own log calls an error, on both sides of every restart."""
        path = self.guest.state / "logs" / "orchestrator.log"
        lines = path.read_bytes().splitlines() if path.exists() else []
        said = [orjson.loads(line) for line in lines if line.startswith(b"{")]
        return [line for line in said if line.get("level") in {"error", "critical"}]

    def tail(self, lines: int = 60) -> str:
        """The end of what it said."""
        path = self.guest.state / "service.log"
        text = path.read_text(errors="replace") if path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])
