"""What a program makes of a log: the main program of a frozen release, and today's own reading.

`python -m tests.evolution.freeze` packs this file beside the packages that it imports. So it may
import nothing else, and what it prints is a promise: later tests compare it with their own.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import orjson

from events import vocabulary
from events.log.folder import FolderLog
from events.log.format_file import FormatError, load
from events.record import Record
from events.registry import BY_CLASS, Unknown
from projections.catalogue import empty_tables

assert vocabulary.FAMILIES  # all event types are registered by that import


def reading(gallery: Path, only: Collection[str] | None = None) -> dict[str, Any]:
    """All that a program of this code reads in a `.gallery` folder, as plain values.

    `refused` says why it must not be read, else `read_only` why it must not be written (null if it
    may be); `records` are told one by one, `tables` are folded from them, or from those of them
    whose stamps are in `only`.
    """
    try:
        found = load(gallery)
    except FormatError as exc:
        return {"refused": str(exc)}
    if found is None:
        return {"refused": "there is no FORMAT"}
    log = FolderLog(gallery, found, "evolution")
    records = [record for batch in log.read() for record in batch]
    tables = empty_tables()
    tables.apply(record for record in records if only is None or record.stamp in only)
    return {
        "refused": None,
        "read_only": log.read_only,
        "findings": [[finding.kind.value, finding.file] for finding in log.findings()],
        "records": [_told(record) for record in records],
        "tables": tables.pack(),
    }


def _told(record: Record) -> dict[str, Any]:
    event = record.event
    if isinstance(event, Unknown):
        name, version, payload = event.type, event.version, dict(event.payload)
    else:
        row = BY_CLASS[type(event)]
        name, version, payload = row.name, row.version, row.encode(event)
    return {
        "stamp": record.stamp,
        "actor": record.actor,
        "host": record.host,
        "writer": record.writer,
        "sequence": record.sequence,
        "correlation": record.correlation,
        "known": not isinstance(event, Unknown),
        "type": name,
        "version": version,
        "payload": payload,
    }


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(reading(Path(sys.argv[1]))))
