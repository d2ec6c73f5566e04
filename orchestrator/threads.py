"""Crossing between threads and the event loop, many at a time: each crossing costs a switch."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from attrs import define, field, frozen

T = TypeVar("T")

#: Threads for the small calls on one share: a hung share blocks these, and nobody else's.
LANES = 4


@define(eq=False)
class LoopInbox:
    """What other threads want done on the event loop; what comes together is done together."""

    _loop: asyncio.AbstractEventLoop
    _waiting: deque[Callable[[], None]] = field(factory=deque)
    _scheduled: bool = False

    def put(self, call: Callable[[], None]) -> None:
        """Have `call` called on the loop, soon, in order. Any thread may do this."""
        self._waiting.append(call)
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        # Cleared first: what is put from now on either is drained below or schedules anew.
        self._scheduled = False
        while self._waiting:
            self._waiting.popleft()()


@frozen(eq=False)
class _Call:
    work: Callable[[], Any]
    done: asyncio.Future[Any]


class ShareThreads:
    """Runs small blocking calls on one share in threads of its own, many per crossing.

    While the threads are busy, calls gather; then all that wait cross at once.
    """

    def __init__(self, name: str, lanes: int = LANES) -> None:
        """Threads are started when they are first needed."""
        self._threads = ThreadPoolExecutor(lanes, thread_name_prefix=name)
        self._waiting: list[_Call] = []
        self._free = lanes
        self._scheduled = False

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises."""
        loop = asyncio.get_running_loop()
        call = _Call(work, loop.create_future())
        self._waiting.append(call)
        if not self._scheduled and self._free:
            self._scheduled = True
            loop.call_soon(self._cross)
        return await call.done  # type: ignore[no-any-return]  # it is what `work` returned

    def _cross(self) -> None:
        self._scheduled = False
        batch = [call for call in self._waiting if not call.done.done()]
        self._waiting = []
        if batch:
            self._free -= 1
            loop = asyncio.get_running_loop()
            try:
                crossing = loop.run_in_executor(self._threads, _run_all, batch)
            except RuntimeError as exc:  # closed meanwhile
                self._free += 1
                for call in batch:
                    call.done.set_exception(exc)
                return
            crossing.add_done_callback(lambda done: self._back(batch, done))

    def _back(self, batch: list[_Call], crossing: asyncio.Future[list[Any]]) -> None:
        self._free += 1
        if self._waiting and not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._cross)
        if crossing.cancelled():
            for call in batch:
                call.done.cancel()
            return
        for call, (failed, value) in zip(batch, crossing.result(), strict=True):
            if call.done.done():
                continue  # nobody waits any more
            if failed:
                call.done.set_exception(value)
            else:
                call.done.set_result(value)

    def close(self) -> None:
        """Take nothing more. A thread that hangs on a dead share is left behind."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _run_all(batch: list[_Call]) -> list[tuple[bool, Any]]:
    ends: list[tuple[bool, Any]] = []
    for call in batch:
        try:
            ends.append((False, call.work()))
        except Exception as exc:  # noqa: BLE001  # handed to whoever asked for this call
            ends.append((True, exc))
    return ends
