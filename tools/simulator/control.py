"""Routes below /simulator, through which a test or a demonstration changes the behaviour.

They exist only with `Behaviour.control`, and answer even while the server hangs.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from tools.simulator.behaviour import BehaviourError
from tools.simulator.keys import SIMULATOR

routes = web.RouteTableDef()

#: Seconds for the answer to leave before connections are cut.
_GRACE = 0.1


async def _body(request: web.Request) -> dict[str, Any]:
    """The JSON object of a request; an empty body is an empty object.

    Raises:
        web.HTTPBadRequest: anything else.
    """
    try:
        body = await request.json() if request.can_read_body else {}
    except json.JSONDecodeError as exc:
        raise web.HTTPBadRequest(text=f"The body is not JSON: {exc}") from exc
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="The body must be a JSON object.")
    return body


async def _seconds(request: web.Request, default: float) -> float:
    seconds = (await _body(request)).get("seconds", default)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds < 0:
        raise web.HTTPBadRequest(text="`seconds` must be a number that is not negative.")
    return float(seconds)


@routes.get("/simulator")
async def get_state(request: web.Request) -> web.Response:
    """What the simulator is doing, and its options."""
    return web.json_response(request.app[SIMULATOR].state())


@routes.patch("/simulator/behaviour")
async def patch_behaviour(request: web.Request) -> web.Response:
    """Change options; 400 says which one cannot be changed like that."""
    behaviour = request.app[SIMULATOR].behaviour
    try:
        behaviour.change(await _body(request))
    except BehaviourError as exc:
        raise web.HTTPBadRequest(text=str(exc)) from exc
    return web.json_response(behaviour.to_dict())


@routes.post("/simulator/hang")
async def post_hang(request: web.Request) -> web.Response:
    """Stop answering, for `seconds` if they are given, else until released."""
    simulator = request.app[SIMULATOR]
    seconds = await _seconds(request, 0)
    simulator.hang()
    if seconds:

        async def release() -> None:
            simulator.release()

        simulator.later(seconds, release)
    return web.Response(status=204)


@routes.post("/simulator/release")
async def post_release(request: web.Request) -> web.Response:
    """Answer again; requests that came meanwhile are worked off, abandoned ones too."""
    request.app[SIMULATOR].release()
    return web.Response(status=204)


@routes.post("/simulator/refuse")
async def post_refuse(request: web.Request) -> web.Response:
    """Refuse connections for `seconds` (5 by default); memory is kept."""
    simulator = request.app[SIMULATOR]
    seconds = await _seconds(request, 5)
    simulator.later(_GRACE, simulator.refuse)
    simulator.later(_GRACE + seconds, simulator.accept)
    return web.Response(status=202)


@routes.post("/simulator/lose_memory")
async def post_lose_memory(request: web.Request) -> web.Response:
    """Crash, and start again after `seconds` (1 by default)."""
    simulator = request.app[SIMULATOR]
    seconds = await _seconds(request, 1)

    async def restart() -> None:
        await simulator.lose_memory(seconds)

    simulator.later(_GRACE, restart)
    return web.Response(status=202)


@routes.post("/simulator/kill_worker")
async def post_kill_worker(request: web.Request) -> web.Response:
    """End the worker; HTTP and WebSocket stay up."""
    request.app[SIMULATOR].kill_worker()
    return web.Response(status=204)


@routes.post("/simulator/drop_sockets")
async def post_drop_sockets(request: web.Request) -> web.Response:
    """Cut all WebSockets; clients see code 1006."""
    return web.json_response({"dropped": request.app[SIMULATOR].drop_sockets()})


@routes.post("/simulator/delete_output")
async def post_delete_output(request: web.Request) -> web.Response:
    """Delete a file behind the server's back: `filename`, and `subfolder` and `type` if any."""
    body = await _body(request)
    names = [body.get("filename", ""), body.get("subfolder", ""), body.get("type", "output")]
    if not all(isinstance(name, str) for name in names):
        raise web.HTTPBadRequest(text="`filename`, `subfolder` and `type` must be strings.")
    deleted = await request.app[SIMULATOR].delete_output(*names)
    return web.Response(status=204 if deleted else 404)
