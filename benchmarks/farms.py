"""A farm to be measured: simulated backends, and the service, each in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from attrs import define

from benchmarks.rating import on_core
from tools.simulator import Behaviour, Simulator

#: Ticks of the kernel's clock in a second of CPU time.
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """What a process has used of all cores since it began."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / _TICKS


@define(eq=False)
class Running:
    """A process, and what it said when it was ready."""

    process: subprocess.Popen[str]
    said: str

    @property
    def cpu(self) -> float:
        """Seconds of CPU time until now."""
        return cpu_seconds(self.process.pid)

    def stop(self) -> None:
        """End it as people do."""
        self.process.terminate()
        self.process.wait()

    def kill(self) -> None:
        """End it as a power cut does."""
        self.process.kill()
        self.process.wait()


@contextmanager
def running(command: Sequence[str], core: int) -> Iterator[Running]:
    """A process of ours on one core, once it has said its first line."""
    with subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        text=True,
        stderr=subprocess.DEVNULL,
        # An installed program has its bytecode; a second start finds that of the first.
        env={k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
        preexec_fn=lambda: on_core(core),
    ) as process:
        try:
            assert process.stdout is not None
            yield Running(process, process.stdout.readline().strip())
        finally:
            if process.poll() is None:
                process.kill()


@contextmanager
def simulators(count: int, folder: Path) -> Iterator[tuple[Running, list[int]]]:
    """So many simulated backends in one process on the second core, and their ports.

    In one process, because twenty interpreters would take turns on the same core anyway.
    """
    with running(["-m", "benchmarks.farms", str(count), str(folder)], core=1) as backends:
        yield backends, json.loads(backends.said)


@define(eq=False)
class Service(Running):
    """The service, as its clients see it."""

    connection: HTTPConnection

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """A request and its answer, which must be good."""
        data = None if body is None else json.dumps(body)
        self.connection.request(method, path, data, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        raw = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {raw[:500]!r}")
        return json.loads(raw)

    def count(self, *status: str) -> int:
        """How many jobs there are in any of these states; without one, in all."""
        query = "".join(f"&status={each}" for each in status)
        return int(self.ask("GET", f"/api/jobs?limit=1{query}")["total"])


@contextmanager
def service(folder: Path, ports: Sequence[int], limit: int = 2) -> Iterator[Service]:
    """The service on the first core with these backends; `folder` may be that of an earlier run.

    Args:
        folder: For its configuration and data.
        ports: Where backends listen; they are called b0, b1 and so on.
        limit: `max_concurrent_jobs` of each of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    backends = [
        {"id": f"b{n}", "name": f"b{n}", "host": "127.0.0.1", "port": port,
         "max_concurrent_jobs": limit}
        for n, port in enumerate(ports)
    ]  # fmt: skip
    config = folder / "config.yaml"
    config.write_text(json.dumps({"port": 0, "roots": [str(folder)], "backends": backends}))
    with running(["-m", "orchestrator", "--config", str(config)], core=0) as started:
        port = int(started.said.rpartition(":")[2])
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            yield Service(started.process, started.said, connection)
        finally:
            connection.close()


def until(condition: Callable[[], bool], seconds: float = 300.0, pause: float = 0.05) -> float:
    """Wait for something; how long that took, in seconds."""
    begin = perf_counter()
    while not condition():
        if perf_counter() - begin > seconds:
            raise SystemExit("the farm stands still")
        sleep(pause)
    return perf_counter() - begin


def checkpointed(data: Path) -> None:
    """Wait until the state of a large log has been saved: that takes a thread, and the processor.

    Args:
        data: The service's `data_dir`.
    """
    until(lambda: any(f.suffix != ".part" for f in data.glob("cache/*/checkpoint-*")), pause=0.2)


def all_online(farm: Service, count: int) -> None:
    """Wait until so many backends answer."""
    until(lambda: farm.ask("GET", "/health")["backends_online"] == count)


def graph(seconds: float, *, steps: int = 0) -> dict[str, Any]:
    """A workflow that takes so long; with `steps` it tells of each, and heeds interrupts."""
    empty = {"width": 64, "height": 64, "batch_size": 1, "color": 255}
    wait: dict[str, Any] = {"image": ["1", 0], "seconds": seconds, "seed": 0}
    if steps:
        wait |= {"steps": steps, "preview": False, "interruptible": True}
    return {
        "1": {"class_type": "EmptyImage", "inputs": empty},
        "2": {"class_type": "TestSleep" if steps else "TestAsyncSleep", "inputs": wait},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
    }


async def simulate(count: int, folder: Path) -> None:
    """Run so many simulators; print their ports as JSON."""
    async with AsyncExitStack() as stack:
        made = [Simulator(Behaviour(), folder=folder / f"b{n}") for n in range(count)]
        for simulator in made:
            await stack.enter_async_context(simulator)
        print(json.dumps([simulator.port for simulator in made]), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(simulate(int(sys.argv[1]), Path(sys.argv[2])))
