"""How long a small append takes until it is durable. Blocks."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from tools.doctor.share import Appender, Share

#: About the length of a line of the log (bytes).
LINE = 300
#: More appends than this tell nothing new.
MOST = 5_000


def measure_appends(
    folder: Path, share: Share, seconds: float, stop: threading.Event
) -> list[float]:
    """Append and sync for so many seconds; how long each took (seconds).

    Raises:
        OSError: the share does not take them.
    """
    data = b"x" * (LINE - 1) + b"\n"
    took: list[float] = []
    file = Appender(folder / "appends", share)
    until = time.monotonic() + seconds
    try:
        file.append(data)  # creating the file is another matter
        while not stop.is_set() and len(took) < MOST and time.monotonic() < until:
            before = time.perf_counter()
            file.append(data)
            took.append(time.perf_counter() - before)
    finally:
        file.close()
    return took
