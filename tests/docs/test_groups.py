"""docs/groups.md: what it says works, and is answered as it is printed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import BackendConfig
from orchestrator.groups.seeds import SeedStrategy, seeds
from tests.docs.pages import Page, same_shape
from tests.docs.reader import Reader
from tests.http.studio import Service, Studio, graph
from tools.simulator import Behaviour, Simulator

PAGE = Page.of("groups.md")


def backend(name: str, port: int) -> BackendConfig:
    """One of the page's two backends."""
    return BackendConfig(id=name, name=name, host="127.0.0.1", port=port)


@pytest.fixture
async def service(studio: Studio) -> Service:
    """A service whose backends are off: nothing listens at these ports."""
    return await studio.host(backends=(backend("beast", 1), backend("node-2", 2)))


@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("sh"), reason="needs curl and sh")
async def test_every_command_works(service: Service, tmp_path: Path) -> None:
    """Run from the top of the page to its end."""
    address = str(service.client.make_url("")).rstrip("/")
    reader = Reader({"SERVICE": address, "PROJECT": str(service.project)}, tmp_path)
    for example in PAGE.examples():
        await reader.follow(example)
    assert len(PAGE.examples()) > 5


@pytest.mark.parametrize("strategy", SeedStrategy)
def test_the_seeds_are_those_of_the_table(strategy: SeedStrategy) -> None:
    """From a base of 42."""
    (row,) = re.findall(rf"^\| `{strategy}` \| ([\d, ]+) \|", PAGE.text, re.MULTILINE)
    told = [int(number) for number in row.split(", ")]
    assert seeds(strategy, 42, len(told)) == told


async def test_every_message_of_the_websocket(studio: Studio, tmp_path: Path) -> None:
    """Each kind that is printed comes, and is as printed."""
    heard: dict[str, Any] = {}
    async with Simulator(Behaviour(seconds_per_step=0.15), folder=tmp_path / "beast") as beast:
        service = await studio.host(backends=(backend("beast", beast.port),))
        order = {"workflow_json": graph(), "backend_ids": ["beast"], "base_seed": 42}
        place = {"project_path": str(service.project), "metadata": {"panel_id": "Panel_01"}}
        group = (await service.post("/api/job-groups", {**order, **place})).plain
        address = f"/ws/job-groups/{group['job_group_id']}"
        async with service.client.ws_connect(address) as socket:
            while "group_complete" not in heard:
                told = await socket.receive_json(timeout=30)
                if told["type"] != "child_progress" or told["steps_total"]:
                    heard[told["type"]] = told
    assert {"initial_state", "child_completed"} <= set(heard)
    for kind, told in PAGE.messages().items():
        same_shape(told, heard[kind], kind)
