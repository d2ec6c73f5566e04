"""Finding where a log can be read on behind lines that are lost for good. Reads only; blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from events import codec
from events.codec import LineError
from events.log.disk_io import DiskIO
from events.log.frame import Header
from events.log.gaps import Gaps
from events.log.port import HARMLESS
from events.log.reader import LogReader
from events.log.scan import scan
from events.log.segments import SegmentName, sort_out
from events.record import Position

#: More than any segment has.
_WHOLE = 32 << 20


@frozen
class Found:
    """Lines that nobody can read, and the place behind them."""

    #: `writer.host`.
    who: str
    first: int
    #: Its sequence is that of the last one.
    behind: Position


def find_gap(folder: Path, project: str, who: str, disk: DiskIO, gaps: Gaps) -> Found | None:
    """The lines that stop all readers of a log, up to the next good one.

    `gaps` are given up already. None if reading stops nowhere, or if nothing good stands behind.

    Raises:
        OSError: the log cannot be read.
    """
    writer, _, host = who.partition(".")
    listing = sort_out(disk.names(folder))
    reader = LogReader(folder, project, disk=disk)
    reader.gaps = gaps
    reader.skip = {other for other, _ in listing.segments if other != writer}
    for _records in reader.read():
        pass
    mine = [SegmentName.parse(f.file) for f in reader.findings() if f.kind not in HARMLESS]
    at = reader.positions().get(who)
    if at is None or not any(n and (n.writer, n.host) == (writer, host) for n in mine):
        return None
    places: list[Position] = []
    for number in listing.segments[writer, host]:
        name = SegmentName(writer, host, number)
        data = disk.read(folder / str(name), 0, _WHOLE).data
        places += (p for p in _places(data, name, project) if p.sequence > at.sequence)
    behind = min(places, key=lambda place: (place.sequence, place.segment), default=None)
    return None if behind is None else Found(who, at.sequence + 1, behind)


def _places(data: bytes, name: SegmentName, project: str) -> Iterator[Position]:
    """All places in a segment at which a line follows from what stands before it."""
    offset = data.find(b"\n") + 1
    before = b""
    try:
        header = Header.decode(data[: max(offset - 1, 0)])
        if (header.segment, header.project) == (name.number, project):
            before = header.previous
    except LineError:
        pass  # lines behind a damaged header are as good as any
    while (end := data.find(b"\n", offset) + 1) > 0:
        line = data[offset : end - 1]
        sequence = _sequence(line, before)
        if sequence is not None:
            place = Position(sequence - 1, before.decode(), name.number, offset)
            if scan(data[offset:end], place, name.writer, name.host).records:
                yield place
        before, offset = codec.chain_of(line), end


def _sequence(line: bytes, before: bytes) -> int | None:
    """The number of a line that follows the `k` before it; None if it does not."""
    try:
        codec.check_record(line, before)
        number = codec.parse(line).get("s")
    except LineError:
        return None
    return number if number.__class__ is int else None
