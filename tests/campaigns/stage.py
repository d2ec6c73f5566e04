"""The farm of a campaign: backends that note what they are asked, services, and a visitor."""

from __future__ import annotations

import asyncio
import errno
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import hdrs
from aiohttp.test_utils import TestClient, TestServer
from attrs import define, field
from PIL import Image

from orchestrator.app import build
from orchestrator.comfyui.transport import Timeouts
from orchestrator.config import BackendConfig, Config
from orchestrator.scheduling.timing import Timing
from tests.campaigns.graphs import PLATE
from tests.campaigns.plan import BACKENDS
from tests.comfyui_real.servers import free_port
from tests.scheduling import rig
from tests.scheduling.graphs import slow
from tools.simulator import Behaviour

#: As short as a busy machine allows: a campaign has hundreds of nights.
TIMING = Timing(
    poll_active=0.05,
    poll_idle=0.08,
    poll_away=0.1,
    stats=1.0,
    absent=0.12,
    absent_after_unknown=0.6,
    unreachable=0.3,
    refused=0.25,
    worker_dead=0.3,
    mute=0.2,
    withdraw_round=0.04,
    withdraw_limit=0.5,
    probe_first=0.15,
    probe_most=0.6,
    probe_limit=1.0,
    retry_first=0.02,
    retry_most=0.1,
    sweep=1.0,
    heartbeat=0.1,
)
LIMITS = Timeouts(connect=1.0, control=0.5, submit=0.5, stall=0.5, withdraw=1.0)
#: What somebody else's requests say of who sends them.
VISITOR = "visitor"


@define(eq=False, repr=False)
class Node(rig.Box):
    """A backend that knows what went wrong with it."""

    #: What went wrong with it so far, by the names of the plan.
    suffered: Counter[str] = field(factory=Counter, init=False)

    @property
    def answers(self) -> bool:
        """Whether somebody who calls would be answered."""
        up = self.state()["listening"] and self.plugged_in.is_set()
        return up and self.memory.not_hung.is_set()

    def of_hosts(self) -> list[str]:
        """Prompts of any of our hosts that wait or run there now."""
        queue = self.memory.queue
        items = (*queue.running.values(), *queue.pending)
        return [item[1] for item in items if "orchestrator" in item[3]]

    def executed_jobs(self) -> list[str]:
        """Jobs whose prompts run there now."""
        running = self.memory.queue.running.values()
        return [item[3]["orchestrator"]["job"] for item in running if "orchestrator" in item[3]]


@define(eq=False, repr=False)
class Host:
    """A computer that runs the service, one life after the other, on the same data."""

    stage: Stage
    name: str
    service: rig.Service = field(init=False)
    #: Held by whoever asks for something, and by whoever kills the service.
    turn: asyncio.Lock = field(factory=asyncio.Lock)
    kills: int = 0

    @property
    def id(self) -> str:
        """Its id, which its prompts carry."""
        return self.service.dispatcher.host.id

    async def start(self) -> None:
        """Begin a life."""
        asyncio.get_running_loop().set_task_factory(rig._note_owner)  # type: ignore[arg-type]  # the stub knows no context
        tasks: set[asyncio.Task[Any]] = set()
        token = rig._OWNER.set(tasks)
        try:
            config = Config(
                data_dir=self.stage.folder / self.name,
                workflows_dir=self.stage.folder,
                backends=self.stage.configs,
                roots=(self.stage.nas,),
            )
            app = await build(config, timing=self.stage.timing, timeouts=LIMITS)
            client: rig.Client = TestClient(TestServer(app))
            await client.start_server()
        finally:
            rig._OWNER.reset(token)
        self.service = rig.Service(client, app, tasks)
        # So that the backends can tell who deleted or interrupted what.
        session = self.service.fleet.all()[0].client._http._session
        session.headers[hdrs.USER_AGENT] = self.id
        self.stage.services.push_async_callback(client.close)

    async def kill(self, down: float) -> None:
        """The power fails; it is back after some seconds."""
        async with self.turn:
            self.kills += 1
            await self.service.kill()
            await asyncio.sleep(down)
            await self.start()

    async def post(self, path: str, body: dict[str, Any], actor: str) -> dict[str, Any]:
        """Ask for something; what was answered."""
        async with self.turn:
            while True:
                headers = {"X-Actor": actor}
                async with self.service.client.post(path, json=body, headers=headers) as answer:
                    told: dict[str, Any] = await answer.json()
                    if answer.status != 503:  # after a start, as soon as it can
                        return told | {"http": answer.status}
                await asyncio.sleep(0.01)

    def is_quiet(self) -> bool:
        """Whether it works on nothing, and expects no late results."""
        if any(self.service.dispatcher._late._adrift.values()):
            return False
        names = [task.get_name() for task in self.service.tasks]
        return not any(name.startswith(("late ", "stray ", "restore ")) for name in names)


@define(eq=False, repr=False)
class Stage:
    """A share with one project, five backends, and hosts."""

    folder: Path
    timing: Timing = TIMING
    nodes: dict[str, Node] = field(factory=dict)
    hosts: list[Host] = field(factory=list)
    configs: tuple[BackendConfig, ...] = ()
    services: AsyncExitStack = field(factory=AsyncExitStack)
    #: Prompts of the visitor that a backend took, by backend.
    visits: dict[str, list[str]] = field(factory=dict)
    #: Longest time in which this process did nothing of what was due, in seconds: it, and not a
    #: backend, may then be the reason for an answer that did not come in time.
    lag: float = 0.0
    _running: AsyncExitStack = field(factory=AsyncExitStack)
    _watch: asyncio.Task[None] = field(init=False)

    @property
    def nas(self) -> Path:
        """What all hosts may touch."""
        return self.folder / "nas"

    @property
    def project(self) -> Path:
        """The one project."""
        return self.nas / "film"

    async def __aenter__(self) -> Self:
        """Set it up, without a host."""
        plate = self.project / PLATE
        plate.parent.mkdir(parents=True)
        Image.new("RGB", (16, 8), (10, 20, 200)).save(plate)
        for name in BACKENDS:
            self.nodes[name] = await self._node(name)
        self.configs = tuple(
            BackendConfig(id=n, name=n, host="127.0.0.1", port=node.port, max_concurrent_jobs=2)
            for n, node in self.nodes.items()
        )
        self._watch = asyncio.create_task(self._measure_lag())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take it down."""
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)
        for node in self.nodes.values():
            node.plug_in()
            node.release()
        await self.services.aclose()
        await self._running.aclose()

    async def _node(self, name: str) -> Node:
        behaviour = Behaviour(previews=False, restart_after=0.1)
        while True:
            # No port that outgoing connections get: one would be taken while its backend is down.
            node = Node(behaviour, folder=self.folder / name, port=free_port())
            try:
                return await self._running.enter_async_context(node)
            except OSError as exc:
                if exc.errno != errno.EADDRINUSE:
                    raise

    async def host(self, name: str) -> Host:
        """Start one more host."""
        host = Host(self, name)
        await host.start()
        self.hosts.append(host)
        return host

    async def visit(self, backend: str, seconds: float) -> None:
        """Somebody else sends a prompt; a backend that does not answer gets none."""
        node = self.nodes[backend]
        if not node.answers:
            return
        taken = self.visits.setdefault(backend, [])
        prompt_id = f"theirs-{backend}-{len(taken)}"
        headers = {hdrs.USER_AGENT: VISITOR}
        body = {"prompt": slow(seconds), "prompt_id": prompt_id, "client_id": VISITOR}
        limits = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(headers=headers, timeout=limits) as session:
            try:
                async with session.post(f"{node.url}/prompt", json=body) as answer:
                    if answer.status == 200:
                        taken.append(prompt_id)
            except (aiohttp.ClientError, TimeoutError):
                return  # one of the faults took it

    def told(self) -> list[rig.Told]:
        """The events in the project's log."""
        return rig.told_in(self.project)

    def files(self) -> list[str]:
        """All pictures of the project, but the plate."""
        found = (p for p in self.project.rglob("*") if p.is_file())
        names = (path.relative_to(self.project).as_posix() for path in found)
        return sorted(n for n in names if not n.startswith(".gallery/") and n != PLATE)

    def staged(self) -> list[str]:
        """What lies in the staging folders."""
        found = (self.project / ".gallery" / "incoming").rglob("*")
        return sorted(path.name for path in found if path.is_file())

    async def _measure_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + 0.01
            await asyncio.sleep(0.01)
            self.lag = max(self.lag, loop.time() - due)
