"""Progress of 50 running jobs at 10 frames a second, told to 200 watchers: what it costs."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter, process_time

import structlog
from aiohttp import web
from attrs import evolve

from benchmarks.figures import Figure, best_of
from benchmarks.rating import on_core

JOBS, FRAMES, WATCHERS, SECONDS, ROUNDS = 50, 10, 200, 8.0, 3


async def watch(port: int, path: str, heard: list[int]) -> None:
    """One watcher: it counts the messages that it gets, and understands none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    while data := await reader.read(1 << 16):
        heard[0] += data.count(b'_progress"')


async def measure(service: subprocess.Popen[str]) -> float:
    """Cores that the service takes, once all watch."""
    assert service.stdin is not None
    assert service.stdout is not None
    told = json.loads(await asyncio.to_thread(service.stdout.readline))
    heard = [0]
    watchers = [
        asyncio.create_task(watch(told["port"], told["path"], heard)) for _ in range(WATCHERS)
    ]
    await asyncio.sleep(1.0)
    service.stdin.write("go\n")
    service.stdin.flush()
    cores = float(await asyncio.to_thread(service.stdout.readline))
    # Of two frames of one moment only the last is told.
    least = 0.5 * WATCHERS * JOBS * FRAMES * SECONDS
    assert heard[0] >= least, f"only {heard[0]} messages came of {least}"
    for watcher in watchers:
        watcher.cancel()
    await asyncio.gather(*watchers, return_exceptions=True)
    return cores


def cores_of(folder: Path, kind: str) -> float:
    """Start a service, watch it, and stop it."""
    folder.mkdir()
    command = [sys.executable, "-m", "benchmarks.watching", str(folder), kind]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: on_core(0),
    ) as service:
        return asyncio.run(measure(service))


def run(folder: Path) -> list[Figure]:
    """All figures of this module."""
    numbers = iter(range(2 * ROUNDS))

    def of(kind: str) -> float:
        return best_of(ROUNDS, lambda: cores_of(folder / f"service_{next(numbers)}", kind))

    return [
        Figure(name=f"progress of {JOBS} jobs to {WATCHERS} watchers of {name}", value=of(kind),
               unit="cores", goal="<= 0.5")
        for kind, name in (("group", "their group"), ("jobs", "all jobs"))
    ]  # fmt: skip


async def serve(folder: Path, kind: str) -> None:
    """The service with one group of jobs, whose progress it makes up once it is told to."""
    from orchestrator.app import build
    from orchestrator.comfyui.progress import ProgressTracker
    from orchestrator.config import Config
    from orchestrator.groups.asking import GroupSubmission
    from orchestrator.jobs import Submission
    from orchestrator.scheduling.dispatcher import JobNews
    from orchestrator.serve import runner_of
    from orchestrator.services import GROUPS, JOB_FEED

    # What is printed is for the parent.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    app = await build(Config(data_dir=folder / "data", workflows_dir=folder, roots=(folder,)))
    runner = runner_of(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    graph = {"3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 200}}}
    asked = GroupSubmission(common=Submission(workflow_id=None, graph=graph), count=JOBS)
    found = (await app[GROUPS].submit(asked, "bench")).found
    jobs = [(job_id, job) for job_id, job in found.project.view.jobs()]
    path = "/ws/jobs" if kind == "jobs" else f"/ws/job-groups/{found.group_id}"
    print(json.dumps({"port": runner.addresses[0][1], "path": path}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    begun, busy = perf_counter(), process_time()
    for number in range(int(SECONDS * FRAMES * JOBS)):
        job_id, job = jobs[number % JOBS]
        step = number // JOBS
        tracker = ProgressTracker(prompt_id="p", node_count=7, node="3")
        tracker = evolve(tracker, percent=min(99.0, step), current_step=f"{step}/200")
        news = JobNews(found.project.root, job_id, job, tracker, state_changed=False)
        app[JOB_FEED].publish(news)
        due = begun + (number + 1) / (FRAMES * JOBS)
        await asyncio.sleep(max(0.0, due - perf_counter()))
    await asyncio.sleep(0.2)
    print((process_time() - busy) / (perf_counter() - begun), flush=True)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))
