"""Names of segment files, and when a segment is full. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from attrs import frozen

from events.ids import ALPHABET, WRITER_LENGTH

#: A segment is closed at this size and at this age (event-log: a line).
ROLL_BYTES = 8 << 20
ROLL_SECONDS = 24 * 3600.0
#: Numbers from here on are those of repair segments: lines of a writer that others put back.
FIRST_REPAIR = 900_001

#: Names are looked at again and again, in every listing; so many are remembered.
_KNOWN_NAMES = 1 << 14
_NAME = re.compile(
    rf"(?P<writer>[{ALPHABET}]{{{WRITER_LENGTH}}})\.(?P<host>[0-9a-z-]{{1,40}})"
    r"\.(?P<number>[0-9]{6})\.jsonl"
)


@frozen(order=True, cache_hash=True)
class SegmentName:
    """Whose segment it is, and which: `{writer}.{host}.{nnnnnn}.jsonl`."""

    writer: str
    host: str
    number: int

    def __str__(self) -> str:
        return f"{self.writer}.{self.host}.{self.number:06d}.jsonl"

    @classmethod
    def parse(cls, name: str) -> SegmentName | None:
        """The parts of a file name; None if it is not a segment of ours."""
        return _parse(name)


@lru_cache(_KNOWN_NAMES)
def _parse(name: str) -> SegmentName | None:
    match = _NAME.fullmatch(name)
    if match is None or match["number"] == "000000":
        return None
    return SegmentName(match["writer"], match["host"], int(match["number"]))


@frozen
class Listing:
    """A look into the log folder: each writer's segment numbers, and the names that are not ours.

    A writer's id with two hosts is two writers: a name is believed as a whole.
    """

    segments: dict[tuple[str, str], tuple[int, ...]]
    foreign: tuple[str, ...]

    def newest_writers(self) -> dict[str, str]:
        """Per host, its newest incarnation: ids begin with the time."""
        newest: dict[str, str] = {}
        for writer, host in self.segments:
            newest[host] = max(writer, newest.get(host, ""))
        return newest


def sort_out(names: Iterable[str]) -> Listing:
    """Tell segments from foreign names (`.DS_Store`, conflict copies of sync tools, and so on)."""
    found: dict[tuple[str, str], list[int]] = {}
    foreign = []
    for name in names:
        segment = SegmentName.parse(name)
        if segment is None:
            foreign.append(name)
        else:
            found.setdefault((segment.writer, segment.host), []).append(segment.number)
    ordered = {who: tuple(sorted(numbers)) for who, numbers in sorted(found.items())}
    return Listing(ordered, tuple(sorted(foreign)))


def is_repair(number: int) -> bool:
    """Whether a segment of this number was not written by the writer itself."""
    return number >= FIRST_REPAIR


def is_full(size: int, age: float) -> bool:
    """Whether a segment of `size` bytes, opened `age` seconds ago, should be closed."""
    return size >= ROLL_BYTES or age >= ROLL_SECONDS
