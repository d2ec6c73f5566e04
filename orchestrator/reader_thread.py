"""A thread of its own for one project's log: a share that hangs keeps nobody else waiting."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

from attrs import frozen

from orchestrator.errors import StillOpening

T = TypeVar("T")


@frozen(eq=False)
class _Call:
    work: Callable[[], Any]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Any]


class ReaderThread:
    """Runs blocking calls one after the other, in one thread that is started when it is needed.

    It is a daemon: a call into a dead share cannot be broken off, and must not hold up the end of
    the service either.
    """

    def __init__(self, name: str) -> None:
        """`name` is the thread's, for whoever looks at a stack."""
        self._name = name
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._since: float | None = None
        self._closed = False

    @property
    def busy(self) -> float:
        """Seconds that the present call has taken; 0 if there is none."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises.

        Raises:
            StillOpening: the project is closed, to be opened anew.
        """
        if self._closed:
            raise StillOpening
        loop = asyncio.get_running_loop()
        call = _Call(work, loop, loop.create_future())
        self._calls.put(call)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        return await call.done  # type: ignore[no-any-return]  # it is what `work` returned

    def close(self) -> None:
        """End the thread after what was handed over. Does not wait: it may hang."""
        self._closed = True
        self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            self._since = time.monotonic()
            value, fault = None, None
            try:
                value = call.work()
            except Exception as exc:  # noqa: BLE001  # handed to whoever asked for this call
                fault = exc
            self._since = None
            with suppress(RuntimeError):  # the loop is closed: the service has stopped meanwhile
                call.loop.call_soon_threadsafe(_settle, call.done, value, fault)


def _settle(done: asyncio.Future[Any], value: object, fault: Exception | None) -> None:
    if done.done():
        return  # nobody waits any more
    if fault is None:
        done.set_result(value)
    else:
        done.set_exception(fault)
