"""WebSocket frames: how they are encoded, and the hub that decides who gets which.

One loop sends everything in order and waits for each socket, as ComfyUI's publish loop does. So
a client that does not read holds up the frames of all clients (protocol 4.4).
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web
from attrs import define, field, frozen

#: Types of binary frames that go over the wire.
PREVIEW: Final = 1
TEXT: Final = 3
PREVIEW_WITH_METADATA: Final = 4

_IMAGE_TYPES: Final = {"image/jpeg": 1, "image/png": 2}


def text_frame(node_id: str, text: str) -> bytes:
    """A frame of type 3: a text that a node shows while it runs."""
    name = node_id.encode()
    return struct.pack(">II", TEXT, len(name)) + name + text.encode()


def preview_frame(image: bytes, image_type: str) -> bytes:
    """A frame of type 1: a preview that does not say whose it is."""
    return struct.pack(">II", PREVIEW, _IMAGE_TYPES[image_type]) + image


def preview_with_metadata_frame(image: bytes, metadata: dict[str, Any]) -> bytes:
    """A frame of type 4: a preview with its node and prompt."""
    about = json.dumps(metadata).encode()
    return struct.pack(">II", PREVIEW_WITH_METADATA, len(about)) + about + image


@frozen
class Frame:
    """A frame on its way; `sid` is the only client that gets it, or None for all."""

    payload: str | bytes
    sid: str | None


@define(eq=False)
class Hub:
    """The sockets by client id, one each, and the frames that wait to be sent."""

    #: Waits while the server hangs.
    not_hung: asyncio.Event
    #: Whether the end of an old socket silences its successor (protocol 4.3).
    mute_bug: Callable[[], bool]
    sockets: dict[str, web.WebSocketResponse] = field(factory=dict)
    features: dict[str, dict[str, Any]] = field(factory=dict)
    #: The connections of all open sockets, silenced ones too.
    transports: set[asyncio.Transport] = field(factory=set)
    #: Cleared while some client does not read, so that nobody gets anything.
    flowing: asyncio.Event = field(factory=asyncio.Event)
    _waiting: asyncio.Queue[Frame] = field(factory=asyncio.Queue)

    def __attrs_post_init__(self) -> None:
        self.flowing.set()

    def join(
        self, sid: str, socket: web.WebSocketResponse, transport: asyncio.Transport | None
    ) -> None:
        """A socket takes over a client id; an older one gets nothing more."""
        self.sockets[sid] = socket
        self.features[sid] = {}
        if transport is not None:
            self.transports.add(transport)

    def leave(
        self, sid: str, socket: web.WebSocketResponse, transport: asyncio.Transport | None
    ) -> None:
        """A socket has closed; with the mute bug, whoever holds its client id is dropped."""
        if transport is not None:
            self.transports.discard(transport)
        if self.mute_bug() or self.sockets.get(sid) is socket:
            self.sockets.pop(sid, None)
            self.features.pop(sid, None)

    def silence(self) -> int:
        """Forget all sockets, which stay open; how many there were."""
        forgotten = len(self.sockets)
        self.sockets.clear()
        self.features.clear()
        return forgotten

    def wants_metadata(self, sid: str | None) -> bool:
        """Whether a client asked for previews of type 4."""
        if sid is None:
            return False
        return bool(self.features.get(sid, {}).get("supports_preview_metadata"))

    def send(self, event: str, data: dict[str, Any], sid: str | None = None) -> None:
        """Queue a JSON frame."""
        self._waiting.put_nowait(Frame(json.dumps({"type": event, "data": data}), sid))

    def send_binary(self, payload: bytes, sid: str | None = None) -> None:
        """Queue a binary frame."""
        self._waiting.put_nowait(Frame(payload, sid))

    async def publish(self) -> None:
        """Send what is queued, for ever."""
        while True:
            frame = await self._waiting.get()
            await self.not_hung.wait()
            await self.flowing.wait()
            await self.deliver(frame)

    async def deliver(self, frame: Frame) -> None:
        """Send one frame now. A socket that breaks is left to its own handler."""
        if frame.sid is None:
            targets = list(self.sockets.values())
        else:
            targets = [self.sockets[frame.sid]] if frame.sid in self.sockets else []
        for socket in targets:
            try:
                if isinstance(frame.payload, str):
                    await socket.send_str(frame.payload)
                else:
                    await socket.send_bytes(frame.payload)
            except ConnectionError:
                continue  # its handler notices the end and leaves
