"""Lines of the log as bytes: records, segment headers and seals, and the hash chain. Pure.

A line is JSON whose last field is `k`. For records, `k` = first 32 hex digits of
sha256(previous k || the line up to `,"k":"`); the first previous k is the seed of the writer.
Headers and seals hash only themselves and stand outside the chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import orjson
from attrs import field, frozen

from events.record import Record
from events.registry import BY_CLASS
from events.stamp import Stamp
from events.upcasting import lift

FORMAT = "gallery-log"
FORMAT_VERSION = 1
#: Longest line, with its newline.
MAX_LINE = 1 << 20
#: Most events in one transaction.
MAX_EVENTS = 1_000
#: Type of a line that holds several events, applied all or none.
TRANSACTION = "tx"

_KEY = b',"k":"'
#: Bytes of `,"k":"<32 hex>"}`.
_TAIL = 40
#: What the writer adds to a body: sequence, times, chain.
_OVERHEAD = 200


class LineError(ValueError):
    """Bytes that are not a valid line at their place; the message says why."""


class UnloggableError(ValueError):
    """Events that no line can hold: too many, too large, or not JSON."""


@frozen
class Draft:
    """Events of one command, encoded and ready to be given a place in the log."""

    events: tuple[object, ...]
    actor: str
    correlation: str | None
    #: `"t":…,"v":…,"a":…,"d":{…}` without braces.
    body: bytes = field(repr=False)
    #: The newest stamp that the author saw of what it changes: the new record must beat it.
    beats: Stamp | None = None

    @property
    def size(self) -> int:
        """Bytes that the line will have at the most."""
        return len(self.body) + _OVERHEAD


def draft(
    events: Sequence[object],
    actor: str,
    correlation: str | None = None,
    beats: Stamp | None = None,
) -> Draft:
    """Encode events: one becomes a plain line, several one transaction.

    Raises:
        UnloggableError: no line can hold them.
    """
    if not 1 <= len(events) <= MAX_EVENTS:
        raise UnloggableError(f"{len(events)} events in one transaction; 1 to {MAX_EVENTS} fit")
    try:
        parts = [_event(event) for event in events]
        if len(parts) == 1:
            body = {"t": parts[0]["t"], "v": parts[0]["v"], "a": actor, "d": parts[0]["d"]}
        else:
            body = {"t": TRANSACTION, "v": 1, "a": actor, "d": {"events": parts}}
        if correlation is not None:
            body["c"] = correlation
        encoded = orjson.dumps(body)[1:-1]
    except (TypeError, orjson.JSONEncodeError) as exc:
        raise UnloggableError(f"not JSON: {exc}") from exc
    if len(encoded) + _OVERHEAD > MAX_LINE:
        raise UnloggableError(f"{len(encoded)} bytes; {MAX_LINE - _OVERHEAD} fit in a line")
    return Draft(tuple(events), actor, correlation, encoded, beats)


def _event(event: object) -> dict[str, Any]:
    row = BY_CLASS[type(event)]
    return {"t": row.name, "v": row.version, "d": row.encode(event)}


def seed(project: str, writer: str, host: str) -> bytes:
    """The `k` before a writer's first line: it binds the chain to format, project, writer, host."""
    text = f"{FORMAT}/{FORMAT_VERSION}/{project}/{writer}/{host}"
    return sha256(text.encode()).hexdigest()[:32].encode()


def link(previous: bytes, prefix: bytes) -> bytes:
    """The `k` of a line from the `k` before and the line up to `,"k":"`."""
    return sha256(previous + prefix).hexdigest()[:32].encode()


def encode_record(
    item: Draft, sequence: int, time: int, beat: int | None, previous: bytes
) -> bytes:
    """A draft's line, with its newline. `beat` is the `x` stamp, if the event needs one."""
    extra = b"" if beat is None else b',"x":"%016x"' % beat
    prefix = b'{"s":%d,"h":"%016x",%b%b' % (sequence, time, item.body, extra)
    return prefix + _KEY + link(previous, prefix) + b'"}\n'


def chain_of(line: bytes) -> bytes:
    """The `k` that a line carries, unchecked."""
    return line.rstrip(b"\n")[-34:-2]


def check_record(line: bytes, previous: bytes) -> bytes:
    """The `k` of a line without newline, if the line is whole and follows `previous`.

    Raises:
        LineError: it does not.
    """
    prefix, key = line[:-_TAIL], line[-34:-2]
    if line[-_TAIL:-34] != _KEY or link(previous, prefix) != key:
        raise LineError("its hash does not follow from the line before it")
    return key


def parse(line: bytes) -> dict[str, Any]:
    """A line as a JSON object.

    Raises:
        LineError: it is none.
    """
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as exc:
        raise LineError(f"not JSON: {exc}") from exc
    if document.__class__ is not dict:
        raise LineError("not a JSON object")
    return document


def decode_records(document: dict[str, Any], writer: str, host: str, expected: int) -> list[Record]:
    """The records of a line whose chain holds: one, or all of a transaction.

    Raises:
        LineError: its number is not `expected`, or a field that every line must have is missing
            or of the wrong kind.
    """
    try:
        return _records(document, writer, host, expected)
    except LineError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise LineError(f"a field of the envelope is missing or of the wrong kind: {exc}") from exc


def _records(document: dict[str, Any], writer: str, host: str, expected: int) -> list[Record]:
    time = document.get("x") or document["h"]
    sequence, name, actor = document["s"], document["t"], document["a"]
    version, payload = document["v"], document["d"]
    if sequence != expected:
        raise LineError(f"it has number {sequence}, not {expected}")
    int(time, 16)  # raises if it is no hex
    if len(time) != 16 or actor.__class__ is not str or payload.__class__ is not dict:
        raise LineError("a field of the envelope has the wrong kind")
    correlation = document.get("c")
    if name != TRANSACTION:
        stamp = Stamp(f"{time}{writer}000")
        event = lift(name, version, payload)
        return [Record(stamp, event, actor, host, writer, sequence, correlation)]
    if len(payload["events"]) > MAX_EVENTS:
        raise LineError(f"more than {MAX_EVENTS} events in one transaction")
    return [
        Record(
            Stamp(f"{time}{writer}{index:03x}"),
            lift(part["t"], part["v"], part["d"]),
            actor,
            host,
            writer,
            sequence,
            correlation,
        )
        for index, part in enumerate(payload["events"])
    ]


def _own_hash(prefix: bytes) -> bytes:
    return sha256(prefix).hexdigest()[:32].encode()


def _closed(document: dict[str, Any]) -> bytes:
    prefix = orjson.dumps(document)[:-1]
    return prefix + _KEY + _own_hash(prefix) + b'"}\n'


def _opened(line: bytes, first: bytes) -> dict[str, Any]:
    if not line.startswith(first):
        raise LineError("not of this kind")
    if line[-_TAIL:-34] != _KEY or _own_hash(line[:-_TAIL]) != line[-34:-2]:
        raise LineError("its own hash does not match")
    return parse(line)


@frozen
class Header:
    """First line of a segment."""

    segment: int
    writer: str
    host: str
    project: str
    #: Sequence of the first record here, and the `k` before it.
    base: int
    previous: bytes
    #: When it was opened, ISO 8601: for people only.
    opened: str
    fmt: int = FORMAT_VERSION

    def encode(self) -> bytes:
        """The line, with its newline."""
        return _closed(
            {
                "seg": self.segment,
                "writer": self.writer,
                "host": self.host,
                "project": self.project,
                "fmt": self.fmt,
                "base": self.base,
                "prev": self.previous.decode(),
                "at": self.opened,
            }
        )

    @classmethod
    def decode(cls, line: bytes) -> Header:
        """Read a header line (without newline).

        Raises:
            LineError: it is none, or damaged.
        """
        document = _opened(line, b'{"seg":')
        try:
            return cls(
                document["seg"],
                document["writer"],
                document["host"],
                document["project"],
                document["base"],
                document["prev"].encode(),
                document.get("at", ""),
                document["fmt"],
            )
        except (KeyError, AttributeError) as exc:
            raise LineError(f"a header without {exc}") from exc


@frozen
class Seal:
    """Last line of a closed segment."""

    segment: int
    #: Sequence of the last record here, and how many records there are.
    last: int
    count: int
    #: Length of the file before the seal, and its sha256.
    size: int
    sha256: str
    #: Number of the next segment; None if the writer closed its log.
    next: int | None

    def encode(self) -> bytes:
        """The line, with its newline."""
        return _closed(
            {
                "seal": self.segment,
                "last": self.last,
                "n": self.count,
                "bytes": self.size,
                "sha": self.sha256,
                "next": self.next,
            }
        )

    @classmethod
    def decode(cls, line: bytes) -> Seal:
        """Read a seal line (without newline).

        Raises:
            LineError: it is none, or damaged.
        """
        document = _opened(line, b'{"seal":')
        try:
            return cls(
                document["seal"],
                document["last"],
                document["n"],
                document["bytes"],
                document["sha"],
                document["next"],
            )
        except KeyError as exc:
            raise LineError(f"a seal without {exc}") from exc


def is_seal(line: bytes) -> bool:
    """Whether a line claims to be a seal."""
    return line.startswith(b'{"seal":')


def is_header(line: bytes) -> bool:
    """Whether a line claims to be a header."""
    return line.startswith(b'{"seg":')
