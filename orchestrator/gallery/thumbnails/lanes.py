"""Threads for work that many ask for at once: done once for all of them, the urgent first.

Everything but the work itself happens on the event loop, so nothing here needs a lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from attrs import define

from orchestrator.errors import StillOpening, ThumbnailsBusy

T = TypeVar("T")

#: Urgent work that may wait for a thread.
MOST_WAITING = 2_000


@define(eq=False)
class _Flight(Generic[T]):
    """One piece of work, and how many wait for it."""

    work: Callable[[], T]
    done: asyncio.Future[T]
    urgent: bool
    waiting: int = 0
    begun: bool = False


class Lanes(Generic[T]):
    """Runs blocking work by key in a few threads of its own.

    Who asks for a key that is waiting or running joins it. Work that nobody waits for any more is
    not begun. What is not urgent begins only while nothing urgent waits or runs, and in lanes of
    its own, so that nothing urgent ever waits behind it.
    """

    def __init__(self, name: str, lanes: int, most_waiting: int = MOST_WAITING) -> None:
        """Threads are started when they are first needed.

        Args:
            name: What the threads are called.
            lanes: Pieces of urgent work that run at once.
            most_waiting: Pieces of urgent work that may wait.
        """
        self._lanes = lanes
        self._spare = max(1, lanes - 1)
        self._most_waiting = most_waiting
        self._threads = ThreadPoolExecutor(lanes + self._spare, thread_name_prefix=name)
        self._flights: dict[Hashable, _Flight[T]] = {}
        #: Waiting, in order; a dict, because many leave from the middle.
        self._urgent: dict[Hashable, _Flight[T]] = {}
        self._later: dict[Hashable, _Flight[T]] = {}
        self._running = 0
        self._running_later = 0
        self._closed = False

    @property
    def spare(self) -> int:
        """Pieces of work that are not urgent and run at once, at most."""
        return self._spare

    async def run(self, key: Hashable, work: Callable[[], T], *, urgent: bool = True) -> T:
        """What `work` returns or raises, or what it did for others who asked for the same key.

        Raises:
            ThumbnailsBusy: too much is waiting.
            StillOpening: closed, to be opened anew.
        """
        if self._closed:
            raise StillOpening
        flight = self._board(key, work, urgent=urgent)
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.done)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.begun:
                self._abandon(key, flight)

    def close(self) -> None:
        """Take nothing more, and let go of those who wait. A thread that hangs is left behind."""
        self._closed = True
        for flight in self._flights.values():
            flight.done.cancel()
        self._urgent.clear()
        self._later.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _board(self, key: Hashable, work: Callable[[], T], *, urgent: bool) -> _Flight[T]:
        flight = self._flights.get(key)
        if flight is None:
            if urgent and len(self._urgent) >= self._most_waiting:
                raise ThumbnailsBusy(len(self._urgent))
            flight = _Flight(work, asyncio.get_running_loop().create_future(), urgent)
            self._flights[key] = flight
            (self._urgent if urgent else self._later)[key] = flight
        elif urgent and not flight.urgent and not flight.begun:
            flight.urgent = True
            self._urgent[key] = self._later.pop(key)
        self._begin()
        return flight

    def _abandon(self, key: Hashable, flight: _Flight[T]) -> None:
        (self._urgent if flight.urgent else self._later).pop(key, None)
        if self._flights.get(key) is flight:
            del self._flights[key]
        flight.done.cancel()

    def _begin(self) -> None:
        while self._urgent and self._running < self._lanes:
            self._launch(self._urgent)
        idle = not self._running
        while self._later and idle and self._running_later < self._spare:
            self._launch(self._later)

    def _launch(self, queue: dict[Hashable, _Flight[T]]) -> None:
        key = next(iter(queue))
        flight = queue.pop(key)
        flight.begun = True
        self._count(flight, 1)
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads, flight.work)
        running.add_done_callback(lambda done: self._land(key, flight, done))

    def _land(self, key: Hashable, flight: _Flight[T], running: asyncio.Future[T]) -> None:
        self._count(flight, -1)
        if self._flights.get(key) is flight:
            del self._flights[key]
        _hand_over(running, flight.done)
        self._begin()

    def _count(self, flight: _Flight[T], change: int) -> None:
        if flight.urgent:
            self._running += change
        else:
            self._running_later += change


def _hand_over(running: asyncio.Future[T], done: asyncio.Future[T]) -> None:
    if running.cancelled():
        done.cancel()
        return
    error = running.exception()  # asked for in any case: it counts as seen then
    if done.done():
        return  # closed meanwhile
    if error is None:
        done.set_result(running.result())
    else:
        done.set_exception(error)
        done.exception()  # all who waited may have hung up
