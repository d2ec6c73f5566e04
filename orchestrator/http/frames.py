"""WebSocket messages that are written once and sent to many clients.

aiohttp makes a frame, and a system call, for each message and client. Two hundred clients that
watch fifty jobs get a hundred thousand messages a second, which alone takes half a core. Here the
frames of many messages are joined once, and each client gets them with a single write.
"""

from __future__ import annotations

import asyncio
import struct

from aiohttp import web
from attrs import define

from orchestrator.live import TooSlowError

#: Bytes that may wait for a client before it gets more.
MOST_WAITING = 1 << 18
#: A client that has not taken them after this time is let go (seconds).
PATIENCE = 20.0
#: How often we look whether it has (seconds).
LOOK = 0.05

_WHOLE_TEXT = 0x81


def text_frame(payload: bytes) -> bytes:
    """A whole text message as a server sends it (RFC 6455, 5.2): not masked, not compressed."""
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", _WHOLE_TEXT, length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", _WHOLE_TEXT, 126, length)
    else:
        head = struct.pack("!BBQ", _WHOLE_TEXT, 127, length)
    return head + payload


@define(eq=False)
class Outlet:
    """Where the frames of one client go. Its socket may send messages of its own between them."""

    request: web.Request
    socket: web.WebSocketResponse

    async def send(self, frames: bytes) -> None:
        """Send whole frames, and wait as long as the client has too much before it.

        Raises:
            ConnectionResetError: the client has gone, or goes.
            TooSlowError: it does not read.
        """
        if frames:
            self._transport().write(frames)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while self._transport().get_write_buffer_size() > MOST_WAITING:
            if loop.time() - begun > PATIENCE:
                raise TooSlowError
            await asyncio.sleep(LOOK)

    def _transport(self) -> asyncio.Transport:
        transport = self.request.transport
        if transport is None or transport.is_closing() or self.socket.closed:
            raise ConnectionResetError("the client has gone")
        return transport
