"""Reading lines without making events of them, for who only wants to know that they are good.

It takes what `events.log.scan` takes, and nothing else: many lines are looked at together, and if
anything about them is not as usual, they are scanned one by one. So it is several times quicker.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from operator import itemgetter

import orjson

from events import codec
from events.codec import MAX_LINE, TRANSACTION
from events.log.frame import is_seal
from events.log.scan import Stretch, scan
from events.record import Position, Record

#: Reads what follows a position in a segment: bytes, position, writer, host.
Scan = Callable[[bytes, Position, str, str], Stretch]

_KEY = b',"k":"'
_TIME_DIGITS = 16
_HEX = "0123456789abcdef"
_PLAIN = ("s", "h", "t", "v", "a", "d", "k")
_TIED = ("s", "h", "t", "v", "a", "d", "c", "k")
#: So many lines are looked at together: what is made of them stays in the processor's cache.
_GROUP = 100
#: What is looked at of each line.
_TOLD = itemgetter("s", "h", "t")
#: The fields of usual lines, and their kinds; both say by their length which belongs to which.
_FIELDS = frozenset({_PLAIN, _TIED})
_KINDS = frozenset(
    {(int, str, str, int, str, dict, str), (int, str, str, int, str, dict, str, str)}
)


def skimming(wanted: str) -> Scan:
    """A reading of segments that makes records of little else than events of the type `wanted`."""
    special = frozenset({wanted, TRANSACTION})

    def skim(data: bytes, at: Position, writer: str, host: str) -> Stretch:
        end = data.rfind(b"\n") + 1
        begin = data.rfind(b"\n", 0, end - 1) + 1
        if is_seal(data[begin:end]):
            end = begin
        lines = data[:end].split(b"\n")[:-1]
        records: list[Record] = []
        sequence, chain = at.sequence, at.chain.encode()
        for first in range(0, len(lines), _GROUP):
            group = lines[first : first + _GROUP]
            found = _all_usual(group, sequence, chain, writer, host, special)
            if found is None:
                return scan(data, at, writer, host)
            records += found
            sequence, chain = sequence + len(group), group[-1][-34:-2]
        good = Position(sequence, chain.decode(), at.segment, at.offset + end)
        rest = scan(data[end:], good, writer, host)
        return Stretch(rest.position, records + rest.records, rest.seal, rest.behind, rest.stop)

    return skim


def _all_usual(
    lines: list[bytes],
    sequence: int,
    chain: bytes,
    writer: str,
    host: str,
    special: frozenset[str],
) -> list[Record] | None:
    """Records of the lines of a special type, if all lines are good and of the usual form.

    They must follow the line `sequence`, whose `k` is `chain`.
    """
    if not _is_chain(lines, chain):
        return None
    try:
        documents = list(map(orjson.loads, lines))
        kinds = {tuple(map(type, document.values())) for document in documents}
        if not (_FIELDS.issuperset(map(tuple, documents)) and kinds <= _KINDS):
            return None
    except (orjson.JSONDecodeError, AttributeError, TypeError):
        return None  # no JSON, or no object
    numbers, times, names = zip(*map(_TOLD, documents), strict=True)
    if numbers != tuple(range(sequence + 1, sequence + 1 + len(documents))):
        return None
    if set(map(len, times)) != {_TIME_DIGITS} or "".join(times).strip(_HEX):
        return None
    if special.isdisjoint(names):
        return []
    records: list[Record] = []
    for document in documents:
        if document["t"] in special:
            try:
                records += codec.decode_records(document, writer, host, document["s"])
            except codec.LineError:
                return None
    return records


def _is_chain(lines: list[bytes], chain: bytes) -> bool:
    """Whether lines follow each other, and the one whose `k` is `chain`."""
    keys = [line[-34:-2] for line in lines]
    before = [chain, *keys]
    hashes = [
        sha256(previous + line[:-40]).digest()[:16]
        for previous, line in zip(before, lines, strict=False)
    ]
    return (
        b"".join(hashes).hex().encode() == b"".join(keys)
        and {line[-40:-34] for line in lines} == {_KEY}
        and max(map(len, lines)) < MAX_LINE
    )
