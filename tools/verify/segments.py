"""One segment held against what readers took of its log: its header, its lines, its seal. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from attrs import evolve, frozen

from events import codec
from events.codec import MAX_LINE, LineError
from events.log.frame import Header, Seal, is_seal
from events.log.segments import SegmentName
from tools.verify.findings import Found, Kind
from tools.verify.keys import Keys, keys_in

_KEEP = "Keep the file as it is, and find out what wrote there."
_NOTHING = "Nothing needs to be done."


@frozen
class Looked:
    """What a segment came to."""

    found: tuple[Found, ...]
    #: The last line of the log that it tells of, be it good or not; 0 if none.
    known: int
    sealed: bool = False


def look(
    name: SegmentName, project: str, data: bytes, taken: Keys, read: tuple[int, int] = (0, 0)
) -> Looked:
    """Look at a whole segment.

    `taken` are the lines of its log that readers take, `read` from where to where they took them
    out of this very segment.
    """
    file = str(name)
    end = data.find(b"\n")
    line = data[: max(end, 0)]
    if end < 0 or b"\0" in line:
        what = "no whole header: nothing was ever acknowledged in it, or its bytes are gone"
        return Looked((Found(kind=Kind.TAIL, file=file, offset=0, what=what, remedy=_NOTHING),), 0)
    try:
        header = Header.decode(line)
    except LineError as exc:
        what = f"its first line is no good header: {exc}"
        return Looked((Found(kind=Kind.CHAIN, file=file, offset=0, what=what, remedy=_KEEP),), 0)
    stated = (header.writer, header.host, header.segment)
    if stated != (name.writer, name.host, name.number) or header.project != project:
        what = (
            f"it says it is segment {header.segment} of {header.writer}.{header.host} in project "
            f"{header.project}: it was copied, or renamed"
        )
        return Looked((Found(kind=Kind.PLACE, file=file, offset=0, what=what, remedy=_KEEP),), 0)
    return _body(file, header, data, taken, read)


def _body(file: str, header: Header, data: bytes, taken: Keys, read: tuple[int, int]) -> Looked:
    begin = data.find(b"\n") + 1
    end = data.rfind(b"\n", 0, len(data) - 1) + 1
    last = data[end : end + MAX_LINE].removesuffix(b"\n") if data.endswith(b"\n") else b""
    found: list[Found] = []
    known = header.base - 1
    sealed = is_seal(last)
    if sealed:
        known = max(known, _seal(file, last, header, memoryview(data)[:end], found))
    over = end if sealed else len(data)
    if read == (begin, over):  # nearly always: readers took all there is
        return Looked(tuple(found), known, sealed)
    lines = data[begin:over]
    keys = keys_in(lines)
    before = taken.key(header.base - 1)
    if before is not None and before != header.previous:
        what = f"it continues another line {header.base - 1} than the one that readers take"
        found.append(Found(kind=Kind.FORK, file=file, offset=0, what=what, remedy=_KEEP))
    elif before is not None:
        good = taken.agrees(header.base, keys)
        found += _rest(file, good, header, data, lines, taken)
        known = max(known, header.base - 1 + good)
    return Looked(tuple(found), known, sealed)


def _rest(
    file: str, good: int, header: Header, data: bytes, lines: bytes, taken: Keys
) -> Iterator[Found]:
    """What stands in a segment behind the `good` lines that readers take of it."""
    begin = data.find(b"\n") + 1
    offset, due = 0, header.base + good
    if good:
        last = taken.key(due - 1)
        assert last is not None  # it is one of the lines that are taken
        offset = lines.find(last + b'"}\n') + len(last) + 3
    rest = lines[offset:]
    if not rest:
        return
    line, newline, _ = rest.partition(b"\n")
    previous = taken.key(due - 1)
    size = begin + offset
    digest = sha256(data[:size]).hexdigest()
    seal = Seal(header.segment, due - 1, good, size, digest, header.segment + 1)
    if newline and previous is not None and _follows(line, previous) and due <= taken.last:
        what = f"a second line {due}, other than the one that readers take"
        yield Found(kind=Kind.FORK, file=file, offset=begin + offset, what=what, remedy=_KEEP)
    elif _is_changed_seal(rest, seal):
        what = "a changed seal"
        yield Found(kind=Kind.SEAL, file=file, offset=begin + offset, what=what, remedy=_KEEP)
    else:
        # Readers tell of it if it keeps them from going on.
        what = f"{len(rest)} bytes that readers do not take here"
        yield Found(kind=Kind.TAIL, file=file, offset=begin + offset, what=what, remedy=_NOTHING)


def _is_changed_seal(rest: bytes, true: Seal) -> bool:
    """Whether bytes are a seal in all but a few of them; a torn one is shorter, or has NULs."""
    for seal in (true, evolve(true, next=None)):
        same = sum(a == b for a, b in zip(rest, seal.encode(), strict=False))
        if len(rest) == len(seal.encode()) and b"\0" not in rest and same > len(rest) // 2:
            return True
    return False


def _follows(line: bytes, previous: bytes) -> bool:
    try:
        codec.check_record(line, previous)
    except LineError:
        return False
    return True


def _seal(file: str, line: bytes, header: Header, before: memoryview, found: list[Found]) -> int:
    """Hold a seal against its segment; the last line that it tells of."""
    try:
        seal = Seal.decode(line)
    except LineError as exc:
        what = f"a damaged seal: {exc}"
        found.append(Found(kind=Kind.SEAL, file=file, offset=len(before), what=what, remedy=_KEEP))
        return 0
    count = bytes(before).count(b"\n") - 1
    told = (seal.segment, seal.count, seal.size, seal.last, seal.sha256)
    last = header.base - 1 + count
    true = (header.segment, count, len(before), last, sha256(before).hexdigest())
    names = ("segment", "lines", "bytes", "last line", "sha256")
    wrong = [
        f"{name} {says}, but it is {is_}"
        for name, says, is_ in zip(names, told, true, strict=True)
        if says != is_
    ]
    if wrong:
        what = f"the seal tells of {'; '.join(wrong)}: the segment was changed after it was closed"
        remedy = "Restore the file from a backup of the share if readers miss lines; else keep it."
        found.append(Found(kind=Kind.SEAL, file=file, offset=len(before), what=what, remedy=remedy))
    return seal.last
