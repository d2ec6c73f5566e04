"""docs/farm.md: every command in it works, and answers as is printed below it."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from attrs import define

from orchestrator.app import ENDPOINTS
from orchestrator.config import BackendConfig
from orchestrator.scheduling.backend import State
from orchestrator.scheduling.breaker import IN_A_ROW
from orchestrator.scheduling.choose import MAX_WAITING_INSIDE
from orchestrator.scheduling.ending import MAX_BACKENDS
from orchestrator.scheduling.timing import MAX_ATTEMPTS, Timing
from tests.docs.pages import Page
from tests.docs.reader import Reader
from tests.http.studio import graph, node
from tests.scheduling.rig import Box, Farm, Service, until
from tools.simulator import Behaviour

PAGE = Page.of("farm.md")
#: Seconds per step: a job still runs when the next command comes, and does not run for long.
PACE = 0.02
#: A backend that does not answer is given up soon, and one that is paused is not tried out.
TIMING = {"unreachable": 1.0, "probe_first": 600.0, "probe_most": 600.0}
OUT_OF_MEMORY = "torch.OutOfMemoryError: Allocation on device"
#: The model of `flux_dev`.
MODEL = frozenset({"sd_xl_base_1.0.safetensors"})

needs_curl = pytest.mark.skipif(
    not shutil.which("curl") or not shutil.which("sh"), reason="needs curl and sh"
)


def enlarging() -> dict[str, Any]:
    """Loads a picture, and saves it twice as large."""
    return {
        "1": node("LoadImage", image="example.png"),
        "2": node("ImageScaleBy", image=["1", 0], upscale_method="bicubic", scale_by=2.0),
        "3": node("SaveImage", images=["2", 0], filename_prefix="large"),
    }


def address(service: Service) -> str:
    """Where a service listens, without a slash at the end."""
    return str(service.client.make_url("")).rstrip("/")


def at(name: str, box: Box) -> BackendConfig:
    """A backend as config.yaml names it."""
    return BackendConfig(id=name, name=name, host="127.0.0.1", port=box.port)


@define
class Stage:
    """The farm of the page, and what goes wrong there between two commands."""

    farm: Farm
    reader: Reader
    service: Service
    node1: Box
    #: Another host, which uses the same backends.
    other: Farm

    async def before(self, section: str) -> None:
        """What has happened when a section begins."""
        match section:
            case "Second tries":
                await self._be_alike()
                self.node1.behaviour.fail_next = 1
            case "Backends on which jobs fail":
                # The job of the section above was the first.
                for job in ("second", "third"):
                    self.service.fleet.get("node1").failed(job, OUT_OF_MEMORY)
            case "Two services on the same backends":
                self.reader.known["OTHER"] = address(await self.other.service())

    async def after(self, job: str) -> None:
        """What happens once a job of the page is submitted."""
        match job:
            case "STORM":
                await self.service.becomes(self.reader.known[job], "running")
                await self.service.kill()
                self.service = await self.farm.service(**TIMING)
                self.reader.known["SERVICE"] = address(self.service)
            case "LATE":
                await self._cut_off(self.reader.known[job])
            case "NIGHT":
                await self.service.becomes(self.reader.known[job], "running")

    async def _be_alike(self) -> None:
        """Both backends are idle, and have the model in memory: the first one is chosen."""
        for backend in self.service.fleet.all():
            backend.warmed(MODEL)
        await until(
            lambda: all(each.online and not each.depth for each in self.service.fleet.all())
        )

    async def _cut_off(self, job_id: str) -> None:
        """The backend that runs a job cannot be reached until it has rendered it."""
        running = await self.service.becomes(job_id, "running")
        box = self.farm.boxes[running["backend_id"]]
        box.behaviour.answer_seconds = 86_400.0
        assert (await self.service.ended(job_id))["extra_outputs"] == []
        await until(lambda: not box.memory.queue.running)
        box.behaviour.answer_seconds = 0.0


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A service that knows the first of two backends."""
    farm = Farm(tmp_path)
    (tmp_path / "Eliot").mkdir()
    (tmp_path / "flux_dev.json").write_bytes(orjson.dumps(graph()))
    (tmp_path / "enlarge.json").write_bytes(orjson.dumps(enlarging()))
    boxes = {
        name: await farm.box(name, Behaviour(previews=False, seconds_per_step=PACE))
        for name in ("node1", "node2")
    }
    farm.remove("node2")
    other = Farm(tmp_path / "other", configs=[at(name, box) for name, box in boxes.items()])
    service = await farm.service(**TIMING)
    await until(lambda: service.fleet.get("node1").online)
    known = {
        "SERVICE": address(service),
        "PROJECT": str(tmp_path / "Eliot"),
        "NODE2_HOST": "127.0.0.1",
        "NODE2_PORT": str(boxes["node2"].port),
    }
    yield Stage(farm, Reader(known, tmp_path), service, boxes["node1"], other)
    await other.close()
    await farm.close()


@needs_curl
async def test_every_command_works(stage: Stage) -> None:
    """Run from the top of the page to its end, on two simulated backends."""
    section = ""
    for example in PAGE.examples():
        if example.section != section:
            section = example.section
            await stage.before(section)
        for job in await stage.reader.follow(example):
            await stage.after(job)
    assert len(PAGE.examples()) > 40


def test_every_endpoint_has_an_example() -> None:
    """Of the queue and of backends, but for those that api.md shows, and PUT, which is as PATCH."""
    elsewhere = {
        ("GET", "/api/backends"),
        ("PUT", "/api/backends/{backend_id}"),
    }
    wanted = {(e.method, e.path) for e in ENDPOINTS if set(e.tags) & {"queue", "backends"}}
    used = set()
    for command in PAGE.blocks("sh"):
        sent = re.search(r'curl -s(?: -X (\w+))? "\$\w+([^"?]*)', command)
        assert sent is not None, command
        path = re.sub(r"(?<=backends/)\w+", "{backend_id}", sent[2])
        used.add((sent[1] or "GET", re.sub(r"\$[A-Z]+", "{job_id}", path)))
    assert wanted - elsewhere <= used


def test_every_state_has_a_row() -> None:
    """And no row is about a state that does not exist."""
    table = PAGE.text.partition("| `state` |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(State)


def test_its_figures_are_those_of_the_service() -> None:
    """Who changes one changes the page."""
    timing = Timing()
    text = " ".join(PAGE.text.split())
    for said in (
        f"no connection for {timing.refused:g} s",
        f"did not answer for {timing.unreachable:g} s",
        f"every {timing.poll_away:g} s in the end",
        f"after {timing.probe_first:g} s, then after twice as long",
    ):
        assert said in text
    assert (timing.probe_most, timing.look_up) == (600, 600)
    assert text.count("every ten minutes") == 2
    assert (MAX_ATTEMPTS, IN_A_ROW, MAX_BACKENDS, MAX_WAITING_INSIDE) == (3, 3, 2, 2)
