"""Stamps: the total order of all records, from a hybrid logical clock that never runs backwards.

A hybrid time is a 64-bit integer: 48 bits of wall clock milliseconds and 16 bits of counter,
written as 16 hex digits. A stamp is the text `<16 hex time><writer><3 hex index>`: comparing two
stamps as text compares time, then writer, then place within a transaction, so no two differ
in no way, and stamps can be kept in JSON as they are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NewType

Stamp = NewType("Stamp", str)

COUNTER_BITS = 16
#: A remote clock further ahead than this never moves ours (event-log: order and folds).
MAX_AHEAD_MS = 60_000
#: The last time that 16 hex digits can say.
LAST_TIME = (1 << 64) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
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
    return _EPOCH + min(wall_ms(value), _LAST_MS) * _MS


def before(at: datetime) -> Stamp:
    """The smallest stamp that lies after the moment `at`: records below it had happened by then.

    Milliseconds are the clock's grain: an event in the very millisecond of `at` counts as past.
    """
    delta = at.astimezone(UTC) - _EPOCH
    ms = (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000
    return Stamp(f"{(ms + 1) << COUNTER_BITS:016x}")


class HybridClock:
    """Gives strictly rising hybrid times; wall clocks that stand still or jump back do not matter.

    Thread-safe: the writer's thread asks it for times while readers tell it what they have seen.
    """

    def __init__(self, wall_clock_ms: Callable[[], int]) -> None:
        """`wall_clock_ms` returns milliseconds since 1970."""
        self._wall = wall_clock_ms
        self._last = 0
        #: Times given by `beat` that lie ahead of us: none of them is given a second time.
        self._ahead: set[int] = set()
        self._lock = threading.Lock()

    def tick(self) -> int:
        """The next time, above every one given or believed before."""
        with self._lock:
            now = max(self._last + 1, self._wall() << COUNTER_BITS)
            while now in self._ahead:
                now += 1
            if self._ahead:
                self._ahead = {time for time in self._ahead if time > now}
            self._last = now
            return now

    def beat(self, seen: int, now: int) -> int | None:
        """The time that a record of the tick `now` needs to come after `seen`; None if it does.

        Nothing comes after the last time there is: then the result is that time itself, and the
        writer's id decides.
        """
        if seen < now:
            return None
        with self._lock:
            time = seen + 1
            while time in self._ahead:
                time += 1
            time = min(time, LAST_TIME)
            self._ahead.add(time)
            return time

    def observe(self, time: int) -> bool:
        """Learn of a remote time, so that what we write next comes after what we have read.

        A time more than 60 s ahead is not believed: one host with a wrong clock must not pull
        all others into its future. Returns whether the time was believed.
        """
        with self._lock:
            if (time >> COUNTER_BITS) - self._wall() > MAX_AHEAD_MS:
                return False
            self._last = max(self._last, time)
            return True

    def observe_all(self, stamps: Sequence[Stamp]) -> None:
        """Learn of many remote stamps (at least one): the newest that can be believed counts."""
        if self.observe(time_of(max(stamps))):
            return
        for value in sorted(stamps, reverse=True):
            if self.observe(time_of(value)):
                return
