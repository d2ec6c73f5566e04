"""Crossing between threads and the event loop, many at a time: each crossing costs a switch."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from attrs import define, field, frozen

from orchestrator.errors import StillOpening

T = TypeVar("T")

#: Threads for the small calls on one share: a hung share blocks these, and nobody else's.
LANES = 4
#: A call that waits for so long (seconds) behind others is given another thread.
PATIENCE = 0.005


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

    While one thread is busy, calls gather; then all that wait cross at once. A second thread is
    used only when the first takes long: on a fast disk more threads would merely fight over the
    interpreter, on a slow share they wait side by side.
    """

    def __init__(self, name: str, lanes: int = LANES) -> None:
        """Threads are started when they are first needed."""
        self._threads = ThreadPoolExecutor(lanes, thread_name_prefix=name)
        self._lanes = lanes
        self._busy = 0
        self._waiting: list[_Call] = []
        self._next: asyncio.Handle | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises."""
        call = _Call(work, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        self._plan()
        return await call.done  # type: ignore[no-any-return]  # it is what `work` returned

    def _plan(self) -> None:
        """Cross at the end of this turn of the loop, or when the busy threads take too long."""
        if self._next is None and self._waiting and self._busy < self._lanes:
            loop = asyncio.get_running_loop()
            if self._busy:
                self._next = loop.call_later(PATIENCE, self._cross)
            else:
                self._next = loop.call_soon(self._cross)

    def _cross(self) -> None:
        self._next = None
        batch = [call for call in self._waiting if not call.done.done()]
        self._waiting = []
        if not batch:
            return
        loop = asyncio.get_running_loop()
        try:
            crossing = loop.run_in_executor(self._threads, _run_all, batch)
        except RuntimeError:  # closed meanwhile, to be opened anew
            for call in batch:
                call.done.set_exception(StillOpening())
            return
        self._busy += 1
        crossing.add_done_callback(lambda done: self._back(batch, done))

    def _back(self, batch: list[_Call], crossing: asyncio.Future[list[Any]]) -> None:
        self._busy -= 1
        if self._next is not None and not self._busy:
            self._next.cancel()
            self._next = None
        self._plan()
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
