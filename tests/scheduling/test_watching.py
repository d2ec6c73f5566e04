"""Noticing what no answer says: a dead worker, a stalled node, a mute socket."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from orchestrator.scheduling.backend import Backend
from tests.scheduling.graphs import slow, still, stubborn
from tests.scheduling.rig import HASTY, Farm, Service, foreign, until


async def works(service: Service, farm: Farm, *jobs: str) -> None:
    """Wait until all jobs have succeeded."""
    for job in jobs:
        ended = await service.ended(job)
        assert ended["status"] == "succeeded", ended
    farm.settled(*jobs)


class TestDeadWorker:
    async def test_a_job_leaves_a_backend_that_executes_nothing(self, farm: Farm) -> None:
        """HTTP is healthy there; the job is taken out of its queue, at no cost of a try."""
        dead = await farm.box("a")
        await farm.box("b")
        dead.kill_worker()
        service = await farm.service(worker_dead=0.3)
        job = await service.submit(still())
        ended = await service.ended(job)
        assert [a["backend_id"] for a in ended["attempts"]] == ["a", "b"]
        assert "executes nothing" in ended["attempts"][0]["reason"]
        assert dead.memory.queue.pending == []
        await works(service, farm, job)

    async def test_the_backend_is_shown_as_dead_and_left_alone(self, farm: Farm) -> None:
        """An empty queue is no sign of life; a restart is."""
        dead = await farm.box("a")
        dead.kill_worker()
        service = await farm.service(worker_dead=0.3)
        job = await service.submit(still())
        await service.waits_for(job, "a executes nothing; restart ComfyUI there")
        backend = await service.backend("a")
        assert (backend["status"], backend["online"]) == ("worker_dead", True)
        looks = dead.count("GET", "/queue")
        await until(lambda: dead.count("GET", "/queue") > looks + 10)
        assert dead.count("POST", "/prompt") == 1
        await dead.lose_memory()
        await works(service, farm, job)
        assert (await service.backend("a"))["status"] == "idle"

    async def test_more_moves_than_tries_cost_nothing(self, farm: Farm) -> None:
        """A job that no worker ever began has not been tried."""
        boxes = [await farm.box(name) for name in "abcd"]
        for box in boxes[:3]:
            box.kill_worker()
        service = await farm.service(worker_dead=0.3)
        job = await service.submit(still())
        ended = await service.ended(job)
        assert (ended["backend_id"], ended["attempt"]) == ("d", 4)
        await works(service, farm, job)

    async def test_a_busy_worker_is_not_dead(self, farm: Farm) -> None:
        """However long prompts wait behind the one that runs, whoever's it is."""
        box = await farm.box("a")
        await foreign(box, stubborn(0.6), "theirs")
        service = await farm.service(worker_dead=0.2)
        job = await service.submit(still())
        ended = await service.ended(job)
        assert ended["attempt"] == 1
        await works(service, farm, job)


class TestStall:
    async def test_a_node_without_a_sign_of_life_is_stopped(self, farm: Farm) -> None:
        """The job fails as stalled, the backend goes on with the next."""
        box = await farm.box("a")
        service = await farm.service(withdraw_limit=20.0)
        job = await service.submit(stubborn(1.4), stall_seconds=1)
        other = await service.submit(still())
        ended = await service.ended(job)
        assert (ended["status"], ended["error_kind"]) == ("failed", "stalled")
        assert "no sign of life" in ended["error_message"]
        assert ended["error_node"] == "3"
        assert box.outcome(box.posted()[0]["prompt_id"]) == "execution_interrupted"
        await works(service, farm, other)

    async def test_a_long_job_that_moves_does_not_stall(self, farm: Farm) -> None:
        """Each step of a sampler is a sign of life, and so is waiting in a queue."""
        box = await farm.box("a")
        await foreign(box, stubborn(1.1), "theirs")
        service = await farm.service()
        job = await service.submit(slow(1.2), stall_seconds=1)
        await works(service, farm, job)

    async def test_a_backend_that_cannot_be_stopped_is_left_alone(self, farm: Farm) -> None:
        """The worker died in mid-job: what waits behind goes elsewhere, nothing is added."""
        dead = await farm.box("a", max_concurrent_jobs=2)
        service = await farm.service(withdraw_limit=0.3)
        job = await service.submit(slow(), stall_seconds=1)
        await service.becomes(job, "running")
        behind = await service.submit(still())
        await until(lambda: len(dead.ours()) == 2)
        dead.kill_worker()
        ended = await service.ended(job)
        assert (ended["status"], ended["error_kind"]) == ("failed", "stalled")
        await service.waits_for(behind, "a executes nothing; restart ComfyUI there")
        assert (await service.backend("a"))["status"] == "worker_dead"
        await dead.lose_memory()
        await works(service, farm, behind)

    @pytest.mark.parametrize("kind", ["refuses", "hangs"])
    async def test_a_silent_host_is_not_a_stalled_job(self, farm: Farm, kind: str) -> None:
        """It is out of reach for longer than the job may be silent, and comes back with it."""
        box = await farm.box("a")
        farm.limits = HASTY
        service = await farm.service(unreachable=20.0, refused=20.0)
        job = await service.submit(slow(1.8), stall_seconds=1)
        await service.becomes(job, "running")
        if kind == "refuses":
            await box.refuse()
        else:
            box.hang()
        await until(lambda: not service.fleet.get("a").online)
        await asyncio.sleep(1.1)
        if kind == "refuses":
            await box.accept()
        else:
            box.release()
        await works(service, farm, job)


class TestSocket:
    async def test_a_mute_socket_is_opened_anew(self, farm: Farm) -> None:
        """ComfyUI forgets a socket when an older one of the same id closes late."""
        box = await farm.box("a")
        service = await farm.service()
        client_id = service.fleet.client_id(service.dispatcher.host, "a")
        await until(lambda: client_id in box.memory.hub.sockets)
        async with aiohttp.ClientSession() as session:
            old = await session.ws_connect(f"{box.url}/ws?clientId={client_id}")
            await old.close()
        await until(lambda: client_id not in box.memory.hub.sockets)
        job = await service.submit(slow(1.2))
        moved = await service.job_when(job, lambda job: job["progress"] > 0)
        assert moved["status"] == "running"
        assert client_id in box.memory.hub.sockets
        await works(service, farm, job)

    async def test_a_socket_that_is_not_mute_stays_open(self, farm: Farm) -> None:
        """Changes of the queue are told by frames; nothing is owed."""
        box = await farm.box("a")
        service = await farm.service(mute=0.1)
        for number in range(4):
            await service.ended(await service.submit(slow(0.15, seed=number)))
        assert box.count("GET", "/ws") == 1

    async def test_a_cut_socket_costs_only_progress(self, farm: Farm) -> None:
        """It comes back; polling is the truth meanwhile."""
        box = await farm.box("a")
        service = await farm.service()
        job = await service.submit(slow(0.8))
        await service.job_when(job, lambda job: job["progress"] > 0)
        assert box.drop_sockets() == 1
        before = (await service.job(job))["progress"]
        await service.job_when(job, lambda job: job["progress"] > before)
        await works(service, farm, job)


class TestFaultOfOurs:
    async def test_a_backend_is_watched_on_after_a_fault_in_watching(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is told, and it does not leave the farm without that backend for ever."""
        await farm.box("a")
        service = await farm.service()
        backend = service.fleet.get("a")
        await until(lambda: backend.online)
        with monkeypatch.context() as patched:
            broken = []

            async def judge(*_: object) -> None:
                broken.append(1)
                raise RuntimeError("a fault of ours")

            patched.setattr(Backend, "_judge", judge)
            await until(lambda: broken and not backend.online)
            assert "service's log" in (await service.backend("a"))["fault"]
        await works(service, farm, await service.submit(still()))
