"""How soon an edit on one host is told by the service of another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import orjson
from attrs import define, field

from tests.shares.services import GuestService
from tools.doctor.figures import Spread

#: An edit that is not told after so long never will be (seconds).
GUARD = 60.0


@define(eq=False)
class Watcher:
    """A person's page at one host: when it was told of which note."""

    told: dict[str, float] = field(factory=dict)
    _news: asyncio.Event = field(factory=asyncio.Event)

    async def listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Note what comes, until the socket is closed."""
        async for message in socket:
            now = time.monotonic()
            said = orjson.loads(message.data)
            for change in said.get("changes", ()):
                note = change["now"].get("note")
                if note:
                    self.told.setdefault(note, now)
            self._news.set()

    async def sees(self, note: str) -> float:
        """When a note was told."""
        async with asyncio.timeout(GUARD):
            while note not in self.told:
                self._news.clear()
                await self._news.wait()
        return self.told[note]


@asynccontextmanager
async def watching(service: GuestService, project: str) -> AsyncIterator[Watcher]:
    """A page of a project that is open at a host."""
    query = {"projectPath": str(service.project(project))}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{service.url}/ws/gallery", params=query) as socket,
    ):
        watcher = Watcher()
        listening = asyncio.create_task(watcher.listen(socket))
        yield watcher
        await socket.close()
        await listening


async def measure(
    here: GuestService, there: GuestService, project: str, file: str, count: int
) -> tuple[float, Spread]:
    """Note something at one host again and again; how long after each answer another tells it.

    Returns:
        Seconds of the first one, for which the other must find a new writer, or even a new log;
        and those of all others.
    """
    spans = []
    async with watching(there, project) as watcher, watching(here, project):
        for number in range(count + 1):
            note = f"{here.guest.name} {number}"
            body = {"projectPath": str(here.project(project)), "filePath": file, "note": note}
            await here.post("/api/gallery/notes", body)
            done = time.monotonic()
            spans.append(await watcher.sees(note) - done)
            # Off the beat of whoever polls.
            await asyncio.sleep(0.01 + 0.29 * (number * 0.618 % 1))
    first, *others = spans
    spread = Spread.of(others)
    assert spread is not None
    return first, spread
