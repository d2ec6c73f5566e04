"""A process that appends as fast as it can and says what was acknowledged, until it is killed.

Usage: python -m tests.log.writer_process GALLERY HOST. Each line of output is one acknowledged
record: writer, sequence and actor.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections import deque
from concurrent.futures import Future
from pathlib import Path

from events import vocabulary
from events.codec import draft
from events.log import segments
from events.log.folder import FolderLog
from events.log.format_file import Format
from events.record import Record
from tests.log.builders import PROJECT, rated

#: So many appends are under way at once.
_WINDOW = 40


def main(gallery: Path, host: str) -> None:
    """Append for ever."""
    assert vocabulary.FAMILIES
    segments.ROLL_BYTES = 40_000
    log = FolderLog(gallery, Format(PROJECT, "2024"), host)
    waiting: deque[Future[list[Record]]] = deque()
    for number in itertools.count():
        # Now and then a line of a hundred events, so that kills also hit long writes.
        events = [rated(number % 6)] * (100 if number % 50 == 0 else 1)
        waiting.append(log.append(draft(events, f"a{number}")))
        if len(waiting) > _WINDOW:
            record = waiting.popleft().result(timeout=30)[0]
            os.write(1, f"{record.writer} {record.sequence} {record.actor}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
