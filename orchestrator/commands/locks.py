"""Locks by name: commands about the same thing take turns, all others go side by side.

Side by side matters: commands that wait for the disk together share one fsync. Taken and given
back in separate steps, because a command's locks outlive the request that asked for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable


class NamedLocks:
    """Locks that exist while somebody holds them. Used on one event loop."""

    def __init__(self) -> None:
        """No locks yet."""
        #: Who waits for each name that is held.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def take(self, names: Iterable[str]) -> tuple[str, ...]:
        """Hold all of `names` when this returns; give back what it returned.

        Taken in sorted order, so that no two wait for each other. If it is cancelled, nothing is
        held.
        """
        wanted = tuple(names)
        if len(wanted) == 1 and wanted[0] not in self._waiting:  # nearly always
            self._waiting[wanted[0]] = deque()
            return wanted
        held: list[str] = []
        try:
            for name in sorted(set(wanted)):
                if name in self._waiting:
                    await self._turn(name)
                else:
                    self._waiting[name] = deque()
                held.append(name)
        except asyncio.CancelledError:
            self.give_back(held)
            raise
        return tuple(held)

    async def _turn(self, name: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[name].append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back((name,))  # it had just become ours
            raise

    def give_back(self, names: Iterable[str]) -> None:
        """Let the next in line have each of `names`."""
        for name in names:
            line = self._waiting[name]
            while line:
                turn = line.popleft()
                if not turn.done():
                    turn.set_result(None)
                    break
            else:
                del self._waiting[name]
