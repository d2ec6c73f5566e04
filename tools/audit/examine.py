"""One line: whether readers may take it after the line before, and why not. Pure."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from events import codec
from events.codec import MAX_LINE, TRANSACTION, LineError
from events.record import Record
from tools.audit.findings import Check
from tools.audit.snapshot import RawLine

#: Bytes of `,"k":"<32 hex>"}`, and its begin.
_TAIL, _KEY = 40, b',"k":"'


@frozen
class Fault:
    """What is wrong with a line."""

    check: Check
    what: str


@frozen
class Examined:
    """A line that was looked at."""

    #: Empty if readers may take it.
    faults: tuple[Fault, ...]
    #: The number it says it has; the one that was due if it says none.
    sequence: int
    #: The `k` it carries; None if it carries none.
    key: bytes | None
    #: Its time `h`, and whether it carries an `x`.
    time: str = ""
    lifted: bool = False
    records: tuple[Record, ...] = ()


def examine(
    raw: RawLine, previous: bytes | None, due: int | None, writer: str, host: str
) -> Examined:
    """Look at a complete line without NULs.

    Args:
        raw: the line.
        previous: the `k` that it must follow; None if that is lost.
        due: the number that it must have; None if that is lost.
        writer: whose it is.
        host: whose it is.
    """
    if raw.size > MAX_LINE:
        fault = Fault(Check.SIZE, f"a line of {raw.size} bytes; {MAX_LINE} may be")
        return Examined((fault,), due or 0, None)
    faults = []
    key = raw.data[-34:-2] if raw.data[-_TAIL:-34] == _KEY else None
    if raw.data.endswith(b"\r"):
        faults.append(Fault(Check.BYTES, "ends in CR LF: a program has rewritten the line ends"))
    if key is None:
        faults.append(Fault(Check.CHAIN, "a line without `k` at its end: no line of a log"))
    elif previous is not None and codec.link(previous, raw.data[:-_TAIL]) != key:
        faults.append(Fault(Check.CHAIN, "its `k` does not follow from the line before it"))
    try:
        document = codec.parse(raw.data)
    except LineError as exc:
        return Examined((*faults, Fault(Check.JSON, str(exc))), due or 0, key)
    sequence = _number(document, due)
    if due is not None and sequence != due:
        faults.append(Fault(Check.SEQUENCE, f"it has number {sequence}, but {due} is due"))
    records: list[Record] = []
    try:
        records = codec.decode_records(document, writer, host, sequence)
    except LineError as exc:
        check = Check.TRANSACTION if document.get("t") == TRANSACTION else Check.FIELDS
        faults.append(Fault(check, str(exc)))
    return Examined(
        tuple(faults),
        sequence,
        key,
        str(document.get("h", "")),
        "x" in document,
        tuple(records),
    )


def _number(document: dict[str, Any], due: int | None) -> int:
    number = document.get("s")
    if number.__class__ is int:
        return int(number)
    return due or 0
