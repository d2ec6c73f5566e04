"""Two real ComfyUI servers as processes: started, looked at, killed and started again."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
from attrs import define, field

from tests.comfyui_real.setup_comfyui import Layout
from tests.comfyui_real.waiting import until

HERE = Path(__file__).resolve().parent
#: A server imports torch before it answers; a busy machine takes its time.
START_SECONDS = 180
#: A server needs so many tries at most to find a port that nobody takes meanwhile.
STARTS = 3
PORTS = (18_200, 30_000)


class ServerError(Exception):
    """A server does not start; the text holds the end of its log."""


def free_port() -> int:
    """A port that nobody listens on now.

    It lies below those that systems give to outgoing connections: while a killed server is down,
    none of these may take its port, or, on the same machine, connect to itself there.
    """
    while True:
        port = random.randrange(*PORTS)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


@define(eq=False)
class ComfyServer:
    """One server with a folder of its own; it keeps its port over restarts."""

    name: str
    layout: Layout
    state: Path
    port: int = field(factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it says."""
        return self.state / "server.log"

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def launch(self) -> None:
        """Start the process; `wait_ready` says when it answers."""
        for name in ("input", "output", "temp", "user", "models", "custom_nodes", "web"):
            (self.state / name).mkdir(parents=True, exist_ok=True)
        nodes = self.state / "custom_nodes" / "test_nodes"
        shutil.copytree(HERE / "test_nodes", nodes, dirs_exist_ok=True)
        (self.state / "web" / "index.html").write_text("<!doctype html>", encoding="utf-8")
        options = {
            "--listen": "127.0.0.1",
            "--port": str(self.port),
            "--base-directory": str(self.state),
            "--front-end-root": str(self.state / "web"),
            "--database-url": f"sqlite:///{self.state / 'comfyui.db'}",
        }
        words = [word for pair in options.items() for word in pair]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self.layout.python), "main.py", "--cpu", "--disable-api-nodes", *words],
                cwd=self.layout.app,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A Ctrl-C at the terminal is the test run's to handle.
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        mine = {"PYTHONPATH": str(self.layout.stubs), "PYTHONUNBUFFERED": "1"}
        # Whatever a library caches stays in the server's own folder.
        return {**kept, **mine, "HF_HUB_OFFLINE": "1", "HOME": str(self.state)}

    def wait_ready(self) -> None:
        """Return once it answers.

        Raises:
            ServerError: it ended, or does not answer in time.
        """
        end = time.monotonic() + START_SECONDS
        while not _answers(self.port):
            if not self.alive:
                raise ServerError(f"ComfyUI {self.name} ended:\n{self.tail()}")
            if time.monotonic() > end:
                raise ServerError(f"ComfyUI {self.name} does not answer:\n{self.tail()}")
            time.sleep(0.2)

    def start(self) -> None:
        """Start it, and wait until it answers; another port if somebody was faster with ours."""
        for last in (False,) * (STARTS - 1) + (True,):
            self.launch()
            try:
                self.wait_ready()
            except ServerError:
                taken = "address already in use" in self.tail().lower()
                self.kill()
                if last or not taken:
                    raise
                self.port = free_port()
            else:
                return

    def kill(self) -> None:
        """SIGKILL, as by the kernel when memory runs out; returns when the process is gone."""
        if self._process is None:
            return
        if self.alive:
            self._process.kill()
        self._process.wait()
        self._process = None

    def tail(self, lines: int = 40) -> str:
        """The end of its log."""
        if not self.log.exists():
            return "(it wrote no log)"
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    # What tests see of it without the service in between.

    async def get(self, path: str) -> Any:
        """A JSON answer."""
        async with aiohttp.request("GET", self.url + path) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def post(self, path: str, body: Any) -> Any:
        """Post JSON; returns the JSON answer, or None if there is no body."""
        async with aiohttp.request("POST", self.url + path, json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json() if await response.read() else None

    async def running(self) -> list[str]:
        """Ids of the prompts that run."""
        return [item[1] for item in (await self.get("/queue"))["queue_running"]]

    async def pending(self) -> list[str]:
        """Ids of the prompts that wait."""
        return [item[1] for item in (await self.get("/queue"))["queue_pending"]]

    async def idle(self) -> bool:
        """Whether nothing waits or runs."""
        queue = await self.get("/queue")
        return not queue["queue_running"] and not queue["queue_pending"]

    async def entry(self, prompt_id: str) -> dict[str, Any] | None:
        """What its history says of a prompt."""
        found: dict[str, Any] = await self.get(f"/history/{prompt_id}")
        return found.get(prompt_id)

    async def ended(self) -> list[str]:
        """Ids of the prompts in its history, in the order in which they ended."""
        return list(await self.get("/history"))

    def outputs_of(self, jobs: Iterable[Mapping[str, Any]]) -> list[Path]:
        """All files that it has made for these jobs, in however many attempts."""
        folders = (self.state / "output" / f"job-{job['job_id']}" for job in jobs)
        return [path for folder in folders for path in folder.rglob("*") if path.is_file()]

    async def sweep(self) -> None:
        """Stop and forget all that an earlier test left behind."""
        await self.post("/queue", {"clear": True})

        async def stopped() -> bool:
            if await self.idle():
                return True
            await self.post("/interrupt", {})
            return False

        await until(stopped, f"ComfyUI {self.name} to be idle", seconds=60)
        await self.post("/history", {"clear": True})


def _answers(port: int) -> bool:
    """Whether something answers HTTP with 200 there; kept free of asyncio for fixtures."""
    request = f"GET /system_stats HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(request)
            return b" 200 " in connection.recv(64)
    except OSError:
        return False
