"""The WebSocket of jobs: state and progress, to everybody who watches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from orchestrator import live
from orchestrator.scheduling.dispatcher import JobNews
from orchestrator.services import JOB_FEED
from tests.http.studio import Service, Studio, faults, read

Socket = ClientWebSocketResponse[bool]


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
        monkeypatch.setattr(live, "MAX_BEHIND", 20)
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
