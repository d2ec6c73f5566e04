"""Where else a log goes on: from damage into a repair segment, and back behind the damage.

A writer's own segments follow each other by number. Repair segments stand outside of that order:
they hold lines that were lost elsewhere. A line's `k` is met nowhere but at its place, so the
place where we are is found in any segment by looking for the `k` of the last line.
"""

from __future__ import annotations

from pathlib import Path

from events.codec import LineError, parse
from events.log.disk_io import DiskIO
from events.log.followed import Followed
from events.log.frame import Header
from events.log.port import Tail
from events.log.scan import Stop, scan
from events.log.segments import is_repair
from events.record import Position

#: More than any segment has: 8 MiB, one more batch, and the longest line.
_WHOLE = 32 << 20


class Elsewhere:
    """Looks for the place where one writer's log goes on, other than in the next segment."""

    def __init__(self, disk: DiskIO, folder: Path, project: str) -> None:
        """`folder` is the log folder."""
        self._disk = disk
        self._folder = folder
        self._project = project

    def look(self, writer: Followed, stop: Stop | None) -> Position | Stop | None:
        """Where the next line stands; or what is missing before lines that do stand somewhere.

        `stop` is why reading cannot go on here. Segments that were looked into from this place
        are not looked into again unless they have grown. Blocks.

        Raises:
            OSError: a segment cannot be read.
        """
        at = writer.position
        others = [number for number in writer.numbers if number != at.segment]
        repairs = [number for number in others if is_repair(number)]
        strayed = is_repair(at.segment)
        if not strayed and not repairs:
            return None
        missing: Stop | None = None
        for number in others if strayed else repairs:
            found = self._try(writer, number, stop)
            if isinstance(found, Position):
                return found
            missing = missing or found
        return missing

    def _try(self, writer: Followed, number: int, stop: Stop | None) -> Position | Stop | None:
        at, path = writer.position, self._folder / writer.name(number)
        if number in writer.tried and not is_repair(number) and number != writer.last_own:
            return writer.missing.get(number)  # nothing is added to it any more
        if number in writer.tried and self._disk.read(path, 0, 1).size == writer.tried[number]:
            return writer.missing.get(number)
        rolled_back = stop is not None and stop.kind is Tail.ROLLED_BACK
        if number in writer.reach and not rolled_back:
            size, last = writer.reach[number]
            if last <= at.sequence and self._disk.read(path, 0, 1).size == size:
                return None
        data = self._disk.read(path, 0, _WHOLE).data
        writer.tried[number] = len(data)
        if is_repair(number):
            writer.reach[number] = len(data), _last_sequence(data)
        found = self._find(writer, number, data)
        if not isinstance(found, Position):
            if found is not None:
                writer.missing[number] = found
            return found
        rest = data[found.offset :]
        end = rest.find(b"\n") + 1
        if scan(rest[:end], found, writer.writer, writer.host).records:
            return found
        # Nothing follows; but if what we have read is gone where it stood, here it still stands.
        known = found.offset > data.find(b"\n") + 1
        return found if rolled_back and is_repair(number) and known and at.sequence else None

    def _find(self, writer: Followed, number: int, data: bytes) -> Position | Stop | None:
        """Our place in a segment."""
        at = writer.position
        line, newline, _ = data.partition(b"\n")
        try:
            header = Header.decode(line)
        except LineError:
            return None
        stated = (header.segment, header.writer, header.host, header.project)
        if not newline or stated != (number, writer.writer, writer.host, self._project):
            return None
        if header.base > at.sequence + 1:
            missing = f"records {at.sequence + 1} to {header.base - 1} are missing"
            return Stop(Tail.GAP, f"{missing}: segment {number} begins after them")
        if header.base == at.sequence + 1:
            fits = header.previous.decode() == at.chain
            return Position(at.sequence, at.chain, number, len(line) + 1) if fits else None
        mark = b',"k":"%b"}\n' % at.chain.encode()
        place = data.find(mark)
        if place >= 0:
            return Position(at.sequence, at.chain, number, place + len(mark))
        last = _last_sequence(data)
        if last > at.sequence:
            missing = f"records from {at.sequence + 1} on are missing"
            return Stop(Tail.GAP, f"{missing}: segment {number} holds record {last}")
        return None


def _last_sequence(data: bytes) -> int:
    """The highest record that a segment seems to hold, by its last whole line; 0 if none."""
    end = data.rfind(b"\n")
    line = data[data.rfind(b"\n", 0, end) + 1 : end]
    try:
        document = parse(line)
    except LineError:
        return 0
    told = document.get("s", document.get("last"))
    return int(told) if told.__class__ is int else 0
