"""A program that is told of jobs: a real HTTP server that notes what comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import define, field, frozen


@frozen
class Message:
    """What came."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def plain(self) -> dict[str, Any]:
        """The JSON in it."""
        found: dict[str, Any] = orjson.loads(self.body)
        return found

    @property
    def job(self) -> str:
        """The job that it tells of."""
        return str(self.plain["job_id"])


Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


@define(eq=False)
class Receiver:
    """Takes messages as it is told to."""

    port: int = 0
    got: list[Message] = field(factory=list)
    #: Statuses of the next answers; then 204.
    statuses: list[int] = field(factory=list)
    #: Answers in place of the statuses.
    reply: Reply | None = None
    #: Messages that it looks at now, and the most that it ever did at a time.
    busy: int = 0
    busiest: int = 0

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        """Where it listens."""
        return f"http://{host}:{self.port}{path}"

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Note a message, and answer."""
        self.got.append(Message(request.path, request.headers.copy(), await request.read()))
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            if self.reply is not None:
                return await self.reply(request)
            await asyncio.sleep(0)
            return web.Response(status=self.statuses.pop(0) if self.statuses else 204)
        finally:
            self.busy -= 1

    async def has(self, count: int) -> list[Message]:
        """All messages, once there are so many."""
        async with asyncio.timeout(20):
            while len(self.got) < count:  # noqa: ASYNC110  # it has no event of its own
                await asyncio.sleep(0.002)
        return self.got


@asynccontextmanager
async def listening() -> AsyncIterator[Receiver]:
    """A receiver that listens on this computer."""
    receiver = Receiver()
    app = web.Application(client_max_size=1 << 24)
    app.router.add_route("*", "/{any:.*}", receiver.take)
    async with TestServer(app) as server:
        receiver.port = server.port or 0
        yield receiver
