"""docs/api.md: every command in it works, and answers in the shape that is printed below it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from orchestrator.app import ENDPOINTS
from orchestrator.config import BackendConfig
from tests.docs.pages import Page, filled, learn, run, same_shape
from tests.http.studio import Studio
from tools.simulator import Behaviour, Simulator

PAGE = Page.of("api.md")


@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("sh"), reason="needs curl and sh")
async def test_every_command_works(studio: Studio, tmp_path: Path) -> None:
    """Run from the top of the page to its end, on a project with nothing in it."""
    studio.furnish_nothing()
    async with Simulator(Behaviour(), folder=tmp_path / "comfyui") as simulator:
        node1 = BackendConfig(
            id="node1",
            name="Beast (5090)",
            host="127.0.0.1",
            port=simulator.port,
            capabilities=("flux", "sdxl"),
            max_concurrent_jobs=2,
        )
        service = await studio.host(backends=(node1,))
        await service.ratings()
        address = str(service.client.make_url("")).rstrip("/")
        known = {"SERVICE": address, "PROJECT": str(service.project)}
        for example in PAGE.examples():
            answer = orjson.loads(await run(example.command, known, tmp_path))
            learn(orjson.loads(example.answer), answer, known)
            if answer.get("status") == "accepted":
                await service.ended(known["JOB"])
            told = orjson.loads(filled(example.answer, known))
            same_shape(told, answer, example.command)
        assert len(PAGE.examples()) > 10


async def test_every_message_of_the_websocket(studio: Studio, tmp_path: Path) -> None:
    """Each kind of message comes, and is as printed."""
    behaviour = Behaviour(seconds_per_step=0.1)
    async with Simulator(behaviour, folder=tmp_path / "comfyui") as simulator:
        node1 = BackendConfig(id="node1", name="n", host="127.0.0.1", port=simulator.port)
        service = await studio.host(backends=(node1,))
        job_id = await service.submit()
        heard: dict[str, Any] = {}
        async with service.client.ws_connect(f"/ws/jobs?jobId={job_id}") as socket:
            await socket.send_str("ping")
            while "job_progress" not in heard or heard["job_progress"]["current_step"] is None:
                told = await socket.receive_json(timeout=30)
                heard[told["type"]] = told
    assert set(heard) == set(PAGE.messages())
    for kind, told in PAGE.messages().items():
        same_shape(told, heard[kind], kind)


def test_every_endpoint_stands_in_a_table() -> None:
    """Of the gallery in one, all others in the other; and nothing that does not exist."""
    tables = [part for part in PAGE.text.split("\n\n") if part.startswith("| endpoint ")]
    cells = [row.split("|")[1] for table in tables for row in table.splitlines()[2:]]
    told = [each for cell in cells for each in endpoints_of(cell)]
    assert len(tables) == 2
    assert set(told) == {("WS" if e.websocket else e.method, e.path) for e in ENDPOINTS}
    assert len(told) == len(ENDPOINTS), "one stands there twice"


def endpoints_of(cell: str) -> Iterator[tuple[str, str]]:
    """Method and path of each endpoint that a cell names.

    Several methods may stand before a path. A lone word stands for the path before it with this
    word at its end, and is asked with the same methods unless it has one of its own.
    """
    methods: list[str] = []
    path, complete = "", True
    for text in re.findall(r"`([^`]+)`", cell):
        method, place = re.fullmatch(r"([A-Z]+)? ?(\S*)", text).groups()  # type: ignore[union-attr]  # it fits any text
        if method:
            methods = [method] if complete else [*methods, method]
        complete = bool(place)
        if complete:
            path = place if place.startswith("/") else f"{path.rpartition('/')[0]}/{place}"
            yield from ((each, path) for each in methods)
