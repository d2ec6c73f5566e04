"""Whether creating a file exclusively succeeds once, when two processes try at once. Blocks."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from attrs import frozen

from tools.doctor.assistant import race
from tools.doctor.second import ANSWERS, Second
from tools.doctor.share import Share

#: The least time from one name to the next (seconds).
STEP = 0.004
#: So long until the first, for the other side to be ready: seconds, and round trips.
_HEAD_START, _TRIPS = 0.05, 5


@frozen
class Race:
    """Who created which names."""

    names: int
    ours: frozenset[int]
    theirs: frozenset[int]

    @property
    def both(self) -> int:
        """Names that both have created: there must be none."""
        return len(self.ours & self.theirs)

    @property
    def nobody(self) -> int:
        """Names that neither has created, although each was told that the other had."""
        return self.names - len(self.ours | self.theirs)


def measure_race(
    second: Second, folder: Path, share: Share, stop: threading.Event, names: int
) -> Race:
    """Race against the other side.

    Raises:
        SilentError, StoppedError, FailedError: the other side does not race.
        OSError: the share fails.
    """
    # Clocks of two hosts agree to that: the moments are spread as widely.
    jitter = max(1_000_000, 2 * second.doubt)
    step = max(int(STEP * 1e9), 2 * jitter)
    start = time.time_ns() + int((_HEAD_START + _TRIPS * second.round_trip) * 1e9)
    course = {"count": names, "step": step, "jitter": jitter}
    second.send({"do": "race", "start": start + second.ahead, **course})
    ours = race(folder, {"start": start, **course}, share, stop)
    theirs = second.answer(stop, ANSWERS + names * step / 1e9)["won"]
    return Race(names, frozenset(ours), frozenset(theirs))
