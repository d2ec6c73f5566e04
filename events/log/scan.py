"""Reading bytes of a segment as far as they are good, and saying what stopped it. Pure."""

from __future__ import annotations

from attrs import define, field, frozen

from events import codec
from events.codec import MAX_LINE, LineError
from events.log.frame import Seal, is_seal
from events.log.port import Tail
from events.record import Position, Record


@frozen
class Stop:
    """Why reading ended before the end of what there is."""

    kind: Tail
    message: str
    #: Whether bytes are missing here although later ones are there.
    hole: bool = False


@define
class Stretch:
    """What a piece of a segment held, from a position on."""

    #: After the last good line; before a seal, so that it is met again until one can go on.
    position: Position
    records: list[Record] = field(factory=list)
    seal: Seal | None = None
    #: Bytes that stand behind the seal, where nothing may.
    behind: int = 0
    stop: Stop | None = None


def scan(data: bytes, at: Position, writer: str, host: str, until: int | None = None) -> Stretch:
    """Read lines from `data`, which begins at `at`, until one is not good, or up to `until`."""
    sequence, chain, offset = at.sequence, at.chain.encode(), at.offset
    found = Stretch(at)
    records = found.records
    check, parse, decode = codec.check_record, codec.parse, codec.decode_records
    lines = data.split(b"\n")
    rest = lines.pop()
    for line in lines:
        try:
            key = check(line, chain)
            records += decode(parse(line), writer, host, sequence + 1)
        except LineError as exc:
            _judge(found, line, exc, Position(sequence, "", at.segment, offset))
            found.behind = at.offset + len(data) - offset - len(line) - 1
            break
        sequence += 1
        chain = key
        offset += len(line) + 1
        if sequence == until:
            break
    else:
        if rest:
            found.stop = _unfinished(rest)
    found.position = Position(sequence, chain.decode(), at.segment, offset)
    return found


def _judge(found: Stretch, line: bytes, fault: LineError, at: Position) -> None:
    """A complete line that is no good record: the seal, a stretch of NULs, or damage."""
    if b"\0" in line:
        message = f"{line.count(0)} NULs: bytes that have not arrived yet"
        found.stop = Stop(Tail.IN_FLIGHT, message, hole=True)
    elif is_seal(line):
        try:
            found.seal = _seal(line, at)
        except LineError as exc:
            found.stop = Stop(Tail.CORRUPT, f"a damaged seal: {exc}")
    else:
        found.stop = Stop(Tail.CORRUPT, f"after record {at.sequence}: {fault}")


def _seal(line: bytes, at: Position) -> Seal:
    seal = Seal.decode(line)
    if (seal.segment, seal.last, seal.size) != (at.segment, at.sequence, at.offset):
        told = f"it tells of record {seal.last} at byte {seal.size} of segment {seal.segment}"
        raise LineError(f"{told}, but follows {at.sequence} at {at.offset} of {at.segment}")
    return seal


def _unfinished(rest: bytes) -> Stop:
    if len(rest) >= MAX_LINE and b"\0" not in rest:
        return Stop(Tail.CORRUPT, f"{MAX_LINE} bytes without a line end")
    return Stop(Tail.IN_FLIGHT, f"{len(rest)} bytes of a line that is not complete")
