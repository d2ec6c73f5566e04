"""A server that answers as a test tells it to: well, badly, too late, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Stub:
    """Handlers by method and path, and what was asked of them, in order."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.handlers: dict[str, Handler] = {}
        self.queue: dict[str, list[Any]] = {"queue_running": [], "queue_pending": []}
        self.history: dict[str, Any] = {}
        self.url = ""

    def calls(self) -> list[str]:
        """Method and path of all requests."""
        return [call for call, _ in self.asked]

    def on(self, call: str, handler: Handler) -> None:
        """Answer `METHOD /path` with a handler."""
        self.handlers[call] = handler

    def say(self, call: str, body: Any = None, status: int = 200) -> None:
        """Answer `METHOD /path` with JSON, or with bytes as they are."""
        raw = body if isinstance(body, bytes) else orjson.dumps(body)

        async def answer(_: web.Request) -> web.Response:
            return web.Response(body=raw, status=status)

        self.on(call, answer)

    def hang_up(self, call: str) -> None:
        """Cut the connection instead of answering."""

        async def cut(request: web.Request) -> web.Response:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

        self.on(call, cut)

    def sleep(self, call: str) -> None:
        """Take the request and never answer."""

        async def forever(_: web.Request) -> web.Response:
            await asyncio.Event().wait()
            raise AssertionError("the event is never set")

        self.on(call, forever)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Write the request down, then do as told; queue and history answer by themselves."""
        call = f"{request.method} {request.raw_path}"
        json = request.content_type == "application/json"
        self.asked.append((call, await request.json() if json else None))
        bare = call.partition("?")[0]
        if handler := self.handlers.get(call) or self.handlers.get(bare):
            return await handler(request)
        if bare == "GET /queue":
            return web.json_response(self.queue)
        if bare.startswith("GET /history/"):
            prompt_id = request.path.removeprefix("/history/")
            return web.json_response({k: v for k, v in self.history.items() if k == prompt_id})
        return web.Response()


@asynccontextmanager
async def serving(stub: Stub) -> AsyncIterator[Stub]:
    """The stub, listening on a free port of this machine."""
    app = web.Application(client_max_size=10**8)
    app.router.add_route("*", "/{path:.*}", stub.handle)
    # Handlers that never answer are cancelled when the client goes.
    server = TestServer(app, handler_cancellation=True)
    await server.start_server()
    stub.url = str(server.make_url("")).rstrip("/")
    try:
        yield stub
    finally:
        await server.close()


def queued(prompt_id: str, number: float = 0) -> list[Any]:
    """An item of the queue."""
    return [number, prompt_id, {}, {"client_id": "c"}, ["9"]]


def ended(prompt_id: str) -> dict[str, Any]:
    """An entry of the history."""
    status = {"status_str": "success", "completed": True, "messages": []}
    return {"prompt": queued(prompt_id), "outputs": {}, "status": status}


async def until(done: Callable[[], object]) -> None:
    """Wait until something is so; the time limit of the test run ends a wait in vain."""
    while not done():  # noqa: ASYNC110 - what is waited for belongs to others and has no event
        await asyncio.sleep(0.01)
