"""Somebody else who uses the same servers: sends one prompt after the other, and wants each."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import aiohttp
from attrs import define, field

from tests.comfyui_real.graphs import graph_of
from tests.comfyui_real.servers import ComfyServer
from tests.comfyui_real.waiting import PACE

NAME = "visitor"


@define(eq=False)
class Visitor:
    """Keeps a prompt on a server for as long as the context is open; then waits for the last."""

    server: ComfyServer
    seconds: float = 0.6
    #: Ids of those that ended, and how: `execution_success` ...
    ended: dict[str, str] = field(factory=dict)
    #: How many the server lost by its death.
    lost: int = 0
    _stop: asyncio.Event = field(factory=asyncio.Event)
    _task: asyncio.Task[None] = field(init=False)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._come_and_go())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        if kind is not None:
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=kind is not None)

    async def _come_and_go(self) -> None:
        graph = graph_of("slow")
        while not self._stop.is_set():
            prompt_id = str(uuid4())
            graph["2"]["inputs"] |= {"seconds": self.seconds, "steps": 20, "seed": len(self.ended)}
            body = {"prompt": graph, "prompt_id": prompt_id, "client_id": NAME}
            try:
                await self.server.post("/prompt", body)
                ending = await self._ending(prompt_id)
            except aiohttp.ClientError:
                ending = None  # the server is down
                await asyncio.sleep(PACE)
            if ending is None:
                self.lost += 1
            else:
                self.ended[prompt_id] = ending

    async def _ending(self, prompt_id: str) -> str | None:
        """The last message of its history; None if the server knows nothing of it any more."""
        while True:
            queue = await self.server.get("/queue")
            there = [item[1] for item in (*queue["queue_running"], *queue["queue_pending"])]
            entry: dict[str, Any] | None = await self.server.entry(prompt_id)
            if entry is not None:
                return str(entry["status"]["messages"][-1][0])
            if prompt_id not in there:
                return None
            await asyncio.sleep(PACE)
