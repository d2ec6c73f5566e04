"""The door to the logs of projects: is there one, make one, open it, does it still hold a position.

A service does all of that through an `Engine`, and everything else through the `Log` that it
opens. `FOLDERS` is the engine that keeps logs as files on a share; `MemoryEngine` stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from events.log import folder, format_file
from events.log.disk_io import DiskIO
from events.log.format_file import Format, FormatError
from events.log.port import Log
from events.record import Position

__all__ = ["FOLDERS", "Engine", "FolderEngine", "Format", "FormatError"]


class Engine(Protocol):
    """Where the logs of projects are kept. Methods may block."""

    def find(self, root: Path) -> Format | None:
        """What is said of the log of the project in a folder; None if it has none.

        Raises:
            FormatError: this program must not use it.
            OSError: that cannot be told now.
        """
        ...

    def refuse_orphans(self, root: Path) -> None:
        """Refuse a project for which `find` finds nothing although a log is there.

        Raises:
            FormatError: it is so.
            OSError: that cannot be told now.
        """
        ...

    def create(self, root: Path) -> Format:
        """Make a log for the project in a folder that exists, unless another host was first.

        Raises:
            FormatError: one is there that this program must not use.
            OSError: none can be made.
        """
        ...

    def open(
        self,
        root: Path,
        found: Format,
        host: str,
        *,
        start: Mapping[str, Position] | None = None,
        mirror: Path | None = None,
    ) -> Log:
        """Open a log; nothing is read or written yet.

        Args:
            root: the project's folder.
            found: as it was found, or made.
            host: stable id of this host.
            start: what is known already, as from `Log.positions`.
            mirror: local folder for a copy of all lines, if one shall be kept.
        """
        ...

    def proves(self, root: Path, positions: Mapping[str, Position]) -> bool:
        """Whether the log still holds, at each position, the very record that ended there."""
        ...


class FolderEngine:
    """Logs as files, in the folder `.gallery` of each project (the port `Engine`)."""

    def find(self, root: Path) -> Format | None:
        """See the port."""
        return format_file.load(root / ".gallery")

    def refuse_orphans(self, root: Path) -> None:
        """See the port."""
        format_file.refuse_orphans(root / ".gallery", DiskIO())

    def create(self, root: Path) -> Format:
        """See the port."""
        return format_file.create(root / ".gallery", DiskIO())

    def open(
        self,
        root: Path,
        found: Format,
        host: str,
        *,
        start: Mapping[str, Position] | None = None,
        mirror: Path | None = None,
    ) -> Log:
        """See the port."""
        return folder.FolderLog(root / ".gallery", found, host, start=start, mirror=mirror)

    def proves(self, root: Path, positions: Mapping[str, Position]) -> bool:
        """See the port."""
        return folder.proves(root / ".gallery", positions)


#: The engine of every service.
FOLDERS: Engine = FolderEngine()
