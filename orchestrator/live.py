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


class FeedEndedError(Exception):
    """Nothing more will come: the service stops."""


@define(eq=False)
class Watcher(Generic[M]):
    """One reader of a feed."""

    wants: Callable[[M], bool]
    _waiting: list[M] = field(factory=list)
    #: Why nothing more is taken.
    _over: Exception | None = None
    _news: asyncio.Event = field(factory=asyncio.Event)

    def offer(self, message: M) -> None:
        """Give it a message, if it wants it and can still take it."""
        if self._over is not None or not self.wants(message):
            return
        if len(self._waiting) >= MAX_BEHIND:
            self.end(TooSlowError())
            return
        self._waiting.append(message)
        self._news.set()

    def end(self, why: Exception) -> None:
        """Take nothing more, and forget what waits."""
        self._over = self._over or why
        self._waiting = []
        self._news.set()

    async def next(self) -> list[M]:
        """All that waits, at least one message.

        Raises:
            TooSlowError: it had fallen too far behind.
            FeedEndedError: the service stops.
        """
        await self._news.wait()
        if self._over is not None:
            raise self._over
        self._news.clear()
        batch, self._waiting = self._waiting, []
        return batch


class Feed(Generic[M]):
    """Messages to whoever watches now; nothing is kept for those who come later."""

    def __init__(self) -> None:
        """Nobody watches yet."""
        self._watchers: set[Watcher[M]] = set()
        self._closed = False

    def publish(self, message: M) -> None:
        """Offer a message to all watchers; never waits."""
        for watcher in self._watchers:
            watcher.offer(message)

    @contextmanager
    def watch(self, wants: Callable[[M], bool]) -> Iterator[Watcher[M]]:
        """Watch from now on."""
        watcher: Watcher[M] = Watcher(wants)
        if self._closed:
            watcher.end(FeedEndedError())
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    def close(self) -> None:
        """Tell all watchers, and those who come later, that this is the end."""
        self._closed = True
        for watcher in self._watchers:
            watcher.end(FeedEndedError())
