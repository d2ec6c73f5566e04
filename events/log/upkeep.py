"""Keeping the mirror whole: what it lacks is read again from the share, a little at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from events.log.disk_io import DiskIO
from events.log.mirror import Mirror
from events.log.port import Copy
from events.log.reader import LogReader
from events.log.segments import sort_out
from events.record import Position, Record

#: Records that one call reads again at the most: about a tenth of a second.
MOST_RECORDS = 40_000


class Upkeep:
    """Looks after one project's mirror. Methods block; one caller at a time."""

    def __init__(self, mirror: Mirror, folder: Path, project: str, disk: DiskIO) -> None:
        """`folder` is the log folder on the share."""
        self._mirror = mirror
        self._folder = folder
        self._project = project
        self._disk = disk
        #: A reading that goes on at the next call.
        self._catching: Iterator[list[Record]] | None = None

    def tend(self, positions: Mapping[str, Position]) -> Copy:
        """Write what was gathered, and fetch what is missing up to `positions`."""
        self._mirror.flush()
        behind = self._mirror.behind(positions)
        if behind and not self._mirror.resting:
            self._catch_up(behind)
            self._mirror.flush()
            behind = self._mirror.behind(positions)
        missing = sum(positions[who].sequence - at.sequence for who, at in behind.items())
        return Copy(self._mirror.size(), missing, self._mirror.fault)

    def close(self) -> None:
        """Write what was gathered."""
        self._mirror.flush()

    def _catch_up(self, behind: Mapping[str, Position]) -> None:
        if self._catching is None:
            try:
                listing = sort_out(self._disk.names(self._folder))
            except OSError:
                return  # whoever follows the log tells of it
            reader = LogReader(self._folder, self._project, disk=self._disk, start=behind)
            wanted = {who.partition(".")[0] for who in behind}
            reader.skip = {writer for writer, _ in listing.segments if writer not in wanted}
            reader.sink = self._mirror.take
            self._catching = reader.read()
        count = 0
        while count < MOST_RECORDS:
            records = next(self._catching, None)
            if records is None:
                self._catching = None
                return
            count += len(records)
