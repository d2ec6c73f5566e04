"""How soon another process sees what we write, in every way of looking. Blocks."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from attrs import frozen

from tools.doctor.second import ANSWERS, Second
from tools.doctor.share import Appender, Share
from tools.doctor.watching import Way, line, name, place

#: From one line to the next (seconds), and how long the last may stay unseen.
STEP, GRACE = 0.03, 5.0


@frozen
class Visibility:
    """What another process saw, and when."""

    #: Seconds from when a line was durable, or a name there, until it was seen.
    delays: dict[Way, list[float]]
    #: How many were written, each way.
    lines: int
    #: How long we waited for the last of them (seconds).
    patience: float
    #: Looks that showed NULs, and that showed bytes which nobody had written.
    nuls: int
    wrong: int
    #: How far the two clocks may be apart, although that was measured (seconds).
    doubt: float

    def unseen(self, way: Way) -> int:
        """How many were never seen."""
        return self.lines - len(self.delays[way])


def measure_visibility(
    second: Second,
    folder: Path,
    share: Share,
    seconds: float,
    stop: threading.Event,
    grace: float = GRACE,
) -> Visibility:
    """Write lines and names for so many seconds, while the other side watches.

    Raises:
        SilentError, StoppedError, FailedError: the other side does not watch.
        OSError: the share fails.
    """
    lines = max(3, int(seconds / STEP))
    files = {way: Appender(place(folder, way), share) for way in (Way.REOPEN, Way.HELD, Way.STAT)}
    folders = [place(folder, way) for way in (Way.LISTING, Way.LOOKUP)]
    try:
        for file in files.values():
            file.append(b"")
        for made in folders:
            share.make_folder(made)
        # On a slow share writing takes longer than planned; the watcher waits no less for that.
        last = 3 * seconds + grace
        second.send({"do": "watch", "lines": lines, "seconds": last, "grace": grace})
        second.answer(stop)  # it has begun
        written = _write(files, folders, share, lines, stop)
        answer = second.answer(stop, last + ANSWERS)
    finally:
        for file in files.values():
            file.close()
    delays = {
        way: [
            (seen - second.ahead - at) / 1e9
            for seen, at in zip(answer["seen"][way.value], written[way], strict=False)
        ]
        for way in Way
    }
    doubt = second.doubt / 1e9
    return Visibility(delays, lines, grace, answer["nuls"], answer["wrong"], doubt)


def _write(
    files: dict[Way, Appender],
    folders: list[Path],
    share: Share,
    lines: int,
    stop: threading.Event,
) -> dict[Way, list[int]]:
    """Write everything, at its pace; when each was durable (ns since 1970)."""
    written: dict[Way, list[int]] = {way: [] for way in Way}
    listed, looked_up = folders
    for number in range(lines):
        if stop.wait(STEP):
            break
        for way, file in files.items():
            file.append(line(number))
            written[way].append(time.time_ns())
        for way, folder in ((Way.LISTING, listed), (Way.LOOKUP, looked_up)):
            share.write_file(folder / name(number), b"")
            written[way].append(time.time_ns())
    return written
