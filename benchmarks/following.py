"""How soon a host sees another's edit, and what it costs to follow projects in which many write."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
from attrs import frozen

from benchmarks.figures import Figure
from events.assets import AssetId
from events.codec import draft
from events.curation import AssetRated
from events.log.disk_io import DiskIO
from events.log.folder import FolderLog
from events.log.format_file import create

EDITS, WRITERS, PROJECTS = 150, 20, 10
#: How long polling is measured, in seconds.
POLLED = 20.0
PICTURE = "Panel_01/one.png"


@frozen
class Running:
    """A service process."""

    url: str
    pid: int


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def _service(folder: Path, share: Path, *, nudged: bool) -> Iterator[Running]:
    """A service of its own host, which others can nudge or not."""
    folder.mkdir(parents=True)
    port = _free_port()
    config = folder / "config.yaml"
    lines = [f"port: {port}", f"roots: [{json.dumps(str(share))}]"]
    if nudged:
        lines.append(f'public_url: "http://127.0.0.1:{port}"')
    config.write_text("\n".join(lines) + "\n")
    with subprocess.Popen(
        [sys.executable, "-m", "orchestrator", "--config", str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            yield Running(url, process.pid)
        finally:
            process.terminate()


async def _rate(session: aiohttp.ClientSession, url: str, project: Path, stars: int) -> None:
    body = {"projectPath": str(project), "filePath": PICTURE, "rating": stars}
    async with session.post(f"{url}/api/gallery/ratings", json=body) as answer:
        answer.raise_for_status()


async def _announced(session: aiohttp.ClientSession, url: str, project: Path) -> None:
    """Wait until a service has been told of the other one."""
    while True:
        query = {"projectPath": str(project)}
        async with session.get(f"{url}/api/log/status", params=query) as answer:
            told: dict[str, Any] = await answer.json()
        if any(peer["alive"] for peer in told["peers"]):
            return
        await asyncio.sleep(0.25)


async def _visible(one: Running, two: Running, project: Path) -> list[float]:
    """Seconds from the answer to an edit at one host until a watcher at the other is told of it."""
    found = []
    async with aiohttp.ClientSession() as session:
        await _rate(session, one.url, project, 1)
        await _rate(session, two.url, project, 2)
        await _announced(session, one.url, project)
        watch = two.url.replace("http", "ws", 1) + "/ws/gallery"
        async with session.ws_connect(watch, params={"projectPath": str(project)}) as told:
            await told.receive_json()
            for number in range(EDITS):
                # Not in step with the polls.
                await asyncio.sleep(0.05 + (number * 0.0137) % 0.25)
                await _rate(session, one.url, project, 3 + number % 3)
                begun = time.perf_counter()
                while (await told.receive_json())["type"] != "changes":
                    pass
                found.append(time.perf_counter() - begun)
    return found


def _seen_after(folder: Path, *, nudged: bool) -> list[float]:
    share = folder / "share"
    project = share / "Eliot"
    (project / PICTURE).parent.mkdir(parents=True)
    (project / PICTURE).write_bytes(b"\x89PNG one")
    with (
        _service(folder / "ada", share, nudged=nudged) as one,
        _service(folder / "ben", share, nudged=nudged) as two,
    ):
        return asyncio.run(_visible(one, two, project))


def _with_writers(project: Path) -> list[FolderLog]:
    """A project in which many hosts write; their logs stay open, as those of live ones do."""
    project.mkdir(parents=True)
    made = create(project / ".gallery", DiskIO())
    logs = [FolderLog(project / ".gallery", made, f"host-{number}") for number in range(WRITERS)]
    for log in logs:
        rated = AssetRated(asset=AssetId("a" * 32), stars=3)
        log.append(draft([rated], "mara")).result()
    return logs


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _watched(service: Running, projects: list[Path]) -> float:
    """Share of a core that a service takes while somebody watches all of these projects."""
    async with aiohttp.ClientSession() as session:
        sockets = []
        for project in projects:
            watch = service.url.replace("http", "ws", 1) + "/ws/gallery"
            socket_ = await session.ws_connect(watch, params={"projectPath": str(project)})
            await socket_.receive_json()
            sockets.append(socket_)
        await asyncio.sleep(5)  # looks through the folders are over
        before, begun = _cpu_seconds(service.pid), time.perf_counter()
        await asyncio.sleep(POLLED)
        used = (_cpu_seconds(service.pid) - before) / (time.perf_counter() - begun)
        for socket_ in sockets:
            await socket_.close()
    return used


def _polling(folder: Path) -> float:
    """Share of a core with many writers in many projects that are watched."""
    share = folder / "share"
    share.mkdir(parents=True)
    projects = [share / f"project-{number}" for number in range(PROJECTS)]
    with ExitStack() as stack:
        for project in projects:
            for log in _with_writers(project):
                stack.callback(log.close)
        with _service(folder / "ada", share, nudged=False) as service:
            return asyncio.run(_watched(service, projects))


def _percentile(found: list[float], hundredths: int) -> float:
    return statistics.quantiles(found, n=100)[hundredths - 1] * 1000


def run(folder: Path) -> list[Figure]:
    """All figures of this module."""
    polled = _seen_after(folder / "polled", nudged=False)
    nudged = _seen_after(folder / "nudged", nudged=True)
    busy = _polling(folder / "polling")
    return [
        Figure(
            name=f"an edit seen by another host, {how}, p{hundredths}",
            value=_percentile(found, hundredths),
            unit="ms",
            goal=goal,
        )
        for how, found, hundredths, goal in (
            ("polling", polled, 50, "<= 200"),
            ("polling", polled, 99, "<= 300"),
            ("with nudges", nudged, 50, "<= 20"),
            ("with nudges", nudged, 99, "<= 300"),
        )
    ] + [
        Figure(
            name=f"following {WRITERS} writers in each of {PROJECTS} watched projects",
            value=busy * 100,
            unit="% of a core",
            goal="<= 5",
        )
    ]
