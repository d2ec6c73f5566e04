"""`orchestrator log cat`: the raw lines of a log."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from tools.cli.merging import Merge
from tools.cli.place import locate, project_argument
from tools.cli.reading import Reading, names_in
from tools.cli.terminal import warn_of


@click.command()
@project_argument
@click.option("--merge", is_flag=True, help="In the order of their stamps, over all writers.")
def cat(project: Path, merge: bool) -> None:
    """Print the log's lines as they are.

    Only lines that count are printed, each once: JSON, one event or transaction a line, ready
    for jq. Without --merge they come writer by writer. What was left out is said on stderr.
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
