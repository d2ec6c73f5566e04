"""Thumbnails that nobody has asked for yet, but will: those of the folder being looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from orchestrator.errors import OrchestratorError
from orchestrator.gallery.thumbnails.spec import Spec

_log = structlog.stdlib.get_logger(__name__)

#: Viewers whose folders are worked on; those who looked up the longest ago are dropped.
MOST_VIEWERS: Final = 16
#: Files of one folder that are made ahead.
MOST_FILES: Final = 2_000

Make = Callable[[str, Spec], Awaitable[None]]


class Ahead:
    """Works through what viewers look at, the newest folder first, a few files at a time."""

    def __init__(self, make: Make, hands: int) -> None:
        """`make` makes one, and may wait as long as it likes; `hands` run at once."""
        self._make = make
        self._hands = hands
        #: Files still to be made, the next one last; the newest viewer last.
        self._wanted: dict[str, list[tuple[str, Spec]]] = {}
        self._working: set[asyncio.Task[None]] = set()

    def look(self, paths: list[str], spec: Spec, viewer: str) -> None:
        """Make these next; what the same viewer wanted before is dropped."""
        self._wanted.pop(viewer, None)
        self._wanted[viewer] = [(path, spec) for path in reversed(paths[:MOST_FILES])]
        while len(self._wanted) > MOST_VIEWERS:
            del self._wanted[next(iter(self._wanted))]
        while len(self._working) < self._hands:
            self._working.add(asyncio.create_task(self._work()))

    async def close(self) -> None:
        """Drop everything."""
        self._wanted.clear()
        working = list(self._working)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)

    async def _work(self) -> None:
        try:
            await self._work_through()
        finally:
            # In the same breath as it finds nothing left: what comes next needs a new hand.
            task = asyncio.current_task()
            assert task is not None
            self._working.discard(task)

    async def _work_through(self) -> None:
        while (wanted := self._next()) is not None:
            path, spec = wanted
            try:
                await self._make(path, spec)
            except OrchestratorError as exc:
                # Whoever asks for it will be told; here it only means that there is none.
                _log.debug("thumbnails.not_made_ahead", path=path, reason=str(exc))

    def _next(self) -> tuple[str, Spec] | None:
        while self._wanted:
            viewer = next(reversed(self._wanted))
            if files := self._wanted[viewer]:
                return files.pop()
            del self._wanted[viewer]
        return None
