"""A simulated ComfyUI that can be started, stopped, hung, crashed and brought back."""

from __future__ import annotations

import asyncio
import random
import signal
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from attrs import asdict, define, field

from tools.simulator.app import build
from tools.simulator.behaviour import Behaviour
from tools.simulator.incidents import Incident
from tools.simulator.memory import Memory
from tools.simulator.store import Store
from tools.simulator.worker import Worker


@define(eq=False)
class Simulator:
    """One simulated server; use it as `async with Simulator(behaviour, folder=path) as sim`.

    It may run inside a test's own event loop. `folder` gets input, output, temp and models.
    With port 0 a free port is taken at the start, and kept over crashes.
    """

    behaviour: Behaviour = field(factory=Behaviour)
    folder: Path = field(kw_only=True, converter=Path)
    host: str = field(default="127.0.0.1", kw_only=True)
    port: int = field(default=0, kw_only=True)
    #: Prompts that began to run, oldest first, over all crashes.
    started: list[str] = field(factory=list, init=False)
    #: What happened to prompts, oldest first, over all crashes.
    incidents: list[Incident] = field(factory=list, init=False)
    #: Cleared while the cable is out.
    plugged_in: asyncio.Event = field(factory=asyncio.Event, init=False)
    memory: Memory = field(init=False)
    #: The only source of chance.
    chance: random.Random = field(init=False)
    store: Store = field(init=False)
    _runner: web.AppRunner | None = field(default=None, init=False)
    _site: web.TCPSite | None = field(default=None, init=False)
    _worker: asyncio.Task[None] | None = field(default=None, init=False)
    _publisher: asyncio.Task[None] | None = field(default=None, init=False)
    _tasks: set[asyncio.Task[None]] = field(factory=set, init=False)
    #: Held while it begins or ends to live or to listen: faults may overlap.
    _turn: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self.plugged_in.set()
        self.memory = self._new_memory()
        self.chance = random.Random(self.behaviour.seed)
        self.store = Store(self.folder, self.chance)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def start(self) -> None:
        """Make the folders and listen.

        Raises:
            OSError: the port is taken, or the folder cannot be written.
        """
        self._runner = web.AppRunner(build(self), access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await self._live()
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Cut all connections and end; files stay."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self._die()
        finally:
            if self._runner is not None:
                await self._runner.cleanup()
                self._runner = None

    # Faults.

    def hang(self) -> None:
        """Stand still as if stopped by SIGSTOP: connections open, nothing is answered."""
        self.memory.not_hung.clear()

    def release(self) -> None:
        """Go on after `hang`; requests that came meanwhile are worked off, abandoned ones too."""
        self.memory.not_hung.set()

    def unplug(self) -> None:
        """Pull the cable: nothing comes in or goes out, connections stay, the worker goes on."""
        self.plugged_in.clear()
        self.memory.hub.flowing.clear()

    def plug_in(self) -> None:
        """Put it back: what came meanwhile has never arrived, frames come late."""
        self.plugged_in.set()
        self.memory.hub.flowing.set()

    def stall_frames(self) -> None:
        """A client that does not read holds up everybody's frames; all else goes on."""
        self.memory.hub.flowing.clear()

    def flow_frames(self) -> None:
        """It has left: the frames come late."""
        self.memory.hub.flowing.set()

    def silence_sockets(self) -> int:
        """Forget who listens, as after a late close; sockets stay open. How many there were."""
        return self.memory.hub.silence()

    async def refuse(self) -> None:
        """Stop listening and cut all connections; the worker goes on."""
        async with self._turn:
            await self._refuse()

    async def accept(self) -> None:
        """Listen again after `refuse`, on the same port."""
        async with self._turn:
            await self._accept()

    async def crash(self) -> None:
        """Die as by SIGKILL, and stay down: all but the files is lost, sockets end with 1006."""
        await self._die()

    async def revive(self) -> None:
        """Start again after `crash`: empty, from number 0, with an empty temp folder."""
        await self._live()

    async def lose_memory(self, down_for: float = 0.0) -> None:
        """Crash, stay down for some seconds, and start again."""
        await self._die()
        await asyncio.sleep(down_for)
        await self._live()

    def kill_worker(self) -> None:
        """End the worker thread; HTTP stays healthy, nothing runs again until a crash."""
        if self._worker is not None:
            self._worker.cancel()

    def drop_sockets(self) -> int:
        """Cut all WebSockets, so that clients see 1006; how many there were."""
        transports = list(self.memory.hub.transports)
        for transport in transports:
            transport.abort()
        return len(transports)

    async def delete_output(self, filename: str, subfolder: str = "", kind: str = "output") -> bool:
        """Remove a file behind the server's back; False if there is none."""
        return await asyncio.to_thread(self.store.delete, filename, subfolder, kind)

    def later(self, seconds: float, action: Callable[[], Awaitable[None]]) -> None:
        """Do something after some seconds, unless the simulator is stopped before."""

        async def wait() -> None:
            await asyncio.sleep(seconds)
            await action()

        task = asyncio.create_task(wait())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # What handlers ask.

    def features(self) -> dict[str, Any]:
        """The answer of GET /features and of the `feature_flags` frame."""
        size = self.behaviour.max_upload_size
        return {"supports_preview_metadata": True, "max_upload_size": size}

    def state(self) -> dict[str, Any]:
        """What it is doing, for GET /simulator."""
        queue = self.memory.queue
        return {
            "behaviour": self.behaviour.to_dict(),
            "running": [item[1] for item in queue.running.values()],
            "pending": [item[1] for item in sorted(queue.pending, key=lambda item: item[:2])],
            "ended": list(queue.history),
            "started": list(self.started),
            "incidents": [asdict(incident) for incident in self.incidents],
            "sockets": list(self.memory.hub.sockets),
            "hung": not self.memory.not_hung.is_set(),
            "listening": self._site is not None,
            "worker_alive": self._worker is not None and not self._worker.done(),
        }

    # Life and death.

    def _new_memory(self) -> Memory:
        return Memory(self.behaviour, started=self.started, incidents=self.incidents)

    async def _refuse(self) -> None:
        if self._site is not None:
            await self._site.stop()
            self._site = None
        self._cut_connections()

    async def _accept(self) -> None:
        if self._site is None and self._runner is not None:
            site = web.TCPSite(self._runner, self.host, self.port, reuse_address=True)
            await site.start()
            self._site = site
            if self.port == 0:
                self.port = self._runner.addresses[0][1]

    async def _live(self) -> None:
        async with self._turn:
            await self._begin()

    async def _die(self) -> None:
        async with self._turn:
            await self._end()

    async def _begin(self) -> None:
        if self._publisher is not None:
            return
        await asyncio.to_thread(self.store.start)
        worker = Worker(self.memory, self.behaviour, self.store, self.chance, self._crashed)
        self._publisher = asyncio.create_task(self.memory.hub.publish())
        self._worker = asyncio.create_task(worker.run())
        await self._accept()

    async def _end(self) -> None:
        """Forget everything. A fault of the worker's own code, if there was one, rises here."""
        ended = [task for task in (self._publisher, self._worker) if task is not None]
        self._publisher = self._worker = None
        for task in ended:
            task.cancel()
        results = await asyncio.gather(*ended, return_exceptions=True)
        dead, self.memory = self.memory, self._new_memory()
        dead.die()
        await self._refuse()
        dead.not_hung.set()
        for result in results:
            if isinstance(result, Exception):
                raise result

    def _cut_connections(self) -> None:
        if self._runner is None or self._runner.server is None:
            return
        for connection in self._runner.server.connections:
            if isinstance(connection.transport, asyncio.Transport):
                connection.transport.abort()

    def _crashed(self) -> None:
        """A node killed the process: go down, and come back as the behaviour says."""
        after = self.behaviour.restart_after

        async def restart() -> None:
            await self.crash()
            if after >= 0:
                await asyncio.sleep(after)
                await self.revive()

        self.later(0, restart)


def run(
    host: str,
    port: int,
    folder: Path,
    behaviour: Behaviour,
    *,
    announce: Callable[[str], None],
) -> None:
    """Serve in this process until SIGINT or SIGTERM; then stop cleanly.

    Args:
        host: the address to listen on.
        port: the port, or 0 for a free one.
        folder: where input, output, temp and models are kept.
        behaviour: options, which `/simulator/...` can change later if it is enabled.
        announce: gets the URL once connections are taken.

    Raises:
        OSError: the port is taken, or the folder cannot be written.
    """
    asyncio.run(_serve(Simulator(behaviour, folder=folder, host=host, port=port), announce))


async def _serve(simulator: Simulator, announce: Callable[[str], None]) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            # Unlike loop.add_signal_handler, this works on Windows too.
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    async with simulator:
        announce(simulator.url)
        await stopped.wait()
