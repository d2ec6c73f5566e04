"""Load for several services on one project: edits over HTTP from all hosts, and what comes of them.

    ledger = prepare(project)                                    # files, each with its own bytes
    await edits(urls, project_paths, 1000, seed=1, ledger=ledger)
    agreed = await converge(urls, project_paths)                 # all hosts say the same
    assert verdict(project, ledger) == []                        # nothing acknowledged is lost

`urls` may be a list that changes: "" is a host that is down, and restarts bring another port.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any

import aiohttp
from attrs import define

from tests.hosts.agreeing import converge, said_by_log
from tests.hosts.deeds import Deeds
from tests.hosts.judging import verdict
from tests.hosts.ledger import Edit, Ledger, prepare
from tests.hosts.processes import Host, running

__all__ = [
    "Host",
    "Ledger",
    "converge",
    "edits",
    "prepare",
    "running",
    "said_by_log",
    "verdict",
]

#: An answer that does not come in this time (seconds) will not; the service's own limit is 30.
PATIENCE = 60.0
#: A 503 says when to come again; nobody of us waits longer than this (seconds) ...
LONGEST_PAUSE = 1.0
#: ... nor comes again more often than this.
TRIES = 60
#: What is looked at anew when so few files are known.
FEW = 12
#: Seconds between two looks for a host that is up.
LOOK = 0.02

#: Called after each edit with the number of those that are done; faults are made here.
OnStep = Callable[[int], Awaitable[None]]


async def edits(
    urls: Sequence[str],
    project_paths: Sequence[str],
    count: int,
    seed: int,
    on_step: OnStep | None = None,
    connections: int = 8,
    *,
    ledger: Ledger | None = None,
    moving: int = 20,
    stop: asyncio.Event | None = None,
) -> Ledger:
    """Send edits from all hosts at once until `count` of them are over, however they ended.

    Args:
        urls: Each host's address; read before every request.
        project_paths: The project's folder as each host sees it.
        count: Edits; some are about many files.
        seed: What the edits are drawn from. Which host answers first is not drawn.
        on_step: Called after each edit.
        connections: How many edits are on their way at a time.
        ledger: Where they are noted; a new one if left out.
        moving: How many of a hundred edits move, rename, trash or restore files.
        stop: Ends the load early, once it is set; what is on its way is waited for.
    """
    ledger = Ledger() if ledger is None else ledger
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session:
        deeds = Deeds(Random(seed), ledger, moving=moving)
        crowd = _Crowd(urls, project_paths, session, deeds, count, on_step, stop or asyncio.Event())
        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(crowd.work())
    return ledger


@define(eq=False)
class _Crowd:
    """Everybody who edits; they share what they know."""

    urls: Sequence[str]
    project_paths: Sequence[str]
    session: aiohttp.ClientSession
    deeds: Deeds
    left: int
    on_step: OnStep | None
    stop: asyncio.Event
    done: int = 0
    looking: bool = False

    async def work(self) -> None:
        """Edit until all is done."""
        while self.left > 0 and not self.stop.is_set():
            self.left -= 1
            if len(self.deeds.paths) < FEW and not self.looking:
                await self._look_around()
            edit = self.deeds.draw()
            await self._send(edit)
            self.deeds.learn(edit)
            self.done += 1
            if self.on_step is not None:
                await self.on_step(self.done)

    async def _host(self) -> int:
        """A host that is up."""
        while True:
            up = [number for number, url in enumerate(self.urls) if url]
            if up:
                return self.deeds.chance.choice(up)
            await asyncio.sleep(LOOK)

    async def _send(self, edit: Edit) -> None:
        """Send an edit until something other than "not now" is said, or the host goes away."""
        while edit.tries < TRIES:
            edit.host = await self._host()
            try:
                pause = await self._try(edit)
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(LOOK)  # it was never sent; somebody else may take it
                continue
            except (aiohttp.ClientError, ConnectionError, TimeoutError):
                edit.status = None
                return
            if pause is None:
                return
            await asyncio.sleep(min(pause, LONGEST_PAUSE))

    async def _try(self, edit: Edit) -> float | None:
        """Send an edit once; seconds after which to try again, None if it is over."""
        url = f"{self.urls[edit.host]}/api/gallery/{edit.endpoint}"
        body = {"projectPath": self.project_paths[edit.host], **edit.body}
        headers = {"X-Actor": edit.actor}
        async with self.session.request(edit.method, url, json=body, headers=headers) as response:
            edit.tries += 1
            edit.status, edit.answer = None, {}
            answer: dict[str, Any] = await response.json()
            edit.status, edit.answer = response.status, answer
            if response.status != 503:
                return None
            return float(response.headers["Retry-After"])

    async def _look_around(self) -> None:
        """Ask a host where the files are, and what lies in the trash."""
        self.looking = True
        try:
            host = await self._host()
            base, project = f"{self.urls[host]}/api/gallery", self.project_paths[host]
            body = {"projectPath": project}
            async with self.session.post(f"{base}/scan-recursive", json=body) as response:
                files = (await response.json()).get("files", [])
            async with self.session.get(f"{base}/trash", params=body) as response:
                trash = (await response.json()).get("files", [])
        except (aiohttp.ClientError, ConnectionError, TimeoutError, ValueError):
            return  # it went away; the next one looks again
        finally:
            self.looking = False
        self.deeds.paths = [file["relPath"] for file in files]
        self.deeds.trash = [file["trashId"] for file in trash]
