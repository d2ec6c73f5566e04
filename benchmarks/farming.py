"""A thousand jobs over twenty simulated backends, against a client that does nothing but feed them.

The client keeps one prompt queued behind the one that runs, as the service does, hears of the end
over its socket, reads the history and fetches the output. It keeps nothing: no log, no file.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
from attrs import frozen

from benchmarks.farms import all_online, cpu_seconds, graph, service, simulators, until
from benchmarks.figures import Figure
from benchmarks.rating import on_core

JOBS, BACKENDS, SECONDS, ROUNDS = 1_000, 20, 0.05, 3
#: Jobs of one group; the service takes no more.
GROUP = 500
#: Prompts at a time on one backend: one runs, one waits behind it.
INSIDE = 2


@frozen
class Round:
    """What one run of all jobs took."""

    #: Jobs per second, from the first request to the last output.
    rate: float
    #: Cores that were busy meanwhile.
    cores: float
    #: The same for the simulators.
    simulators: float


def ours(folder: Path) -> Round:
    """The jobs through the service: submitted, rendered, fetched, logged."""
    with (
        simulators(BACKENDS, folder / "backends") as (backends, ports),
        service(folder / "service", ports, limit=INSIDE) as farm,
    ):
        all_online(farm, BACKENDS)
        begin, cpu, theirs = perf_counter(), farm.cpu, backends.cpu
        for _ in range(JOBS // GROUP):
            asked = {"count": GROUP, "workflow_json": graph(SECONDS)}
            farm.ask("POST", "/api/job-groups", asked)
        until(lambda: farm.count("succeeded", "failed", "cancelled") == JOBS)
        took = perf_counter() - begin
        assert farm.count("succeeded") == JOBS
        return Round(JOBS / took, (farm.cpu - cpu) / took, (backends.cpu - theirs) / took)


def bare(folder: Path) -> Round:
    """The jobs through the bare client."""
    with simulators(BACKENDS, folder / "backends") as (backends, ports):
        theirs = backends.cpu
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.farming", *map(str, ports)],
            capture_output=True,
            text=True,
            check=True,
            preexec_fn=lambda: on_core(0),
        )
        found = json.loads(done.stdout)
        took = found["seconds"]
        return Round(JOBS / took, found["cpu"] / took, (backends.cpu - theirs) / took)


def run(folder: Path) -> list[Figure]:
    """All figures of this module."""
    rounds = [
        (ours(folder / f"ours{number}"), bare(folder / f"bare{number}")) for number in range(ROUNDS)
    ]
    rate = statistics.median(us.rate for us, _ in rounds)
    alone = statistics.median(them.rate for _, them in rounds)
    busy = statistics.median(them.simulators for _, them in rounds)
    loaded = statistics.median(us.simulators for us, _ in rounds)
    print(
        f"simulators: {busy:.2f} cores under the bare client, {loaded:.2f} under the service;"
        f" ideal {BACKENDS / SECONDS:.0f} jobs/s",
        file=sys.stderr,
    )
    return [
        Figure(
            name=f"{JOBS:,} jobs of {1000 * SECONDS:.0f} ms over {BACKENDS} backends",
            value=rate,
            unit="jobs/s",
            reference=alone,
            reference_name="bare aiohttp client on the same backends",
            goal=">= 0.8",
        ),
        Figure(
            name="the service's CPU meanwhile",
            value=statistics.median(us.cores for us, _ in rounds),
            unit="cores",
            goal="<= 1.5",
        ),
    ]


async def _feed(session: aiohttp.ClientSession, port: int, seeds: list[int]) -> None:
    """Keep one backend busy as long as there are seeds; fetch what it makes."""
    base, client = f"http://127.0.0.1:{port}", uuid4().hex
    open_: set[asyncio.Task[None]] = set()
    inside = asyncio.Semaphore(INSIDE)

    async def fetch(prompt: str) -> None:
        async with session.get(f"{base}/history/{prompt}") as answer:
            entry = orjson.loads(await answer.read())[prompt]
        for made in entry["outputs"]["3"]["images"]:
            async with session.get(f"{base}/view", params=made) as answer:
                assert len(await answer.read()) > 0

    async with session.ws_connect(f"{base}/ws", params={"clientId": client}) as socket:

        async def listen() -> None:
            async for message in socket:
                frame: dict[str, Any] = orjson.loads(message.data)
                if frame["type"] == "executing" and frame["data"]["node"] is None:
                    inside.release()
                    task = asyncio.create_task(fetch(frame["data"]["prompt_id"]))
                    open_.add(task)
                    task.add_done_callback(open_.discard)

        listening = asyncio.create_task(listen())
        while seeds:
            await inside.acquire()
            if not seeds:
                inside.release()
                break
            prompt = graph(SECONDS)
            prompt["2"]["inputs"]["seed"] = seeds.pop()
            prompt["3"]["inputs"]["filename_prefix"] = f"job-{uuid4()}/a1"
            body = {"prompt": prompt, "prompt_id": str(uuid4()), "client_id": client}
            async with session.post(f"{base}/prompt", data=orjson.dumps(body)) as answer:
                assert answer.status == 200
        for _ in range(INSIDE):
            await inside.acquire()
        await asyncio.gather(*open_)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _bare(ports: list[int]) -> None:
    """Feed all backends; print how long it took."""
    seeds = list(range(JOBS))
    async with aiohttp.ClientSession() as session:
        begin, cpu = perf_counter(), cpu_seconds(os.getpid())
        await asyncio.gather(*(_feed(session, port, seeds) for port in ports))
        took = perf_counter() - begin
    print(json.dumps({"seconds": took, "cpu": cpu_seconds(os.getpid()) - cpu}))


if __name__ == "__main__":
    asyncio.run(_bare([int(port) for port in sys.argv[1:]]))
