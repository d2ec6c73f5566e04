"""A studio for the tests: a share with a project, and the real service running in this process."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientResponse, web
from aiohttp.test_utils import BaseTestServer, TestClient
from attrs import define, field, frozen
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from orchestrator.app import build
from orchestrator.config import BackendConfig, Config
from orchestrator.project import Project
from orchestrator.scheduling.timing import Timing
from orchestrator.serve import runner_of
from orchestrator.services import PROJECTS
from projections.fold import state_hash

Client = TestClient[web.Request, Any]

#: The graph and the drawing that ComfyUI writes into its pictures.
PROMPT = {"3": {"class_type": "KSampler", "inputs": {"seed": 7, "steps": 20}}}
WORKFLOW = {"nodes": [{"id": 3, "type": "KSampler"}], "links": []}

#: Tests do not wait as long as people do.
QUICK = Timing(
    poll_active=0.03,
    poll_idle=0.1,
    poll_away=0.2,
    poll_least=0.0,
    stats=0.1,
    absent=0.3,
    withdraw_round=0.05,
    retry_first=0.05,
    retry_most=0.2,
)


def picture(path: Path, *, colour: str = "navy", told: bool = True) -> Path:
    """A small PNG; `told` puts ComfyUI's prompt and workflow into it, as tEXt chunks."""
    texts = PngInfo()
    if told:
        texts.add_text("prompt", orjson.dumps(PROMPT).decode())
        texts.add_text("workflow", orjson.dumps(WORKFLOW).decode())
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (48, 32), colour).save(path, pnginfo=texts)
    return path


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    """One node; a link is a list of node id and slot."""
    return {"class_type": class_type, "inputs": inputs}


def graph(text: str = "a castle") -> dict[str, Any]:
    """Checkpoint, two prompts, sampler, decoder, saver."""
    return {
        "4": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "5": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "6": node("CLIPTextEncode", clip=["4", 1], text=text),
        "7": node("CLIPTextEncode", clip=["4", 1], text="blurry"),
        "3": node(
            "KSampler",
            model=["4", 0],
            seed=1,
            steps=3,
            cfg=7.0,
            sampler_name="euler",
            scheduler="normal",
            positive=["6", 0],
            negative=["7", 0],
            latent_image=["5", 0],
            denoise=1.0,
        ),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", images=["8", 0], filename_prefix="ComfyUI"),
    }


class Server(BaseTestServer):
    """The application, served within the limits of the real service, on a free port."""

    def __init__(self, app: web.Application) -> None:
        super().__init__()
        self.app = app

    async def _make_runner(self, **_: Any) -> web.AppRunner:
        return runner_of(self.app)


@frozen
class Answer:
    """What the service answered, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def plain(self) -> Any:
        """The JSON in it."""
        return orjson.loads(self.body)


async def read(response: ClientResponse) -> Answer:
    """An answer, whole."""
    return Answer(response.status, response.headers, await response.read())


def refused(answer: Answer, status: int, code: str) -> dict[str, Any]:
    """Assert that an answer is a refusal as promised to every client; its body."""
    assert answer.status == status, answer.body[:2000]
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["X-Request-Id"]
    plain = answer.plain
    assert list(plain)[:4] == ["code", "message", "remedy", "detail"]
    assert {name: plain[name] for name in list(plain)[4:]} in (
        {},
        {"success": False, "error": plain["message"]},
    ), "the core says it in the frontend's words, too"
    assert plain["code"] == code, plain
    assert plain["message"]
    assert plain["remedy"].endswith(".")
    assert b"Traceback" not in answer.body
    assert b"site-packages" not in answer.body
    waits = int(answer.headers.get("Retry-After", 0))
    assert (waits > 0) == (status == 503), "503, and only 503, says when to come again"
    return dict(plain)


def faults(answer: Answer, code: str = "request.invalid") -> dict[str, str]:
    """What is wrong with each field of a refused request: message by path."""
    plain = refused(answer, 422, code)
    found = plain["detail"] if code == "request.invalid" else plain["detail"]["faults"]
    return {fault["path"]: fault["message"] for fault in found}


@define(eq=False)
class Service:
    """One running service, as its clients see it, and a look behind it."""

    client: Client
    app: web.Application
    #: The project that its calls are about unless they say otherwise.
    project: Path

    async def get(self, path: str, /, **query: Any) -> Answer:
        """GET with a query."""
        return await read(await self.client.get(path, params=query))

    async def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        """POST some JSON."""
        data = io.BytesIO(b"" if body is None else json.dumps(body).encode())
        typed = {"Content-Type": "application/json", **headers}
        return await read(await self.client.post(path, data=data, headers=typed))

    async def send(self, method: str, path: str, data: bytes | None = None) -> Answer:
        """Any request, with any body."""
        sent = None if data is None else io.BytesIO(data)
        return await read(await self.client.request(method, path, data=sent))

    async def gallery(self, endpoint: str, /, **fields: Any) -> Answer:
        """POST to a gallery endpoint about the project."""
        body = {"projectPath": str(self.project), **fields}
        return await self.post(f"/api/gallery/{endpoint}", body)

    async def ask(self, endpoint: str, /, **query: Any) -> Any:
        """GET of a gallery endpoint about the project; its answer, which must be good."""
        answer = await self.get(
            f"/api/gallery/{endpoint}", **{"projectPath": str(self.project), **query}
        )
        assert answer.status == 200, answer.body
        return answer.plain

    async def rate(self, file: str, stars: Any) -> Answer:
        """Rate a file of the project."""
        return await self.gallery("ratings", filePath=file, rating=stars)

    async def ratings(self) -> dict[str, int]:
        """The stars of the project's files."""
        found: dict[str, int] = (await self.ask("ratings"))["ratings"]
        return found

    async def make_tag(self, name: str, color: str = "#ff6b6b") -> str:
        """Make a tag; its id."""
        answer = await self.gallery("tags", name=name, color=color)
        assert answer.status == 200, answer.body
        return str(answer.plain["tag"]["id"])

    async def submit(self, **fields: Any) -> str:
        """Submit a job that is taken; its id."""
        body = fields if "workflow_id" in fields else {"workflow_json": graph(), **fields}
        answer = await self.post("/api/job", body)
        assert answer.status == 202, answer.body
        return str(answer.plain["job_id"])

    async def job(self, job_id: str) -> Any:
        """A job as it now is."""
        answer = await self.get(f"/api/jobs/{job_id}")
        assert answer.status == 200, answer.body
        return answer.plain

    async def ended(self, job_id: str) -> Any:
        """A job, once it has ended."""
        async with asyncio.timeout(30):
            while (job := await self.job(job_id))["completed_at"] is None:  # noqa: ASYNC110 # as clients do
                await asyncio.sleep(0.01)
        return job

    async def opened(self, root: Path | None = None) -> Project:
        """The project as the service has it."""
        return await self.app[PROJECTS].get((root or self.project).resolve())

    async def state(self) -> str:
        """A hash of all that the service holds of the project."""
        return state_hash((await self.opened()).tables.pack())

    async def stop(self) -> None:
        """Stop the service, and leave its clients alone."""
        await self.client.server.close()

    async def close(self) -> None:
        """Stop the service and its clients."""
        await self.client.close()


def log_of(project: Path) -> dict[str, bytes]:
    """Everything in a project's `.gallery`, by path: what must not change when nothing happens."""
    folder = project / ".gallery"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def events_of(project: Path) -> list[dict[str, Any]]:
    """The events in a project's log, transactions taken apart, headers and seals left out."""
    lines = [
        orjson.loads(line)
        for name, data in log_of(project).items()
        if name.startswith("log/")
        for line in data.splitlines()
    ]
    found: list[dict[str, Any]] = []
    for line in lines:
        if "t" in line:
            found += line["d"]["events"] if line["t"] == "tx" else [line]
    return found


@define(eq=False)
class Studio:
    """A share with one project, and the hosts that work on it."""

    folder: Path
    _stack: AsyncExitStack = field(factory=AsyncExitStack)

    @property
    def share(self) -> Path:
        """The permitted folder."""
        return self.folder / "share"

    @property
    def project(self) -> Path:
        """A project with five pictures in three panels."""
        return self.share / "Eliot"

    @property
    def workflows(self) -> Path:
        """The folder of workflows."""
        return self.folder / "workflows"

    def furnish(self) -> None:
        """Make the folders and what lies in them."""
        for panel, count in (("Panel_01", 3), ("Panel_02", 1), ("Panel_10", 1)):
            for version in range(1, count + 1):
                picture(self.project / panel / f"Eliot_{panel}_v{version:03}.png")
        self.workflows.mkdir()
        (self.workflows / "flux_dev.json").write_bytes(orjson.dumps(graph()))
        (self.workflows / "flux_dev.yaml").write_text(
            "parameters:\n"
            '  - {name: look, node: "6", input: text, type: str, default: film still}\n'
            '  - {name: quality, node: "3", input: steps, type: int, range: [1, 60]}\n'
        )

    def furnish_nothing(self) -> None:
        """Take out the pictures."""
        shutil.rmtree(self.project)
        self.project.mkdir()

    async def host(
        self, name: str = "ada", backends: tuple[BackendConfig, ...] = (), **changes: Any
    ) -> Service:
        """Start the service on a host of this name; the same name is the same host again."""
        settings: dict[str, Any] = {
            "data_dir": self.folder / "hosts" / name,
            "workflows_dir": self.workflows,
            "roots": (self.share,),
            "backends": backends,
            **changes,
        }
        app = await build(Config(**settings), timing=QUICK)
        client: Client = TestClient(Server(app))
        await self._stack.enter_async_context(client)
        async with asyncio.timeout(30):
            while app[PROJECTS].still_opening:  # noqa: ASYNC110 # as clients do
                await asyncio.sleep(0.005)
        return Service(client, app, self.project)

    async def close(self) -> None:
        """Stop all hosts."""
        await self._stack.aclose()
