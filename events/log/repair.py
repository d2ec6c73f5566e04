"""Putting lost lines back: from this host's mirror, as new segments, never touching what is there.

Readers stop at damage, at a gap, or where a log was cut off. What they would read next may stand
in a mirror, with its chain proven from the writer's first line on. It is written byte for byte
into a segment of its own (numbers from 900001), which continues where readers stop; they go on
in it, and behind it again in the writer's own segments (FORMAT.md H1 to H4).

Nothing here can do harm: two hosts that repair at once write the same lines under two numbers,
and a repair that was cut short ends in a torn segment, behind which the next one goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from attrs import frozen

from events import codec
from events.log.disk_io import DiskIO
from events.log.gaps import Gaps
from events.log.lines import Head
from events.log.mirror import Mirror
from events.log.port import HARMLESS, Finding
from events.log.reader import LogReader
from events.log.segment_file import SegmentFile
from events.log.segments import FIRST_REPAIR, ROLL_BYTES, SegmentName, sort_out
from events.record import Position

#: So many names may be taken by others who repair at the same time.
_TRIES = 20


@frozen
class Lost:
    """Lines of one writer that readers miss, and that this host can put back."""

    #: `writer.host`.
    who: str
    first: int
    last: int
    #: The `k` of the line before the first.
    chain: str


@frozen
class Diverged:
    """A log on the share that holds other lines than this host has read before."""

    who: str
    #: The last line that both could be compared at.
    sequence: int


@frozen
class Plan:
    """What a repair would do."""

    restore: tuple[Lost, ...]
    diverged: tuple[Diverged, ...]
    #: What is wrong, and will stay so.
    beyond: tuple[Finding, ...]


def plan(
    folder: Path,
    project: str,
    mirror: Mirror,
    disk: DiskIO,
    advance: Callable[[int], None] = lambda _bytes: None,
    gaps: Gaps | None = None,
) -> Plan:
    """Compare the log with the mirror. Writes nothing; blocks.

    `advance` is told of bytes that were read; `gaps` is what people have given up.

    Raises:
        OSError: the log folder cannot be listed.
    """
    disk.names(folder)  # a reader only tells of a folder that it cannot list
    reader = LogReader(folder, project, disk=disk)
    reader.gaps = gaps or Gaps()
    reader.sink = lambda _who, _begin, _end, lines: advance(len(lines))
    for _records in reader.read():
        pass
    read = reader.positions()
    restore, diverged = [], []
    for who, end in mirror.ends().items():
        writer, _, host = who.partition(".")
        at = read.get(who) or Position(0, codec.seed(project, writer, host).decode(), 0, 0)
        if end.sequence <= at.sequence:
            continue
        found = _missing(mirror, who, at)
        if isinstance(found, Diverged):
            diverged.append(found)
        elif found is not None:
            restore.append(found)
    mended = {lost.who for lost in restore}
    beyond = tuple(
        finding
        for finding in reader.findings()
        if finding.kind not in HARMLESS and _who(finding.file) not in mended
    )
    return Plan(tuple(restore), tuple(diverged), beyond)


def _missing(mirror: Mirror, who: str, at: Position) -> Lost | Diverged | None:
    """What the mirror holds behind a position; it must agree at the position itself."""
    last = at.sequence
    for sequence, line in mirror.lines(who):
        if sequence == at.sequence and codec.chain_of(line).decode() != at.chain:
            return Diverged(who, sequence)
        last = sequence
    return None if last <= at.sequence else Lost(who, at.sequence + 1, last, at.chain)


def _who(file: str) -> str | None:
    name = SegmentName.parse(file)
    return None if name is None else f"{name.writer}.{name.host}"


def restore(
    folder: Path,
    project: str,
    mirror: Mirror,
    lost: Lost,
    disk: DiskIO,
    now: Callable[[], float] = time.time,
) -> list[str]:
    """Write lost lines into new segments; their file names, once they are durable. Blocks.

    Raises:
        OSError: the share refuses. What was written until then is good, and may stay.
    """
    made = []
    sequence, chain = lost.first - 1, lost.chain
    for lines in _pieces(mirror, lost):
        writer, _, host = lost.who.partition(".")
        head = Head(writer, host, sequence, chain.encode())
        segment = _create(folder, project, head, disk, now())
        segment.put(b"".join(lines), len(lines))
        sequence, chain = sequence + len(lines), codec.chain_of(lines[-1]).decode()
        segment.seal(sequence, None)
        made.append(str(SegmentName(writer, host, segment.number)))
    return made


def _pieces(mirror: Mirror, lost: Lost) -> Iterator[list[bytes]]:
    """The lines of a segment each."""
    lines: list[bytes] = []
    size = 0
    for sequence, line in mirror.lines(lost.who):
        if not lost.first <= sequence <= lost.last:
            continue
        if lines and size + len(line) > ROLL_BYTES:
            yield lines
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield lines


def _create(folder: Path, project: str, head: Head, disk: DiskIO, now: float) -> SegmentFile:
    """A repair segment of the next number that nobody has."""
    numbers = sort_out(disk.names(folder)).segments.get((head.writer, head.host), ())
    number = max((FIRST_REPAIR - 1, *numbers)) + 1
    for _ in range(_TRIES):
        try:
            return SegmentFile.create(folder, project, head, number, disk=disk, now=now)
        except FileExistsError:
            number += 1  # another host repairs as we do
    return SegmentFile.create(folder, project, head, number, disk=disk, now=now)
