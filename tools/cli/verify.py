"""What `orchestrator log verify` does: verify a log, and print what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import orjson
from attrs import asdict

from events.vocabulary import FAMILIES
from tools.cli.copies import copy_of
from tools.cli.place import locate
from tools.cli.reading import gaps_in, gc_paused
from tools.cli.terminal import clean, number, progress, size, table
from tools.verify.findings import Found, LogReport, Report
from tools.verify.verifying import ALL, Subset
from tools.verify.verifying import verify as check

#: All event types are registered by that import; marks are events.
assert FAMILIES
#: Findings that cost nothing, shown at the most.
NOTES = 20


def verify(
    project: Path, subset: tuple[int, int] | None, config: Path | None, *, machine: bool
) -> int:
    """Verify a project's log and print the report; the exit code.

    Raises:
        OrchestratorError: there is no log to be read.
        OSError: it cannot be read.
    """
    place = locate(project)
    with gc_paused():
        report = check(
            place.gallery,
            place.project,
            mirror=copy_of(place, config),
            gaps=gaps_in(place.log, place.project),
            subset=ALL if subset is None else Subset(*subset),
            phase=progress,
        )
    if machine:
        click.echo(_document(place.root, report))
    else:
        _show(place.root, report)
    return 1 if report.broken else 0


def _document(root: Path, report: Report) -> bytes:
    return orjson.dumps(
        {
            "project": report.project,
            "folder": str(root),
            "verdict": "broken" if report.broken else "whole",
            "logs": [_log(log) for log in report.logs],
            "seals": report.seals,
            "marks": report.marks,
            "marks_elsewhere": report.marks_elsewhere,
            "findings": [{**asdict(f), "kind": f.kind.value, "broken": f.broken} for f in
                         report.found],
        },
        option=orjson.OPT_INDENT_2,
    )  # fmt: skip


def _log(log: LogReport) -> dict[str, Any]:
    return {**asdict(log), "lost": log.lost, "restorable": log.restorable}


def _show(root: Path, report: Report) -> None:
    click.echo(f"Project {report.project} in {clean(str(root))}")
    lines = sum(log.lines for log in report.logs)
    whole = sum(log.size for log in report.logs)
    click.echo(
        f"{number(len(report.logs), 'log')}, {number(lines, 'line')}, {size(whole)}; "
        f"{number(report.seals, 'seal')}, {number(report.marks, 'mark')} held against them"
    )
    table("Logs", ("log", "lines", "lost", "marked up to", "in our copy"), map(_row, report.logs))
    broken = [found for found in report.found if found.broken]
    for found in broken:
        click.echo(f"\nBROKEN ({found.kind.value}) in {_place(found)}")
        click.echo(f"  {clean(found.what)}")
        click.echo(f"  do: {found.remedy}")
    notes = [found for found in report.found if not found.broken]
    if notes:
        click.echo("\nNotes")
    for found in notes[:NOTES]:
        click.echo(f"  {_place(found)}: {clean(found.what)}")
    if len(notes) > NOTES:
        click.echo(f"  ... and {len(notes) - NOTES:,} more")
    if report.marks_elsewhere:
        click.echo(f"\n{number(report.marks_elsewhere, 'mark')} about other logs not looked at.")
    click.echo(f"\n{_verdict(report)}")


def _verdict(report: Report) -> str:
    lost = [log for log in report.logs if log.lost is not None]
    if not report.broken:
        return "Everything is there that is known of."
    missing = sum(log.known - log.lines for log in lost)
    back = sum(span[1] - span[0] + 1 for log in lost if (span := log.restorable) is not None)
    return f"{number(missing, 'line')} missing, of which this host can put back {back:,}."


def _row(log: LogReport) -> tuple[str, ...]:
    lost = "-" if log.lost is None else f"{log.lost[0]}-{log.lost[1]}"
    copied = "-" if log.copied is None else f"{log.copied:,}"
    return log.who, f"{log.lines:,}", lost, f"{log.marked:,}" if log.marked else "-", copied


def _place(found: Found) -> str:
    at = "" if found.offset is None else f", byte {found.offset}"
    return clean(f"{found.file}{at}")
