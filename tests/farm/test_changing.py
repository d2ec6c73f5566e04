"""Backends added, changed and removed while the service runs, and after it was restarted."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.scheduling.graphs import slow, still
from tests.scheduling.rig import Box, Farm, Service, foreign, until


async def ask(
    service: Service, method: str, path: str, body: Any = None, status: int = 200
) -> dict[str, Any]:
    """Ask something of the backends."""
    async with service.client.request(method, f"/api/backends{path}", json=body) as answer:
        assert answer.status == status, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told


async def spare(farm: Farm, name: str) -> Box:
    """A server that no configuration names."""
    box = await farm.box(name)
    farm.remove(name)
    return box


def beside(box: Box, **more: Any) -> dict[str, Any]:
    """The body that adds a server."""
    return {"id": "b", "name": "B", "host": "127.0.0.1", "port": box.port, **more}


class TestAdding:
    async def test_it_gets_the_job_that_waited_for_it(self, farm: Farm) -> None:
        """At once, and again after a restart of the service."""
        box = await spare(farm, "b")
        service = await farm.service()
        job = await service.submit(still())
        await service.waits_for(job, "no backend is configured")
        told = await ask(service, "POST", "", beside(box, capabilities=["flux"]), 201)
        assert (told["success"], told["backend_id"]) == (True, "b")
        assert told["backend"]["capabilities"] == ["flux"]
        assert (await service.ended(job))["backend_id"] == "b"
        await service.kill()
        service = await farm.service()
        again = await service.submit(still(1), required_capabilities=["flux"])
        assert (await service.ended(again))["backend_id"] == "b"
        farm.settled(job, again)

    async def test_an_open_attempt_on_it_is_taken_up_after_a_restart(self, farm: Farm) -> None:
        """The dispatcher must not think that its backend is not configured any more."""
        box = await spare(farm, "b")
        service = await farm.service()
        await ask(service, "POST", "", beside(box), 201)
        job = await service.submit(slow(0.5))
        await service.becomes(job, "running")
        await service.kill()
        service = await farm.service()
        ended = await service.ended(job)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
        farm.settled(job)

    async def test_the_file_names_it_later(self, farm: Farm) -> None:
        """Then the file counts."""
        box = await spare(farm, "b")
        service = await farm.service()
        await ask(service, "POST", "", beside(box, name="Beast"), 201)
        await service.kill()
        other = await farm.box("b", max_concurrent_jobs=2)
        service = await farm.service()
        told = await service.backend("b")
        assert (told["name"], told["port"]) == ("b", other.port)


class TestSwitching:
    async def test_a_disabled_one_is_left_alone(self, farm: Farm) -> None:
        """It is neither polled nor listened to, until it is enabled again."""
        box = await farm.box("a")
        service = await farm.service()
        await until(lambda: box.memory.hub.sockets)
        told = await ask(service, "POST", "/a/disable")
        assert (told["backend"]["state"], told["backend"]["status"]) == ("disabled", "disabled")
        await until(lambda: not box.memory.hub.sockets)
        looks = box.count("GET", "/queue")
        job = await service.submit(still())
        await service.waits_for(job, "a is disabled")
        await asyncio.sleep(0.2)
        assert box.count("GET", "/queue") <= looks + 1  # one was on its way
        assert (await ask(service, "POST", "/a/enable"))["backend"]["enabled"]
        assert (await service.ended(job))["status"] == "succeeded"

    async def test_a_disabled_one_finishes_what_it_has(self, farm: Farm) -> None:
        """With progress to the last; then nobody looks at it any more."""
        box = await farm.box("a")
        service = await farm.service()
        job = await service.submit(slow(0.6))
        await service.becomes(job, "running")
        await ask(service, "POST", "/a/disable")
        ended = await service.ended(job)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
        await until(lambda: not box.memory.hub.sockets)
        assert box.count("GET", "/ws") == 1

    async def test_a_draining_one_gets_nothing_new(self, farm: Farm) -> None:
        """Even after a restart of the service; what runs there runs on."""
        await farm.box("a")
        service = await farm.service()
        running = await service.submit(slow(0.4))
        await service.becomes(running, "running")
        assert (await ask(service, "POST", "/a/drain"))["backend"]["state"] == "draining"
        waiting = await service.submit(still())
        await service.waits_for(waiting, "a is draining")
        assert (await service.ended(running))["status"] == "succeeded"
        await service.kill()
        service = await farm.service()
        await service.waits_for(waiting, "a is draining")
        assert (await service.backend("a"))["draining"]
        assert (await ask(service, "POST", "/a/undrain"))["backend"]["draining"] is False
        assert (await service.ended(waiting))["status"] == "succeeded"


class TestEditing:
    async def test_a_change_leaves_what_runs_alone(self, farm: Farm) -> None:
        """The socket stays open, the attempt goes on, and the new limit counts."""
        box = await farm.box("a")
        service = await farm.service()
        first = await service.submit(slow(0.5))
        await service.becomes(first, "running")
        backend = service.fleet.get("a")
        told = await ask(service, "PATCH", "/a", {"name": "Beast", "max_concurrent_jobs": 2})
        assert (told["backend"]["name"], told["backend"]["max_concurrent_jobs"]) == ("Beast", 2)
        assert service.fleet.get("a") is backend
        second = await service.submit(still())
        await until(lambda: len(box.ours()) == 2)
        for job in (first, second):
            assert (await service.ended(job))["attempt"] == 1
        assert box.count("GET", "/ws") == 1

    async def test_another_address_is_another_backend(self, farm: Farm) -> None:
        """Refused while a job of ours is at the old one."""
        old, new = await farm.box("a"), await spare(farm, "b")
        service = await farm.service()
        job = await service.submit(slow(0.6))
        await service.becomes(job, "running")
        there = {"port": new.port}
        refused = await ask(service, "PUT", "/a", there, 409)
        assert (refused["code"], refused["detail"]["jobs"]) == ("backend.in_use", [job])
        assert (await service.ended(job))["status"] == "succeeded"
        await ask(service, "PUT", "/a", there)
        await until(lambda: not old.memory.hub.sockets)
        again = await service.submit(still())
        assert (await service.ended(again))["status"] == "succeeded"
        assert (len(old.ours()), len(new.ours())) == (1, 1)


class TestRemoving:
    async def test_one_with_jobs_is_not_removed(self, farm: Farm) -> None:
        """They are named; nothing was changed."""
        await farm.box("a")
        service = await farm.service()
        job = await service.submit(slow(0.5))
        await service.becomes(job, "running")
        refused = await ask(service, "DELETE", "/a", status=409)
        assert (refused["code"], refused["detail"]["jobs"]) == ("backend.in_use", [job])
        assert (await service.ended(job))["status"] == "succeeded"
        assert (await ask(service, "DELETE", "/a"))["interrupted"] == []
        await ask(service, "GET", "/a", status=404)

    async def test_its_jobs_go_elsewhere_by_force(self, farm: Farm) -> None:
        """At no cost of a try; the prompt of somebody else runs on there."""
        box = await farm.box("a", max_concurrent_jobs=2)
        await foreign(box, slow(0.6, seed=9), "theirs")
        service = await farm.service()
        job = await service.submit(slow(0.3))
        await until(lambda: box.waiting_of_ours() == 1)
        other = await spare(farm, "b")
        await ask(service, "POST", "", beside(other), 201)
        told = await ask(service, "DELETE", "/a?force=true")
        assert (told["interrupted"], told["still_stopping"]) == ([job], [])
        ended = await service.ended(job)
        assert (ended["status"], ended["backend_id"]) == ("succeeded", "b")
        assert "a was removed" in ended["attempts"][0]["reason"]
        await until(lambda: box.outcome("theirs") == "execution_success")
        assert [b["id"] for b in (await ask(service, "GET", ""))["backends"]] == ["b"]
        farm.settled(job)

    async def test_it_stays_away_after_a_restart(self, farm: Farm) -> None:
        """Although config.yaml names it still, until somebody edits what it says of it."""
        await farm.box("a")
        await farm.box("c")
        service = await farm.service()
        await ask(service, "DELETE", "/a")
        await service.kill()
        service = await farm.service()
        assert [b["id"] for b in (await ask(service, "GET", ""))["backends"]] == ["c"]
        await service.kill()
        farm.configure("a", max_concurrent_jobs=3)
        service = await farm.service()
        assert (await service.backend("a"))["max_concurrent_jobs"] == 3
