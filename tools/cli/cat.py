"""`orchestrator log cat`: the raw lines of a log."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.cli.merging import Merge
from tools.cli.place import locate
from tools.cli.reading import Reading, names_in
from tools.cli.terminal import warn_of


def cat(project: Path, *, merge: bool) -> None:
    """Print all good lines of a project's log; with `merge` in the order of their stamps.

    Raises:
        OrchestratorError: there is no log to be read.
    """
    place = locate(project)
    if merge:
        merged = Merge(place.log, place.project)
        _print(entry.line + b"\n" for entry in merged.entries())
        warn_of(merged.findings())
    else:
        names_in(place.log)  # a folder that cannot be listed is an error, not a finding
        reading = Reading(place.log, place.project)
        _print(_whole(reading))
        warn_of(reading.findings())


def _whole(reading: Reading) -> Iterator[bytes]:
    for piece in reading.pieces():
        yield b"".join(line + b"\n" for line in piece.lines)


def _print(chunks: Iterable[bytes]) -> None:
    out = sys.stdout.buffer
    for chunk in chunks:
        out.write(chunk)
    out.flush()
