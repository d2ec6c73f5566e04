"""`orchestrator log replay`: the state that a log tells, now or at any time."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
import orjson
from attrs import asdict, frozen

from events.log.port import Finding
from events.record import Position
from events.stamp import before
from projections.catalogue import empty_tables
from projections.fold import Tables, state_hash
from tools.cli.place import Place, locate, unreadable
from tools.cli.reading import Reading, gc_paused, total_bytes, unlistable
from tools.cli.state import State, as_json, state_of, tag_names
from tools.cli.terminal import clean, local, number, progress, table, warn_of, zulu


@frozen
class Replayed:
    """What a replay came to."""

    tables: Tables
    #: How many records were applied, and how many were later than the time asked for.
    applied: int
    later: int
    positions: dict[str, Position]
    findings: tuple[Finding, ...]


def replay(project: Path, at: datetime | None, *, machine: bool, rows: int | None) -> None:
    """Print a project's state, at most `rows` rows of each table (None: as fits the output).

    Raises:
        OrchestratorError: there is no log to be read.
    """
    place = locate(project)
    with gc_paused():
        done = run(place, at)
        if machine:
            click.echo(_document(place, at, done))
        else:
            _show(place, at, done, state_of(done.tables), rows)
    warn_of(done.findings)


def run(place: Place, at: datetime | None = None) -> Replayed:
    """Read and fold a whole log.

    Raises:
        ProjectUnreadable: its folder cannot be listed.
        OSError: as before.
    """
    tables = empty_tables()
    until = None if at is None else before(at)
    applied = later = 0
    with progress("replay", total_bytes(place.log)) as advance:
        reading = Reading(place.log, place.project, advance)
        for records in reading.records():
            past = records if until is None else [r for r in records if r.stamp < until]
            tables.apply(past)
            applied += len(past)
            later += len(records) - len(past)
    findings = reading.findings()
    reason = unlistable(place.log, findings)
    if reason is not None:
        raise unreadable(place.root, reason)
    return Replayed(tables, applied, later, reading.positions(), findings)


def _document(place: Place, at: datetime | None, done: Replayed) -> bytes:
    state, packed = state_of(done.tables), done.tables.pack()
    return orjson.dumps(
        {
            "project": place.project,
            "folder": str(place.root),
            "at": None if at is None else zulu(at),
            "records": done.applied,
            "later_records": done.later,
            "positions": {who: asdict(at) for who, at in sorted(done.positions.items())},
            "state_hash": state_hash(packed),
            "unknown": state.unknown,
            "findings": [{**asdict(f), "kind": f.kind.value} for f in done.findings],
            **as_json(state),
            "tables": packed,
        },
        option=orjson.OPT_INDENT_2,
    )


def _show(
    place: Place, at: datetime | None, done: Replayed, state: State, rows: int | None
) -> None:
    click.echo(f"Project {place.project} in {clean(str(place.root))}")
    told = "now" if at is None else f"at {at.isoformat(sep=' ')}"
    later = f" ({number(done.later, 'event')} came later)" if done.later else ""
    writers = number(len(done.positions), "writer")
    click.echo(f"State {told}: {number(done.applied, 'event')} of {writers}{later}")
    click.echo(f"State hash {state_hash(done.tables.pack())}")
    table(
        "Jobs",
        ("job", "status", "workflow", "backend", "tries", "files", "who", "when"),
        [
            (
                row.job,
                row.status,
                row.workflow or ("(inline)" if row.at else "?"),
                row.backend or "-",
                str(row.attempts),
                str(len(row.outputs)),
                row.by or "?",
                "?" if row.at is None else local(row.at),
            )
            for row in state.jobs
        ],
        rows,
    )
    table(
        "Ratings",
        ("file", "stars", "who", "when"),
        [(row.path, str(row.stars), row.by, local(row.at)) for row in state.ratings],
        rows,
    )
    _show_tags(state, rows)
    table(
        "Views",
        ("view", "settings", "who", "when"),
        [
            (row.name, orjson.dumps(row.settings).decode(), row.by, local(row.at))
            for row in state.views
        ],
        rows,
    )
    if state.unknown:
        listed = [(name, f"{count:,}") for name, count in state.unknown.items()]
        table("Events of unknown types, kept and not applied", ("type", "events"), listed, rows)
    click.echo(f"\nKnown files: {state.assets:,}")


def _show_tags(state: State, rows: int | None) -> None:
    names = tag_names(state.tags)
    table(
        "Tags",
        ("tag", "color", "files", "when"),
        [(row.name, row.color, f"{row.files:,}", local(row.at)) for row in state.tags],
        rows,
    )
    table(
        "Tagged files",
        ("file", "tags"),
        [(row.path, ", ".join(names[tag] for tag in row.tags)) for row in state.tagged],
        rows,
    )
