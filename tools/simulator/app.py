"""The simulated server's routes and middlewares, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiohttp import web

from tools.simulator import control, files, info, prompts, sockets
from tools.simulator.keys import MEMORY, SIMULATOR

if TYPE_CHECKING:
    from tools.simulator.server import Simulator

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOOPBACK: Final = {"localhost", "127.0.0.1", "::1"}


@web.middleware
async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a page of another origin while we are addressed as loopback, as ComfyUI does."""
    origin = urlsplit(request.headers.get("Origin", ""))
    host = urlsplit("//" + request.headers.get("Host", "").lower())
    if origin.netloc and host.hostname in _LOOPBACK:
        ours = host.hostname if origin.port is None else host.netloc
        if origin.netloc.lower() != ours:
            return web.Response(status=403)
    if request.method == "OPTIONS":
        return web.Response()
    return await handler(request)


@web.middleware
async def hanging(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Hold requests while the server hangs; what was received is worked off afterwards.

    The body is read first: a client that gives up meanwhile does not take its request back, as
    with a stopped process whose kernel has the bytes already (protocol 4.7).
    """
    if request.path.startswith("/simulator"):
        return await handler(request)
    simulator = request.app[SIMULATOR]
    memory = request[MEMORY] = simulator.memory
    if not simulator.plugged_in.is_set():
        await simulator.plugged_in.wait()
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=503)  # nobody sees it: the request has never arrived
    if not memory.not_hung.is_set():
        if not request.content_type.startswith("multipart/"):
            await request.read()
        await memory.not_hung.wait()
    if simulator.behaviour.answer_seconds:
        await asyncio.sleep(simulator.behaviour.answer_seconds)
    return await handler(request)


def build(simulator: Simulator) -> web.Application:
    """The application of one simulator; every route of ComfyUI also exists below /api."""
    behaviour = simulator.behaviour
    app = web.Application(
        middlewares=[same_origin, hanging], client_max_size=behaviour.max_upload_size
    )
    app[SIMULATOR] = simulator
    for route in (*prompts.routes, *files.routes, *info.routes, *sockets.routes):
        app.router.add_routes([route])
        if isinstance(route, web.RouteDef):
            twin = web.RouteDef(route.method, "/api" + route.path, route.handler, route.kwargs)
            app.router.add_routes([twin])
    if behaviour.control:
        app.router.add_routes(control.routes)
    return app
