"""A project's log on a share: the segment files in `.gallery/log/`, read and written."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path

from events.codec import Draft, LineError, chain_of
from events.ids import writer_id
from events.log.disk_io import DiskIO
from events.log.format_file import Format
from events.log.frame import Header
from events.log.port import Finding, LogReadOnlyError, must_know
from events.log.reader import LogReader
from events.log.segments import SegmentName
from events.log.writer import SegmentWriter
from events.record import Position, Record
from events.stamp import HybridClock


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def fresh_writer_id() -> str:
    """A new incarnation: nobody has had this id before."""
    return writer_id(_wall_ms(), secrets.randbits(32))


class FolderLog:
    """The log of one project as this host sees and writes it (the port `events.log.port.Log`).

    Reading creates nothing. The own segment is created at the first append.
    """

    def __init__(
        self,
        gallery: Path,
        format_: Format,
        host: str,
        *,
        start: Mapping[str, Position] | None = None,
        disk: DiskIO | None = None,
        wall_ms: Callable[[], int] = _wall_ms,
        new_writer: Callable[[], str] = fresh_writer_id,
    ) -> None:
        """`gallery` is the project's `.gallery` folder; `start` says what is known already."""
        self.project = format_.project
        self._folder = gallery / "log"
        self._disk = disk or DiskIO()
        self._clock = HybridClock(wall_ms)
        missing = ", ".join(format_.unknown_to_write)
        #: Why FORMAT, or what we have read, forbids us to write.
        self._forbidden: str | None = (
            f"writing needs features that this program lacks: {missing}" if missing else None
        )
        self._reader = LogReader(self._folder, self.project, disk=self._disk, start=start)
        self._writer = SegmentWriter(
            self._folder,
            self.project,
            host,
            clock=self._clock,
            new_writer=self._incarnation(new_writer),
            disk=self._disk,
        )

    def _incarnation(self, new_writer: Callable[[], str]) -> Callable[[], str]:
        def give() -> str:
            writer = new_writer()
            self._reader.skip.add(writer)
            return writer

        return give

    @property
    def writer(self) -> str:
        """Id of our own incarnation."""
        return self._writer.writer

    @property
    def read_only(self) -> str | None:
        """Why nothing can be written; None if it can."""
        return self._forbidden or self._writer.read_only

    @property
    def waiting(self) -> int:
        """Number of events that wait to be written."""
        return self._writer.waiting

    def append(self, *drafts: Draft) -> Future[list[Record]]:
        """See the port."""
        if self._forbidden is not None:
            raise LogReadOnlyError(self._forbidden)
        return self._writer.append(*drafts)

    def read(self) -> Iterator[list[Record]]:
        """See the port."""
        for records in self._reader.read():
            self._clock.observe_all([record.stamp for record in records])
            self._forbidden = self._forbidden or must_know(records)
            yield records

    def positions(self) -> dict[str, Position]:
        """See the port."""
        return {**self._reader.positions(), **self._writer.positions}

    def findings(self) -> tuple[Finding, ...]:
        """See the port."""
        return self._reader.findings()

    def close(self) -> None:
        """See the port."""
        self._writer.close()


def proves(gallery: Path, positions: Mapping[str, Position], disk: DiskIO | None = None) -> bool:
    """Whether the log still holds, at each position, the very line that ended there.

    A checkpoint whose positions are not proved is not of this log any more.
    """
    disk = disk or DiskIO()
    return all(_proved(gallery / "log", key, at, disk) for key, at in positions.items())


#: Enough to hold a header, or the end of any line.
_LOOK = 4096


def _proved(folder: Path, key: str, at: Position, disk: DiskIO) -> bool:
    if at.segment == 0:
        return at.sequence == 0  # not even a header was read: nothing is claimed
    writer, _, host = key.partition(".")
    path = folder / str(SegmentName(writer, host, at.segment))
    begin = max(0, at.offset - _LOOK)
    try:
        data = disk.read(path, begin, at.offset - begin).data
    except OSError:
        return False
    if len(data) != at.offset - begin or not data.endswith(b"\n"):
        return False
    if begin == 0 and data.count(b"\n") == 1:
        return _header_proves(data[:-1], at)
    return chain_of(data) == at.chain.encode()


def _header_proves(line: bytes, at: Position) -> bool:
    try:
        header = Header.decode(line)
    except LineError:
        return False
    return header.base == at.sequence + 1 and header.previous.decode() == at.chain
