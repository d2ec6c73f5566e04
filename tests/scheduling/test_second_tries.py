"""What is tried again, where, and how often; what comes late; what takes too long."""

from __future__ import annotations

import pytest

from projections.jobs import Status
from tests.scheduling.graphs import failing, slow, still
from tests.scheduling.rig import Farm, until


class TestFailures:
    async def test_what_fails_on_one_backend_is_tried_on_another(self, farm: Farm) -> None:
        """It may have been the backend's fault: full memory, a broken installation."""
        sick, well = await farm.box("a"), await farm.box("b")
        sick.behaviour.fail_next = 1
        service = await farm.service()
        job = await service.submit(still())
        ended = await service.ended(job)
        assert ended["status"] == "succeeded"
        assert [each["backend_id"] for each in ended["attempts"]] == ["a", "b"]
        assert ended["attempts"][0]["ended_by"] == "execution"
        assert len(well.posted()) == 1

    async def test_what_failed_on_two_backends_is_not_tried_on_a_third(self, farm: Farm) -> None:
        """Then it is the job's fault; the reason of each try is told."""
        boxes = [await farm.box(name) for name in "abc"]
        service = await farm.service()
        ended = await service.ended(await service.submit(failing("no such luck")))
        assert (ended["status"], ended["error_kind"]) == ("failed", "execution")
        assert ended["error_node"] == "2"
        assert "2 backends" in ended["error_message"]
        assert ended["error_message"].count("no such luck") == 2
        assert sum(len(box.posted()) for box in boxes) == 2

    async def test_where_there_is_no_other_backend_it_fails_at_once(self, farm: Farm) -> None:
        """The same backend would fail it again."""
        box = await farm.box("a")
        service = await farm.service()
        ended = await service.ended(await service.submit(failing()))
        assert (ended["status"], len(box.posted())) == ("failed", 1)

    async def test_a_class_that_no_backend_has_is_refused_by_name(self, farm: Farm) -> None:
        """Without a try: they told what they have."""
        box = await farm.box("a")
        service = await farm.service()
        await until(lambda: service.fleet.get("a").abilities is not None)
        graph = still()
        graph["1"]["class_type"] = "NobodyHasThis"
        ended = await service.ended(await service.submit(graph))
        assert (ended["status"], ended["error_kind"]) == ("failed", "validation")
        assert "NobodyHasThis" in ended["error_message"]
        assert ended["error_node"] == "1"
        assert box.posted() == []


class TestTime:
    async def test_what_takes_too_long_is_stopped(self, farm: Farm) -> None:
        """The limit of a job counts from when it is sent; the backend is free afterwards."""
        box = await farm.box("a")
        service = await farm.service()
        ended = await service.ended(await service.submit(slow(), timeout_seconds=1))
        assert (ended["status"], ended["error_kind"]) == ("failed", "timeout")
        await until(lambda: not box.memory.queue.running)
        assert (await service.ended(await service.submit(still())))["status"] == "succeeded"

    async def test_the_limit_counts_over_a_restart_of_the_service(self, farm: Farm) -> None:
        """It is measured from what the log says."""
        await farm.box("a")
        service = await farm.service()
        job = await service.submit(slow(), timeout_seconds=1)
        await until(lambda: farm.boxes["a"].memory.queue.running)
        await service.kill()
        again = await farm.service()
        assert (await again.ended(job))["error_kind"] == "timeout"


class TestLate:
    async def test_a_late_result_is_kept_beside_the_outputs(self, farm: Farm) -> None:
        """A backend that was out of reach rendered on; another one had the job meanwhile."""
        lost, other = await farm.box("a"), await farm.box("b", enabled=True)
        service = await farm.service(unreachable=0.4)
        job = await service.submit(slow(0.8))
        await until(lambda: lost.posted() or other.posted())
        first = lost if lost.posted() else other
        first.behaviour.answer_seconds = 86_400.0
        ended = await service.ended(job)
        assert ended["status"] == "succeeded"
        assert len(ended["outputs"]) == 1
        assert ended["extra_outputs"] == []
        await until(lambda: not first.memory.queue.running)
        first.behaviour.answer_seconds = 0.0

        async def extra() -> bool:
            return bool((await service.job(job))["extra_outputs"])

        while not await extra():
            pass
        told = await service.job(job)
        assert [each["attempt"] for each in told["outputs"]] == [2]
        assert [each["attempt"] for each in told["extra_outputs"]] == [1]
        assert len(farm.files()) == 2
        assert told["status"] == Status.SUCCEEDED.value


@pytest.mark.parametrize("kind", ["execution", "lost"])
async def test_what_is_cancelled_meanwhile_is_not_tried_again(farm: Farm, kind: str) -> None:
    """However it ended."""
    box = await farm.box("a")
    await farm.box("b", enabled=False)
    service = await farm.service(refused=0.3)
    job = await service.submit(slow())
    await until(lambda: box.memory.queue.running)
    await service.cancel(job)
    if kind == "lost":
        await box.crash()
    assert (await service.ended(job))["status"] == "cancelled"
