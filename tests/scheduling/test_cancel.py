"""Cancelling a job wherever it stands: it ends when the backend has let go, and only it ends."""

from __future__ import annotations

import asyncio
import errno
import os

import pytest
from aiohttp import web

from tests.scheduling.graphs import slow, still, stubborn
from tests.scheduling.rig import Farm, foreign, in_order, until


class TestBeforeTheBackend:
    async def test_a_job_without_a_backend_is_cancelled_at_once(self, farm: Farm) -> None:
        """It was never sent anywhere."""
        service = await farm.service()
        job = await service.submit(still())
        await service.waits_for(job, "no backend is configured")
        assert await service.cancel(job) == 200
        ended = await service.ended(job)
        assert ended["status"] == "cancelled"
        assert ended["attempts"] == []
        assert farm.story(job) == ["job.queued", "job.cancel_requested", "job.cancelled"]

    async def test_a_job_behind_others_leaves_the_queue(self, farm: Farm) -> None:
        """Those before and after it are not disturbed."""
        box = await farm.box("a")
        service = await farm.service()
        first, second, third = [await service.submit(slow(0.3, seed=n)) for n in range(3)]
        await service.waits_for(second, "all slots are taken on: a")
        await service.cancel(second)
        ends = [(await service.ended(job))["status"] for job in (first, second, third)]
        assert ends == ["succeeded", "cancelled", "succeeded"]
        assert len(box.posted()) == 2
        farm.settled(first, third)

    async def test_cancelling_at_the_very_start_never_loses_a_job(self, farm: Farm) -> None:
        """Whichever comes first, the cancel or the submission: it ends, one way or the other."""
        await farm.box("a", max_concurrent_jobs=3)
        service = await farm.service()
        jobs = []
        for turn in range(12):
            job = await service.submit(slow(0.2))
            for _ in range(turn):
                await asyncio.sleep(0)
            assert await service.cancel(job) == 200
            jobs.append(job)
        for job in jobs:
            assert (await service.ended(job))["status"] == "cancelled"
        assert farm.files() == []


class TestInTheBackend:
    async def test_a_prompt_that_waits_there_is_deleted(self, farm: Farm) -> None:
        """Before it ever runs; the prompt of somebody else, which runs, goes on."""
        box = await farm.box("a")
        await foreign(box, slow(0.6), "theirs")
        service = await farm.service()
        job = await service.submit(still())
        await until(box.waiting_of_ours)
        await service.cancel(job)
        ended = await service.ended(job)
        assert ended["status"] == "cancelled"
        assert ended["started_at"] is None
        await until(lambda: box.outcome("theirs"))
        assert box.outcome("theirs") == "execution_success"
        assert box.started == ["theirs"]
        assert box.count("POST", "/interrupt") == 0

    async def test_a_running_prompt_is_interrupted_by_its_id(self, farm: Farm) -> None:
        """What others have waiting behind it runs afterwards."""
        box = await farm.box("a")
        service = await farm.service()
        job = await service.submit(slow())
        await service.becomes(job, "running")
        await foreign(box, still(), "theirs")
        await service.cancel(job)
        assert (await service.ended(job))["status"] == "cancelled"
        (body,) = box.ours()
        assert box.outcome(body["prompt_id"]) == "execution_interrupted"
        await until(lambda: box.outcome("theirs"))
        assert box.outcome("theirs") == "execution_success"
        assert in_order(farm.story(job), "job.started", "job.cancel_requested", "job.cancelled")

    async def test_the_wish_is_durable_before_the_backend_hears_of_it(self, farm: Farm) -> None:
        """So that it is not forgotten in a crash."""
        box = await farm.box("a")
        told: list[list[str]] = []

        async def interrupt(_: web.Request) -> None:
            told.append(farm.story(job))

        box.intercept["POST", "/interrupt"] = interrupt
        service = await farm.service()
        job = await service.submit(slow())
        await service.becomes(job, "running")
        await service.cancel(job)
        await service.ended(job)
        assert told[0][-1] == "job.cancel_requested"

    async def test_it_is_cancelling_until_the_node_lets_go(self, farm: Farm) -> None:
        """Its slot stays taken, since the backend is still at work on it."""
        box = await farm.box("a")
        service = await farm.service()
        job = await service.submit(stubborn(0.6))
        other = await service.submit(still())
        await service.becomes(job, "running")
        await service.cancel(job)
        await until(lambda: box.count("POST", "/interrupt") > 2)
        assert (await service.job(job))["status"] == "cancelling"
        assert len(box.posted()) == 1
        assert await service.cancel(job) == 200  # asking again is no mistake
        assert (await service.ended(job))["status"] == "cancelled"
        assert (await service.ended(other))["status"] == "succeeded"

    async def test_an_interrupt_that_is_lost_is_repeated(self, farm: Farm) -> None:
        """ComfyUI clears the flag when a prompt begins."""
        box = await farm.box("a")
        box.behaviour.interrupt_ignored_at_start = 0.3
        service = await farm.service()
        job = await service.submit(slow())
        await until(lambda: box.memory.queue.running)
        await service.cancel(job)
        assert (await service.ended(job))["status"] == "cancelled"
        assert box.count("POST", "/interrupt") > 1

    async def test_a_cancel_can_lose_against_success(self, farm: Farm) -> None:
        """The picture is there: it is kept, and the job says so."""
        box = await farm.box("a")

        async def deaf(_: web.Request) -> web.Response:
            return web.Response()

        box.intercept["POST", "/interrupt"] = deaf
        service = await farm.service()
        job = await service.submit(slow(0.4))
        await service.becomes(job, "running")
        await service.cancel(job)
        ended = await service.ended(job)
        assert ended["status"] == "succeeded"
        story = farm.story(job)
        assert in_order(story, "job.cancel_requested", "job.rendered", "job.succeeded")
        farm.settled(job)

    async def test_a_submission_that_is_on_its_way_is_taken_back(self, farm: Farm) -> None:
        """The cancel comes while the backend still thinks about the prompt."""
        box = await farm.box("a")
        asked, go_on = asyncio.Event(), asyncio.Event()

        async def think(_: web.Request) -> None:
            asked.set()
            await go_on.wait()

        box.intercept["POST", "/prompt"] = think
        service = await farm.service()
        job = await service.submit(slow())
        await asked.wait()
        await service.cancel(job)
        go_on.set()
        assert (await service.ended(job))["status"] == "cancelled"
        await until(lambda: not box.memory.queue.running)


class TestAfterTheBackend:
    async def test_a_rendered_job_is_kept(self, farm: Farm) -> None:
        """What is finished and can be stored is stored."""
        box = await farm.box("a")
        asked, go_on = asyncio.Event(), asyncio.Event()

        async def view(_: web.Request) -> None:
            asked.set()
            await go_on.wait()

        box.intercept["GET", "/view"] = view
        service = await farm.service()
        job = await service.submit(still())
        await asked.wait()
        assert (await service.job(job))["status"] == "collecting"
        assert await service.cancel(job) == 200
        assert (await service.job(job))["status"] == "cancelling"
        go_on.set()
        assert (await service.ended(job))["status"] == "succeeded"
        farm.settled(job)

    async def test_waiting_for_a_full_share_ends(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody wants to wait for it any more; nothing half done is left."""
        await farm.box("a")
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        tries = []

        def refuse(*_: object) -> None:
            tries.append(1)
            raise full

        monkeypatch.setattr("orchestrator.scheduling.placing.take_place", refuse)
        service = await farm.service()
        job = await service.submit(still())
        await until(lambda: len(tries) > 2)
        await service.cancel(job)
        assert (await service.ended(job))["status"] == "cancelled"
        assert farm.files() == []
        assert farm.staged() == []
        told = [t.type for t in farm.told()]
        assert told.count("files.intended") == told.count("files.failed")

    @pytest.mark.parametrize("end", ["succeeded", "cancelled"])
    async def test_what_has_ended_cannot_be_cancelled(self, farm: Farm, end: str) -> None:
        """409, and the log is as it was."""
        await farm.box("a")
        service = await farm.service()
        job = await service.submit(slow() if end == "cancelled" else still())
        if end == "cancelled":
            await service.cancel(job)
        assert (await service.ended(job))["status"] == end
        before = farm.story(job)
        assert await service.cancel(job) == 409
        assert farm.story(job) == before


class TestOutOfReach:
    async def test_a_cancel_waits_until_the_backend_is_back(self, farm: Farm) -> None:
        """Nobody can say that it has let go while it does not answer."""
        box = await farm.box("a")
        service = await farm.service()
        job = await service.submit(slow())
        await service.becomes(job, "running")
        await box.refuse()
        await service.cancel(job)
        await until(lambda: not service.fleet.get("a").online)
        assert (await service.job(job))["status"] == "cancelling"
        await box.accept()
        assert (await service.ended(job))["status"] == "cancelled"
        assert box.outcome(box.ours()[0]["prompt_id"]) == "execution_interrupted"

    async def test_a_backend_that_stays_away_ends_the_waiting(self, farm: Farm) -> None:
        """And when it comes back and is still at work on it, that is stopped."""
        box = await farm.box("a")
        service = await farm.service(refused=0.3)
        job = await service.submit(slow())
        await service.becomes(job, "running")
        await box.refuse()
        await service.cancel(job)
        assert (await service.ended(job))["status"] == "cancelled"
        (body,) = box.ours()
        assert box.memory.queue.is_running(body["prompt_id"])
        await box.accept()
        await until(lambda: box.outcome(body["prompt_id"]))
        assert box.outcome(body["prompt_id"]) == "execution_interrupted"
        assert farm.story(job)[-1] == "job.cancelled"
