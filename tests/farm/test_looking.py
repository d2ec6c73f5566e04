"""What is installed on a backend is looked up; one that is away is asked less and less often."""

from __future__ import annotations

from aiohttp import web

from tests.farm.test_changing import ask
from tests.scheduling.graphs import still
from tests.scheduling.rig import Farm, until


class TestLookingInside:
    async def test_when_it_comes_online(self, farm: Farm) -> None:
        """Its classes and its models, counted for people."""
        await farm.box("a")
        service = await farm.service()
        await until(lambda: service.fleet.get("a").abilities)
        abilities = service.fleet.get("a").candidate().abilities
        assert abilities is not None
        assert "SaveImage" in abilities.classes
        shown = await service.backend("a")
        assert shown["node_classes"] == len(abilities.classes)
        assert shown["models"] > 0

    async def test_again_after_a_restart(self, farm: Farm) -> None:
        """Somebody may have installed something."""
        box = await farm.box("a")
        service = await farm.service()
        await until(lambda: service.fleet.get("a").abilities)
        looks = box.count("GET", "/object_info")
        await box.lose_memory()
        await until(lambda: box.count("GET", "/object_info") > looks)

    async def test_when_somebody_asks(self, farm: Farm) -> None:
        """And not by itself before its time."""
        box = await farm.box("a")
        service = await farm.service()
        await until(lambda: service.fleet.get("a").abilities)
        box.behaviour.change({"models": False})
        looks, models = box.count("GET", "/object_info"), (await service.backend("a"))["models"]
        told = await ask(service, "POST", "/a/refresh")
        assert box.count("GET", "/object_info") == looks + 1
        assert told["backend"]["models"] < models
        assert "kinds of nodes found" in told["message"]

    async def test_a_failure_keeps_what_was_known(self, farm: Farm) -> None:
        """A broken custom node can make it fail for long; jobs go on."""
        box = await farm.box("a")
        service = await farm.service()
        await until(lambda: service.fleet.get("a").abilities)
        known = service.fleet.get("a").abilities

        async def fail(_: web.Request) -> web.StreamResponse:
            return web.Response(status=500)

        box.intercept[("GET", "/object_info")] = fail
        refused = await ask(service, "POST", "/a/refresh", status=503)
        assert refused["code"] == "backend.unreachable"
        assert service.fleet.get("a").abilities is known
        assert (await service.ended(await service.submit(still())))["status"] == "succeeded"

    async def test_one_that_never_told_gets_jobs_all_the_same(self, farm: Farm) -> None:
        """What is not known is not held against it."""
        box = await farm.box("a")

        async def nonsense(_: web.Request) -> web.StreamResponse:
            return web.Response(body=b'{"KSampler": 7', content_type="application/json")

        box.intercept[("GET", "/object_info")] = nonsense
        service = await farm.service()
        assert (await service.ended(await service.submit(still())))["status"] == "succeeded"
        shown = await service.backend("a")
        assert (shown["node_classes"], shown["models"], shown["state"]) == (None, None, "online")


class TestAway:
    async def test_it_is_asked_less_and_less_often(self, farm: Farm) -> None:
        """And it is back at once when somebody asks for it."""
        box = await farm.box("a")
        await box.crash()
        service = await farm.service(poll_away=20.0)
        backend = service.fleet.get("a")
        await until(lambda: backend.failures == 4)
        assert (await service.backend("a"))["state"] == "unreachable"
        await box.revive()
        async with service.client.get("/api/backends/a/status") as answer:
            assert (await answer.json())["online"]
        assert backend.failures == 0
        assert (await service.ended(await service.submit(still())))["status"] == "succeeded"
