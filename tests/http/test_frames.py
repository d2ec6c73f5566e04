"""Frames that are made once for many clients: as every WebSocket client reads them."""

from __future__ import annotations

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer

from orchestrator.http.frames import Outlet, text_frame

LENGTHS = (0, 1, 125, 126, 127, 65_535, 65_536, 300_000)


@pytest.mark.parametrize("compressing", [0, 15])
async def test_of_every_length(compressing: int) -> None:
    """Joined and written at once, between messages that the socket sends itself."""

    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        outlet = Outlet(request, socket)
        await socket.send_str("begin")
        await outlet.send(b"".join(text_frame(b"x" * length) for length in LENGTHS))
        await outlet.send(b"")
        await socket.send_str("end")
        await socket.close()
        with pytest.raises(ConnectionResetError):
            await outlet.send(text_frame(b"too late"))
        return socket

    app = web.Application()
    app.router.add_get("/", talk)
    async with (
        TestClient(TestServer(app)) as client,
        client.ws_connect("/", compress=compressing) as socket,
    ):
        heard = [message async for message in socket]
    assert {message.type for message in heard} == {WSMsgType.TEXT}
    assert [message.data for message in heard[1:-1]] == ["x" * length for length in LENGTHS]
    assert (heard[0].data, heard[-1].data) == ("begin", "end")
