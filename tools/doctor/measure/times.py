"""How far the share's clock is from ours, and how finely it keeps times. Blocks."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from tools.doctor.share import Share

#: The narrowest of so many looks at the clock counts.
_LOOKS = 7
#: A time that no coarse clock can keep (ns since 1970).
_ODD = 1_500_000_001_123_456_789


@frozen
class Clocks:
    """The share's clock, as new files tell it."""

    #: The share's clock minus ours, and how far that may be wrong (seconds).
    ahead: float
    doubt: float


def measure_clock(folder: Path, share: Share, wall_ns: Callable[[], int] = time.time_ns) -> Clocks:
    """Create empty files, and look at their times.

    Empty ones: as soon as an SMB client writes, it tells its own time of the file for a while.

    Raises:
        OSError: the share fails.
    """
    share.make_folder(folder)
    found = []
    for number in range(_LOOKS):
        before = wall_ns()
        share.close(share.create(folder / f"clock-{number}"))
        after = wall_ns()
        told = share.look(folder / f"clock-{number}").mtime_ns
        found.append((after - before, told - (before + after) // 2))
    span, ahead = min(found)
    return Clocks(ahead / 1e9, span / 2e9)


@frozen
class FileTimes:
    """How times are kept."""

    #: What is lost of a time that is set (seconds).
    lost: float
    #: Whether files without a change keep the time that was set.
    kept: bool


def measure_file_times(folder: Path, share: Share) -> FileTimes:
    """Set the time of a file and read it back.

    Raises:
        OSError: the share fails, or lets nobody set times.
    """
    path = folder / "timed"
    share.write_file(path, b"one")
    share.set_time(path, _ODD)
    first = share.look(path).mtime_ns
    share.read(path, 0, 10)
    return FileTimes(abs(_ODD - first) / 1e9, share.look(path).mtime_ns == first)
