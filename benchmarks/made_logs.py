"""Large logs, written as a host writes them."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from events import codec
from events.assets import AssetId, AssetSeen
from events.curation import AssetRated
from events.log import format_file
from events.log.disk_io import DiskIO
from events.log.folder import FolderLog

LINE = 250


def asset(number: int) -> AssetId:
    """Some asset's id."""
    return AssetId(sha256(str(number).encode()).hexdigest()[:32])


def event(number: int, assets: int) -> object:
    """The history of a project in which every asset is seen once, then rated again and again."""
    if number < assets:
        return AssetSeen(
            asset=asset(number),
            path=f"Panel_{number % 1000:04d}/Eliot_{number:06d}.png",
            size=2_000_000 + number,
            mtime=1_700_000_000_000_000_000 + number,
            head="0" * 20,
        )
    return AssetRated(asset=asset(number % assets), stars=number % 6)


def draft(number: int, assets: int) -> codec.Draft:
    """One event as a line of about LINE bytes."""
    told = event(number, assets)
    bare = codec.draft([told], "mara").size - 100
    return codec.draft([told], "mara", "c" * max(1, LINE - bare - 8))


def make(project: Path, events: int, assets: int) -> FolderLog:
    """Write a log of `events` events; the log is open for appending."""
    project.mkdir(parents=True, exist_ok=True)
    made = format_file.create(project / ".gallery", DiskIO())
    log = FolderLog(project / ".gallery", made, "benchhost001")
    for begin in range(0, events, 2_000):
        waiting = [log.append(draft(n, assets)) for n in range(begin, min(begin + 2_000, events))]
        waiting[-1].result()
    return log


def mean_line(project: Path) -> float:
    """Bytes of a line in a log."""
    files = list((project / ".gallery" / "log").iterdir())
    size = sum(path.stat().st_size for path in files)
    lines = sum(path.read_bytes().count(b"\n") for path in files)
    return size / lines
