"""Progress, cancelling, and what waits inside real ComfyUI servers that others use too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from tests.comfyui_real.conftest import Pair
from tests.comfyui_real.graphs import graph_of
from tests.comfyui_real.replaying import Replayed
from tests.comfyui_real.servers import ComfyServer
from tests.comfyui_real.service import Service
from tests.comfyui_real.waiting import until

pytestmark = pytest.mark.comfyui

#: The slow workflow sleeps in this node, in 40 steps.
SLEEP = "2"


@asynccontextmanager
async def watching(service: Service) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """The feed of all jobs."""
    url = service.url + "/ws/jobs"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        assert (await socket.receive_json())["type"] == "initial_state"
        yield socket


async def post_foreign(server: ComfyServer, seconds: float) -> str:
    """A prompt of somebody who uses the server beside us; returns its id."""
    graph = graph_of("slow")
    graph[SLEEP]["inputs"].update(seconds=seconds, seed=uuid4().int % 2**32)
    prompt_id = str(uuid4())
    body = {"prompt": graph, "prompt_id": prompt_id, "client_id": "somebody-else"}
    await server.post("/prompt", body)
    return prompt_id


async def status_of(server: ComfyServer, prompt_id: str) -> str:
    """How a prompt ended, once it has."""

    async def look() -> dict[str, Any] | None:
        return await server.entry(prompt_id)

    entry = await until(look, f"prompt {prompt_id} to end")
    assert entry is not None
    return str(entry["status"]["status_str"])


async def test_progress_rises_step_by_step_until_the_job_succeeds(service: Service) -> None:
    """Percent never falls, and the steps of the node that runs are told."""
    async with watching(service) as socket:
        job_id = await service.submit("slow", parameters={"2:seconds": 3.0})
        told: list[dict[str, Any]] = []
        while not told or told[-1].get("job", {}).get("status") != "succeeded":
            told.append(await socket.receive_json(timeout=60))

    steps = [each for each in told if each["type"] == "job_progress"]
    percents = [each["progress"] for each in steps]
    assert percents == sorted(percents)
    assert len(set(percents)) > 5
    assert all(0 <= percent <= 100 for percent in percents)
    counted = [each["current_step"] for each in steps if each["current_node"] == SLEEP]
    assert {"1/40", "40/40"} & set(counted)
    assert all(step is None or step.endswith("/40") for step in counted)
    assert {each["job_id"] for each in steps} == {job_id}
    states = [each["job"]["status"] for each in told if each["type"] == "job_state"]
    assert list(dict.fromkeys(states)) == [
        "queued",
        "submitted",
        "running",
        "collecting",
        "succeeded",
    ]


async def test_a_running_job_is_stopped_on_its_backend(service: Service, backends: Pair) -> None:
    """It is cancelling until the backend has let go, then cancelled; nothing is stored."""
    one = backends[0]
    job_id = await service.submit("slow", backend_id="one")
    prompt_id = await service.running_on(job_id, one)

    asked = await service.cancel(job_id)

    assert asked["status"] == "cancelling"
    job = await service.reaches(job_id, {"cancelled"})
    assert await one.idle()
    assert await status_of(one, prompt_id) == "error"
    assert job["outputs"] == []
    assert service.files() == []
    assert Replayed.of(service.project).told(job_id)[-2:] == ["JobCancelRequested", "JobCancelled"]
    # Its slot is free again.
    await service.succeeds(await service.submit("fast", backend_id="one"))


async def test_a_job_that_waits_in_a_backend_is_taken_out(service: Service, backends: Pair) -> None:
    """It leaves the backend's queue, and the one that runs before it goes on."""
    one = backends[0]
    runs = await service.submit("slow", parameters={"2:seconds": 4.0}, backend_id="one")
    await service.running_on(runs, one)
    waits = await service.submit("fast", backend_id="one")
    await until(one.pending, "the second job to wait in the backend")

    await service.cancel(waits)

    job = await service.reaches(waits, {"cancelled"})
    assert await one.pending() == []
    assert await one.entry(job["attempts"][0]["prompt_id"]) is None
    await service.succeeds(runs)
    assert len(service.files()) == 1


async def test_a_job_that_waits_with_us_never_reaches_a_backend(
    service: Service, backends: Pair
) -> None:
    """Both slots of the backend are taken, so the third job waits here and says why."""
    one = backends[0]
    held = [
        await service.submit("slow", parameters={"2:seconds": 5.0}, backend_id="one")
        for _ in range(2)
    ]
    third = await service.submit("fast", backend_id="one")
    await service.running_on(held[0], one)
    assert "all slots are taken" in str((await service.job(third))["waiting_for"])

    await service.cancel(third)

    job = await service.reaches(third, {"cancelled"})
    assert job["attempts"] == []
    for job_id in held:
        await service.cancel(job_id)
        await service.reaches(job_id, {"cancelled"})


async def test_work_of_others_that_runs_is_never_interrupted(
    service: Service, backends: Pair
) -> None:
    """Our job waits behind somebody else's prompt; cancelling ours leaves theirs alone."""
    one = backends[0]
    foreign = await post_foreign(one, seconds=4)
    await until(one.running, "the foreign prompt to run")
    job_id = await service.submit("fast", backend_id="one")
    await until(one.pending, "our job to wait behind it")

    await service.cancel(job_id)

    await service.reaches(job_id, {"cancelled"})
    assert await one.running() == [foreign]
    assert await status_of(one, foreign) == "success"


async def test_work_of_others_that_waits_is_never_deleted(service: Service, backends: Pair) -> None:
    """Somebody else's prompt waits behind our job; cancelling ours lets theirs run to its end."""
    one = backends[0]
    job_id = await service.submit("slow", backend_id="one")
    await service.running_on(job_id, one)
    foreign = await post_foreign(one, seconds=1)

    await service.cancel(job_id)

    await service.reaches(job_id, {"cancelled"})
    assert await status_of(one, foreign) == "success"


async def test_a_backend_never_holds_more_of_ours_than_the_rules_allow(
    backends: Pair, tmp_path: Path
) -> None:
    """At most two wait inside a backend, whatever `max_concurrent_jobs` says."""
    async with Service(tmp_path, backends, max_concurrent_jobs=8) as service:
        ids = [
            await service.submit("slow", parameters={"2:seconds": 0.6, "2:seed": n})
            for n in range(10)
        ]
        seen: list[tuple[int, int]] = []
        while not all(job["status"] == "succeeded" for job in await listed(service)):
            for server in backends:
                queue = await server.get("/queue")
                seen.append((len(queue["queue_running"]), len(queue["queue_pending"])))
            await asyncio.sleep(0.02)

        assert max(pending for _, pending in seen) == 2
        assert all(running <= 1 for running, _ in seen)
        jobs = [await service.job(job_id) for job_id in ids]
        assert {job["backend_id"] for job in jobs} == {"one", "two"}
        assert len(service.files()) == 10


async def listed(service: Service) -> list[dict[str, Any]]:
    """All jobs."""
    jobs: list[dict[str, Any]] = (await service.get("/api/jobs"))["jobs"]
    return jobs
