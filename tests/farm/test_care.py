"""A restart takes our jobs off, frees memory, looks, and says what it did not do."""

from __future__ import annotations

from tests.farm.test_changing import ask
from tests.scheduling.graphs import slow, still
from tests.scheduling.rig import Farm, foreign, until


class TestRestart:
    async def test_an_idle_one(self, farm: Farm) -> None:
        """Without a body, as clients send it; its process goes on."""
        box = await farm.box("a")
        service = await farm.service()
        told = await ask(service, "POST", "/a/restart")
        assert (told["success"], told["healthy"], told["freed"]) == (True, True, True)
        assert (told["backend_id"], told["interrupted"]) == ("a", [])
        assert told["process_restarted"] is False
        assert "process itself was not restarted" in told["message"]
        freed = [a.body for a in box.asked if a.path == "/free"]
        assert freed == [{"unload_models": True, "free_memory": True}]
        assert box.count("POST", "/interrupt") == 0

    async def test_our_jobs_go_back_to_the_queue(self, farm: Farm) -> None:
        """Stopped by their ids, not sent back at once, and no try is lost."""
        box = await farm.box("a")
        service = await farm.service()
        job = await service.submit(slow(0.5))
        await service.becomes(job, "running")
        told = await ask(service, "POST", "/a/restart", {"free_memory": False})
        assert (told["interrupted"], told["freed"], told["success"]) == ([job], False, True)
        assert box.count("POST", "/free") == 0
        ended = await service.ended(job)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
        assert "a is being restarted" in ended["attempts"][0]["reason"]
        farm.settled(job)

    async def test_others_are_not_touched(self, farm: Farm) -> None:
        """Their prompt runs on, with what it has in memory."""
        box = await farm.box("a", max_concurrent_jobs=2)
        await foreign(box, slow(0.6, seed=9), "theirs")
        service = await farm.service()
        job = await service.submit(still())
        await until(lambda: box.waiting_of_ours() == 1)
        told = await ask(service, "POST", "/a/restart")
        assert (told["interrupted"], told["foreign_prompts"]) == ([job], 1)
        assert (told["freed"], told["healthy"]) == (False, True)
        assert "others have 1 prompt there" in told["message"]
        assert (box.count("POST", "/free"), box.count("POST", "/interrupt")) == (0, 0)
        await until(lambda: box.outcome("theirs") == "execution_success")
        assert (await service.ended(job))["status"] == "succeeded"

    async def test_our_jobs_may_stay(self, farm: Farm) -> None:
        """If only the memory is meant."""
        await farm.box("a")
        service = await farm.service()
        job = await service.submit(slow(0.5))
        await service.becomes(job, "running")
        told = await ask(service, "POST", "/a/restart", {"interrupt_jobs": False})
        assert (told["interrupted"], told["freed"]) == ([], True)
        assert (await service.ended(job))["attempt"] == 1

    async def test_one_that_executes_nothing(self, farm: Farm) -> None:
        """It cannot be helped from here, and that is said."""
        box = await farm.box("a")
        await foreign(box, still(), "before")
        await until(lambda: box.outcome("before"))
        box.kill_worker()
        service = await farm.service(worker_dead=0.1)
        job = await service.submit(still(1))
        await service.waits_for(job, "executes nothing")
        told = await ask(service, "POST", "/a/restart")
        assert (told["success"], told["healthy"]) == (False, False)
        assert "only a restart of ComfyUI's process helps" in told["message"]

    async def test_one_that_does_not_answer(self, farm: Farm) -> None:
        """An answer, not an error."""
        box = await farm.box("a")
        service = await farm.service()
        await until(lambda: service.fleet.get("a").abilities)
        await box.crash()
        told = await ask(service, "POST", "/a/restart")
        assert (told["success"], told["healthy"], told["freed"]) == (False, False, False)
        assert "does not answer" in told["message"]


class TestFree:
    async def test_what_was_asked_for(self, farm: Farm) -> None:
        """Others' prompts only have to load their models anew, which is said."""
        box = await farm.box("a")
        await foreign(box, slow(0.5), "theirs")
        service = await farm.service()
        await until(lambda: service.fleet.get("a").depth == 1)
        service.fleet.get("a").warmed(frozenset({"flux.safetensors"}))
        told = await ask(service, "POST", "/a/free", {"free_memory": False})
        assert (told["success"], told["foreign_prompts"]) == (True, 1)
        freed = [a.body for a in box.asked if a.path == "/free"]
        assert freed == [{"unload_models": True, "free_memory": False}]
        assert (await service.backend("a"))["warm_models"] == []
        await until(lambda: box.outcome("theirs") == "execution_success")

    async def test_one_that_does_not_answer(self, farm: Farm) -> None:
        """It was not done."""
        box = await farm.box("a")
        service = await farm.service()
        await until(lambda: service.fleet.get("a").abilities)
        await box.crash()
        assert (await ask(service, "POST", "/a/free", status=503))["code"] == "backend.unreachable"
