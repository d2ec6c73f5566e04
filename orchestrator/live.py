"""Telling watchers what changes, as it changes: a feed with a bounded queue for each of them.

A watcher that does not read in time is dropped with a reason; nobody waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from attrs import define, field

#: Messages that may wait for one watcher.
MAX_BEHIND = 1_000

M = TypeVar("M")


class TooSlowError(Exception):
    """The watcher did not read, and was dropped."""


@define(eq=False)
class Watcher(Generic[M]):
    """One reader of a feed."""

    wants: Callable[[M], bool]
    _queue: asyncio.Queue[M] = field(factory=lambda: asyncio.Queue(MAX_BEHIND))
    _dropped: bool = False

    def offer(self, message: M) -> None:
        """Give it a message, if it wants it and can still take it."""
        if self._dropped or not self.wants(message):
            return
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self._dropped = True

    async def next(self) -> list[M]:
        """All that waits, at least one message.

        Raises:
            TooSlowError: it had fallen too far behind.
        """
        if self._dropped:
            raise TooSlowError
        batch = [await self._queue.get()]
        while not self._queue.empty():
            batch.append(self._queue.get_nowait())
        return batch


class Feed(Generic[M]):
    """Messages to whoever watches now; nothing is kept for those who come later."""

    def __init__(self) -> None:
        """Nobody watches yet."""
        self._watchers: set[Watcher[M]] = set()

    def publish(self, message: M) -> None:
        """Offer a message to all watchers; never waits."""
        for watcher in self._watchers:
            watcher.offer(message)

    @contextmanager
    def watch(self, wants: Callable[[M], bool]) -> Iterator[Watcher[M]]:
        """Watch from now on."""
        watcher: Watcher[M] = Watcher(wants)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
