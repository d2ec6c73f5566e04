"""Watching what another process writes, in every way in which one can look. Blocks.

Each way has files of its own: to open a file anew also refreshes what the client tells of it in
all other ways.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from attrs import define, field

from tools.doctor.share import Share

#: Every line has so many bytes, so that a size tells how many there are.
LINE = 64
#: How often each way looks (seconds).
PACE = 0.004


class Way(StrEnum):
    """How one looks for what another process wrote."""

    #: Open, read to the end, close: what readers of the log do.
    REOPEN = "reopen"
    #: Read on through a descriptor that is held.
    HELD = "held"
    #: Ask for the size.
    STAT = "stat"
    #: List the folder: how readers of the log find new files.
    LISTING = "listing"
    #: Ask for a name, again and again, before and after it is there.
    LOOKUP = "lookup"


def place(folder: Path, way: Way) -> Path:
    """The file that grows, or the folder in which names appear, for one way."""
    return folder / f"watched-{way.value}"


def line(number: int) -> bytes:
    """The line of that number, from 0."""
    return f"{number:08d}".ljust(LINE - 1, ".").encode() + b"\n"


def name(number: int) -> str:
    """The name of that number, from 0."""
    return f"name-{number:08d}"


@define
class Sightings:
    """When the watcher saw each line or name (ns since 1970, by its clock), in their order."""

    seen: dict[Way, list[int]] = field(factory=lambda: {way: [] for way in Way})
    #: Looks that showed NULs where bytes were to be; and that showed other bytes than written.
    nuls: int = 0
    wrong: int = 0


@define
class Watch:
    """Watches in all ways at once, until all is seen or nobody waits any more."""

    folder: Path
    share: Share
    lines: int
    stop: threading.Event
    wall_ns: Callable[[], int] = time.time_ns
    #: By the monotonic clock; nothing is waited for any longer.
    _until: float = 0.0
    _found: Sightings = field(factory=Sightings)

    def run(self, seconds: float, grace: float, begun: Callable[[], None]) -> Sightings:
        """Watch for at most so long; `begun` is called once all ways are looking.

        Once all was seen by opening anew, the other ways have `grace` more seconds.

        Raises:
            OSError: the share fails one of the looks.
        """
        self._until = time.monotonic() + seconds
        looks = {way: self._look(way) for way in Way}
        failures: list[OSError] = []

        def follow(way: Way) -> None:
            try:
                self._follow(way, looks[way])
            except OSError as exc:
                failures.append(exc)

        threads = {way: threading.Thread(target=follow, args=(way,), daemon=True) for way in Way}
        for thread in threads.values():
            thread.start()
        begun()
        threads[Way.REOPEN].join()
        self._until = min(self._until, time.monotonic() + grace)
        for thread in threads.values():
            thread.join()
        if failures:
            raise failures[0]
        return self._found

    def _follow(self, way: Way, look: Callable[[int], int]) -> None:
        seen = self._found.seen[way]
        try:
            while len(seen) < self.lines and not self._is_over():
                there = min(look(len(seen)), self.lines)
                seen.extend([self.wall_ns()] * (there - len(seen)))
                time.sleep(PACE)
        finally:
            look(-1)

    def _is_over(self) -> bool:
        return self.stop.is_set() or time.monotonic() > self._until

    def _look(self, way: Way) -> Callable[[int], int]:
        """From how many were seen to how many are seen now; -1 ends it."""
        path = place(self.folder, way)
        match way:
            case Way.REOPEN:
                return lambda seen: self._reopened(path, seen)
            case Way.HELD:
                return self._held(path)
            case Way.STAT:
                return lambda seen: 0 if seen < 0 else self.share.look(path).size // LINE
            case Way.LISTING:
                return lambda seen: 0 if seen < 0 else len(self.share.names(path))
            case Way.LOOKUP:
                return lambda seen: 0 if seen < 0 else self._looked_up(path, seen)

    def _reopened(self, path: Path, seen: int) -> int:
        if seen < 0:
            return 0
        data = self.share.read(path, seen * LINE, (self.lines - seen) * LINE).data
        return seen + self._good(data, seen)

    def _held(self, path: Path) -> Callable[[int], int]:
        descriptor = self.share.open_to_read(path)

        def look(seen: int) -> int:
            if seen < 0:
                self.share.close(descriptor)
                return 0
            data = self.share.read_on(descriptor, seen * LINE, (self.lines - seen) * LINE)
            return seen + self._good(data, seen)

        return look

    def _looked_up(self, path: Path, seen: int) -> int:
        try:
            self.share.look(path / name(seen))
        except FileNotFoundError:
            return seen
        return seen + 1

    def _good(self, data: bytes, seen: int) -> int:
        """How many lines at the begin of `data` are those that were written."""
        count = 0
        while data[count * LINE : (count + 1) * LINE] == line(seen + count):
            count += 1
        rest = data[count * LINE :]
        if b"\0" in rest:
            self._found.nuls += 1
        elif rest and not line(seen + count).startswith(rest[:LINE]):
            self._found.wrong += 1
        return count
