"""The WebSocket of jobs: state and progress, to everybody who watches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from orchestrator import job_feed, live
from orchestrator.comfyui.progress import ProgressTracker
from orchestrator.scheduling.dispatcher import JobNews
from orchestrator.services import JOB_FEED, PROJECTS
from tests.http.studio import Service, Studio, faults, read

Socket = ClientWebSocketResponse[bool]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not wait as long as people do."""
    monkeypatch.setattr(job_feed, "GATHER", 0.005)


@asynccontextmanager
async def watching(service: Service, query: str = "") -> AsyncIterator[Socket]:
    """A WebSocket to the service."""
    async with service.client.ws_connect(f"/ws/jobs{query}") as socket:
        yield socket


async def hear(socket: Socket) -> Any:
    """The next message."""
    return await socket.receive_json(timeout=30)


async def hear_of(socket: Socket, status: str) -> Any:
    """The next message that tells of a job in this state."""
    async with asyncio.timeout(30):
        while True:
            told = await hear(socket)
            if told["type"] == "job_state" and told["job"]["status"] == status:
                return told["job"]


class TestInitialState:
    async def test_nothing_yet(self, service: Service) -> None:
        """It comes first, even if there is nothing to tell."""
        async with watching(service) as socket:
            told = await hear(socket)
        assert (told["type"], told["jobs"]) == ("initial_state", [])
        assert told["timestamp"].endswith("Z")

    async def test_jobs_that_have_not_ended(self, service: Service) -> None:
        """As GET shows them; whoever comes late sees how things stand."""
        kept, dropped = await service.submit(), await service.submit()
        await service.post(f"/api/jobs/{dropped}/cancel")
        await service.ended(dropped)
        async with watching(service) as socket:
            told = await hear(socket)
        assert [job["job_id"] for job in told["jobs"]] == [kept]
        assert told["jobs"][0] == await service.job(kept)

    @pytest.mark.parametrize("name", ["jobId", "job_id"])
    async def test_one_job(self, service: Service, name: str) -> None:
        """Even one that has ended long ago."""
        await service.submit()
        asked = await service.submit()
        await service.post(f"/api/jobs/{asked}/cancel")
        await service.ended(asked)
        async with watching(service, f"?{name}={asked}") as socket:
            told = await hear(socket)
        assert [(j["job_id"], j["status"]) for j in told["jobs"]] == [(asked, "cancelled")]

    async def test_an_unknown_job(self, service: Service) -> None:
        """1008 with the reason, as a WebSocket has no 404."""
        async with watching(service, "?jobId=none") as socket:
            message = await socket.receive(timeout=30)
            assert message.type is WSMsgType.CLOSE
            assert socket.close_code == 1008
            assert "none" in str(message.extra)

    async def test_a_faulty_query(self, service: Service) -> None:
        """Refused before the connection becomes a WebSocket."""
        answer = await read(await service.client.get("/ws/jobs?job=1"))
        assert list(faults(answer)) == ["job"]


class TestNews:
    async def test_every_change_of_state(self, service: Service) -> None:
        """A job is queued, is being cancelled, and is cancelled."""
        async with watching(service) as socket:
            await hear(socket)
            job_id = await service.submit()
            assert (await hear_of(socket, "queued"))["job_id"] == job_id
            await service.post(f"/api/jobs/{job_id}/cancel")
            job = await hear_of(socket, "cancelled")
        assert job["completed_at"]
        assert job == await service.job(job_id)

    async def test_one_job_alone(self, service: Service) -> None:
        """Whoever asked for one hears nothing of the others."""
        asked = await service.submit()
        async with watching(service, f"?jobId={asked}") as socket:
            await hear(socket)
            await service.submit()
            await service.post(f"/api/jobs/{asked}/cancel")
            heard = [await hear(socket), await hear(socket)]
        assert [told["job"]["job_id"] for told in heard] == [asked, asked]

    async def test_everybody_hears_everything(self, service: Service) -> None:
        """A second watcher takes nothing from the first; and the first may leave."""
        async with watching(service) as second:
            await hear(second)
            async with watching(service) as first:
                await hear(first)
                job_id = await service.submit()
                assert (await hear_of(first, "queued"))["job_id"] == job_id
                assert (await hear_of(second, "queued"))["job_id"] == job_id
            later = await service.submit()
            assert (await hear_of(second, "queued"))["job_id"] == later

    async def test_what_another_host_did(self, studio: Studio, service: Service) -> None:
        """It is told when it is read from the share's log."""
        other = await studio.host("bela")
        await other.ratings()
        async with watching(other) as socket:
            await hear(socket)
            job_id = await service.submit(project_path=str(studio.project))
            job = await hear_of(socket, "queued")
        assert job["job_id"] == job_id
        assert job["host"] != (await other.opened()).host.id


class TestProgress:
    async def test_the_last_of_a_moment(self, service: Service) -> None:
        """Without a cursor: nothing is lost with it."""
        job_id = await service.submit(project_path=str(service.project))
        project = await service.opened()
        job = project.view.job(job_id)
        assert job is not None
        feed = service.app[JOB_FEED]
        async with watching(service) as socket, watching(service, f"?jobId={job_id}") as other:
            await hear(socket)
            await hear(other)
            feed.flush()
            for percent in (10.0, 20.0):
                tracker = ProgressTracker(prompt_id="p", node_count=7, percent=percent, node="3")
                feed.publish(JobNews(project.root, job_id, job, tracker, state_changed=False))
            told = {"job_id": job_id, "progress": 20, "current_step": None, "current_node": "3"}
            assert await hear(socket) == await hear(other) == {"type": "job_progress", **told}


class TestCursor:
    async def test_who_comes_back_misses_nothing(self, service: Service) -> None:
        """Each job that changed meanwhile, once, as it now is; then it goes on."""
        first, second = await service.submit(), await service.submit()
        async with watching(service) as socket:
            cursor = (await hear(socket))["cursor"]
        await service.post(f"/api/jobs/{first}/cancel")
        await service.ended(first)
        third = await service.submit()
        async with watching(service, f"?cursor={cursor}") as socket:
            missed = [await hear(socket), await hear(socket)]
            assert [(told["job"]["job_id"], told["job"]["status"]) for told in missed] == [
                (first, "cancelled"),
                (third, "queued"),
            ]
            await service.post(f"/api/jobs/{second}/cancel")
            assert (await hear_of(socket, "cancelled"))["job_id"] == second
        # Who was cut off in between gets the rest.
        async with watching(service, f"?cursor={missed[0]['cursor']}") as socket:
            assert (await hear(socket))["job"]["job_id"] == third
        async with watching(service, f"?jobId={second}&cursor={cursor}") as socket:
            told = await hear(socket)
            assert (told["job"]["job_id"], told["job"]["status"]) == (second, "cancelled")
            await socket.send_str("ping")
            assert await hear(socket) == {"type": "pong"}

    async def test_one_that_nobody_knows(self, service: Service) -> None:
        """The state anew, with `reset`."""
        await service.submit()
        for cursor in ("", "nonsense", "0123456789ab:1"):
            async with watching(service, f"?cursor={cursor}") as socket:
                told = await hear(socket)
                assert (told["type"], told["reset"], len(told["jobs"])) == (
                    "initial_state",
                    True,
                    1,
                )

    async def test_a_project_that_is_opened_anew(self, service: Service) -> None:
        """What was read from the share meanwhile, nobody has heard: the state comes again."""
        job_id = await service.submit(project_path=str(service.project))
        async with watching(service) as socket:
            cursor = (await hear(socket))["cursor"]
            old = await service.opened()
            await service.app[PROJECTS]._open_anew(old.root)
            await old.close()
            told = await hear(socket)
            while told["type"] != "initial_state":
                told = await hear(socket)
            assert (told["reset"], [job["job_id"] for job in told["jobs"]]) == (True, [job_id])
            assert told["cursor"].partition(":")[0] != cursor.partition(":")[0]


class TestConversation:
    async def test_ping(self, service: Service) -> None:
        """Browsers cannot send the protocol's own."""
        async with watching(service) as socket:
            await hear(socket)
            for ping in ("ping", '"ping"', " ping\n"):
                await socket.send_str(ping)
                assert await hear(socket) == {"type": "pong"}

    async def test_whatever_else_is_said(self, service: Service) -> None:
        """It is passed over; the watcher goes on watching."""
        async with watching(service) as socket:
            await hear(socket)
            for nonsense in ("hello", "{", "[" * 1000, ""):
                await socket.send_str(nonsense)
            await socket.send_bytes(b"\0\xff")
            await socket.send_str("ping")
            assert await hear(socket) == {"type": "pong"}

    async def test_too_long_a_message(self, service: Service) -> None:
        """1009; nobody else notices."""
        async with watching(service) as other, watching(service) as socket:
            await hear(other)
            await hear(socket)
            await socket.send_str("x" * (1 << 17))
            message = await socket.receive(timeout=30)
            assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
            assert socket.close_code == 1009
            await service.submit()
            assert (await hear_of(other, "queued"))["job_id"]

    async def test_a_watcher_that_does_not_read(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is let go with 1013, and the others hear everything meanwhile."""
        monkeypatch.setattr(live, "MAX_BEHIND", 5)
        path, long = str(service.project), {"parameters": {"6:text": "x" * 100_000}}
        job_id = await service.submit(project_path=path, **long)
        opened = await service.opened()
        job = opened.view.job(job_id)
        assert job is not None
        news = JobNews(opened.root, job_id, job, None, True)
        feed = service.app[JOB_FEED]
        async with watching(service) as good, watching(service) as slow:
            await hear(good)
            for _ in range(30):  # far more than fits into the buffers on the way to `slow`
                for _ in range(10):
                    feed.publish(news)
                for _ in range(10):
                    assert (await hear(good))["job"]["job_id"] == job_id
            async for _ in slow:
                pass
            assert slow.close_code == 1013
            await good.send_str("ping")
            assert await hear(good) == {"type": "pong"}

    async def test_when_the_service_stops(self, service: Service) -> None:
        """1001: the client may come again later."""
        async with watching(service) as socket:
            await hear(socket)
            stopping = asyncio.create_task(service.stop())
            message = await socket.receive(timeout=30)
            assert message.type is WSMsgType.CLOSE
            assert socket.close_code == 1001
            await stopping
