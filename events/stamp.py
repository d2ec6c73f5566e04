"""Stamps: the total order of all records, from a hybrid logical clock that never runs backwards.

A hybrid time is a 64-bit integer: 48 bits of wall clock milliseconds and 16 bits of counter,
written as 16 hex digits. A stamp is the text `<16 hex time><writer><3 hex index>`: comparing two
stamps as text compares time, then writer, then place within a transaction, so no two differ
in no way, and stamps can be kept in JSON as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NewType

Stamp = NewType("Stamp", str)

COUNTER_BITS = 16
#: A remote clock further ahead than this never moves ours (event-log: order and folds).
MAX_AHEAD_MS = 60_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: 48 bits of milliseconds reach to the year 10889; Python's dates end before that.
_LAST_MS = 253_402_300_799_999


def stamp(time: int, writer: str, index: int = 0) -> Stamp:
    """Build a stamp; `index` is the event's place in its transaction (0 to 4095)."""
    return Stamp(f"{time:016x}{writer}{index:03x}")


def time_of(value: Stamp) -> int:
    """The hybrid time in a stamp."""
    return int(value[:16], 16)


def writer_of(value: Stamp) -> str:
    """The writer's id in a stamp."""
    return value[16:-3]


def wall_ms(value: Stamp) -> int:
    """Milliseconds since 1970 of a stamp."""
    return int(value[:12], 16)


def moment(value: Stamp) -> datetime:
    """The wall time of a stamp, in UTC; times past the year 9999 are shown as its end."""
    ms = min(wall_ms(value), _LAST_MS)
    seconds, rest = divmod(ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)


def before(at: datetime) -> Stamp:
    """The smallest stamp that lies after the moment `at`: records below it had happened by then.

    Milliseconds are the clock's grain: an event in the very millisecond of `at` counts as past.
    """
    delta = at.astimezone(UTC) - _EPOCH
    ms = (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000
    return Stamp(f"{(ms + 1) << COUNTER_BITS:016x}")


class HybridClock:
    """Gives strictly rising hybrid times; wall clocks that stand still or jump back do not matter.

    Not thread-safe: it belongs to the writer thread of one log.
    """

    def __init__(self, wall_clock_ms: Callable[[], int]) -> None:
        """`wall_clock_ms` returns milliseconds since 1970."""
        self._wall = wall_clock_ms
        self._last = 0

    def tick(self) -> int:
        """The next time, above every one given or observed before."""
        self._last = max(self._last + 1, self._wall() << COUNTER_BITS)
        return self._last

    def observe(self, time: int) -> None:
        """Learn of a remote time, so that what we write next comes after what we have read.

        A time more than 60 s ahead is not believed: one host with a wrong clock must not pull
        all others into its future.
        """
        if (time >> COUNTER_BITS) - self._wall() <= MAX_AHEAD_MS:
            self._last = max(self._last, time)
