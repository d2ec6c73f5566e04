"""POST ratings, durable, against a bare aiohttp + cattrs POST; and with 100 k rated files."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.made_logs import make

FILES, CONNECTIONS, SECONDS, ROUNDS = 500, 64, 3.0, 3


def sample(project: Path) -> None:
    """Small files to rate."""
    for number in range(FILES):
        for panel in range(10):
            path = project / f"Panel_{panel:02d}" / f"pic_{number:04d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\x89PNG" + path.name.encode())


def on_core(number: int) -> None:
    """Keep this process and its children on one core: servers on 0, the load generator on 1.

    On two cores the system moves a server, its threads and its load about, and the same server
    is then twice as fast in one minute as in the next.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[number]})


@contextmanager
def serving(command: list[str]) -> Iterator[int]:
    """A server process that prints its URL; gives its port."""
    with subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        text=True,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: on_core(0),
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline().rsplit(":", 1)[1])
        process.terminate()


def load(port: int, project: Path, connections: int = CONNECTIONS) -> dict[str, float]:
    """What a load generator measures."""
    command = [sys.executable, "-m", "benchmarks.load", str(port), str(project), str(FILES)]
    done = subprocess.run(
        [*command, str(connections), str(SECONDS)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: on_core(1),
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def median(found: list[dict[str, float]]) -> dict[str, float]:
    """Of several rounds."""
    return {key: statistics.median(each[key] for each in found) for key in found[0]}


@contextmanager
def service(folder: Path, project: Path) -> Iterator[int]:
    """The service with one root."""
    folder.mkdir()
    config = folder / "config.yaml"
    config.write_text(f"port: 0\nroots: [{json.dumps(str(project.parent))}]\n")
    with serving(["-m", "orchestrator", "--config", str(config)]) as port:
        yield port


def run(folder: Path) -> list[Figure]:
    """All figures of this module."""
    empty, full = folder / "empty", folder / "full"
    sample(empty)
    sample(full)
    make(full, 200_000, 100_000).close()
    with (
        serving(["-m", "benchmarks.rating"]) as bare_port,
        service(folder / "one", empty) as port,
        service(folder / "two", full) as full_port,
    ):
        for warm in (bare_port, port, full_port):
            load(warm, full if warm == full_port else empty)
        rounds = [(load(bare_port, empty), load(port, empty)) for _ in range(ROUNDS)]
        bare, ours = median([r[0] for r in rounds]), median([r[1] for r in rounds])
        singles = [(load(port, empty, 1), load(full_port, full, 1)) for _ in range(ROUNDS)]
        alone, loaded = median([s[0] for s in singles]), median([s[1] for s in singles])
    return [
        Figure(
            name=f"POST ratings, durable, {CONNECTIONS} connections",
            value=ours["per_second"],
            unit="requests/s",
            reference=bare["per_second"],
            reference_name="bare aiohttp + cattrs POST",
            goal=">= 0.35",
        ),
        Figure(
            name="POST ratings, p50 with 100 k rated files",
            value=loaded["p50"] * 1000,
            unit="ms",
            reference=alone["p50"] * 1000,
            reference_name="with none",
            goal="<= 1.2",
        ),
    ]


async def bare_server() -> None:
    """The least that a POST takes: aiohttp, orjson, cattrs; nothing is kept."""
    import cattrs
    import orjson
    from aiohttp import web
    from attrs import frozen

    @frozen
    class Rate:
        project_path: str
        file_path: str
        rating: int

    converter = cattrs.Converter()
    converter.register_structure_hook(
        Rate,
        cattrs.gen.make_dict_structure_fn(
            Rate,
            converter,
            project_path=cattrs.gen.override(rename="projectPath"),
            file_path=cattrs.gen.override(rename="filePath"),
        ),
    )

    async def post(request: web.Request) -> web.Response:
        asked = converter.structure(orjson.loads(await request.read()), Rate)
        body = orjson.dumps({"ratings": {asked.file_path: asked.rating}})
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_post("/api/gallery/ratings", post)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    asyncio.run(bare_server())
