from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from orchestrator.comfyui import messages as m
from orchestrator.comfyui.socket import BACKOFF_MOST, ComfySocket, backoff
from tests.comfyui.stub import Stub, serving, until

STATUS = {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}}}


class Server:
    """The WebSocket side of a stub: who came, what they said first, and when they went."""

    def __init__(self, stub: Stub) -> None:
        self.story: list[str] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.first: list[Any] = []
        self.arrived = asyncio.Event()
        stub.on("GET /ws", self.accept)

    async def accept(self, request: web.Request) -> web.WebSocketResponse:
        """Greet as ComfyUI does, then read until the client goes."""
        number = len(self.sockets)
        socket = web.WebSocketResponse(autoping=not request.app.get("mute", False))
        await socket.prepare(request)
        self.sockets.append(socket)
        self.story.append(f"open {number} {request.query['clientId']}")
        self.first.append(await socket.receive_json())
        await socket.send_json(STATUS)
        self.arrived.set()
        async for _ in socket:
            pass
        self.story.append(f"close {number}")
        return socket

    async def next(self) -> web.WebSocketResponse:
        """Wait for the next connection."""
        await self.arrived.wait()
        self.arrived.clear()
        return self.sockets[-1]


class Listener:
    """Collects what the socket hands on."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self._news = asyncio.Event()

    async def frame(self, frame: m.Frame) -> None:
        """One frame."""
        self.heard.append(frame)
        self._news.set()

    async def connected(self) -> None:
        """One connection."""
        self.heard.append("connected")
        self._news.set()

    async def until(self, done: Callable[[list[Any]], bool]) -> list[Any]:
        """Wait until enough was heard."""
        while not done(self.heard):
            self._news.clear()
            await self._news.wait()
        return self.heard


@pytest.fixture
def server(stub: Stub) -> Server:
    """A server that greets."""
    return Server(stub)


@asynccontextmanager
async def running(socket: ComfySocket) -> AsyncIterator[asyncio.Task[Any]]:
    """The socket's run, cancelled at the end."""
    task: asyncio.Task[Any] = asyncio.create_task(socket.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def listening(
    session: aiohttp.ClientSession, stub: Stub, listener: Listener, **more: Any
) -> ComfySocket:
    """A socket with the shortest back-off."""
    return ComfySocket(
        session,
        stub.url,
        "our client",
        listener.frame,
        on_connect=listener.connected,
        chance=lambda: 1.0,
        **more,
    )


class TestBackoff:
    def test_it_doubles_up_to_a_limit(self) -> None:
        """From half a second to a quarter of a minute."""
        waits = [backoff(failures, 0.0) for failures in range(1, 8)]
        assert waits == [0.5, 1, 2, 4, 8, BACKOFF_MOST, BACKOFF_MOST]
        assert backoff(10_000, 0.0) == BACKOFF_MOST

    def test_chance_takes_off_up_to_a_half(self) -> None:
        """Clients of a server that restarts should not all come back at once."""
        assert (backoff(1, 1.0), backoff(3, 0.5)) == (0.25, 1.5)


class TestComfySocket:
    async def test_the_first_words_are_the_feature_flags(
        self, session: aiohttp.ClientSession, stub: Stub, server: Server
    ) -> None:
        """ComfyUI heeds them in the first message only; the id is the one that we chose."""
        listener = Listener()
        socket = listening(session, stub, listener)
        async with running(socket):
            heard = await listener.until(lambda heard: len(heard) == 2)
            assert socket.connected
        assert heard == ["connected", m.Status(0, None)]
        assert server.first == [
            {"type": "feature_flags", "data": {"supports_preview_metadata": True}}
        ]
        assert server.story == ["open 0 our client", "close 0"]
        assert not socket.connected

    async def test_an_empty_client_id_is_refused(self, session: aiohttp.ClientSession) -> None:
        """ComfyUI would make one up, and send us nothing of our prompts."""
        with pytest.raises(ValueError, match="client_id"):
            ComfySocket(session, "http://127.0.0.1:1", "", Listener().frame)

    async def test_text_and_binary_frames_are_handed_on_in_order(
        self, session: aiohttp.ClientSession, stub: Stub, server: Server
    ) -> None:
        """What cannot be read is left out and ends nothing."""
        listener = Listener()
        async with running(listening(session, stub, listener)):
            there = await server.next()
            await there.send_str("{broken")
            await there.send_bytes(struct.pack(">II", 1, 2) + b"png")
            await there.send_bytes(b"")
            await there.send_json({"type": "execution_start", "data": {"prompt_id": "p"}})
            heard = await listener.until(lambda heard: m.ExecutionStart("p") in heard)
        assert heard[2:] == [m.Preview(None, None, "image/png", b"png"), m.ExecutionStart("p")]

    async def test_after_a_drop_it_comes_back_and_says_so(
        self, session: aiohttp.ClientSession, stub: Stub, server: Server
    ) -> None:
        """What happened in between is lost, so the caller is told to look."""
        listener = Listener()
        async with running(listening(session, stub, listener)):
            first = await server.next()
            await first.close()
            await server.next()
            heard = await listener.until(lambda heard: len(heard) == 4)
        assert heard == ["connected", m.Status(0, None)] * 2

    async def test_a_server_that_is_down_is_tried_until_it_is_up(
        self, session: aiohttp.ClientSession
    ) -> None:
        """A refused connection or a wrong answer is no reason to give up."""
        stub, listener = Stub(), Listener()
        async with serving(stub):
            stub.say("GET /ws", b"starting", 503)
            async with running(listening(session, stub, listener)):
                await until(lambda: len(stub.asked) >= 2)
                Server(stub)
                heard = await listener.until(lambda heard: len(heard) == 2)
        assert heard == ["connected", m.Status(0, None)]

    async def test_reopening_closes_the_old_socket_first(
        self, session: aiohttp.ClientSession, stub: Stub, server: Server
    ) -> None:
        """A server that sees the old one end after the new one began makes the new one mute."""
        listener = Listener()
        socket = listening(session, stub, listener)
        async with running(socket):
            await server.next()
            await socket.reopen()
            await server.next()
            await listener.until(lambda heard: heard.count("connected") == 2)
        assert server.story == ["open 0 our client", "close 0", "open 1 our client", "close 1"]

    async def test_reopening_ends_the_wait_for_the_next_try(
        self, session: aiohttp.ClientSession, stub: Stub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever knows that the server is back need not wait for the back-off."""
        monkeypatch.setattr("orchestrator.comfyui.socket.backoff", lambda *_: 3600.0)
        stub.say("GET /ws", b"starting", 503)
        listener = Listener()
        socket = listening(session, stub, listener)
        async with running(socket):
            await until(lambda: stub.asked)
            Server(stub)
            while not socket.connected:
                await socket.reopen()
                await asyncio.sleep(0.05)
            heard = await listener.until(lambda heard: len(heard) >= 2)
        assert heard[0] == "connected"

    async def test_a_server_that_answers_no_ping_is_dropped(
        self, session: aiohttp.ClientSession, stub: Stub
    ) -> None:
        """A half-open connection stays open for ever otherwise."""
        arrivals = []

        async def mute(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse(autoping=False)
            await socket.prepare(request)
            arrivals.append(socket)
            async for _ in socket:
                pass
            return socket

        stub.on("GET /ws", mute)
        async with running(listening(session, stub, Listener(), heartbeat=0.05)):
            await until(lambda: len(arrivals) >= 2)
        assert len(arrivals) >= 2

    async def test_a_slow_consumer_never_stops_the_reading(
        self, session: aiohttp.ClientSession, stub: Stub, server: Server
    ) -> None:
        """One client that does not read holds up the frames of all; previews are dropped."""
        go_on, heard = asyncio.Event(), []

        async def slow(frame: m.Frame) -> None:
            await go_on.wait()
            heard.append(frame)

        preview = struct.pack(">II", 1, 2) + bytes(500_000)
        socket = ComfySocket(session, stub.url, "c", slow)
        async with running(socket):
            there = await server.next()
            for _ in range(100):
                # Sending 50 MB would block for ever if nobody read.
                await there.send_bytes(preview)
            await there.send_json({"type": "execution_success", "data": {"prompt_id": "p"}})
            go_on.set()
            await until(lambda: m.ExecutionSuccess("p") in heard)
        previews = [frame for frame in heard if isinstance(frame, m.Preview)]
        assert len(previews) < 100
        assert socket.lost == 0

    async def test_an_error_of_the_consumer_ends_the_run(
        self, session: aiohttp.ClientSession, stub: Stub, server: Server
    ) -> None:
        """A fault in our own code must be seen, and the socket is closed all the same."""

        async def broken(_: m.Frame) -> None:
            raise LookupError("a fault of ours")

        socket = ComfySocket(session, stub.url, "c", broken)
        with pytest.raises(LookupError, match="a fault of ours"):
            await socket.run()
        assert not socket.connected
        assert server.story[0] == "open 0 c"
