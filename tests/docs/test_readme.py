"""What README.md tells people to do works, and what it points at is there."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.stories.service import ROOT
from tools.run import TASKS
from tools.simulator import Behaviour, Simulator

README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """A page that points at nothing sends people away."""
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    missing = [
        link for link in links if not link.startswith("http") and not (page.parent / link).exists()
    ]
    assert not missing


def test_the_tasks_it_names_exist() -> None:
    """`python3 tools/run.py X` for every X that any page names."""
    text = "".join(page.read_text() for page in PAGES)
    named = set(re.findall(r"tools/run\.py ([a-z]+)", text))
    assert {"demo", "test"} <= named <= set(TASKS)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def own_comfyui_block(home: Path, simulator: Simulator, port: int) -> str:
    """The five lines of "Your own ComfyUI", for this machine."""
    block = README.partition("## Your own ComfyUI")[2].partition("```sh\n")[2].partition("```")[0]
    assert len(block.strip().splitlines()) == 5
    for told, here in (
        ("pip install .\n", ""),
        ("host: 192.168.1.100, port: 8188", f"host: 127.0.0.1, port: {simulator.port}"),
        ("orchestrator serve &", f"{sys.executable} -m tools.cli serve & echo $! > pid"),
        ("localhost:9820", f"127.0.0.1:{port}"),
        ("/mnt/Projects/Eliot", str(home / "Eliot")),
        ("curl ", "curl --silent --retry 50 --retry-connrefused --retry-delay 1 "),
    ):
        assert told in block
        block = block.replace(told, here)
    return block


@pytest.mark.skipif(shutil.which("curl") is None, reason="the lines of README.md use curl")
async def test_your_own_comfyui(tmp_path: Path) -> None:
    """The five lines, against a simulated one: the picture lands where README.md says."""
    project = tmp_path / "Eliot"
    project.mkdir()
    graph = json.loads((Path(__file__).parent / "workflow_api.json").read_text())
    (tmp_path / "my_workflow_api.json").write_text(json.dumps(graph))
    port = free_port()
    async with Simulator(Behaviour(), folder=tmp_path / "comfy") as simulator:
        block = own_comfyui_block(tmp_path, simulator, port)
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "ORCHESTRATOR_PORT": str(port),
            "HOME": str(tmp_path),
        }
        with (tmp_path / "said").open("wb") as said:
            shell = await asyncio.create_subprocess_exec(
                *("bash", "-e", "-c", block), cwd=tmp_path, env=environment, stdout=said
            )
        try:
            async with asyncio.timeout(60):
                assert await shell.wait() == 0
                answer = re.findall(r"\{.*\}", (tmp_path / "said").read_text())[-1]
                job_id = json.loads(answer)["job_id"]
                await succeeded(f"http://127.0.0.1:{port}/api/jobs/{job_id}")
            assert (project / "Panel_01" / "Eliot_Panel_01_v001.png").is_file()
        finally:
            os.kill(int((tmp_path / "pid").read_text()), 15)


async def succeeded(url: str) -> None:
    """Wait until a job has succeeded."""
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(url) as response:
                job = await response.json()
            assert job["status"] not in {"failed", "cancelled"}, job
            if job["status"] == "succeeded":
                return
            await asyncio.sleep(0.1)
