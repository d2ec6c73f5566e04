"""When a host was last heard of in a project: by its heartbeat, or by what it wrote."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from events.log.disk_io import DiskIO


def traces(names: Iterable[str], host: str) -> list[str]:
    """Of the files in a folder, the newest of a host: names begin with a writer, thus with a time.

    They are `{writer}.{host}.{what follows}`.
    """
    mine = sorted(name for name in names if name.split(".")[1:2] == [host])
    return mine[-1:]


def silence(gallery: Path, host: str, disk: DiskIO, now_ms: float) -> float | None:
    """Seconds since a host wrote anything into a project; None if it left no trace. Blocks.

    The times are the share's, and no host's: `now_ms` is what the share's clock shows now.

    Raises:
        OSError: the share does not answer.
    """
    heard = []
    for folder in (gallery / "live", gallery / "log"):
        for name in traces(disk.names(folder), host):
            try:
                heard.append(disk.modified(folder / name))
            except FileNotFoundError:
                continue  # its heart has just stopped in good order
    return None if not heard else max(0.0, now_ms / 1e3 - max(heard) / 1e9)
