"""The route of the WebSocket: joining, feature flags, pings."""

from __future__ import annotations

import json
import uuid
from typing import Any

from aiohttp import WSMsgType, web

from tools.simulator.frames import Frame
from tools.simulator.keys import MEMORY, SIMULATOR

routes = web.RouteTableDef()


def _frame(event: str, data: dict[str, Any], sid: str) -> Frame:
    return Frame(json.dumps({"type": event, "data": data}), sid)


@routes.get("/ws")
async def get_ws(request: web.Request) -> web.WebSocketResponse:
    """Join under a client id; a client that comes back learns which node runs (transcript s13).

    Pings and closing are answered by hand: a server that hangs must not answer them.
    """
    memory, hub = request[MEMORY], request[MEMORY].hub
    sid = request.query.get("clientId") or uuid.uuid4().hex
    socket = web.WebSocketResponse(autoping=False, autoclose=False)
    await socket.prepare(request)
    transport = request.transport
    hub.join(sid, socket, transport)
    try:
        await hub.deliver(_frame("status", {"status": memory.exec_info(), "sid": sid}, sid))
        if memory.client_id == sid and memory.last_node_id is not None:
            await hub.deliver(_frame("executing", {"node": memory.last_node_id}, sid))
        first = True
        while True:
            message = await socket.receive()
            await memory.not_hung.wait()
            if message.type is WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type is WSMsgType.CLOSE:
                await socket.close()
                break
            elif message.type is WSMsgType.TEXT:
                if first and (flags := _feature_flags(message.data)) is not None:
                    hub.features[sid] = flags
                    features = request.app[SIMULATOR].features()
                    await hub.deliver(_frame("feature_flags", features, sid))
                first = False
            elif message.type in (WSMsgType.CLOSED, WSMsgType.CLOSING, WSMsgType.ERROR):
                break
    finally:
        hub.leave(sid, socket, transport)
    return socket


def _feature_flags(text: str) -> dict[str, Any] | None:
    """The flags of a client's first message, if it is one of that kind."""
    try:
        message = json.loads(text)
    except json.JSONDecodeError:
        return None
    if not isinstance(message, dict) or message.get("type") != "feature_flags":
        return None
    flags = message.get("data", {})
    return flags if isinstance(flags, dict) else {}
