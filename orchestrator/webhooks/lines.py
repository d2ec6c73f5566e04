"""Taking turns: one message at a time to each receiver, and not too many in all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

from attrs import define, field

from orchestrator.webhooks.sending import Outcome

#: So many messages may be on their way at a time, and as many again to receivers that only jobs
#: name: however slow those are, they do not hold up the ones of config.yaml.
AT_A_TIME = 8


@define(eq=False, weakref_slot=True)
class Line:
    """Messages to one receiver.

    Whoever waits while nobody answers there has tried, too: a receiver that is dead costs one
    time-out, however many jobs ended, and not one for each.
    """

    _slots: asyncio.Semaphore
    _turn: asyncio.Lock = field(factory=asyncio.Lock)
    #: How often nobody answered, and what came of the last of these tries.
    _silences: int = 0
    _last: Outcome = field(factory=Outcome)

    async def send(self, once: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """Send a message when its turn has come."""
        before = self._silences
        async with self._turn:
            if self._silences > before:
                return self._last
            async with self._slots:
                outcome = await once()
            if outcome.silent:
                self._silences += 1
                self._last = outcome
            return outcome


@define(eq=False)
class Lines:
    """The lines of all receivers that have messages."""

    _slots: dict[bool, asyncio.Semaphore] = field(
        factory=lambda: {trusted: asyncio.Semaphore(AT_A_TIME) for trusted in (True, False)}
    )
    _lines: WeakValueDictionary[tuple[str, bool], Line] = field(factory=WeakValueDictionary)

    def to(self, receiver: str, *, trusted: bool) -> Line:
        """The line of a receiver, which config.yaml names or not; it lasts while it is held."""
        line = self._lines.get((receiver, trusted))
        if line is None:
            line = self._lines[receiver, trusted] = Line(self._slots[trusted])
        return line
