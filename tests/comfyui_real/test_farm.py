"""A night on two real servers that others use as well: nothing is lost, doubled or disturbed."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from tests.comfyui_real.conftest import Pair
from tests.comfyui_real.pngs import text_chunks
from tests.comfyui_real.replaying import Replayed
from tests.comfyui_real.servers import ComfyServer
from tests.comfyui_real.service import Service
from tests.comfyui_real.visitor import Visitor
from tests.comfyui_real.waiting import until

pytestmark = pytest.mark.comfyui

GROUP = 6


async def submit_group(service: Service, seconds: float) -> list[str]:
    """Six jobs as one group; their ids."""
    jobs = [
        {"workflow_id": "slow", "parameters": {"2:seconds": seconds, "2:seed": n, "1:color": n}}
        for n in range(GROUP)
    ]
    body = {"jobs": jobs, "project_path": str(service.project)}
    told = await service.post("/api/job-groups", body, status=201)
    return [str(job["job_id"]) for job in told["child_jobs"]]


async def work_on(server: ComfyServer, jobs: list[str]) -> list[str]:
    """Wait until a server executes one of these jobs; the prompts of theirs that it has."""

    async def look() -> list[str]:
        queue = await server.get("/queue")
        marks = [
            (item[1], item[3].get("orchestrator", {}).get("job"), running)
            for key, running in (("queue_running", True), ("queue_pending", False))
            for item in queue[key]
        ]
        ours = [(prompt_id, running) for prompt_id, job, running in marks if job in jobs]
        return [p for p, _ in ours] if any(running for _, running in ours) else []

    return await until(look, f"{server.name} to execute one of the jobs")


class TestGroup:
    async def test_six_of_six_finish_whatever_dies_meanwhile(
        self, service: Service, backends: Pair
    ) -> None:
        """One server is killed with work in it, and the service twice in mid-run."""
        one, two = backends
        async with Visitor(one) as at_one, Visitor(two) as at_two:
            jobs = await submit_group(service, 2.0)
            held = await work_on(one, jobs)
            one.kill()
            # A server holds two of the six at most, so there is work for each life of the service.
            for _ in range(2):
                await work_on(two, jobs)
                service.kill()
                assert len(service.files()) < GROUP
                await service.start()
            await asyncio.to_thread(one.start)
            ended = [await service.succeeds(job, seconds=100) for job in jobs]

        # Each output once, although the killed server had begun some of them before.
        paths = [output["rel_path"] for job in ended for output in job["outputs"]]
        assert sorted(paths) == service.files()
        assert [len(job["outputs"]) for job in ended] == [1] * GROUP
        marks = [text_chunks(service.project / path)["orchestrator"]["job"] for path in paths]
        assert marks == jobs
        attempts = [a for job in ended for a in job["attempts"]]
        given_up = [a for a in attempts if a["given_up_at"]]
        assert set(held) <= {a["prompt_id"] for a in given_up}
        assert {a["backend_id"] for a in given_up} == {"one"}, given_up
        assert len(attempts) - len(given_up) == GROUP
        assert service.staged() == []
        replayed = Replayed.of(service.project)
        assert replayed.findings == ()
        told = (await service.get("/api/jobs"))["jobs"]
        assert replayed.jobs(service.project) == told
        # Nobody else was disturbed: what the kill took, they sent again.
        for visitor in (at_one, at_two):
            assert len(visitor.ended) >= 3
            assert set(visitor.ended.values()) == {"execution_success"}
        assert at_two.lost == 0
        assert await one.idle()
        assert await two.idle()


class TestInputs:
    async def test_a_picture_of_the_project_is_uploaded_and_its_result_handed_on(
        self, service: Service, backends: Pair
    ) -> None:
        """LoadImage gets a file by its path; the next job, on the other server, gets its output."""
        plate = service.project / "plates" / "sky.png"
        plate.parent.mkdir()
        picture = Image.effect_noise((64, 48), 80).convert("RGB")
        picture.save(plate)

        first = await service.submit(_loading("plates/sky.png"), backend_id="one")
        then = await service.submit(_inverting(f"job:{first}:0"), backend_id="two")

        for job_id, wanted in ((first, picture), (then, picture.point(lambda v: 255 - v))):
            job = await service.succeeds(job_id)
            (output,) = job["outputs"]
            assert _difference(output["path"], wanted) <= 1  # it computes with fractions
        uploaded = [list((s.state / "input" / "orchestrator").iterdir()) for s in backends]
        assert [len(files) for files in uploaded] == [1, 1]


class TestCare:
    async def test_a_restart_takes_only_our_job_off_and_says_so(
        self, service: Service, backends: Pair
    ) -> None:
        """ComfyUI's process goes on, and so does the visitor's prompt."""
        one = backends[0]
        async with AsyncExitStack() as stack:
            job_id = await service.submit("slow", parameters={"2:seconds": 4.0})
            await service.running_on(job_id, one)
            visitor = await stack.enter_async_context(Visitor(one))
            await until(one.pending, "the visitor's prompt to wait")

            told = await service.post("/api/backends/one/restart", {})

            assert (told["success"], told["healthy"], told["freed"]) == (True, True, False)
            assert told["interrupted"] == [job_id]
            assert told["process_restarted"] is False
            assert told["foreign_prompts"] >= 1
            job = await service.succeeds(job_id)
            assert [a["backend_id"] for a in job["attempts"]] == ["one", "two"]
        assert set(visitor.ended.values()) == {"execution_success"}
        assert len(service.files()) == 1

    async def test_memory_is_freed_when_asked(self, service: Service, backends: Pair) -> None:
        """The cache of nodes is gone: the same job computes all of its nodes anew."""
        one = backends[0]
        await service.succeeds(await service.submit("fast", backend_id="one"))
        told = await service.post("/api/backends/one/free", {})
        assert (told["success"], told["foreign_prompts"]) == (True, 0)
        again = await service.succeeds(await service.submit("fast", backend_id="one"))
        entry = await one.entry(again["attempts"][0]["prompt_id"])
        assert _cached(entry) == []
        third = await service.succeeds(await service.submit("fast", backend_id="one"))
        assert _cached(await one.entry(third["attempts"][0]["prompt_id"])) != []

    async def test_a_dead_server_is_told_not_to_be_well(
        self, service: Service, backends: Pair
    ) -> None:
        """A restart cannot help it, and does not claim to; freeing is refused."""
        backends[0].kill()
        told = await service.post("/api/backends/one/restart", {})
        assert (told["success"], told["healthy"], told["freed"]) == (False, False, False)
        refused = await service.post("/api/backends/one/free", {}, status=503)
        assert refused["code"] == "backend.unreachable"


def _loading(name: str) -> dict[str, Any]:
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": name}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    }


def _inverting(name: str) -> dict[str, Any]:
    graph = _loading(name)
    graph["3"] = {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}}
    graph["2"]["inputs"]["images"] = ["3", 0]
    return graph


def _difference(path: str | Path, wanted: Image.Image) -> int:
    """How much the pixel and channel that differ most differ, 0 to 255."""
    with Image.open(path) as picture:
        return max(ImageChops.difference(picture, wanted).tobytes())


def _cached(entry: dict[str, Any] | None) -> list[str]:
    """The nodes that a server took from its cache."""
    assert entry is not None
    said = [data for kind, data in entry["status"]["messages"] if kind == "execution_cached"]
    return [str(node) for data in said for node in data["nodes"]]
