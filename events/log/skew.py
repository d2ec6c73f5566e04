"""How far our clock is from the share's, which all hosts of a project have in common.

A new file gets its time from the server. Compared with our clock before and after, that tells
how far we are off, as exactly as the share answers quickly. The file stays empty: as soon as an
SMB client writes to a file, it tells its own time of it for a while, and would
find itself right whatever the time is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from events.log.disk_io import DiskIO
from events.stamp import MAX_AHEAD_MS

#: Further from the share's clock than this, nothing must be written (ms).
LIMIT_MS = MAX_AHEAD_MS
#: The narrowest of so many looks counts.
LOOKS = 3
_PROBE = ".clock."


@frozen
class Look:
    """One look at the share's clock: ours before and after it, and what it told (ns since 1970)."""

    before: int
    after: int
    told: int


@frozen
class Skew:
    """How far our clock is ahead of the share's, and how far that may be wrong (ms)."""

    ahead_ms: float
    doubt_ms: float

    @property
    def is_beyond(self) -> bool:
        """Whether we are certainly too far off to write."""
        return abs(self.ahead_ms) - self.doubt_ms > LIMIT_MS

    def __str__(self) -> str:
        seconds = abs(self.ahead_ms) / 1000
        side = "ahead of" if self.ahead_ms > 0 else "behind"
        return f"{seconds:.1f} s {side} the share's clock"


def judge(looks: Iterable[Look]) -> Skew:
    """What looks (at least one) tell together: the narrowest is the most exact. Pure."""
    # A clock that was set back in between makes a negative span, and that look worth nothing.
    best = min(looks, key=lambda look: abs(look.after - look.before))
    # Whole numbers as long as they are large: nanoseconds since 1970 are too many for a float.
    ahead = (best.before - best.told) + (best.after - best.told)
    return Skew(ahead / 2e6, abs(best.after - best.before) / 2e6)


def measure(folder: Path, name: str, host: str, disk: DiskIO, wall_ns: Callable[[], int]) -> Skew:
    """Create empty files in a folder that exists, and look at their times. Blocks.

    Nothing stays: each file is removed at once, and so is what an earlier incarnation of `host`
    left when it was killed in between.

    Args:
        folder: Where.
        name: A name that nobody else uses, as the id of our writer.
        host: Our own id.
        disk: The file system.
        wall_ns: Our clock.

    Raises:
        OSError: the share refuses, or does not answer.
    """
    for left in disk.names(folder):
        if left.startswith(_PROBE) and left.endswith(f".{host}"):
            with suppress(OSError):
                disk.remove(folder / left)
    looks = []
    for number in range(LOOKS):
        # A new name each time: one that was removed may be taken for still there, or still gone.
        path = folder / f"{_PROBE}{name}-{wall_ns():x}-{number}.{host}"
        before = wall_ns()
        disk.close(disk.create(path))
        try:
            after = wall_ns()
            looks.append(Look(before, after, disk.modified(path)))
        finally:
            with suppress(OSError):  # empty, hidden, and swept by our next incarnation
                disk.remove(path)
    return judge(looks)
