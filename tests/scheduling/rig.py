"""A small farm in one process: simulated backends that note every request, and the service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from contextvars import Context, ContextVar
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from attrs import define, evolve, field, frozen

from events.record import Record
from events.registry import name_of
from orchestrator.app import build
from orchestrator.comfyui.transport import Timeouts
from orchestrator.config import BackendConfig, Config
from orchestrator.project import Project
from orchestrator.scheduling.dispatcher import Dispatcher
from orchestrator.scheduling.fleet import Fleet
from orchestrator.scheduling.timing import Timing
from orchestrator.services import DISPATCHER, FLEET, PROJECTS
from tools.simulator import Behaviour, Simulator
from tools.simulator.app import build as build_simulator

#: Nothing here takes longer than this, on however busy a machine; it is no measure of speed.
PATIENCE = 30.0

QUICK = Timing(
    poll_active=0.02,
    poll_idle=0.05,
    poll_away=0.2,
    poll_least=0.0,
    stats=0.2,
    absent=0.2,
    absent_after_unknown=0.5,
    unreachable=4.0,
    refused=2.0,
    worker_dead=2.0,
    mute=0.3,
    withdraw_round=0.03,
    withdraw_limit=0.5,
    retry_first=0.02,
    retry_most=0.1,
    heartbeat=0.1,
)
LIMITS = Timeouts(connect=2.0, control=1.0, submit=1.0, stall=1.0, withdraw=1.0)
#: For tests in which a backend hangs and no other has work to do: to wait for it is no test.
HASTY = evolve(LIMITS, control=0.3, submit=0.3)

Client = TestClient[web.Request, web.Application]
#: May answer in place of the simulator; None lets it answer itself.
Intercept = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


async def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # the condition has no event of its own
            await asyncio.sleep(0.005)


@frozen
class Asked:
    """A request that a simulator got."""

    method: str
    path: str
    body: Any


@define(eq=False, repr=False)
class Box(Simulator):
    """A simulated backend that notes what it is asked, and can be made to answer otherwise."""

    asked: list[Asked] = field(factory=list, init=False)
    intercept: dict[tuple[str, str], Intercept] = field(factory=dict, init=False)

    def __repr__(self) -> str:
        return f"<Box {self.folder.name}>"  # a failed test would else print all that it holds

    async def start(self) -> None:
        """Listen."""
        app = build_simulator(self)
        app.middlewares.insert(0, self._noting())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await self._live()

    def _noting(self) -> Any:
        @web.middleware
        async def note(request: web.Request, handler: Any) -> web.StreamResponse:
            no_json = request.path == "/ws" or request.content_type.startswith("multipart/")
            raw = b"" if no_json else await request.read()
            body = orjson.loads(raw) if raw else None
            self.asked.append(Asked(request.method, request.path, body))
            found = self.intercept.get((request.method, request.path))
            answer = None if found is None else await found(request)
            return await handler(request) if answer is None else answer

        return note

    def posted(self) -> list[dict[str, Any]]:
        """The bodies of all submissions, oldest first."""
        return [a.body for a in self.asked if (a.method, a.path) == ("POST", "/prompt")]

    def ours(self) -> list[dict[str, Any]]:
        """The submissions of the service."""
        return [body for body in self.posted() if "orchestrator" in body.get("extra_data", {})]

    def behaves(self) -> None:
        """Assert what must hold whatever happens: nothing global, no `number`, always an id."""
        for body in self.ours():
            assert "number" not in body
            assert "front" not in body
            assert body["client_id"]
            assert body["prompt_id"]
        known = {body["prompt_id"] for body in self.ours()}
        for asked in self.asked:
            if (asked.method, asked.path) == ("POST", "/interrupt"):
                assert asked.body["prompt_id"] in known
            if (asked.method, asked.path) in {("POST", "/queue"), ("POST", "/history")}:
                assert set(asked.body) == {"delete"}
                assert set(asked.body["delete"]) <= known

    def count(self, method: str, path: str) -> int:
        """How often something was asked."""
        return sum((asked.method, asked.path) == (method, path) for asked in self.asked)

    def outcome(self, prompt_id: str) -> str | None:
        """The last message in the history of a prompt; None if it has not ended."""
        entry = self.memory.queue.history.get(prompt_id)
        return None if entry is None else str(entry["status"]["messages"][-1][0])

    def waiting_of_ours(self) -> int:
        """How many prompts of ours wait inside it now."""
        return sum("orchestrator" in item[3] for item in self.memory.queue.pending)


@frozen
class Told:
    """An event in the log."""

    type: str
    data: dict[str, Any]
    stamp: str
    actor: str


def told_in(project: Path) -> list[Told]:
    """All events in a project's log, transactions taken apart, in the order of their stamps."""
    found = []
    for path in sorted((project / ".gallery" / "log").glob("*")):
        for line in path.read_bytes().split(b"\n")[:-1]:
            record = orjson.loads(line)
            if "t" in record:
                parts = record["d"]["events"] if record["t"] == "tx" else [record]
                found += [Told(p["t"], p["d"], record["h"], record["a"]) for p in parts]
    return sorted(found, key=lambda told: told.stamp)


_OWNER: ContextVar[set[asyncio.Task[Any]] | None] = ContextVar("owner", default=None)


def _note_owner(
    loop: asyncio.AbstractEventLoop,
    coro: Coroutine[Any, Any, Any],
    context: Context | None = None,
) -> asyncio.Task[Any]:
    """A task factory that remembers which service a task belongs to."""
    task = asyncio.Task(coro, loop=loop, context=context)
    owner = _OWNER.get() if context is None else context.get(_OWNER)
    if owner is not None:
        owner.add(task)
        task.add_done_callback(owner.discard)
    return task


@define(eq=False, repr=False)
class Service:
    """The running service."""

    client: Client
    app: web.Application
    #: Every task that it started.
    tasks: set[asyncio.Task[Any]]
    dying: asyncio.Event = field(factory=asyncio.Event)

    @property
    def dispatcher(self) -> Dispatcher:
        """Its scheduler."""
        return self.app[DISPATCHER]

    @property
    def fleet(self) -> Fleet:
        """Its backends."""
        return self.app[FLEET]

    async def submit(self, graph: dict[str, Any], **fields: Any) -> str:
        """Submit a graph; the job's id."""
        async with self.client.post("/api/job", json={"workflow": graph, **fields}) as answer:
            assert answer.status == 202, await answer.text()
            return str((await answer.json())["job_id"])

    async def job(self, job_id: str) -> dict[str, Any]:
        """A job as the API shows it; after a start, as soon as it can."""
        while True:
            async with self.client.get(f"/api/jobs/{job_id}") as answer:
                if answer.status != 503:
                    assert answer.status == 200, await answer.text()
                    job: dict[str, Any] = await answer.json()
                    return job
            await asyncio.sleep(0.01)

    async def cancel(self, job_id: str) -> int:
        """Ask to cancel; the status of the answer."""
        async with self.client.post(f"/api/jobs/{job_id}/cancel") as answer:
            return answer.status

    async def becomes(self, job_id: str, *status: str) -> dict[str, Any]:
        """Wait until a job has one of these statuses."""
        return await self.job_when(job_id, lambda job: job["status"] in status)

    async def job_when(
        self, job_id: str, condition: Callable[[dict[str, Any]], object]
    ) -> dict[str, Any]:
        """Wait until something is so of a job, which may not end before."""
        async with asyncio.timeout(PATIENCE):
            while not condition(job := await self.job(job_id)):
                assert job["completed_at"] is None, f"it never came to that: {job}"
                await asyncio.sleep(0.01)
        return job

    async def ended(self, job_id: str) -> dict[str, Any]:
        """Wait until a job has ended."""
        return await self.becomes(job_id, "succeeded", "failed", "cancelled")

    async def waits_for(self, job_id: str, words: str) -> dict[str, Any]:
        """Wait until a job says that it waits for something."""
        return await self.job_when(job_id, lambda job: words in (job["waiting_for"] or ""))

    async def backend(self, name: str) -> dict[str, Any]:
        """A backend as the API shows it."""
        async with self.client.get(f"/api/backends/{name}") as answer:
            backend: dict[str, Any] = await answer.json()
            return backend

    def die_at(self, event: str, count: int = 1) -> None:
        """Stop all work in the moment in which the service learns that an event is durable."""
        left = count

        def listen(_: Project, records: list[Record]) -> None:
            nonlocal left
            left -= sum(name_of(record.event) == event for record in records)
            if left <= 0:
                self.die()

        self.app[PROJECTS].listeners.append(listen)

    def die(self) -> None:
        """Stop all work now: what runs gets no further than this."""
        for task in list(self.tasks):
            task.cancel()
        self.app[PROJECTS].following.close()  # begun by requests, so not among the tasks
        self.dying.set()

    async def kill(self) -> None:
        """Be dead: no task runs any more, all connections are closed, nothing else is done."""
        if not self.dying.is_set():
            self.die()
        # What closes files on its way out may do so: nobody else would.
        while self.tasks:
            await asyncio.gather(*self.tasks, return_exceptions=True)
        for project in self.app[PROJECTS].all():  # its threads are at no work any more either
            await project.reader.run(lambda: None)
        await self.fleet._session.close()


@define(eq=False, repr=False)
class Farm:
    """A folder with a project, some backends, and one service after the other."""

    folder: Path
    boxes: dict[str, Box] = field(factory=dict)
    timing: Timing = QUICK
    limits: Timeouts = LIMITS
    _configs: list[BackendConfig] = field(factory=list)
    _running: AsyncExitStack = field(factory=AsyncExitStack)
    _services: AsyncExitStack = field(factory=AsyncExitStack)

    @property
    def project(self) -> Path:
        """The project that jobs go to."""
        return self.folder / "data" / "projects" / "default"

    async def box(self, name: str, behaviour: Behaviour | None = None, **config: Any) -> Box:
        """Add a backend."""
        box = Box(behaviour or Behaviour(previews=False), folder=self.folder / name)
        await self._running.enter_async_context(box)
        self.boxes[name] = box
        self._configs.append(
            BackendConfig(id=name, name=name, host="127.0.0.1", port=box.port, **config)
        )
        return box

    def configure(self, name: str, **changes: Any) -> None:
        """Change a backend's configuration, for the next start."""
        self._configs = [evolve(c, **changes) if c.id == name else c for c in self._configs]

    def remove(self, name: str) -> None:
        """Take a backend out of the configuration, for the next start."""
        self._configs = [c for c in self._configs if c.id != name]

    async def service(self, **timing: Any) -> Service:
        """Start the service, on the same data each time."""
        asyncio.get_running_loop().set_task_factory(_note_owner)  # type: ignore[arg-type]  # the stub knows no context
        tasks: set[asyncio.Task[Any]] = set()
        token = _OWNER.set(tasks)
        try:
            config = Config(
                data_dir=self.folder / "data",
                workflows_dir=self.folder,
                backends=tuple(self._configs),
                roots=(self.folder,),
            )
            app = await build(config, timing=evolve(self.timing, **timing), timeouts=self.limits)
            client: Client = TestClient(TestServer(app))
            await client.start_server()
        finally:
            _OWNER.reset(token)
        self._services.push_async_callback(client.close)
        return Service(client, app, tasks)

    def told(self, job_id: str | None = None, project: Path | None = None) -> list[Told]:
        """The events in the log, of one job or all."""
        found = told_in(project or self.project)
        return [t for t in found if job_id is None or t.data.get("job") == job_id]

    def story(self, job_id: str) -> list[str]:
        """What happened to a job, as the types of its events."""
        return [told.type for told in self.told(job_id)]

    def files(self, project: Path | None = None) -> list[str]:
        """All files in the project, but those of the service itself."""
        root = project or self.project
        found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
        return sorted(path.as_posix() for path in found if path.parts[0] != ".gallery")

    def staged(self) -> list[str]:
        """What lies in the staging folder."""
        found = (self.project / ".gallery" / "incoming").rglob("*")
        return sorted(path.name for path in found if path.is_file())

    def settled(self, *jobs: str, outputs: int = 1) -> None:
        """Assert that all jobs are done: each has its outputs once, and nothing else is left."""
        told = self.told()
        for job in jobs:
            stored = [
                t.data for t in told if t.type == "job.output_stored" and t.data["job"] == job
            ]
            assert len(stored) == outputs, self.story(job)
            assert all((self.project / each["path"]).is_file() for each in stored)
            assert sum(t.type == "job.succeeded" and t.data["job"] == job for t in told) == 1
        assert len(self.files()) == outputs * len(jobs), self.files()
        assert self.staged() == []
        opened = {t.data["op"] for t in told if t.type == "files.intended"}
        closed = [t.data["op"] for t in told if t.type in {"files.done", "files.failed"}]
        assert sorted(opened) == sorted(closed)

    async def close(self) -> None:
        """Stop everything."""
        await self._services.aclose()
        for box in self.boxes.values():
            box.behaves()
        await self._running.aclose()


async def foreign(box: Box, graph: dict[str, Any], prompt_id: str) -> None:
    """Somebody else sends a prompt."""
    body = {"prompt": graph, "prompt_id": prompt_id, "client_id": "somebody-else"}
    async with ClientSession() as session, session.post(f"{box.url}/prompt", json=body) as answer:
        assert answer.status == 200, await answer.text()


async def feed_of(service: Service, **query: str) -> AsyncIterator[dict[str, Any]]:
    """What the live feed says, message by message."""
    async with service.client.ws_connect("/ws/jobs", params=query) as socket:
        async for message in socket:
            yield orjson.loads(message.data)


def in_order(events: Iterable[str], *expected: str) -> bool:
    """Whether some events stand among others in this order."""
    rest = iter(events)
    return all(each in rest for each in expected)
