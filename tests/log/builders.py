"""Logs made line by line, so that tests can forge, damage and break them; and those of writers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import define, field

from events import codec
from events.assets import AssetId
from events.codec import Draft, draft
from events.curation import AssetRated
from events.log.disk_io import DiskIO
from events.log.folder import FolderLog
from events.log.format_file import Format
from events.log.frame import Header, Seal
from events.log.lines import Head, place
from events.log.port import Finding
from events.log.reader import LogReader
from events.log.segments import SegmentName
from events.record import Record
from events.stamp import HybridClock
from tests.log.disks import DictDisk

PROJECT = "01hzprject0000000000000000"
MS = 1_700_000_000_000


def writer_name(number: int) -> str:
    """A writer id; later numbers are newer incarnations."""
    return f"{number:016d}"


def rated(stars: int, asset: str = "a" * 32) -> AssetRated:
    """A small event."""
    return AssetRated(asset=AssetId(asset), stars=stars)


def drafts(count: int, actor: str = "mara") -> list[Draft]:
    """Drafts that differ."""
    return [draft([rated(number % 6, f"{number:032x}")], actor) for number in range(count)]


def steady(start: int = MS, step: int = 1) -> Callable[[], int]:
    """A wall clock that goes on by `step` ms each time it is asked."""
    times = itertools.count(start, step)
    return lambda: next(times)


@define
class Builder:
    """One writer's log, as bytes per file."""

    number: int = 1
    host: str = "host-a"
    project: str = PROJECT
    files: dict[str, bytes] = field(factory=dict)
    records: list[Record] = field(factory=list)
    #: Each line of a record, in order.
    lines: list[bytes] = field(factory=list)
    _segment: int = 0
    _count: int = 0
    _clock: HybridClock = field(factory=lambda: HybridClock(steady()))
    head: Head = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.head = Head.begin(self.project, writer_name(self.number), self.host)
        self.open()

    @property
    def who(self) -> str:
        """`writer.host`."""
        return f"{self.head.writer}.{self.host}"

    def name(self, segment: int | None = None) -> str:
        """File name of a segment; of the current one if none is given."""
        return str(SegmentName(self.head.writer, self.host, segment or self._segment))

    def header(self) -> bytes:
        """The header that would begin the current segment here."""
        head = self.head
        return Header(
            self._segment,
            head.writer,
            head.host,
            self.project,
            head.sequence + 1,
            head.chain,
            "2024-01-01T00:00:00+00:00",
        ).encode()

    def open(self, header: bytes | None = None) -> None:
        """Begin the next segment."""
        self._segment += 1
        self._count = 0
        self.files[self.name()] = self.header() if header is None else header

    def raw(self, data: bytes) -> None:
        """Add bytes to the current segment, whatever they are."""
        self.files[self.name()] += data

    def add(self, *items: Draft) -> None:
        """Add lines."""
        for item in items:
            line = place(item, self.head, self._clock)
            self.head = line.head
            self.records += line.records
            self.lines.append(line.data)
            self._count += 1
            self.raw(line.data)

    def forge(self, text: bytes) -> None:
        """Add a line of any text (without its `k`) whose chain holds."""
        line = codec.close(text, self.head.chain)
        chain = codec.chain_of(line)
        self.head = Head(self.head.writer, self.host, self.head.sequence + 1, chain)
        self._count += 1
        self.raw(line)

    def seal(self, following: int | None) -> None:
        """Close the current segment."""
        data = self.files[self.name()]
        last, digest = self.head.sequence, sha256(data).hexdigest()
        self.raw(Seal(self._segment, last, self._count, len(data), digest, following).encode())

    def repeat(self, count: int) -> None:
        """Leave this segment half written, and begin the next with its last lines once more."""
        self.raw(b'{"s":')
        last, again = self.head, self.lines[-count:]
        chain = codec.chain_of(self.lines[-count - 1])
        self.head = Head(last.writer, last.host, last.sequence - count, chain)
        self.open()
        self.head = last
        self._count = count
        self.raw(b"".join(again))

    def roll(self) -> None:
        """Seal this segment and begin the next."""
        self.seal(self._segment + 1)
        self.open()


def merged(*builders: Builder) -> dict[str, bytes]:
    """The files of several writers."""
    return {name: data for builder in builders for name, data in builder.files.items()}


def reader(
    files: dict[str, bytes],
    *,
    start: Any = None,
    monotonic: Callable[[], float] = lambda: 0.0,
) -> LogReader:
    """A reader of files in memory; changing the dict later is seen by it."""
    disk = DictDisk(files)
    return LogReader(Path("log"), PROJECT, disk=disk, start=start, monotonic=monotonic)


def read_all(files: dict[str, bytes]) -> tuple[list[Record], tuple[Finding, ...]]:
    """All that a new reader reads, and what it left out."""
    fresh = reader(files)
    records = [record for batch in fresh.read() for record in batch]
    return records, fresh.findings()


def flat(batches: Iterator[list[Record]]) -> list[Record]:
    """All records of a read."""
    return [record for batch in batches for record in batch]


def by_writer(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Records of each `writer.host`, in the order they came."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(f"{record.writer}.{record.host}", []).append(record)
    return found


def make_gallery(folder: Path) -> Path:
    """An empty `.gallery` with its log folder; FORMAT itself is not needed by `FolderLog`."""
    gallery = folder / ".gallery"
    (gallery / "log").mkdir(parents=True)
    return gallery


def open_log(
    gallery: Path,
    host: str = "host-a",
    *,
    disk: DiskIO | None = None,
    number: int | None = None,
    **options: Any,
) -> FolderLog:
    """A log in a folder; `number` fixes the writer's id."""
    if number is not None:
        ids = itertools.count(number)
        options["new_writer"] = lambda: writer_name(next(ids))
    return FolderLog(gallery, Format(PROJECT, "2024"), host, disk=disk, **options)
