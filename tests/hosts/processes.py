"""The real service of one host as a process of its own: started, killed, stopped, restarted.

Each is forked off a process that has imported everything and run nothing: a start then takes a
tenth of the time, and hundreds of kills are a matter of a minute or two.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import orjson
import yaml
from attrs import define, field

#: Seconds that no start and no stop on a busy machine takes; who waits longer waits for ever.
GUARD = 60

_STARTER = multiprocessing.get_context("forkserver")
_STARTER.set_forkserver_preload(["tests.hosts.processes", "orchestrator.serve"])


def _serve(config: Path, said: Path, announce: Connection) -> None:
    """Be the service, as `python -m orchestrator --config` is."""
    from orchestrator.serve import main  # only here: whoever starts services needs none of it

    with said.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    gc.disable()
    sys.exit(main(config, announce=announce.send))


@define(eq=False)
class Host:
    """A host with its own data folder, and the project folder as it sees that."""

    name: str
    #: Where its configuration, data and log files lie: its local disk.
    home: Path
    #: The project's folder; another host may see it under another path.
    project: Path
    #: What stands in config.yaml besides.
    config: dict[str, object] = field(factory=dict)
    #: Where it listens; "" while it is down. Another port after each start.
    url: str = field(default="", init=False)
    #: The most memory that any of its processes had (bytes), as far as was looked.
    memory: int = field(default=0, init=False)
    _process: ForkServerProcess | None = field(default=None, init=False)

    async def start(self) -> None:
        """Start it, and wait until it says where it listens."""
        self.url = await asyncio.to_thread(self._start)

    def _start(self) -> str:
        config = self._prepare()
        here, there = _STARTER.Pipe(duplex=False)
        with here:
            with there:
                arguments = (config, self.home / "stderr", there)
                self._process = _STARTER.Process(target=_serve, args=arguments, daemon=True)
                self._process.start()
            # Readable, too, if it ended without a word.
            assert here.poll(GUARD), f"{self.name} does not start:\n{self.tail()}"
            try:
                return str(here.recv())
            except EOFError as exc:
                message = f"{self.name} did not start:\n{self.tail()}"
                raise AssertionError(message) from exc

    def _prepare(self) -> Path:
        data = self.home / "data"
        data.mkdir(parents=True, exist_ok=True)
        identity = data / "host.json"
        if not identity.exists():
            identity.write_bytes(orjson.dumps({"id": self.name, "name": self.name}))
        path = self.home / "config.yaml"
        told = {
            "port": 0,
            "data_dir": str(data),
            "log_dir": str(self.home / "logs"),
            "roots": [str(self.project.parent)],
            **self.config,
        }
        path.write_text(yaml.safe_dump(told), encoding="utf-8")
        return path

    async def kill9(self) -> None:
        """Kill it: nothing can be finished or said. Harmless if it is down."""
        self.url = ""
        if self._process is not None and self._process.is_alive():
            self._look_at_memory()
            self._process.kill()
            await self._end()

    async def stop(self) -> int | None:
        """Ask it to stop; its exit code."""
        assert self._process is not None, "it was never started"
        self._look_at_memory()
        self.url = ""
        self._process.terminate()
        return await self._end()

    async def _end(self) -> int | None:
        assert self._process is not None
        await asyncio.to_thread(self._process.join, GUARD)
        code = self._process.exitcode
        assert code is not None, f"{self.name} does not stop:\n{self.tail()}"
        self._process.close()
        self._process = None
        return code

    async def restart(self) -> None:
        """Kill it, and start it at once."""
        await self.kill9()
        await self.start()

    def _look_at_memory(self) -> None:
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status")
        if status.exists():  # Linux
            peak = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
            self.memory = max([self.memory, *(int(line.split()[1]) << 10 for line in peak)])

    def tail(self, lines: int = 40) -> str:
        """The end of what it said on the terminal."""
        said = self.home / "stderr"
        text = said.read_text(errors="replace") if said.exists() else "(it said nothing)"
        return "\n".join(text.splitlines()[-lines:])

    def complaints(self) -> list[str]:
        """What its own log calls an error: faults of ours."""
        files = (self.home / "logs").glob("orchestrator.log*")
        lines = [orjson.loads(line) for file in files for line in file.read_bytes().splitlines()]
        bad = [line for line in lines if line.get("level") in {"error", "critical"}]
        return [f"{line.get('event')}: {str(line.get('exception', line))[-1500:]}" for line in bad]


@asynccontextmanager
async def running(*hosts: Host) -> AsyncIterator[Sequence[Host]]:
    """Hosts that are up; whatever happens, none is left running."""
    async with AsyncExitStack() as stack:
        for host in hosts:
            stack.push_async_callback(host.kill9)
        await asyncio.gather(*(host.start() for host in hosts))
        yield hosts
