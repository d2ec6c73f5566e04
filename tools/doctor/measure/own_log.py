"""What the log of a project is like, as this host reads it. Blocks, and creates nothing."""

from __future__ import annotations

import os
from pathlib import Path

from attrs import frozen

from events.log.format_file import FormatError, load
from events.log.port import Finding, must_know
from events.stamp import Stamp, wall_ms, writer_of
from tools.cli.reading import Reading, gc_paused, total_bytes
from tools.doctor.scratch import is_scratch
from tools.doctor.share import Share


@frozen
class WriterSeen:
    """One writer's log."""

    writer: str
    host: str
    #: Lines read.
    lines: int
    #: When its newest record was made, by its host's clock (ms since 1970); None if it has none.
    newest_ms: int | None


@frozen
class LogSeen:
    """A project's log."""

    project: str
    writers: tuple[WriterSeen, ...]
    findings: tuple[Finding, ...]
    bytes: int
    #: Why nothing may or can be written; None if nothing speaks against it.
    read_only: str | None


class NoLogError(Exception):
    """Nothing was ever recorded there, or it must not be read; the message says which."""

    def __init__(self, reason: str, *, damaged: bool) -> None:
        """`damaged` tells that there is something, but it cannot be used."""
        super().__init__(reason)
        self.damaged = damaged


def look_at_log(gallery: Path) -> LogSeen:
    """Read the whole log.

    Raises:
        NoLogError: there is none that could be read.
        OSError: the share fails.
    """
    try:
        found = load(gallery)
    except FormatError as exc:
        raise NoLogError(str(exc), damaged=True) from exc
    if found is None:
        raise NoLogError("nothing was ever recorded here", damaged=False)
    folder = gallery / "log"
    reading = Reading(folder, found.project)
    newest: dict[str, Stamp] = {}
    forbidden = None
    with gc_paused():
        for records in reading.records():
            stamp = max(record.stamp for record in records)
            writer = writer_of(stamp)
            newest[writer] = max(stamp, newest.get(writer, stamp))
            forbidden = forbidden or must_know(records)
    writers = []
    for who, position in sorted(reading.positions().items()):
        writer, _, host = who.partition(".")
        at = newest.get(writer)
        newest_ms = None if at is None else wall_ms(at)
        writers.append(WriterSeen(writer, host, position.sequence, newest_ms))
    return LogSeen(
        found.project,
        tuple(writers),
        reading.findings(),
        total_bytes(folder),
        _forbidden(found.unknown_to_write) or forbidden or _refused(folder),
    )


def _forbidden(missing: tuple[str, ...]) -> str | None:
    if not missing:
        return None
    return f"writing needs features that this program lacks: {', '.join(missing)}"


def _refused(folder: Path) -> str | None:
    """Without writing there: only what the system says of it."""
    if not folder.is_dir() or os.access(folder, os.W_OK):
        return None
    return "this user may not write into the log's folder"


def leftovers(gallery: Path, known: set[str], share: Share) -> list[str]:
    """Folders of other examinations, at work or cut off, but those that are known."""
    return [n for n in sorted(share.names(gallery)) if is_scratch(n) and n not in known]
