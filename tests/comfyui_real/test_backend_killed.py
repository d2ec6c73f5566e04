"""A real ComfyUI server is killed in the middle of a job."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.comfyui_real.conftest import Pair
from tests.comfyui_real.graphs import graph_of
from tests.comfyui_real.replaying import Replayed
from tests.comfyui_real.service import FINAL, Service
from tests.comfyui_real.waiting import until

pytestmark = pytest.mark.comfyui


async def backend(service: Service, name: str) -> dict[str, Any]:
    """A backend as the service shows it."""
    found: dict[str, Any] = await service.get(f"/api/backends/{name}")
    return found


async def online(service: Service, name: str, *, wanted: bool) -> None:
    """Wait until the service knows that a backend is up, or down."""

    async def look() -> bool:
        return bool((await backend(service, name))["online"] is wanted)

    await until(look, f"backend {name} to be {'online' if wanted else 'offline'}")


async def test_a_job_moves_to_the_other_backend_and_the_killed_one_comes_back(
    service: Service, backends: Pair
) -> None:
    """Second attempt, one output; after its restart the killed server gets jobs again."""
    one, two = backends
    # The first of two equal backends is taken.
    job_id = await service.submit("slow", parameters={"2:seconds": 4.0})
    await service.running_on(job_id, one)
    waiting = await service.submit("fast", backend_id="one")
    await until(one.pending, "a second job to wait in the same backend")

    one.kill()
    await online(service, "one", wanted=False)

    job = await service.succeeds(job_id, seconds=100)
    assert [attempt["backend_id"] for attempt in job["attempts"]] == ["one", "two"]
    assert "not running" in job["attempts"][0]["reason"]
    assert len(job["outputs"]) == 1
    assert service.files() == ["Panel_01/Eliot_Panel_01_v001.png"]
    told = Replayed.of(service.project).told(job_id)
    assert told.count("JobSubmitted") == 2
    assert told.count("JobRequeued") == told.count("JobSucceeded") == 1
    # Only the killed one will do for this job, so it waits and says so.
    held = await service.reaches(waiting, {"queued"})
    assert "one does not answer" in str(held["waiting_for"])

    one.start()
    await online(service, "one", wanted=True)

    back = await service.succeeds(waiting)
    assert [attempt["backend_id"] for attempt in back["attempts"]] == ["one", "one"]
    assert await two.idle()
    assert len(service.files()) == 2


async def test_a_server_that_comes_back_at_once_has_forgotten_the_job(
    service: Service, backends: Pair
) -> None:
    """It answers again before it was given up, and knows nothing: the job is run again."""
    one = backends[0]
    job_id = await service.submit("slow", parameters={"2:seconds": 3.0}, backend_id="one")
    await service.running_on(job_id, one)

    one.kill()
    one.start()

    job = await service.succeeds(job_id, seconds=100)
    assert [attempt["backend_id"] for attempt in job["attempts"]] == ["one", "one"]
    assert len(job["outputs"]) == 1
    assert len(service.files()) == 1


async def test_a_job_that_kills_its_server_each_time_is_given_up(
    service: Service, backends: Pair
) -> None:
    """Memory runs out, a supervisor starts the server again: three attempts, and no more."""
    one = backends[0]
    graph = graph_of("fast")
    graph["2"] = {"class_type": "TestCrash", "inputs": {"image": ["1", 0], "after": 0.5}}
    job_id = await service.submit(graph, backend_id="one")

    async def ended() -> bool:
        if not one.alive:
            await asyncio.to_thread(one.start)
        return (await service.job(job_id))["status"] in FINAL

    await until(ended, "the job to be given up", seconds=120)

    job = await service.job(job_id)
    assert (job["status"], job["error_kind"]) == ("failed", "attempts")
    assert len(job["attempts"]) == 3
    assert service.files() == []
    await service.succeeds(await service.submit("fast", backend_id="one"))


async def test_a_job_that_is_cancelled_while_its_backend_is_gone_ends_cancelled(
    service: Service, backends: Pair
) -> None:
    """It is not run elsewhere."""
    one = backends[0]
    job_id = await service.submit("slow")
    await service.running_on(job_id, one)
    one.kill()
    await online(service, "one", wanted=False)

    await service.cancel(job_id)

    job = await service.reaches(job_id, {"cancelled"})
    assert len(job["attempts"]) == 1
    assert service.files() == []
