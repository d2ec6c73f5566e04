"""Keeps one WebSocket to one backend open, and hands its frames on without ever ceasing to read."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import NoReturn
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from orchestrator.comfyui.mailbox import Connected, Mailbox
from orchestrator.comfyui.messages import Frame, Unknown, parse_binary, parse_text
from orchestrator.comfyui.transport import TRANSPORT_ERRORS

#: Seconds between pings; half of it later, a socket without a pong is dropped.
HEARTBEAT = 15.0
#: Seconds for connecting, and for the handshake of closing.
CONNECT, CLOSE = 5.0, 5.0
BACKOFF_FIRST, BACKOFF_MOST = 0.5, 15.0
#: Bytes; a `progress_state` of a large graph repeats every node.
LARGEST_FRAME = 64 * 1024 * 1024
FEATURES = orjson.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}})

Consumer = Callable[[Frame], Awaitable[None]]


def backoff(failures: int, chance: float) -> float:
    """Seconds to wait after so many failures in a row (1 or more): 0.5 doubling to 15.

    Args:
        failures: Connections that ended before a single frame had come.
        chance: 0 to 1; takes off up to a half, so that clients do not come back all at once.
    """
    doubled = BACKOFF_FIRST * 2.0 ** min(failures - 1, 16)
    return min(BACKOFF_MOST, doubled) * (1.0 - chance / 2)


class ComfySocket:
    """The one WebSocket that we hold to a backend, under one id for as long as we live.

    ComfyUI keeps one socket per client id, and forgets the new one when an old one ends late.
    So the old socket is always closed, with its handshake, before a new one is opened. Where an
    old one ended unseen the new one may stay mute for ever: a caller who sees a change over HTTP
    that no frame told within some seconds calls `reopen`.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        client_id: str,
        on_frame: Consumer,
        *,
        on_connect: Callable[[], Awaitable[None]] | None = None,
        heartbeat: float = HEARTBEAT,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Prepare; nothing is opened before `run`.

        Args:
            session: The caller's; stays open.
            base_url: The backend's HTTP address.
            client_id: Stable, not empty, and used by no other process.
            on_frame: Gets every frame that can be read, one after the other.
            on_connect: Awaited after each connect, before its frames: what came in between is
                lost, so that the caller should read queue and history again.
            heartbeat: Seconds between pings.
            chance: Gives 0 to 1 for the jitter of the back-off.
        """
        if not client_id:
            raise ValueError("without a client_id ComfyUI sends no frames of its own")
        self._session = session
        self._url = URL(
            f"{base_url.rstrip('/')}/ws?clientId={quote(client_id, safe='')}", encoded=True
        )
        self._on_frame = on_frame
        self._on_connect = on_connect
        self._heartbeat = heartbeat
        self._chance = chance
        self._mailbox = Mailbox()
        self._news = asyncio.Event()
        self._hurry = asyncio.Event()
        self._closing = asyncio.Lock()
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    @property
    def connected(self) -> bool:
        """Whether a socket is open now; an open one may still be mute."""
        return self._socket is not None and not self._socket.closed

    @property
    def lost(self) -> int:
        """How many frames were dropped because `on_frame` was too slow; previews don't count."""
        return self._mailbox.lost

    async def run(self) -> NoReturn:
        """Stay connected until cancelled; then close the socket.

        What `on_frame` or `on_connect` raise ends the run and is raised here.
        """
        tasks = {asyncio.create_task(self._read()), asyncio.create_task(self._hand_on())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
            raise AssertionError("neither reading nor handing on ever ends by itself")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def reopen(self) -> None:
        """Close the socket, or end the wait for the next try, and connect anew at once."""
        self._hurry.set()
        if self._socket is not None:
            await self._close(self._socket)

    async def _close(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Close with the whole handshake; whoever comes second waits for the first."""
        async with self._closing:
            await socket.close()

    async def _read(self) -> NoReturn:
        """Connect, read until the end, wait, and again."""
        failures = 0
        while True:
            # A reopen that was asked for before this connection is answered by it.
            self._hurry.clear()
            heard = await self._connection()
            failures = 1 if heard else failures + 1
            try:
                async with asyncio.timeout(backoff(failures, self._chance())):
                    await self._hurry.wait()
            except TimeoutError:
                continue

    async def _connection(self) -> bool:
        """One connection from open to close; returns whether a frame came.

        A refused or broken connection is no error: the caller sees it in `connected`, and the
        HTTP client says why.
        """
        heard = False
        try:
            async with asyncio.timeout(CONNECT):
                socket = await self._session.ws_connect(
                    self._url,
                    heartbeat=self._heartbeat,
                    max_msg_size=LARGEST_FRAME,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE),
                )
        except TRANSPORT_ERRORS:
            return False
        self._socket = socket
        try:
            # ComfyUI heeds the flags in the first message only.
            await socket.send_str(FEATURES.decode())
            self._put(Connected())
            async for message in socket:
                heard = True
                self._put(_parsed(message))
        except TRANSPORT_ERRORS:
            return heard
        finally:
            self._socket = None
            await self._close(socket)
        return heard

    def _put(self, item: Frame | Connected) -> None:
        self._mailbox.put(item)
        self._news.set()

    async def _hand_on(self) -> NoReturn:
        while True:
            await self._news.wait()
            self._news.clear()
            while (item := self._mailbox.take()) is not None:
                if not isinstance(item, Connected):
                    await self._on_frame(item)
                elif self._on_connect is not None:
                    await self._on_connect()


def _parsed(message: aiohttp.WSMessage) -> Frame:
    match message.type:
        case aiohttp.WSMsgType.TEXT:
            return parse_text(message.data)
        case aiohttp.WSMsgType.BINARY:
            return parse_binary(message.data)
        case _:
            return Unknown(message.type.name)
