"""Locks by name: commands about the same thing take turns, all others go side by side.

Side by side matters: commands that wait for the disk together share one fsync.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from attrs import define, field


@define
class _Lock:
    lock: asyncio.Lock = field(factory=asyncio.Lock)
    users: int = 0


class NamedLocks:
    """Locks that exist while somebody holds or awaits them."""

    def __init__(self) -> None:
        """No locks yet."""
        self._locks: dict[str, _Lock] = {}

    @asynccontextmanager
    async def hold(self, names: Iterable[str]) -> AsyncIterator[None]:
        """Hold all of `names`; taken in sorted order, so that no two wait for each other."""
        async with AsyncExitStack() as stack:
            for name in sorted(set(names)):
                await stack.enter_async_context(self._one(name))
            yield

    @asynccontextmanager
    async def _one(self, name: str) -> AsyncIterator[None]:
        entry = self._locks.setdefault(name, _Lock())
        entry.users += 1
        try:
            async with entry.lock:
                yield
        finally:
            entry.users -= 1
            if entry.users == 0:
                del self._locks[name]
