"""Make a golden log: every type of event in the shape that it has now, in the current format.

Usage: `python -m tests.golden.make [NAME]`; the first of a format is called `v1`, which is what is
made if no name is given. Run it before a release that has new types, or new versions of types,
with the release's name (`v1-1.1`). It refuses to overwrite. Before the first release `v1` may be
deleted and made anew; after it, never: what is in it stands on people's shares.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from unittest import mock

import orjson

from events.codec import FORMAT_VERSION, draft
from events.log import segments
from events.log.disk_io import DiskIO
from events.log.folder import FolderLog
from events.log.format_file import NAME, load
from events.record import Record
from events.registry import BY_CLASS
from events.stamp import stamp
from tests.events.samples import one_of_each
from tests.log.builders import MS, PROJECT, open_log, steady

HERE = Path(__file__).parent
GOLDEN = HERE / f"v{FORMAT_VERSION}"


def told(record: Record) -> dict[str, Any]:
    """A record as `expected.json` has it."""
    row = BY_CLASS[type(record.event)]
    return {
        "stamp": record.stamp,
        "type": row.name,
        "version": row.version,
        "event": row.encode(record.event),
        "actor": record.actor,
        "host": record.host,
        "writer": record.writer,
        "sequence": record.sequence,
        "correlation": record.correlation,
    }


def _append(log: FolderLog, *items: Any) -> list[Record]:
    return [record for item in items for record in log.append(item).result(timeout=10)]


def make(folder: Path) -> None:
    """Write FORMAT, the logs of two hosts, and what they are expected to be read as.

    Raises:
        FileExistsError: the folder is there already.
    """
    (folder / "log").mkdir(parents=True)
    content = {"format": "gallery-log", "fmt": FORMAT_VERSION, "project": PROJECT}
    more = {"created": "2026-01-01T00:00:00+00:00", "read": [], "write": []}
    (folder / NAME).write_bytes(orjson.dumps({**content, **more}) + b"\n")
    assert load(folder) is not None
    with mock.patch.object(segments, "ROLL_BYTES", 4_000):
        records = _write(folder)
    lines = b",\n".join(orjson.dumps(told(record)) for record in records)
    (folder / "expected.json").write_bytes(b"[\n" + lines + b"\n]\n")


def _write(folder: Path) -> list[Record]:
    events = one_of_each()

    # One line per event, in several segments, all sealed.
    one = open_log(folder, "host-a", disk=DiskIO(), number=1, wall_ms=steady(MS, 1_000))
    records = _append(one, *[draft([event], "mara") for event in events])
    one.close()

    # One transaction of all, an edit that beats a clock that is ahead, no seal.
    two = open_log(folder, "host-b", disk=DiskIO(), number=2, wall_ms=steady(MS + 500, 1_000))
    ahead = stamp((MS + 7_200_000) << 16, "z" * 16)
    return records + _append(
        two,
        draft(events, "jön", "c-1"),
        draft(events[:1], "mara", "c-2", beats=ahead),
        draft(events[1:3], "mara", beats=ahead),
    )


if __name__ == "__main__":
    made = HERE / sys.argv[1] if sys.argv[1:] else GOLDEN
    if made.exists():
        sys.exit(f"{made} is there already. It is made once, and never edited.")
    make(made)
