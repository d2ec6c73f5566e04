"""`orchestrator log audit`: every promise of the log's format, checked."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click
import orjson
from attrs import asdict

from tools.audit.findings import Finding, Severity
from tools.audit.promises import BESIDES, PROMISES
from tools.audit.report import Report, Verdict
from tools.audit.report import audit as check
from tools.cli.place import gallery_of
from tools.cli.reading import gc_paused
from tools.cli.terminal import clean, number, progress, table

#: Findings of a kind that breaks nothing, shown unless all are asked for.
NOTES = 20


def audit(project: Path, *, files: bool, notes: bool, machine: bool) -> int:
    """Audit a project's log and print the report; the exit code.

    Raises:
        OrchestratorError: there is no log to be audited.
    """
    root, gallery = gallery_of(project)
    with gc_paused():
        report = check(
            root,
            gallery,
            outputs=files,
            phase=progress,
            now_ms=time.time_ns() // 1_000_000,
        )
    if machine:
        click.echo(_document(root, report))
    else:
        _show(root, report, all_notes=notes)
    return 1 if report.broken else 0


def _document(root: Path, report: Report) -> bytes:
    return orjson.dumps(
        {
            "project": report.project,
            "folder": str(root),
            "verdict": "broken" if report.broken else "held",
            "records": report.records,
            "state_hash": report.state_hash,
            "writers": [asdict(writer) for writer in report.writers],
            "promises": [_promise(verdict) for verdict in report.verdicts],
            "findings": [_finding(finding) for finding in report.findings],
            "findings_not_listed": report.more,
        },
        option=orjson.OPT_INDENT_2,
    )


def _promise(verdict: Verdict) -> dict[str, Any]:
    promise = verdict.promise
    return {
        "id": promise.id,
        "says": promise.says,
        "result": verdict.result,
        "looked_at": verdict.looked,
        "broken": verdict.broken,
        "notes": verdict.notes,
        "checks": [check.value for check in promise.checks],
        "unseen": promise.unseen,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "promises": _promises_of(finding),
        "check": finding.check.value,
        "severity": finding.severity.value,
        "file": finding.file,
        "offset": finding.offset,
        "what": finding.what,
        "lost": finding.lost,
        "remedy": finding.remedy,
    }


def _promises_of(finding: Finding) -> list[str]:
    return [p.id for p in (*PROMISES, *BESIDES) if finding.check in p.checks]


def _show(root: Path, report: Report, *, all_notes: bool) -> None:
    lines = sum(writer.top for writer in report.writers)
    taken = sum(writer.good for writer in report.writers)
    click.echo(f"Project {report.project} in {clean(str(root))}")
    click.echo(
        f"{number(len(report.writers), 'writer')}, {number(lines, 'line')}, of which readers take "
        f"{taken:,}: {number(report.records, 'event')}"
    )
    click.echo(f"State hash {report.state_hash}")
    table(
        "Promises",
        ("id", "promise", "result", "looked at", "notes"),
        [
            (
                verdict.promise.id,
                verdict.promise.says,
                _result(verdict),
                f"{verdict.looked:,}" if verdict.promise.checks else "-",
                f"{verdict.notes:,}" if verdict.notes else "-",
            )
            for verdict in report.verdicts
        ],
        limit=0,
    )
    unseen = [(v.promise.id, v.promise.unseen) for v in report.verdicts if v.promise.unseen]
    table("What cannot be seen in a log", ("id", "why"), unseen, limit=0)
    _list(report, all_notes=all_notes)
    broken = sum(1 for verdict in report.verdicts if verdict.result == "broken")
    click.echo(f"\n{number(broken, 'promise')} broken." if broken else "\nAll promises held.")


def _result(verdict: Verdict) -> str:
    return f"BROKEN ({verdict.broken:,})" if verdict.broken else verdict.result


def _list(report: Report, *, all_notes: bool) -> None:
    notes = 0
    for finding in report.findings:
        if finding.severity is Severity.BROKEN:
            ids = ", ".join(_promises_of(finding))
            click.echo(f"\nBROKEN ({ids}) in {_place(finding)}")
            click.echo(f"  {clean(finding.what)}")
            click.echo(f"  lost: {clean(finding.lost)}")
            click.echo(f"  do:   {finding.remedy}")
            continue
        notes += 1
        if all_notes or notes <= NOTES:
            intro = "\nNotes\n" if notes == 1 else ""
            click.echo(f"{intro}  {_place(finding)}: {clean(finding.what)}")
            click.echo(f"    {finding.remedy}")
    if not all_notes and notes > NOTES:
        click.echo(f"  ... and {notes - NOTES:,} more; --notes shows them")
    if report.more:
        click.echo(f"  ... and {report.more:,} more of the same kinds in the same files")


def _place(finding: Finding) -> str:
    at = "" if finding.offset is None else f", byte {finding.offset}"
    return clean(f"{finding.file}{at}")
