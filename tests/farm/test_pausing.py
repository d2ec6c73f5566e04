"""A backend on which jobs fail is paused, tried out, and used again when it is well."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from orchestrator.scheduling.backend import Backend
from orchestrator.scheduling.breaker import Breaker
from tests.farm.test_changing import ask
from tests.scheduling.graphs import failing, slow, still
from tests.scheduling.rig import Box, Farm, Service, foreign, until

#: The pauses of these tests.
SOON = {"probe_first": 0.05, "probe_most": 0.2, "probe_limit": 0.3}
NEVER = {"probe_first": 60.0, "probe_most": 60.0}


def told(farm: Farm) -> list[str]:
    """What the host's own log says of pauses, in its order."""
    return [t.type for t in farm.told() if t.type in {"backend.paused", "backend.resumed"}]


def canaries(box: Box) -> list[dict[str, Any]]:
    """The submissions that were to try it out."""
    return [b for b in box.ours() if b["extra_data"]["orchestrator"]["job"] is None]


async def broken(farm: Farm, service: Service) -> Backend:
    """A backend on which three jobs have failed."""
    backend = service.fleet.get("a")
    await until(lambda: backend.online)
    for job in ("1", "2", "3"):
        backend.failed(job, "out of memory")
    await until(lambda: told(farm))
    return backend


class TestPause:
    async def test_three_jobs_that_failed_pause_it(self, farm: Farm) -> None:
        """The next one waits, and says why; whoever asks sees it, too."""
        await farm.box("a")
        service = await farm.service(**NEVER)
        jobs = [await service.submit(failing(f"boom {n}")) for n in range(3)]
        await until(lambda: service.fleet.get("a").trust.paused)
        waiting = await service.submit(still())
        await service.waits_for(waiting, "a is paused: 3 jobs in a row failed there")
        shown = await service.backend("a")
        assert (shown["state"], shown["failures_in_a_row"]) == ("paused", 3)
        assert "boom" in shown["paused"]
        await until(lambda: told(farm) == ["backend.paused"])
        (event,) = [t.data for t in farm.told() if t.type == "backend.paused"]
        assert sorted(event["jobs"]) == sorted(jobs)

    async def test_it_goes_on_after_a_restart_of_the_service(self, farm: Farm) -> None:
        """And the backend is tried out soon."""
        box = await farm.box("a")
        service = await farm.service(**NEVER)
        await broken(farm, service)
        box.behaviour.change({"fail_next": 1})
        await service.kill()
        service = await farm.service(**NEVER)
        backend = service.fleet.get("a")
        assert backend.trust.paused is not None
        await until(lambda: len(canaries(box)) == 1)
        await until(lambda: backend.online and backend.trust.breaker.tries == 1)
        assert (await service.backend("a"))["state"] == "paused"
        assert told(farm) == ["backend.paused"]

    async def test_somebody_ends_it(self, farm: Farm) -> None:
        """What failed before is forgotten."""
        box = await farm.box("a")
        service = await farm.service(**NEVER)
        await broken(farm, service)
        job = await service.submit(still())
        shown = (await ask(service, "POST", "/a/resume"))["backend"]
        assert (shown["paused"], shown["failures_in_a_row"]) == (None, 0)
        assert (await service.ended(job))["status"] == "succeeded"
        assert told(farm) == ["backend.paused", "backend.resumed"]
        assert canaries(box) == []

    async def test_a_job_that_succeeds_ends_it(self, farm: Farm) -> None:
        """One that was there already."""
        await farm.box("a")
        service = await farm.service(**NEVER)
        job = await service.submit(slow(0.5))
        await service.becomes(job, "running")
        backend = await broken(farm, service)
        assert (await service.ended(job))["status"] == "succeeded"
        await until(lambda: told(farm) == ["backend.paused", "backend.resumed"])
        assert backend.trust.breaker == Breaker()


class TestTrial:
    async def test_one_that_is_well_gets_jobs_again(self, farm: Farm) -> None:
        """On probation: the next failure pauses it again."""
        box = await farm.box("a")
        service = await farm.service(**SOON)
        await broken(farm, service)
        await until(lambda: told(farm) == ["backend.paused", "backend.resumed"])
        assert (await service.backend("a"))["failures_in_a_row"] == 2
        (sent,) = canaries(box)
        assert box.outcome(sent["prompt_id"]) is None  # its record was taken away again
        assert (await service.ended(await service.submit(still())))["status"] == "succeeded"
        assert (await service.backend("a"))["failures_in_a_row"] == 0

    async def test_one_that_fails_stays_paused(self, farm: Farm) -> None:
        """And is tried out less and less often, with another picture each time."""
        box = await farm.box("a")
        service = await farm.service(**SOON)
        box.behaviour.change({"fail_next": 2})
        backend = await broken(farm, service)
        await until(lambda: backend.trust.paused is None)
        colors = {body["prompt"]["1"]["inputs"]["color"] for body in canaries(box)}
        assert (len(canaries(box)), len(colors)) == (3, 3)
        assert backend.trust.breaker.tries == 3

    async def test_one_that_executes_nothing_is_not_sent_more(self, farm: Farm) -> None:
        """The first trial finds it out and is withdrawn; once it is known, none is sent."""
        box = await farm.box("a")
        service = await farm.service(**SOON, worker_dead=0.1)
        await until(lambda: service.fleet.get("a").online)
        box.kill_worker()
        backend = await broken(farm, service)
        await until(lambda: backend.trust.breaker.tries >= 2)
        assert backend.trust.paused is not None
        await until(lambda: box.memory.queue.pending == [])
        await box.lose_memory()
        await until(lambda: backend.trust.paused is None)

    async def test_it_waits_behind_others(self, farm: Farm) -> None:
        """Their prompt runs longer than a trial may take; it is not touched."""
        box = await farm.box("a")
        service = await farm.service(**SOON)
        await foreign(box, slow(0.6), "theirs")
        backend = await broken(farm, service)
        await until(lambda: backend.trust.paused is None)
        assert backend.trust.breaker.tries == 1
        assert box.outcome("theirs") == "execution_success"

    async def test_one_without_the_nodes_need_only_answer(self, farm: Farm) -> None:
        """Somebody took the stock nodes out."""
        box = await farm.box("a")

        async def none(_: web.Request) -> web.StreamResponse:
            return web.json_response({})

        box.intercept[("GET", "/object_info/EmptyImage")] = none
        service = await farm.service(**SOON)
        backend = await broken(farm, service)
        await until(lambda: backend.trust.paused is None)
        assert canaries(box) == []

    async def test_one_that_comes_back_is_tried_out_at_once(self, farm: Farm) -> None:
        """It was restarted, which may have helped."""
        box = await farm.box("a")
        service = await farm.service(**NEVER)
        backend = await broken(farm, service)
        await box.crash()
        await until(lambda: not backend.online)
        await box.revive()
        await until(lambda: backend.trust.paused is None)

    async def test_a_trial_is_no_job(self, farm: Farm) -> None:
        """It is neither withdrawn as a stray nor counted as one of ours, nor as somebody else's."""
        box = await farm.box("a")
        service = await farm.service(**SOON, withdraw_round=0.01)
        await foreign(box, slow(0.6), "theirs")
        backend = await broken(farm, service)
        await until(lambda: canaries(box))
        await until(lambda: backend.depth == 2)
        assert (backend.candidate().ours, backend.foreign()) == (0, 1)
        await until(lambda: backend.trust.paused is None)
        assert box.count("POST", "/queue") == 0
