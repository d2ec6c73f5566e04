"""All writers' lines in one order, that of their stamps, without holding a whole log in memory.

Times of one writer rise from line to line, so its lines come in order by themselves. But for
those that carry an `x`: their stamp lies ahead of their time, and they wait until it has come.
A writer's log is opened when its first line is due: hosts begin a new one at every start, and
old ones are read to their end before the next begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush
from pathlib import Path

import orjson
from attrs import frozen

from events.log.disk_io import DiskIO
from events.log.port import Finding, Tail
from events.log.segments import SegmentName
from events.log.sources import Sources
from events.record import Record
from tools.cli.reading import Advance, Piece, Reading, no_advance, writers

#: Enough for a header and the begin of the first record.
_LOOK = 4096
_TIME = re.compile(rb'\{"s":\d+,"h":"([0-9a-f]{16})"')


@frozen(order=True)
class Entry:
    """A line with its records: one, or those of a transaction."""

    #: Stamp of its first record: two lines never have the same.
    stamp: str
    line: bytes
    records: tuple[Record, ...]


class Merge:
    """One pass over a log in the order of stamps. `findings` is whole when it has ended."""

    def __init__(self, folder: Path, project: str, advance: Advance = no_advance) -> None:
        """`folder` is the log folder.

        Raises:
            OSError: it cannot be listed.
        """
        self._folder = folder
        self._project = project
        self._advance = advance
        self._sources = Sources(folder, project, DiskIO())
        self._names = self._sources.names(folder)
        self._findings: list[Finding] = list(self._sources.findings())

    def findings(self) -> tuple[Finding, ...]:
        """What was left out, and why."""
        return tuple(self._findings)

    def entries(self) -> Iterator[Entry]:
        """All good lines of all writers."""
        everybody = writers(self._names)
        known = frozenset(writer for writer, _, _ in everybody)
        # The stamp that a log begins with, or goes on with, then its place here.
        queue = [(self._begin(*who), number) for number, who in enumerate(everybody)]
        heapify(queue)
        opened: dict[int, tuple[Entry, Iterator[Entry]]] = {}
        while queue:
            _, number = heappop(queue)
            if number in opened:
                entry, rest = opened.pop(number)
                yield entry
            else:
                writer, host, _ = everybody[number]
                rest = in_order(self._lines(host, known - {writer}))
            following = next(rest, None)
            if following is not None:
                opened[number] = following, rest
                heappush(queue, (following.stamp, number))

    def _begin(self, writer: str, host: str, segment: int) -> str:
        """The time of a log's first line; before all times if it cannot be told yet."""
        path = self._folder / str(SegmentName(writer, host, segment))
        try:
            lines = self._sources.read(path, 0, _LOOK).data.split(b"\n")
        except OSError:
            return ""  # reading it will say what is wrong
        match = _TIME.match(lines[1]) if len(lines) > 1 else None
        return "" if match is None else match[1].decode()

    def _lines(self, host: str, others: frozenset[str]) -> Iterator[Entry]:
        own = [name for name in self._names if f".{host}." in name]
        reading = Reading(
            self._folder,
            self._project,
            self._advance,
            listing=own,
            skip=others,
            sources=self._sources,
        )
        for piece in reading.pieces():
            yield from entries(piece)
        self._findings += (f for f in reading.findings() if f.kind is not Tail.FOREIGN)


def entries(piece: Piece) -> Iterator[Entry]:
    """The lines of a piece one by one."""
    records = iter(piece.records)
    record = next(records, None)
    for line in piece.lines:
        assert record is not None  # each line has at least one
        own, sequence = [], record.sequence
        while record is not None and record.sequence == sequence:
            own.append(record)
            record = next(records, None)
        yield Entry(own[0].stamp, line, tuple(own))


def in_order(lines: Iterable[Entry]) -> Iterator[Entry]:
    """One writer's lines in the order of their stamps."""
    ahead: list[Entry] = []
    for entry in lines:
        time = time_of(entry.line)
        while ahead and ahead[0].stamp < time:
            yield heappop(ahead)
        if entry.stamp.startswith(time):
            yield entry
        else:
            heappush(ahead, entry)
    while ahead:
        yield heappop(ahead)


def time_of(line: bytes) -> str:
    """The time `h` of a good line, as 16 hex digits."""
    match = _TIME.match(line)
    # Nothing says in what order the fields of a line must stand.
    return match[1].decode() if match is not None else str(orjson.loads(line)["h"])
