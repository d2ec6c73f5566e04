"""docs/api.md: every command in it works, and answers in the shape that is printed below it."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from itertools import pairwise
from pathlib import Path
from string import Template
from typing import Any

import orjson
import pytest
from attrs import frozen

from orchestrator.config import BackendConfig
from tests.http.studio import Studio
from tools.simulator import Behaviour, Simulator

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@frozen
class Example:
    """A command, and the answer that is printed below it."""

    command: str
    answer: str


def examples() -> list[Example]:
    """All commands, in their order."""
    blocks = _BLOCK.findall(PAGE)
    return [Example(text, below) for (kind, text), (_, below) in pairwise(blocks) if kind == "sh"]


def messages() -> dict[str, Any]:
    """What a WebSocket says, by type."""
    found = [orjson.loads(text) for kind, text in _BLOCK.findall(PAGE) if kind == "json"]
    return {each["type"]: each for each in found if "type" in each}


def same_shape(told: Any, real: Any, where: str = "answer") -> None:
    """Assert that an answer has the fields and kinds that are printed; `...` stands for more."""
    if isinstance(told, dict) and set(told) == {"..."}:
        assert real is None or isinstance(real, dict), where
    elif isinstance(told, dict):
        assert isinstance(real, dict), where
        assert list(told) == list(real), where
        for name, value in told.items():
            same_shape(value, real[name], f"{where}.{name}")
    elif isinstance(told, list):
        assert bool(told) == bool(real), where
        for value, other in zip(told, real, strict=False):
            same_shape(value, other, f"{where}[]")
    else:
        assert type(told) is type(real), f"{where}: {told!r} is printed, {real!r} was answered"


async def run(command: str, variables: dict[str, str]) -> Any:
    """What a command answers."""
    shell = await asyncio.create_subprocess_exec(
        "sh", "-c", command, env=os.environ | variables, stdout=asyncio.subprocess.PIPE
    )
    answered, _ = await shell.communicate()
    assert shell.returncode == 0, command
    return orjson.loads(answered)


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
        known = {"SERVICE": address, "PROJECT": str(service.project), "JOB": "", "TAG": ""}
        for example in examples():
            answer = await run(example.command, known)
            if answer.get("status") == "accepted":
                known["JOB"] = answer["job_id"]
                await service.ended(answer["job_id"])
            if "tag" in answer:
                known["TAG"] = answer["tag"]["id"]
            told = orjson.loads(Template(example.answer).substitute(known))
            same_shape(told, answer, example.command)
        assert len(examples()) > 15


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
    assert set(heard) == set(messages())
    for kind, told in messages().items():
        same_shape(told, heard[kind], kind)
