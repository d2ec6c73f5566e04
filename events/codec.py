"""Records as lines of the log, and the hash chain that ties each line to the one before. Pure.

A line is JSON whose last field is `k`: the first 32 hex digits of sha256(previous k || the line
up to `,"k":"`). The first previous k is the seed of the writer. Headers and seals of segments,
which stand outside the chain, are in `events.log.frame`.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import orjson
from attrs import field, frozen

from events.record import Record
from events.registry import BY_CLASS
from events.stamp import Stamp, stamp
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

    #: As a replay will read them back.
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

    What cannot be read back as the same types is refused here, before anybody is told that it
    was recorded.

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
        encoded = orjson.dumps(body)
    except (TypeError, orjson.JSONEncodeError) as exc:
        raise UnloggableError(f"not JSON: {exc}") from exc
    if len(encoded) + _OVERHEAD > MAX_LINE:
        raise UnloggableError(f"{len(encoded)} bytes; {MAX_LINE - _OVERHEAD} fit in a line")
    read = _plain(parts, actor, correlation) or _read_back(encoded)
    for event, again in zip(events, read, strict=True):
        if type(again) is not type(event):
            raise UnloggableError(f"a field has the wrong kind: {event!r:.500}")
    return Draft(read, actor, correlation, encoded[1:-1], beats)


def _event(event: object) -> dict[str, Any]:
    row = BY_CLASS.get(type(event))
    if row is None:
        raise UnloggableError(f"{type(event).__name__} is no type of event")
    return {"t": row.name, "v": row.version, "d": row.encode(event)}


#: Kinds of values that JSON gives back as they are, so that reading them back is not needed.
_SCALARS = frozenset({str, int, bool, type(None)})


def _plain(
    parts: Sequence[dict[str, Any]], actor: object, correlation: object
) -> tuple[object, ...] | None:
    """The events as a replay will read them, if that can be told without reading the line."""
    if actor.__class__ is not str or correlation.__class__ not in (str, type(None)):
        return None
    for part in parts:
        for value in part["d"].values():
            if value.__class__ not in _SCALARS:
                return None
    return tuple(lift(part["t"], part["v"], part["d"]) for part in parts)


def _read_back(encoded: bytes) -> tuple[object, ...]:
    """The events as a replay will read them.

    Raises:
        UnloggableError: the line could not be read.
    """
    trial = {**orjson.loads(encoded), "s": 1, "h": "0" * 16}
    try:
        return tuple(record.event for record in decode_records(trial, "", "", 1))
    except LineError as exc:
        raise UnloggableError(str(exc)) from exc


def records_of(item: Draft, time: int, writer: str, host: str, sequence: int) -> list[Record]:
    """The records that a draft becomes; `time` is its `x` stamp if it has one, else its `h`."""
    return [
        Record(
            stamp(time, writer, index),
            event,
            item.actor,
            host,
            writer,
            sequence,
            item.correlation,
        )
        for index, event in enumerate(item.events)
    ]


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
    return close(prefix, previous)


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
    if len(line) >= MAX_LINE:
        raise LineError(f"it has {len(line)} bytes; {MAX_LINE - 1} may be")
    return key


def close(prefix: bytes, previous: bytes = b"") -> bytes:
    """A whole line, with its newline, from all but its last field."""
    return prefix + _KEY + link(previous, prefix) + b'"}\n'


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
        sequence, time = document["s"], document["h"]
        name, version = document["t"], document["v"]
        actor, payload = document["a"], document["d"]
    except KeyError as exc:
        raise LineError(f"the field {exc} is missing") from exc
    if sequence != expected:
        raise LineError(f"it has number {sequence}, not {expected}")
    correlation = document.get("c")
    kinds = (sequence.__class__, name.__class__, version.__class__, actor.__class__)
    if kinds != _KINDS or payload.__class__ is not dict:
        raise LineError("a field has the wrong kind")
    if correlation is not None and correlation.__class__ is not str:
        raise LineError("its correlation is no text")
    time = _time(time)
    if "x" in document:
        time = _time(document["x"])
    if name == TRANSACTION and version == 1:
        return [
            Record(
                Stamp(f"{time}{writer}{index:03x}"),
                event,
                actor,
                host,
                writer,
                expected,
                correlation,
            )
            for index, event in enumerate(_transaction(payload))
        ]
    event = lift(name, version, payload)
    at = Stamp(f"{time}{writer}000")
    return [Record(at, event, actor, host, writer, expected, correlation)]


#: Kinds of `s`, `t`, `v`, `a`.
_KINDS = (int, str, int, str)
#: Kinds of `t`, `v`, `d` in a transaction.
_PART = (str, int, dict)
_TIME_DIGITS = 16
_HEX = "0123456789abcdef"


def _time(text: Any) -> str:
    if text.__class__ is not str or len(text) != _TIME_DIGITS or text.strip(_HEX):
        raise LineError(f"{text!r:.50} is no time")
    return str(text)


def _transaction(payload: dict[str, Any]) -> list[object]:
    parts = payload.get("events")
    if parts.__class__ is not list or not 1 <= len(parts) <= MAX_EVENTS:
        raise LineError(f"a transaction holds 1 to {MAX_EVENTS} events")
    events = []
    for part in parts:
        try:
            name, version, inner = part["t"], part["v"], part["d"]
        except (KeyError, TypeError) as exc:
            raise LineError("an event of the transaction lacks a field") from exc
        if (name.__class__, version.__class__, inner.__class__) != _PART:
            raise LineError("a field of the transaction has the wrong kind")
        events.append(lift(name, version, inner))
    return events
