"""The queue: turns, priority, holds, moments, other jobs; shown, moved, and kept over a restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.scheduling.graphs import failing, slow, still
from tests.scheduling.rig import Farm, Service, until


async def ask(
    service: Service, method: str, path: str, status: int = 200, **body: Any
) -> dict[str, Any]:
    """Send a request; its answer, which must have this status."""
    sent = body or None
    async with service.client.request(method, path, json=sent) as answer:
        assert answer.status == status, await answer.text()
        said: dict[str, Any] = await answer.json()
        return said


async def queue(service: Service) -> list[str]:
    """The ids of waiting jobs, as the queue shows them."""
    return [each["job_id"] for each in (await ask(service, "GET", "/api/queue"))["jobs"]]


async def submit(service: Service, actor: str, **fields: Any) -> str:
    """Somebody submits a job."""
    body = {"workflow": still(), **fields}
    async with service.client.post("/api/job", json=body, headers={"X-Actor": actor}) as answer:
        assert answer.status == 202, await answer.text()
        return str((await answer.json())["job_id"])


async def shown(service: Service, job: str) -> dict[str, Any]:
    """A waiting job in the queue, once it stands there with a reason of its own."""
    found: dict[str, Any] = {}

    async def look() -> bool:
        for each in (await ask(service, "GET", "/api/queue"))["jobs"]:
            if each["job_id"] == job and "arrived" not in each["waiting_for"]:
                found.update(each)
        return bool(found)

    while not await look():
        pass
    return found


@pytest.fixture
async def waiting(farm: Farm) -> Service:
    """A service whose only backend is disabled: everything waits."""
    await farm.box("a", enabled=False)
    return await farm.service()


class TestOrder:
    async def test_people_take_turns_and_priority_counts_among_ones_own(
        self, waiting: Service
    ) -> None:
        """The queue shows the order in which jobs will begin."""
        a1 = await submit(waiting, "ann")
        a2 = await submit(waiting, "ann")
        b1 = await submit(waiting, "bob")
        a3 = await submit(waiting, "ann", priority=10)
        b2 = await submit(waiting, "bob", priority=-1)
        for job in (a1, a2, b1, a3, b2):
            await shown(waiting, job)
        assert await queue(waiting) == [a3, b1, a1, b2, a2]

    async def test_every_job_that_waits_says_why(self, waiting: Service) -> None:
        """And has a place, if it only waits for a backend."""
        job = await submit(waiting, "ann")
        said = await shown(waiting, job)
        assert said["position"] == 1
        assert said["waiting_for"] == "no backend that could run it is available: a is disabled"
        assert (await ask(waiting, "GET", "/api/queue"))["counts"] == {"queued": 1}

    @pytest.mark.parametrize(
        ("direction", "order"),
        [("up", [0, 2, 1, 3]), ("down", [0, 1, 3, 2]), ("top", [2, 0, 1, 3])],
    )
    async def test_a_job_is_moved(self, waiting: Service, direction: str, order: list[int]) -> None:
        """By one place, or to an end; and so it stands in the log."""
        jobs = [await submit(waiting, "ann") for _ in range(4)]
        for job in jobs:
            await shown(waiting, job)
        await ask(waiting, "POST", f"/api/jobs/{jobs[2]}/move", direction=direction)
        await shown(waiting, jobs[2])
        assert await queue(waiting) == [jobs[n] for n in order]

    async def test_a_job_is_put_before_another(self, waiting: Service) -> None:
        """By its id."""
        jobs = [await submit(waiting, "ann") for _ in range(3)]
        await ask(waiting, "POST", f"/api/jobs/{jobs[2]}/move", before=jobs[0])
        for job in jobs:
            await shown(waiting, job)
        assert await queue(waiting) == [jobs[2], jobs[0], jobs[1]]

    async def test_moves_that_make_no_sense_are_refused(self, waiting: Service) -> None:
        """Nowhere, two places, before somebody else's job, a job that is not there."""
        mine, other = await submit(waiting, "ann"), await submit(waiting, "bob")
        path = f"/api/jobs/{mine}/move"
        said = await ask(waiting, "POST", path, 422, direction="up", before=other)
        assert said["code"] == "job.move_unclear"
        assert (await ask(waiting, "POST", path, 409, before=other))["code"] == "job.elsewhere"
        assert (await ask(waiting, "POST", path, 404, before="x"))["code"] == "job.unknown"

    async def test_order_and_holds_outlive_a_restart(self, farm: Farm, waiting: Service) -> None:
        """They are events like everything else."""
        jobs = [await submit(waiting, "ann") for _ in range(3)]
        await ask(waiting, "POST", f"/api/jobs/{jobs[2]}/move", direction="top")
        await ask(waiting, "PATCH", f"/api/jobs/{jobs[1]}", priority=7)
        await ask(waiting, "POST", f"/api/jobs/{jobs[0]}/hold")
        await waiting.kill()
        again = await farm.service()
        for job in jobs:
            await shown(again, job)
        assert await queue(again) == [jobs[1], jobs[2], jobs[0]]
        assert "held" in (await shown(again, jobs[0]))["waiting_for"]


class TestKept:
    async def test_a_held_job_begins_when_it_is_released(self, farm: Farm) -> None:
        """Not before."""
        box = await farm.box("a")
        service = await farm.service()
        job = await service.submit(still(), held=True)
        assert "held" in (await shown(service, job))["waiting_for"]
        assert box.posted() == []
        await ask(service, "POST", f"/api/jobs/{job}/release")
        assert (await service.ended(job))["status"] == "succeeded"

    async def test_a_job_begins_at_its_moment(self, farm: Farm) -> None:
        """And not before it."""
        await farm.box("a")
        service = await farm.service()
        start = datetime.now(UTC) + timedelta(seconds=0.6)
        job = await service.submit(still(), not_before=start.isoformat())
        assert "shall not begin before" in (await shown(service, job))["waiting_for"]
        ended = await service.ended(job)
        assert ended["status"] == "succeeded"
        assert datetime.fromisoformat(ended["attempts"][0]["submitted_at"]) >= start

    async def test_a_job_waits_for_others(self, farm: Farm) -> None:
        """Until all of them have succeeded."""
        await farm.box("a")
        await farm.box("b")
        service = await farm.service()
        first = await service.submit(slow(0.3))
        second = await service.submit(still(), after=[first])
        assert f"waits for job {first}" in (await shown(service, second))["waiting_for"]
        ended = await service.ended(second)
        assert ended["status"] == "succeeded"
        before = (await service.job(first))["completed_at"]
        assert ended["attempts"][0]["submitted_at"] >= before

    async def test_a_job_fails_with_what_it_waits_for(self, farm: Farm) -> None:
        """And so does what waits for it; each says why."""
        await farm.box("a")
        service = await farm.service()
        first = await service.submit(failing())
        second = await service.submit(still(), after=[first])
        third = await service.submit(still(), after=[second])
        ended = await service.ended(third)
        assert (ended["status"], ended["error_kind"]) == ("failed", "dependency")
        assert first in (await service.job(second))["error_message"]

    async def test_a_job_cannot_wait_for_one_that_is_unknown(self, waiting: Service) -> None:
        """It would wait for ever."""
        said = await ask(waiting, "POST", "/api/job", 404, workflow=still(), after=["nope"])
        assert said["code"] == "job.unknown"

    async def test_a_running_job_is_neither_held_nor_moved(self, farm: Farm) -> None:
        """It waits no longer."""
        await farm.box("a")
        service = await farm.service()
        job = await service.submit(slow())
        await until(lambda: farm.boxes["a"].posted())
        for path in ("hold", "release"):
            said = await ask(service, "POST", f"/api/jobs/{job}/{path}", 409)
            assert said["code"] == "job.begun"
        said = await ask(service, "POST", f"/api/jobs/{job}/move", 409, direction="up")
        assert said["code"] == "job.begun"
        await service.cancel(job)
        await service.ended(job)
        assert (await ask(service, "POST", f"/api/jobs/{job}/hold", 409))["code"] == "job.ended"

    async def test_a_waiting_job_that_is_held_can_be_cancelled(self, waiting: Service) -> None:
        """A hold is no lock."""
        job = await submit(waiting, "ann", held=True)
        await waiting.cancel(job)
        assert (await waiting.ended(job))["status"] == "cancelled"
        assert await queue(waiting) == []


class TestManyOfOne:
    async def test_one_persons_many_jobs_do_not_starve_another(self, farm: Farm) -> None:
        """Who comes last with one job is served after the one that runs."""
        await farm.box("a")
        service = await farm.service()
        for _ in range(20):
            await submit(service, "ann", workflow=slow(0.1))
        mine = await submit(service, "bob")
        await service.ended(mine)
        waiting = await ask(service, "GET", "/api/queue")
        assert waiting["total"] >= 10
