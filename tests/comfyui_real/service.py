"""The service as a process of its own, and as its clients see it: HTTP, WebSocket, and files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
import yaml
from attrs import define, field

from tests.comfyui_real.graphs import WORKFLOWS
from tests.comfyui_real.servers import ComfyServer
from tests.comfyui_real.waiting import until

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS, STOP_SECONDS = 60, 30
FINAL = frozenset({"succeeded", "failed", "cancelled"})


@define(eq=False)
class Service:
    """The service, with its configuration and all that it keeps below one folder."""

    folder: Path
    servers: tuple[ComfyServer, ...]
    max_concurrent_jobs: int = 2
    #: Where projects are kept, if not below `folder`: another service may use them, too.
    shows: Path | None = None
    url: str = field(default="", init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _session: aiohttp.ClientSession = field(factory=aiohttp.ClientSession, init=False)

    async def __aenter__(self) -> Self:
        self.project.mkdir(parents=True, exist_ok=True)
        try:
            await self.start()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._end()

    async def _end(self) -> None:
        await self._session.close()
        self.stop()

    @property
    def project(self) -> Path:
        """The project that the tests' jobs belong to."""
        return (self.shows or self.folder / "shows") / "Eliot"

    @property
    def log(self) -> Path:
        """What the process says on the terminal."""
        return self.folder / "service.log"

    async def start(self) -> None:
        """Start the process, and return once it answers and knows its backends."""
        begin, process = self._launch()

        async def announced() -> str:
            assert process.poll() is None, f"the service ended:\n{self.tail()}"
            said = self.log.read_bytes()[begin:].decode(errors="replace").splitlines()
            return next((line for line in said if line.startswith("http://")), "")

        self.url = await until(announced, "the service's address", seconds=START_SECONDS)
        alive = sum(server.alive for server in self.servers)
        await until(lambda: self._knows(alive), "its backends", seconds=START_SECONDS)

    def _launch(self) -> tuple[int, subprocess.Popen[bytes]]:
        """The process, and where in the log it begins to speak."""
        with self.log.open("ab") as log:
            begin = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "orchestrator", "--config", str(self._config())],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return begin, self._process

    async def _knows(self, alive: int) -> bool:
        return bool((await self.get("/api/backends"))["online"] == alive)

    def _config(self) -> Path:
        path = self.folder / "config.yaml"
        said = {
            "port": 0,
            "data_dir": str(self.folder / "data"),
            "log_dir": str(self.folder / "logs"),
            "workflows_dir": str(WORKFLOWS),
            "roots": [str(self.project.parent)],
            "backends": [
                {
                    "id": server.name,
                    "name": f"ComfyUI {server.name}",
                    "host": "127.0.0.1",
                    "port": server.port,
                    "max_concurrent_jobs": self.max_concurrent_jobs,
                }
                for server in self.servers
            ],
        }
        path.write_text(yaml.safe_dump(said), encoding="utf-8")
        return path

    def kill(self) -> None:
        """SIGKILL: nothing can be finished or said."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that is not heard; harmless if it has ended."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def tail(self, lines: int = 60) -> str:
        """The end of what it said."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def complaints(self) -> list[dict[str, Any]]:
        """What its own log calls an error: faults of ours, never of a job or backend."""
        path = self.folder / "logs" / "orchestrator.log"
        lines = path.read_bytes().splitlines() if path.exists() else []
        said = [orjson.loads(line) for line in lines]
        return [line for line in said if line.get("level") in {"error", "critical"}]

    # HTTP.

    async def get(self, path: str, **query: str) -> Any:
        """A JSON answer."""
        async with self._session.get(self.url + path, params=query) as response:
            answer = await response.json()
            assert response.status == 200, answer
            return answer

    async def bytes(self, path: str) -> bytes:
        """The bytes of an answer."""
        async with self._session.get(self.url + path) as response:
            assert response.status == 200, await response.text()
            return await response.read()

    async def post(self, path: str, body: Mapping[str, Any], *, status: int = 200) -> Any:
        """Post JSON; the status must be as expected. Returns the JSON answer."""
        headers = {"X-Actor": "mara"}
        async with self._session.post(self.url + path, json=body, headers=headers) as response:
            answer = await response.json()
            assert response.status == status, answer
            return answer

    async def submit(
        self, workflow: str | Mapping[str, Any], *, panel: str = "Panel_01", **more: Any
    ) -> str:
        """Submit a workflow of the folder by its name, or a graph; returns the job's id."""
        sent = {"workflow_id" if isinstance(workflow, str) else "workflow_json": workflow}
        metadata = {"panel_id": panel, **more.pop("metadata", {})}
        body = {**sent, "metadata": metadata, "project_path": str(self.project), **more}
        accepted = await self.post("/api/job", body, status=202)
        assert accepted["status"] == "accepted"
        return str(accepted["job_id"])

    async def job(self, job_id: str) -> dict[str, Any]:
        """A job as it stands."""
        found: dict[str, Any] = await self.get(f"/api/jobs/{job_id}")
        return found

    async def cancel(self, job_id: str) -> dict[str, Any]:
        """Ask to cancel a job; returns it as it stands then."""
        found: dict[str, Any] = await self.post(f"/api/jobs/{job_id}/cancel", {})
        return found

    async def reaches(
        self, job_id: str, statuses: Iterable[str], *, seconds: float = 60
    ) -> dict[str, Any]:
        """A job once it has one of these statuses; fails at once if it ended otherwise."""
        wanted = frozenset(statuses)

        async def look() -> dict[str, Any] | None:
            job = await self.job(job_id)
            if job["status"] in wanted:
                return job
            assert job["status"] not in FINAL, job
            return None

        found = await until(look, f"job {job_id} to be {sorted(wanted)}", seconds=seconds)
        assert found is not None
        return found

    async def succeeds(self, job_id: str, *, seconds: float = 60) -> dict[str, Any]:
        """A job once it has succeeded."""
        return await self.reaches(job_id, {"succeeded"}, seconds=seconds)

    async def running_on(self, job_id: str, server: ComfyServer) -> str:
        """Wait until a server executes a job's attempt; returns its prompt id."""

        async def look() -> str:
            job = await self.job(job_id)
            assert job["status"] not in FINAL, job
            if job["status"] != "running":
                return ""
            prompt_id = str(job["attempts"][-1]["prompt_id"])
            return prompt_id if prompt_id in await server.running() else ""

        return await until(look, f"job {job_id} to run on {server.name}")

    async def details(self, relative: str) -> dict[str, Any]:
        """What `file-info` says of a file."""
        body = {"projectPath": str(self.project), "filePath": relative}
        found: dict[str, Any] = await self.post("/api/gallery/file-info", body)
        return found

    # Files.

    def files(self) -> list[str]:
        """All files of the project but our own, relative to it."""
        found = (path for path in self.project.rglob("*") if path.is_file())
        names = (path.relative_to(self.project).as_posix() for path in found)
        return sorted(name for name in names if not name.startswith(".gallery/"))

    def staged(self) -> list[Path]:
        """What is left in the folders where fetched files wait for their names."""
        incoming = self.project / ".gallery" / "incoming"
        return [path for path in incoming.rglob("*") if path.is_file()]
