"""One segment file as its writer sees it: created once, added to at its end, sealed."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import define, field

from events.log.disk_io import DiskIO
from events.log.frame import Header, Seal
from events.log.lines import Head
from events.log.segments import SegmentName


class ForeignWriteError(Exception):
    """Our own file does not have the size that we left it at: somebody else wrote to it."""

    def __init__(self, number: int) -> None:
        """`number` is that of the segment."""
        super().__init__(f"somebody else wrote to our segment {number}")


@define
class SegmentFile:
    """A segment being written. After an error from any method but `seal` it must be left alone."""

    number: int
    #: When it was created, in seconds since 1970.
    opened: float
    _disk: DiskIO
    _descriptor: int
    #: Bytes and records in it, and the running hash of its bytes.
    size: int = 0
    _count: int = 0
    _digest: Any = field(factory=sha256)  # hashlib's type has no public name

    @classmethod
    def create(
        cls, folder: Path, project: str, head: Head, number: int, *, disk: DiskIO, now: float
    ) -> SegmentFile:
        """Create segment `number`, which continues at `head`, and make its header durable.

        Raises:
            OSError: it cannot be; a file of that name may be there all the same.
        """
        header = Header(
            number,
            head.writer,
            head.host,
            project,
            head.sequence + 1,
            head.chain,
            datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
        ).encode()
        descriptor = disk.create(folder / str(SegmentName(head.writer, head.host, number)))
        disk.write(descriptor, header, 0)
        disk.sync(descriptor)
        disk.sync_folder(folder)
        # The share may have lost the name in between; the seal before us must not name us then.
        disk.size(descriptor)
        segment = cls(number, now, disk, descriptor)
        segment._note(header, 0)
        return segment

    def put(self, data: bytes, count: int) -> None:
        """Add `count` lines at the end; returns when they are durable.

        Raises:
            ForeignWriteError: somebody else wrote here; nothing was added.
            OSError: the lines may be durable, or in part, or not at all.
        """
        if self._disk.size(self._descriptor) != self.size:
            with suppress(OSError):  # what we wrote here before is durable already
                self._disk.close(self._descriptor)
            raise ForeignWriteError(self.number)
        self._disk.write(self._descriptor, data, self.size)
        self._disk.sync(self._descriptor)
        self._note(data, count)

    def seal(self, last: int, following: int | None) -> None:
        """Write the last line and close; failing costs nothing, the next header tells the same.

        `last` is the sequence of the last record, `following` the number of the next segment.
        """
        digest = self._digest.hexdigest()
        seal = Seal(self.number, last, self._count, self.size, digest, following)
        with suppress(OSError):
            if self._disk.size(self._descriptor) == self.size:
                self._disk.write(self._descriptor, seal.encode(), self.size)
                self._disk.sync(self._descriptor)
            self._disk.close(self._descriptor)

    def _note(self, data: bytes, count: int) -> None:
        self.size += len(data)
        self._count += count
        self._digest.update(data)
