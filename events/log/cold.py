"""Cold files: many segments of a host's ended incarnations in one file, byte for byte. Pure.

A cold file is plain lines, too: an index, then the segments one behind the other. A reader finds
a segment in it by the index, so whoever stood in the middle of a segment goes on there. What is
made, merged and removed when is decided here; `events.log.consolidate` does it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson
from attrs import evolve, field, frozen

from events import codec
from events.codec import FORMAT_VERSION, MAX_LINE, LineError
from events.ids import ALPHABET, WRITER_LENGTH
from events.log.frame import Header, Seal, is_seal
from events.log.segments import SegmentName, is_repair

#: The folder of cold files, beside `log/`.
FOLDER = "cold"
#: One cold file has at most so many bytes and segments (or is a single segment): no merge takes
#: long, and the index is no longer than any other line.
MAX_BYTES = 64 << 20
MAX_PARTS = 4_000
#: So many segments are worth a file; fewer wait.
ENOUGH = 32
#: So many files of about one size are merged.
FANOUT = 4
#: What has a copy stays for so long, in seconds.
KEEP_SECONDS = 30 * 24 * 3600.0

_COLD = b'{"cold":'
_WRITER = rf"[{ALPHABET}]{{{WRITER_LENGTH}}}"
_NAME = re.compile(
    rf"(?P<host>[0-9a-z-]{{1,40}})\.(?P<first>{_WRITER})-(?P<last>{_WRITER})"
    r"\.(?P<number>[0-9]{6})\.jsonl"
)


@frozen(order=True)
class ColdName:
    """`{host}.{first writer}-{last writer}.{nnnnnn}.jsonl`; a host counts its cold files."""

    host: str
    number: int
    first: str
    last: str

    def __str__(self) -> str:
        return f"{self.host}.{self.first}-{self.last}.{self.number:06d}.jsonl"

    @classmethod
    def parse(cls, name: str) -> ColdName | None:
        """The parts of a file name; None if it is no cold file of ours."""
        match = _NAME.fullmatch(name)
        if match is None or match["number"] == "000000":
            return None
        return cls(match["host"], int(match["number"]), match["first"], match["last"])


@frozen
class Part:
    """One segment in a cold file."""

    segment: SegmentName
    #: Where its bytes begin, counted from the end of the index; how many; and their sha256.
    offset: int
    size: int
    sha256: str
    #: The last good line: its sequence, its `k`, and the byte behind it in the segment.
    sequence: int
    chain: str
    end: int
    #: Since when it has had a copy, in whole seconds since 1970 by its host's clock. A merge does
    #: not change it.
    since: int
    #: Whether its seal follows, and not half a line or nothing.
    sealed: bool

    @property
    def is_clean(self) -> bool:
        """Whether nothing was left out behind the last good line."""
        return self.sealed or self.end == self.size

    @property
    def log(self) -> str:
        """Whose it is, as `writer.host`."""
        return f"{self.segment.writer}.{self.segment.host}"


@frozen
class Index:
    """First line of a cold file: what is in it, in the order of writers and segments."""

    number: int
    host: str
    project: str
    #: When it was made, in whole seconds since 1970 by its host's clock.
    made: int
    #: Bytes behind the index.
    size: int
    parts: tuple[Part, ...]

    def encode(self) -> bytes:
        """The line, with its newline."""
        made = datetime.fromtimestamp(self.made, UTC).isoformat()
        document = {
            "cold": self.number,
            "host": self.host,
            "project": self.project,
            "fmt": FORMAT_VERSION,
            "at": made,
            "bytes": self.size,
            "parts": [
                {
                    "w": part.segment.writer,
                    "seg": part.segment.number,
                    "at": part.offset,
                    "bytes": part.size,
                    "sha": part.sha256,
                    "s": part.sequence,
                    "end": part.end,
                    "k": part.chain,
                    "since": part.since,
                    "sealed": part.sealed,
                }
                for part in self.parts
            ],
        }
        return codec.close(orjson.dumps(document)[:-1])

    @classmethod
    def decode(cls, line: bytes) -> Index:
        """Read an index line (without newline).

        Raises:
            LineError: it is none, or damaged.
        """
        if not line.startswith(_COLD):
            raise LineError("it begins like another line")
        codec.check_record(line, b"")
        document = codec.parse(line)
        try:
            if document["fmt"] != FORMAT_VERSION:
                raise LineError(f"it has format {document['fmt']}")
            host = str(document["host"])
            parts = tuple(_part(told, host) for told in document["parts"])
            made = int(datetime.fromisoformat(document["at"]).timestamp())
            size = int(document["bytes"])
            index = cls(int(document["cold"]), host, str(document["project"]), made, size, parts)
        except (KeyError, TypeError, ValueError) as exc:
            raise LineError(f"a field is missing or of the wrong kind: {exc!r}") from exc
        offset = 0
        for part in parts:
            if part.offset < offset or part.size < 0:
                raise LineError(f"{part.segment} lies where another segment does")
            offset = part.offset + part.size
        if offset > size:
            raise LineError(f"it tells of {offset} bytes, but has {size}")
        return index

    @property
    def name(self) -> ColdName:
        """The name of its file."""
        first, last = self.parts[0].segment.writer, self.parts[-1].segment.writer
        return ColdName(self.host, self.number, first, last)


def _part(told: Mapping[str, Any], host: str) -> Part:
    segment = SegmentName(str(told["w"]), host, int(told["seg"]))
    if SegmentName.parse(str(segment)) is None:
        raise LineError(f"{segment} is no name of a segment")
    return Part(
        segment,
        int(told["at"]),
        int(told["bytes"]),
        str(told["sha"]),
        int(told["s"]),
        str(told["k"]),
        int(told["end"]),
        int(told["since"]),
        told["sealed"] is True,
    )


@frozen
class ColdFile:
    """A cold file as it was found: its index, and where the bytes behind the index begin."""

    name: ColdName
    index: Index
    base: int

    @property
    def complete_size(self) -> int:
        """Bytes that the file has when it is whole."""
        return self.base + self.index.size


def found(name: ColdName, data: bytes, project: str | None) -> ColdFile | None:
    """What the first bytes of a cold file tell; None if its index has not arrived yet.

    `project` is the one that it should belong to, None if it may be any.

    Raises:
        LineError: it is damaged, or belongs elsewhere.
    """
    line, ended, _ = data.partition(b"\n")
    if not ended:
        if len(data) >= MAX_LINE:
            raise LineError(f"{MAX_LINE} bytes without a line end")
        return None
    if b"\0" in line:
        return None
    index = Index.decode(line)
    if not index.parts or index.name != name or project not in (None, index.project):
        raise LineError("it belongs elsewhere, or was renamed")
    return ColdFile(name, index, len(line) + 1)


def laid_out(number: int, host: str, project: str, made: int, parts: Iterable[Part]) -> Index:
    """An index in which parts stand one behind the other, each ended by a line end."""
    offset, placed = 0, []
    for part in sorted(parts, key=lambda part: part.segment):
        placed.append(evolve(part, offset=offset))
        # Half a line at the end of a segment must not run into the next one's header, for those
        # who read cold files with other tools. One byte more costs nothing.
        offset += part.size + 1
    return Index(number, host, project, made, offset, tuple(placed))


def examine(name: SegmentName, data: bytes, project: str, now: int) -> Part | None:
    """A whole segment as a part of a cold file; None if it is better left where it is.

    Half a line or NULs at its end are as good as nothing. But where a complete line is no good,
    somebody should see the file as it is, and perhaps repair it.
    """
    lines = data.split(b"\n")
    rest = lines.pop()
    if not lines:
        return None
    sealed = False
    try:
        header = Header.decode(lines[0])
        stated = (header.segment, header.writer, header.host, header.project)
        if stated != (name.number, name.writer, name.host, project):
            return None
        sequence, chain, end = header.base - 1, header.previous, len(lines[0]) + 1
        for number, line in enumerate(lines[1:], 1):
            if is_seal(line):
                Seal.decode(line)
                if rest or number != len(lines) - 1:
                    return None
                sealed = True
                break
            chain = codec.check_record(line, chain)
            sequence += 1
            end += len(line) + 1
    except LineError:
        return None
    digest = sha256(data).hexdigest()
    return Part(name, 0, len(data), digest, sequence, chain.decode(), end, now, sealed)


@frozen
class Shelf:
    """All cold files that are whole, and which copy of each segment counts.

    The longest copy counts, since segments only grow; of equal ones that in the latest file.
    """

    files: tuple[ColdFile, ...]
    _copies: dict[SegmentName, list[tuple[ColdFile, Part]]] = field(init=False)
    best: dict[SegmentName, tuple[ColdFile, Part]] = field(init=False)

    @_copies.default
    def _find_copies(self) -> dict[SegmentName, list[tuple[ColdFile, Part]]]:
        copies: dict[SegmentName, list[tuple[ColdFile, Part]]] = {}
        for file in sorted(self.files, key=_by_name):
            for part in file.index.parts:
                copies.setdefault(part.segment, []).append((file, part))
        return copies

    @best.default
    def _find_best(self) -> dict[SegmentName, tuple[ColdFile, Part]]:
        return {
            segment: max(copies, key=lambda copy: (copy[1].size, copy[0].name.number))
            for segment, copies in self._copies.items()
        }

    def current(self) -> list[ColdFile]:
        """Files in which something stands that counts, in order."""
        counting = {file.name for file, _ in self.best.values()}
        return [file for file in sorted(self.files, key=_by_name) if file.name in counting]

    def superseded(self) -> list[ColdFile]:
        """Files of which every segment stands in a later one."""
        counting = {file.name for file, _ in self.best.values()}
        return [file for file in sorted(self.files, key=_by_name) if file.name not in counting]

    def later_copy(self, part: Part, number: int, before: float) -> tuple[ColdFile, Part] | None:
        """A copy that is no shorter, in a file with a higher number that was made `before`."""
        for file, other in self._copies.get(part.segment, ()):
            late_enough = file.name.number > number and file.index.made <= before
            if late_enough and other.size >= part.size:
                return file, other
        return None


def _by_name(file: ColdFile) -> ColdName:
    return file.name


def ended(segments: Iterable[SegmentName], host: str, running: str) -> list[SegmentName]:
    """Segments of a host's incarnations before the running one, in order: nobody adds to them.

    Without those that were put back by somebody else.
    """
    own = (name for name in segments if name.host == host and name.writer < running)
    return sorted((name for name in own if not is_repair(name.number)), key=str)


def gather(waiting: Sequence[tuple[SegmentName, int]]) -> list[SegmentName]:
    """Which segments (with their sizes) to put into a cold file: none until it is worth it."""
    taken: list[SegmentName] = []
    total, full = 0, False
    for name, size in waiting:
        full = bool(taken) and (total + size + 1 > MAX_BYTES or len(taken) == MAX_PARTS)
        if full:
            break
        taken.append(name)
        total += size + 1
    return taken if full or len(taken) >= ENOUGH else []


def to_merge(files: Sequence[ColdFile]) -> list[ColdFile]:
    """Files to make one of: the oldest of a tier that has enough of them; none if none has.

    A tier holds files of about the same number of segments, each tier four times that of the one
    before. A file that is more than half full stays for ever. So at most three files of each tier
    stand beside those, however long a project lives.
    """
    tiers: dict[int, list[ColdFile]] = {}
    for file in files:
        parts = len(file.index.parts)
        if file.index.size <= MAX_BYTES // 2 and parts <= MAX_PARTS // 2:
            tiers.setdefault(_tier(parts), []).append(file)
    for _, members in sorted(tiers.items()):
        if len(members) >= FANOUT:
            return _that_fit(members[:FANOUT])
    return []


def _tier(parts: int) -> int:
    tier, most = 0, ENOUGH * FANOUT
    while parts >= most:
        tier, most = tier + 1, most * FANOUT
    return tier


def _that_fit(files: Sequence[ColdFile]) -> list[ColdFile]:
    fit: list[ColdFile] = []
    size = parts = 0
    for file in files:
        size, parts = size + file.index.size, parts + len(file.index.parts)
        if size > MAX_BYTES or parts > MAX_PARTS:
            break
        fit.append(file)
    return fit


def may_go(
    part: Part,
    now: float,
    seen: Mapping[str, Mapping[str, int]],
    live: Collection[str],
) -> bool:
    """Whether a segment that has a copy may be removed.

    Args:
        part: the copy.
        now: seconds since 1970.
        seen: per `writer.host`, how far each host has told in its marks to have read it.
        live: the other hosts that work on the project.
    """
    told = seen.get(part.log, {})
    covered = all(told.get(host, 0) >= part.sequence for host in live)
    return covered and now - part.since >= KEEP_SECONDS
