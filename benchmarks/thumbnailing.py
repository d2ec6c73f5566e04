"""Thumbnails made, against Pillow alone; one that is kept, against a static file of its size."""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from time import perf_counter
from urllib.parse import quote

from PIL import Image, ImageChops

from benchmarks.figures import Figure, seconds
from benchmarks.load import Client
from benchmarks.rating import on_core, service, serving
from orchestrator.gallery.thumbnails.service import Thumbnails
from orchestrator.gallery.thumbnails.spec import USUAL, Spec
from orchestrator.paths.roots import Roots

PNGS, JPEGS, WIDTH, HEIGHT = 32, 16, 1920, 1080
ROUNDS, SECONDS = 5, 2.0
#: As many as a browser opens.
CONNECTIONS = 6


def sample(folder: Path) -> list[Path]:
    """Renders of 1080p, with as much detail as makes PNGs of 5 MB."""
    folder.mkdir(parents=True)
    chance = random.Random(1)
    noise = Image.effect_noise((WIDTH, HEIGHT), 12).convert("RGB")
    paths = []
    for number in range(PNGS + JPEGS):
        wide, high = WIDTH // 24, HEIGHT // 24
        rough = Image.frombytes("RGB", (wide, high), chance.randbytes(wide * high * 3))
        smooth = rough.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        path = folder / f"{number:03}.{'png' if number < PNGS else 'jpg'}"
        ImageChops.add(smooth, noise, 1, -128).save(path, quality=92, compress_level=4)
        paths.append(path)
    return paths


def by_pillow(path: Path) -> bytes:
    """The least that a thumbnail takes, with the same settings."""
    data = BytesIO()
    with Image.open(path) as image:
        image.draft(None, (USUAL * 3 // 2, USUAL * 3 // 2))
        image.thumbnail((USUAL, USUAL), Image.Resampling.LANCZOS, reducing_gap=2.0)
        image.save(data, "WEBP", quality=80, method=2)
    return data.getvalue()


def alone(paths: Iterable[Path], cores: int) -> None:
    """Pillow on all cores, and nothing else."""
    with ThreadPoolExecutor(cores) as threads:
        for _ in threads.map(by_pillow, paths):
            pass


async def ours(paths: list[Path], cores: int, cache: Path) -> None:
    """As requests come in: checked, looked at, made, kept."""
    thumbnails = Thumbnails(Roots((paths[0].parent,)), cache, cores=cores)
    await asyncio.gather(*(thumbnails.get(str(path), Spec()) for path in paths))
    await thumbnails.close()


def making(folder: Path) -> Figure:
    """Pictures a second, none of them known."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert cores is not None
    paths = sample(folder / "renders")
    times = []
    for number in range(ROUNDS):
        reference = seconds(lambda: alone(paths, cores))
        cache = folder / f"cache-{number}"
        times.append((reference, seconds(lambda: asyncio.run(ours(paths, cores, cache)))))  # noqa: B023 # called at once
    bare, made = (statistics.median(column) for column in zip(*times, strict=True))
    return Figure(
        name=f"thumbnails made, {cores} cores",
        value=len(paths) / made,
        unit="pictures/s",
        reference=len(paths) / bare,
        reference_name="Pillow in as many threads",
        goal=">= 0.85",
    )


def kept(folder: Path) -> list[Figure]:
    """A thumbnail that is there, and a static file with the same bytes."""
    project = folder / "share" / "Project"
    picture = sample(project)[0]
    static = project / "static.webp"
    static.write_bytes(by_pillow(picture))
    thumbnail = f"/api/thumbnail?path={quote(str(picture))}"
    as_it_is = f"/api/serve-image?path={quote(str(static))}"
    with (
        serving(["-m", "benchmarks.thumbnailing", "serve"]) as bare_port,
        service(folder / "service", project) as port,
    ):
        asked = [(port, thumbnail), (bare_port, quote(str(static))), (port, as_it_is)]
        rounds = [[load(*one) for one in asked] for _ in range(ROUNDS + 1)][1:]
    found, bare, served = (statistics.median(column) for column in zip(*rounds, strict=True))
    return [
        Figure(
            name=f"a kept thumbnail, p50 of {CONNECTIONS} connections",
            value=found * 1000,
            unit="ms",
            reference=served * 1000,
            reference_name="the same bytes as a file, by serve-image",
            goal="<= 2",
        ),
        Figure(
            name="the same",
            value=found * 1000,
            unit="ms",
            reference=bare * 1000,
            reference_name="bare aiohttp that reads the file and checks nothing",
            goal="<= 2",
        ),
    ]


def load(port: int, target: str) -> float:
    """The median time of a GET, measured by a process on a core of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.thumbnailing", "load", str(port), target],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: on_core(1),
    )
    found: float = json.loads(done.stdout)
    return found


def run(folder: Path) -> list[Figure]:
    """All figures of this module."""
    return [making(folder), *kept(folder)]


async def _serve() -> None:
    """The least that a file takes: read in a thread, and sent. Nothing is checked."""
    from aiohttp import web

    async def get(request: web.Request) -> web.Response:
        data = await asyncio.to_thread(Path(request.path).read_bytes)
        return web.Response(body=data, content_type="image/webp")

    app = web.Application()
    app.router.add_get("/{path:.*}", get)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


def _load(port: int, target: str) -> None:
    import select

    request = f"GET {target} HTTP/1.1\r\nHost: bench\r\nAccept: image/webp\r\n\r\n".encode()
    poll = select.epoll()
    clients = {}
    for _ in range(CONNECTIONS):
        client = Client(port, [request])
        clients[client.socket.fileno()] = client
        poll.register(client.socket, select.EPOLLIN)
        client.send()
    times: list[float] = []
    begin = perf_counter()
    while perf_counter() - begin < SECONDS:
        for descriptor, _ in poll.poll(1.0):
            if (took := clients[descriptor].take()) is not None:
                times.append(took)
                clients[descriptor].send()
    print(json.dumps(statistics.median(times)))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(_serve())
    else:
        _load(int(sys.argv[2]), sys.argv[3])
