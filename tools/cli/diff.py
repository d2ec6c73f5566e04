"""`orchestrator log diff`: what differs between two times."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import orjson

from events.stamp import before
from orchestrator.gallery.past.differences import Difference, Kind, differences, moves
from projections.catalogue import empty_tables
from projections.history import History
from projections.project import ProjectView
from tools.cli.place import locate, unreadable
from tools.cli.reading import Reading, gc_paused, total_bytes, unlistable
from tools.cli.terminal import clean, progress, warn_of


def diff(project: Path, since: datetime, until: datetime | None, *, machine: bool) -> None:
    """Print what differs.

    Raises:
        OrchestratorError: there is no log to be read.
    """
    place = locate(project)
    first, end = before(since), None if until is None else before(until)
    then, now, history = empty_tables(), empty_tables(), History()
    with gc_paused(), progress("compare", total_bytes(place.log)) as advance:
        reading = Reading(place.log, place.project, advance)
        for records in reading.records():
            past = [record for record in records if record.stamp < first]
            known = [record for record in records if end is None or record.stamp < end]
            then.apply(past)
            now.apply(known)
            history.add(known)
        findings = reading.findings()
        reason = unlistable(place.log, findings)
        if reason is not None:
            raise unreadable(place.root, reason)
        between = moves(history.between(first, end))
        found = differences(ProjectView(then), ProjectView(now), between)
    for each in found:
        if machine:
            sys.stdout.buffer.write(orjson.dumps(_plain(each)) + b"\n")
        else:
            click.echo(clean(f"{each.path or each.name or '-'}  {_words(each)}"))
    sys.stdout.flush()
    warn_of(findings)
    if not found:
        click.echo("note: nothing differs", err=True)


def _plain(each: Difference) -> dict[str, Any]:
    return {
        "kind": each.kind.value,
        "path": each.path,
        "asset": each.asset,
        "name": each.name,
        "old": each.old,
        "new": each.new,
    }


def _words(each: Difference) -> str:
    old, new = each.old, each.new
    match each.kind:
        case Kind.RATED:
            return f"rated {old or 'none'} -> {new or 'none'}"
        case Kind.TAGGED:
            return f"tag {new} added"
        case Kind.UNTAGGED:
            return f"tag {old} removed"
        case Kind.NOTED:
            return f"note {old or '(none)'} -> {new or '(none)'}"
        case Kind.MOVED:
            return f"was {old}"
        case Kind.TAG | Kind.VIEW:
            done = "made" if old is None else "deleted" if new is None else "changed"
            return f"{each.kind.value} {done}"
        case Kind.ADDED:
            return "first noted"
        case Kind.PURGED:
            return "deleted for good"
        case _:
            return each.kind.value
