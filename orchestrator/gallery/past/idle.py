"""Forgets what nobody has used for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from attrs import define, field

#: What is large and can be made again is forgotten after this time (seconds).
FORGET_AFTER = 600.0

K = TypeVar("K", bound=Hashable)


@define(eq=False)
class Idle(Generic[K]):
    """Watches when things were used last. On the event loop."""

    #: Called with what nobody has used for a while.
    forget: Callable[[K], object]
    _used: dict[K, float] = field(factory=dict)
    _timer: asyncio.TimerHandle | None = None

    def touch(self, key: K) -> None:
        """It is used now."""
        loop = asyncio.get_running_loop()
        self._used[key] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(FORGET_AFTER, self._look)

    def drop(self, key: K) -> None:
        """It is gone already."""
        self._used.pop(key, None)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        for key, used in list(self._used.items()):
            if used + FORGET_AFTER <= loop.time():
                del self._used[key]
                self.forget(key)
        if self._used:
            self._timer = loop.call_at(min(self._used.values()) + FORGET_AFTER, self._look)

    def close(self) -> None:
        """Watch nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._used.clear()
