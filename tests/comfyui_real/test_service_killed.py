"""The service is killed while real ComfyUI servers work for it, and started again."""

from __future__ import annotations

import pytest

from tests.comfyui_real.conftest import Pair
from tests.comfyui_real.replaying import Replayed
from tests.comfyui_real.service import Service
from tests.comfyui_real.waiting import until

pytestmark = pytest.mark.comfyui


async def test_an_attempt_that_still_runs_is_adopted(service: Service, backends: Pair) -> None:
    """The same prompt is followed to its end, progress included, and its output stored once."""
    one = backends[0]
    job_id = await service.submit("slow", parameters={"2:seconds": 6.0}, backend_id="one")
    prompt_id = await service.running_on(job_id, one)

    service.kill()
    await service.start()

    assert await service.running_on(job_id, one) == prompt_id

    async def moves() -> bool:
        return bool((await service.job(job_id))["progress"] > 0)

    await until(moves, "progress of the adopted attempt")
    job = await service.succeeds(job_id)
    assert [attempt["prompt_id"] for attempt in job["attempts"]] == [prompt_id]
    assert service.files() == ["Panel_01/Eliot_Panel_01_v001.png"]
    assert len(job["outputs"]) == 1
    assert Replayed.of(service.project).told(job_id) == [
        "JobQueued",
        "JobSubmitted",
        "JobStarted",
        "JobRendered",
        "JobOutputStored",
        "JobSucceeded",
    ]


async def test_an_attempt_that_ended_meanwhile_is_brought_home(
    service: Service, backends: Pair
) -> None:
    """The backend's history still has it when the service is back."""
    one = backends[0]
    job_id = await service.submit("slow", parameters={"2:seconds": 2.0}, backend_id="one")
    await service.running_on(job_id, one)

    service.kill()
    await until(one.idle, "the prompt to end without us")
    assert service.files() == []
    await service.start()

    job = await service.succeeds(job_id)
    assert len(job["attempts"]) == 1
    assert service.files() == ["Panel_01/Eliot_Panel_01_v001.png"]


async def test_waiting_jobs_are_taken_up_in_their_order(service: Service, backends: Pair) -> None:
    """What waits in our queue, and inside a backend, is neither lost nor run twice.

    The slots of what the backend has are taken from the first moment on.
    """
    one = backends[0]
    first = await service.submit("slow", parameters={"2:seconds": 4.0}, backend_id="one")
    others = [await service.submit("fast", backend_id="one") for _ in range(3)]
    await service.running_on(first, one)
    await until(one.pending, "the second job to wait in the backend")

    service.kill()
    await service.start()

    inside: list[int] = []

    async def first_ended() -> bool:
        inside.append(len(await one.running()) + len(await one.pending()))
        return await one.running() == []

    await until(first_ended, "the first job's prompt to end")
    assert max(inside) <= service.max_concurrent_jobs
    jobs = [await service.succeeds(job_id) for job_id in (first, *others)]
    assert all(len(job["attempts"]) == 1 for job in jobs)
    assert await one.ended() == [job["attempts"][0]["prompt_id"] for job in jobs]
    assert len(service.files()) == len(one.outputs_of(jobs)) == 4


async def test_a_cancel_that_was_asked_for_is_carried_out_after_the_restart(
    service: Service, backends: Pair
) -> None:
    """The wish stands in the log; the backend may have heard nothing of it yet."""
    one = backends[0]
    job_id = await service.submit("slow", backend_id="one")
    await service.running_on(job_id, one)
    await service.cancel(job_id)

    service.kill()
    await service.start()

    job = await service.reaches(job_id, {"cancelled"})
    assert job["outputs"] == []
    await until(one.idle, "the backend to have let go")
    assert service.files() == []


async def test_a_clean_stop_leaves_the_backend_to_its_work(
    service: Service, backends: Pair
) -> None:
    """SIGTERM ends the service at once; the next start takes the job up."""
    one = backends[0]
    job_id = await service.submit("slow", parameters={"2:seconds": 5.0}, backend_id="one")
    prompt_id = await service.running_on(job_id, one)

    service.stop()

    assert await one.running() == [prompt_id]
    await service.start()
    job = await service.succeeds(job_id)
    assert [attempt["prompt_id"] for attempt in job["attempts"]] == [prompt_id]
    assert len(service.files()) == 1
