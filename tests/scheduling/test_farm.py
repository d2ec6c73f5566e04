"""Many jobs on several backends: slots, spreading, reasons for waiting, and what the feed tells."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from attrs import evolve

from orchestrator.comfyui.progress import ProgressTracker
from orchestrator.scheduling.choose import MAX_WAITING_INSIDE
from orchestrator.scheduling.dispatcher import Dispatcher
from orchestrator.services import JOB_FEED, JOBS
from tests.scheduling.graphs import slow, still
from tests.scheduling.rig import Farm, Service, feed_of, foreign, until


async def all_succeed(service: Service, farm: Farm, jobs: list[str]) -> list[dict[str, Any]]:
    """Wait for all; each succeeded once, with its file."""
    ends = [await service.ended(job) for job in jobs]
    assert [end["status"] for end in ends] == ["succeeded"] * len(jobs)
    farm.settled(*jobs)
    return ends


class TestSlots:
    async def test_thirty_jobs_on_three_backends(self, farm: Farm) -> None:
        """Each is done exactly once, all backends have their share, no slot is overbooked."""
        limits = {"a": 1, "b": 2, "c": 4}
        for name, limit in limits.items():
            await farm.box(name, max_concurrent_jobs=limit)
        service = await farm.service()
        most: Counter[str] = Counter()
        waiting: Counter[str] = Counter()

        def look() -> None:
            for name, box in farm.boxes.items():
                queue = box.memory.queue
                there = [*queue.pending, *queue.running.values()]
                most[name] = max(most[name], len(there))
                waiting[name] = max(waiting[name], len(queue.pending))

        done = asyncio.Event()

        async def guard() -> None:
            while not done.is_set():
                look()
                await asyncio.sleep(0)  # every state counts, not only the last

        guarding = asyncio.create_task(guard())
        jobs = [await service.submit(slow(0.05, seed=n)) for n in range(30)]
        ends = await all_succeed(service, farm, jobs)
        done.set()
        await guarding
        assert all(most[name] <= limit for name, limit in limits.items())
        # One that is about to run waits for a moment, too.
        assert all(count <= MAX_WAITING_INSIDE + 1 for count in waiting.values())
        assert all(end["attempt"] == 1 for end in ends)
        assert sum(len(box.posted()) for box in farm.boxes.values()) == 30
        assert set(Counter(end["backend_id"] for end in ends)) == {"a", "b", "c"}

    async def test_few_wait_inside_a_backend_however_many_it_may_have(self, farm: Farm) -> None:
        """What is queued there dies with it."""
        box = await farm.box("a", max_concurrent_jobs=8)
        await foreign(box, slow(0.8), "theirs")
        service = await farm.service()
        jobs = [await service.submit(still(n)) for n in range(6)]
        await service.waits_for(jobs[-1], "all slots are taken on: a")
        await until(lambda: box.waiting_of_ours() == MAX_WAITING_INSIDE)
        looks = box.count("GET", "/queue")
        await until(lambda: box.count("GET", "/queue") > looks + 10)
        assert box.waiting_of_ours() == MAX_WAITING_INSIDE
        await all_succeed(service, farm, jobs)

    async def test_the_least_busy_backend_is_used(self, farm: Farm) -> None:
        """What others have there counts."""
        busy = await farm.box("a", max_concurrent_jobs=2)
        await farm.box("b", max_concurrent_jobs=2)
        for number in range(3):
            await foreign(busy, slow(0.5, seed=number), f"theirs-{number}")
        service = await farm.service()
        await until(lambda: service.fleet.get("a").depth == 3 and service.fleet.get("b").online)
        jobs = [await service.submit(still(n)) for n in range(2)]
        ends = await all_succeed(service, farm, jobs)
        assert {end["backend_id"] for end in ends} == {"b"}

    async def test_jobs_start_in_the_order_of_their_submission(self, farm: Farm) -> None:
        """The one that waits longest is next."""
        box = await farm.box("a")
        service = await farm.service()
        jobs = [await service.submit(slow(0.05, seed=n)) for n in range(6)]
        await all_succeed(service, farm, jobs)
        marks = [body["extra_data"]["orchestrator"]["job"] for body in box.posted()]
        assert marks == jobs


class TestReasons:
    async def test_every_kind_of_waiting_is_told(self, farm: Farm) -> None:
        """In GET /api/jobs/{id}, until the job is with a backend."""
        await farm.box("a", capabilities=("flux",))
        await farm.box("b", enabled=False, capabilities=("video",))
        away = await farm.box("c", capabilities=("audio", "flux"))
        await away.crash()
        service = await farm.service()
        running = await service.submit(slow(), required_capabilities=["flux"], backend_id="a")
        await service.becomes(running, "running")
        waiting: dict[str, dict[str, Any]] = {
            "all slots are taken on: a": {"backend_id": "a"},
            "b is disabled": {"backend_id": "b"},
            "c does not answer": {"required_capabilities": ["audio"]},
        }
        jobs = {words: await service.submit(still(), **asked) for words, asked in waiting.items()}
        for words, job in jobs.items():
            assert (await service.waits_for(job, words))["status"] == "queued"
        assert (await service.job(running))["waiting_for"] is None
        await service.cancel(running)
        ended = await service.ended(jobs["all slots are taken on: a"])
        assert ended["waiting_for"] is None

    async def test_what_no_backend_can_do_is_refused_at_once(self, farm: Farm) -> None:
        """A job that could never run is not found waiting next morning."""
        await farm.box("a", capabilities=("flux",))
        service = await farm.service()
        body = {"workflow": still(), "required_capabilities": ["video"]}
        async with service.client.post("/api/job", json=body) as answer:
            assert answer.status == 422
            assert (await answer.json())["code"] == "backend.no_capability"


class TestFeed:
    async def test_states_come_in_order_and_progress_never_falls(self, farm: Farm) -> None:
        """From the first word to the last, for each job."""
        await farm.box("a")
        service = await farm.service()
        said: list[dict[str, Any]] = []
        ready = asyncio.Event()

        async def watch() -> None:
            async for message in feed_of(service):
                said.append(message)
                ready.set()

        watching = asyncio.create_task(watch())
        await ready.wait()
        jobs = [await service.submit(slow(0.4, seed=n)) for n in range(2)]
        await all_succeed(service, farm, jobs)
        ends = {"succeeded"}
        await until(lambda: sum(m.get("job", {}).get("status") in ends for m in said) == 2)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        assert said[0]["type"] == "initial_state"
        for job in jobs:
            states = [
                m["job"]["status"]
                for m in said
                if m["type"] == "job_state" and m["job"]["job_id"] == job
            ]
            assert list(dict.fromkeys(states)) == [
                "queued",
                "submitted",
                "running",
                "collecting",
                "succeeded",
            ]
            assert states == sorted(states, key=list(dict.fromkeys(states)).index)
            progress = [
                m["progress"] if m["type"] == "job_progress" else m["job"]["progress"]
                for m in said[1:]
                if job in (m.get("job_id"), m.get("job", {}).get("job_id"))
            ]
            assert progress == sorted(progress)
            assert progress[-1] == 100.0
            assert len(set(progress)) > 3

    async def test_a_feed_of_one_job_tells_of_no_other(self, farm: Farm) -> None:
        """Neither states nor progress."""
        await farm.box("a", max_concurrent_jobs=2)
        service = await farm.service()
        first = await service.submit(slow(0.3))
        second = await service.submit(slow(0.3, seed=1))
        seen: set[str] = set()
        async for message in feed_of(service, jobId=second):
            if message["type"] == "initial_state":
                seen |= {job["job_id"] for job in message["jobs"]}
            else:
                seen.add(message.get("job_id") or message["job"]["job_id"])
            if message.get("job", {}).get("status") == "succeeded":
                break
        assert seen == {second}
        await all_succeed(service, farm, [first, second])

    async def test_progress_of_an_ended_job_is_forgotten(self, farm: Farm) -> None:
        """A late frame must not bring it back."""
        await farm.box("a")
        service = await farm.service()
        job = await service.submit(slow(0.2))
        with service.app[JOB_FEED].watch(lambda news: news.progress is not None) as watcher:
            news = await watcher.next()
        tracker = news[0].progress
        assert tracker is not None
        await service.ended(job)
        service.dispatcher._on_progress(farm.project, job, evolve(tracker, percent=50.0))
        assert service.dispatcher.progress(job) is None
        assert (await service.job(job))["progress"] == 100.0

    async def test_a_frame_of_an_older_attempt_is_not_progress(self, farm: Farm) -> None:
        """It would make the bar jump."""
        await farm.box("a")
        service = await farm.service()
        job = await service.submit(slow())
        await service.job_when(job, lambda job: job["progress"] > 0)
        older = ProgressTracker(prompt_id="of an older attempt", node_count=3, percent=90.0)
        service.dispatcher._on_progress(farm.project, job, older)
        assert (await service.job(job))["progress"] < 90.0


class TestLoop:
    async def test_nothing_to_do_is_nothing_done(self, farm: Farm) -> None:
        """With jobs that wait and backends that are well, the loop turns with its heartbeat."""
        await farm.box("a")
        service = await farm.service(heartbeat=60.0)
        running = await service.submit(slow(), backend_id="a")
        await service.becomes(running, "running")
        waiting = await service.submit(still(), backend_id="a")
        await service.waits_for(waiting, "all slots")
        passes: list[int] = []
        real = Dispatcher._dispatch

        def dispatch(dispatcher: Dispatcher) -> None:
            passes.append(1)
            real(dispatcher)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Dispatcher, "_dispatch", dispatch)
            box = farm.boxes["a"]
            looks = box.count("GET", "/queue")
            await until(lambda: box.count("GET", "/queue") > looks + 10)
        assert passes == []

    async def test_a_fault_in_one_pass_is_told_and_passes(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The farm does not stand still for ever."""
        await farm.box("a")
        service = await farm.service()
        faults = [RuntimeError("a fault of ours")] * 2
        real = Dispatcher._dispatch

        def dispatch(dispatcher: Dispatcher) -> None:
            if faults:
                raise faults.pop()
            real(dispatcher)

        monkeypatch.setattr(Dispatcher, "_dispatch", dispatch)
        job = await service.submit(still())
        await all_succeed(service, farm, [job])
        assert faults == []

    async def test_a_fault_of_ours_ends_the_job_and_says_so(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It must neither wait for ever nor be tried for ever; others are not concerned."""
        await farm.box("a")
        service = await farm.service()

        def broken(*_: object) -> None:
            raise RuntimeError("a fault of ours")

        with monkeypatch.context() as patched:
            patched.setattr("orchestrator.scheduling.attempt.with_prefix", broken)
            ended = await service.ended(await service.submit(still()))
        assert (ended["status"], ended["error_kind"]) == ("failed", "internal")
        assert "a fault of ours" in ended["error_message"]
        job = await service.submit(still())
        await all_succeed(service, farm, [job])

    async def test_a_fault_that_cannot_even_be_told_is_not_tried_for_ever(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Once is enough to see it in the service's log."""
        await farm.box("a")
        service = await farm.service()
        tries: list[int] = []

        def broken(*_: object) -> None:
            tries.append(1)
            raise RuntimeError("a fault of ours")

        monkeypatch.setattr("orchestrator.scheduling.attempt.with_prefix", broken)
        monkeypatch.setattr("orchestrator.scheduling.teller.Teller.step", broken)
        await service.submit(still())
        passes: list[int] = []
        real = Dispatcher._dispatch

        def dispatch(dispatcher: Dispatcher) -> None:
            passes.append(1)
            real(dispatcher)

        await until(lambda: len(tries) == 2)
        monkeypatch.setattr(Dispatcher, "_dispatch", dispatch)
        await until(lambda: len(passes) > 12)  # longer than any limit of this farm
        assert len(tries) == 2

    async def test_stopping_leaves_no_task_behind(self, farm: Farm) -> None:
        """Jobs in every state, and a clean end."""
        await farm.box("a")
        service = await farm.service()
        running, _ = [await service.submit(slow(seed=n)) for n in range(2)]
        await service.becomes(running, "running")
        await service.cancel(running)
        await service.client.close()
        await until(lambda: not [task for task in service.tasks if not task.done()])
        assert not service.app[JOBS].fleet.get("a").socket.connected
