"""Backends that are down, restarted, hung, deaf or in other hands: the job ends all the same."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from orchestrator.scheduling.backend import Backend
from orchestrator.scheduling.timing import MAX_ATTEMPTS
from tests.scheduling.graphs import failing, slow, still
from tests.scheduling.rig import HASTY, Farm, foreign, in_order, until
from tests.simulator.graphs import node


class TestNotTaken:
    async def test_a_backend_that_is_down_is_waited_for(self, farm: Farm) -> None:
        """With a reason, for as long as it takes, and at no cost."""
        box = await farm.box("a")
        await box.crash()
        service = await farm.service()
        job = await service.submit(still())
        await service.waits_for(job, "a does not answer")
        await box.revive()
        ended = await service.ended(job)
        assert ended["status"] == "succeeded"
        assert ended["attempt"] == 1

    async def test_a_backend_that_goes_down_before_the_submission(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It seemed to be well; the attempt was never sent, and does not count as a try."""
        box = await farm.box("a")
        service = await farm.service()
        await until(lambda: service.fleet.get("a").online)

        blind: list[int] = []

        async def look(*_: object, **__: object) -> None:
            blind.append(1)

        with monkeypatch.context() as patched:
            patched.setattr(Backend, "poll", look)
            await until(lambda: blind)
            await box.refuse()
            job = await service.submit(still())
            waiting = await service.waits_for(job, "a did not take a job")
        assert "did not take it" in waiting["attempts"][0]["reason"]
        await service.waits_for(job, "a does not answer")
        await box.accept()
        ended = await service.ended(job)
        assert ended["status"] == "succeeded"
        assert box.count("POST", "/prompt") == 1

    async def test_declining_again_and_again_costs_no_try(self, farm: Farm) -> None:
        """A proxy says 429 more often than a job may be tried; meanwhile the job says why."""
        box = await farm.box("a")
        left = MAX_ATTEMPTS * 2

        async def decline(_: web.Request) -> web.Response | None:
            nonlocal left
            left -= 1
            return web.Response(status=429) if left >= 0 else None

        box.intercept["POST", "/prompt"] = decline
        service = await farm.service()
        job = await service.submit(still())
        await service.waits_for(job, "did not take a job: answered 429")
        ended = await service.ended(job)
        assert ended["status"] == "succeeded"
        assert ended["attempt"] == MAX_ATTEMPTS * 2 + 1
        farm.settled(job)

    async def test_a_declining_backend_is_not_the_only_one(self, farm: Farm) -> None:
        """The job goes elsewhere at once."""
        bad = await farm.box("a")
        await farm.box("b")

        async def decline(_: web.Request) -> web.Response:
            return web.Response(status=502 - 73)

        bad.intercept["POST", "/prompt"] = decline
        service = await farm.service()
        jobs = [await service.submit(still()) for _ in range(4)]
        for job in jobs:
            ended = await service.ended(job)
            assert (ended["status"], ended["backend_id"]) == ("succeeded", "b")

    async def test_an_invalid_workflow_fails_at_once(self, farm: Farm) -> None:
        """With ComfyUI's reason and the node; the next job is not held up."""
        await farm.box("a")
        service = await farm.service()
        graph = still()
        graph["1"]["inputs"]["width"] = -5
        bad = await service.submit(graph)
        good = await service.submit(still())
        ended = await service.ended(bad)
        assert (ended["status"], ended["error_kind"]) == ("failed", "validation")
        assert ended["error_node"] == "1"
        assert ended["attempt"] == 1
        assert (await service.ended(good))["status"] == "succeeded"

    async def test_a_workflow_of_which_only_a_part_is_valid_is_not_run(self, farm: Farm) -> None:
        """ComfyUI would run the rest and call that a success."""
        await farm.box("a")
        service = await farm.service()
        graph = still()
        graph["3"] = node("SaveImage", images=["1", 0])
        ended = await service.ended(await service.submit(graph))
        assert (ended["status"], ended["error_kind"]) == ("failed", "validation")
        assert farm.files() == []


class TestUnanswered:
    async def test_a_submission_whose_answer_is_lost_is_found(self, farm: Farm) -> None:
        """It was taken: nothing is sent twice."""
        box = await farm.box("a")
        box.behaviour.lose_prompt_answers = 1
        service = await farm.service()
        job = await service.submit(slow(0.2))
        ended = await service.ended(job)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
        assert len(box.posted()) == 1
        farm.settled(job)

    async def test_a_500_is_looked_after_before_it_is_sent_again(self, farm: Farm) -> None:
        """It may have been taken all the same; if it was not, the job is tried anew."""
        box = await farm.box("a")
        answers = [web.Response(status=500)]

        async def stumble(_: web.Request) -> web.Response | None:
            return answers.pop() if answers else None

        box.intercept["POST", "/prompt"] = stumble
        service = await farm.service()
        job = await service.submit(still())
        ended = await service.ended(job)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
        assert "did not answer the submission" in ended["attempts"][0]["reason"]
        ids = [body["prompt_id"] for body in box.posted()]
        assert len(set(ids)) == 2
        farm.settled(job)

    async def test_a_backend_that_hangs_for_a_moment_keeps_its_job(self, farm: Farm) -> None:
        """The submission was given up by us and is carried out by it: that is the same attempt."""
        box = await farm.box("a")
        asked = asyncio.Event()

        async def hang(_: web.Request) -> None:
            box.hang()
            asked.set()

        box.intercept["POST", "/prompt"] = hang
        farm.limits = HASTY
        service = await farm.service()
        job = await service.submit(still())
        await asked.wait()
        await until(lambda: not service.fleet.get("a").online)
        box.release()
        ended = await service.ended(job)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
        farm.settled(job)

    async def test_a_ghost_of_a_given_up_submission_is_withdrawn(self, farm: Farm) -> None:
        """The job was done elsewhere; the hung backend wakes up and begins with it too."""
        box = await farm.box("a")
        await farm.box("b")

        async def hang(_: web.Request) -> None:
            box.hang()

        box.intercept["POST", "/prompt"] = hang
        farm.limits = HASTY
        service = await farm.service(unreachable=0.3)
        job = await service.submit(slow(0.5))
        ended = await service.ended(job)
        assert (ended["status"], ended["backend_id"]) == ("succeeded", "b")
        assert [a["backend_id"] for a in ended["attempts"]] == ["a", "b"]
        box.release()
        (body,) = box.posted()
        await until(lambda: box.outcome(body["prompt_id"]))
        assert box.outcome(body["prompt_id"]) == "execution_interrupted"
        farm.settled(job)


class TestLost:
    async def test_a_restart_in_mid_job_costs_a_try(self, farm: Farm) -> None:
        """Queue, running and history are gone; the job is sent again under a new id."""
        box = await farm.box("a")
        service = await farm.service()
        job = await service.submit(slow(0.4))
        await service.becomes(job, "running")
        await box.lose_memory()
        ended = await service.ended(job)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
        assert "lost by a restart" in ended["attempts"][0]["reason"]
        assert len({body["prompt_id"] for body in box.posted()}) == 2
        farm.settled(job)

    async def test_a_job_that_kills_its_backend_is_given_up(self, farm: Farm) -> None:
        """After three tries, with the reason of each."""
        box = await farm.box("a")
        box.behaviour.restart_after = 0.0
        graph = {
            "1": node("EmptyImage", width=8, height=8, batch_size=1, color=0),
            "2": node("TestCrash", image=["1", 0], after=0.1),
            "3": node("SaveImage", images=["2", 0], filename_prefix="never"),
        }
        service = await farm.service()
        job = await service.submit(graph)
        ended = await service.ended(job)
        assert (ended["status"], ended["error_kind"]) == ("failed", "attempts")
        assert ended["attempt"] == MAX_ATTEMPTS
        for number in range(1, MAX_ATTEMPTS + 1):
            assert f"{number}. backend a" in ended["error_message"]
        assert in_order(farm.story(job), *["job.submitted", "job.requeued"] * 2, "job.failed")

    async def test_what_was_never_sent_is_not_the_last_try(self, farm: Farm) -> None:
        """Two tries are used up, then the backend declines once: the third is still to come."""
        box = await farm.box("a")
        service = await farm.service()
        job = await service.submit(slow(0.3))
        answers = [web.Response(status=429)]

        async def decline(_: web.Request) -> web.Response | None:
            return answers.pop() if answers else None

        await service.becomes(job, "running")
        await box.lose_memory()
        await service.job_when(job, lambda job: job["attempt"] == 2 and job["status"] == "running")
        box.intercept["POST", "/prompt"] = decline
        await box.lose_memory()
        ended = await service.ended(job)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 4)
        farm.settled(job)

    async def test_a_prompt_that_somebody_deletes_is_sent_again(self, farm: Farm) -> None:
        """Others can clear the whole queue of a backend."""
        box = await farm.box("a")
        await foreign(box, slow(0.5), "theirs")
        service = await farm.service()
        job = await service.submit(still())
        await until(box.waiting_of_ours)
        box.memory.queue.clear()
        ended = await service.ended(job)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
        farm.settled(job)

    async def test_a_lost_job_prefers_another_backend(self, farm: Farm) -> None:
        """What one machine cannot do, another may."""
        box = await farm.box("a")
        await farm.box("b")
        service = await farm.service()
        job = await service.submit(slow(0.3))
        await service.becomes(job, "running")
        await box.lose_memory()
        ended = await service.ended(job)
        assert [a["backend_id"] for a in ended["attempts"]] == ["a", "b"]


class TestEndings:
    async def test_a_failing_node_fails_the_job(self, farm: Farm) -> None:
        """With its message; it would fail again."""
        await farm.box("a")
        service = await farm.service()
        ended = await service.ended(await service.submit(failing("no such lens")))
        assert (ended["status"], ended["error_kind"]) == ("failed", "execution")
        assert ended["error_node"] == "2"
        assert "no such lens" in ended["error_message"]
        assert ended["attempt"] == 1

    async def test_an_endless_message_is_cut(self, farm: Farm) -> None:
        """An exception may hold a tensor; a line of the log holds a megabyte."""
        await farm.box("a")
        service = await farm.service()
        ended = await service.ended(await service.submit(failing("x" * 300_000)))
        assert (ended["status"], ended["error_kind"]) == ("failed", "execution")
        assert len(ended["error_message"]) < 5_000

    async def test_an_interrupt_of_somebody_else_is_told_as_such(self, farm: Farm) -> None:
        """It is no cancel, and no error of the workflow."""
        box = await farm.box("a")
        service = await farm.service()
        job = await service.submit(slow())
        await service.becomes(job, "running")
        box.memory.interrupted = True
        ended = await service.ended(job)
        assert (ended["status"], ended["error_kind"]) == ("failed", "interrupted")
        assert "not by this service" in ended["error_message"]

    async def test_a_history_that_comes_late_is_waited_for(self, farm: Farm) -> None:
        """The frame of success comes first; an empty history then means nothing."""
        box = await farm.box("a")
        box.behaviour.history_delay = 0.4
        service = await farm.service()
        job = await service.submit(still())
        ended = await service.ended(job)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
        farm.settled(job)

    async def test_many_faults_at_once_lose_nothing(self, farm: Farm) -> None:
        """Late histories, lost answers, and others on the same machine."""
        box = await farm.box("a", max_concurrent_jobs=3)
        for number in range(6):
            await foreign(box, still(number), f"theirs-{number}")
        box.behaviour.change({"history_delay": 0.05, "lose_prompt_answers": 3})
        service = await farm.service()
        jobs = [await service.submit(still(number)) for number in range(6)]
        for job in jobs:
            assert (await service.ended(job))["status"] == "succeeded"
        await until(lambda: all(box.outcome(f"theirs-{n}") for n in range(6)))
        assert len(box.ours()) == 6
        farm.settled(*jobs)
