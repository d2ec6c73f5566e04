"""What `orchestrator log repair` does: put lost lines back from this host's copy, and report."""

from __future__ import annotations

import time
from pathlib import Path

import click
import orjson
from attrs import asdict, define, field

from events.log.disk_io import DiskIO
from events.log.folder import FolderLog
from events.log.format_file import Format, load
from events.log.mirror import Mirror
from events.log.repair import Lost, Plan, plan, restore
from events.vocabulary import FAMILIES
from orchestrator.errors import ProjectReadOnly
from orchestrator.host import load_host
from tools.cli.copies import copy_of, settings_of
from tools.cli.place import Place, locate, unreadable
from tools.cli.reading import gaps_in, total_bytes
from tools.cli.terminal import clean, number, progress

#: All event types are registered by that import.
assert FAMILIES
#: What seems lost is looked for once more after so many seconds: a network share may show other
#: hosts' lines a little late.
DOUBT_SECONDS = 5.0


@define
class Outcome:
    """What a repair came to."""

    plan: Plan
    #: New files, and what is still missing or wrong.
    made: list[str] = field(factory=list)
    left: Plan | None = None


def repair(project: Path, config: Path | None, *, dry_run: bool, machine: bool) -> int:
    """Repair a project's log and print what came of it; the exit code.

    Raises:
        OrchestratorError: there is no log to be read, or nothing may be written to it.
        OSError: the share refuses.
    """
    place = locate(project)
    mirror = copy_of(place, config)
    outcome = Outcome(_look(place, mirror))
    if outcome.plan.restore and DOUBT_SECONDS:
        time.sleep(DOUBT_SECONDS)
        outcome.plan = _look(place, mirror)
    if outcome.plan.restore and not dry_run:
        _carry_out(place, mirror, config, outcome)
    if machine:
        click.echo(_document(place, outcome, dry_run=dry_run))
    else:
        _show(place, outcome, dry_run=dry_run)
    left = outcome.left or outcome.plan
    return 1 if left.restore or left.diverged or left.beyond else 0


def _look(place: Place, mirror: Mirror) -> Plan:
    gaps = gaps_in(place.log, place.project)
    with progress("look", total_bytes(place.log)) as advance:
        return plan(place.log, place.project, mirror, DiskIO(), advance, gaps)


def _carry_out(place: Place, mirror: Mirror, config: Path | None, outcome: Outcome) -> None:
    """Put back, while no other host does the same.

    If two do, it is for nothing, but it does no harm (FORMAT.md H2).
    """
    found = load(place.gallery)
    if found is None:
        raise unreadable(place.root, "its FORMAT has just gone; see that its share is mounted")
    log = _log(place, found, config)
    claim = log.claim("repair", "log")
    if claim is None:
        other = log.claimant("repair", "log")
        raise ProjectReadOnly(str(place.root), f"host {other} repairs it now; try again later")
    try:
        for lost in outcome.plan.restore:
            outcome.made += restore(place.log, place.project, mirror, lost, DiskIO())
    finally:
        claim.release()
        log.close()
    outcome.left = _look(place, mirror)


def _log(place: Place, found: Format, config: Path | None) -> FolderLog:
    return FolderLog(place.gallery, found, load_host(settings_of(config).data_dir).id)


def _document(place: Place, outcome: Outcome, *, dry_run: bool) -> bytes:
    left = outcome.left or outcome.plan
    return orjson.dumps(
        {
            "project": place.project,
            "folder": str(place.root),
            "dry_run": dry_run,
            "restorable": [asdict(lost) for lost in outcome.plan.restore],
            "files": outcome.made,
            "diverged": [asdict(diverged) for diverged in left.diverged],
            "left": [{**asdict(f), "kind": f.kind.value} for f in left.beyond],
        },
        option=orjson.OPT_INDENT_2,
    )


def _show(place: Place, outcome: Outcome, *, dry_run: bool) -> None:
    click.echo(f"Project {place.project} in {clean(str(place.root))}")
    for lost in outcome.plan.restore:
        done = "can be put back" if dry_run else "put back"
        click.echo(f"{_span(lost)} of {lost.who}: {done}")
    for name in outcome.made:
        click.echo(f"  new file {name}")
    left = outcome.left or outcome.plan
    for diverged in left.diverged:
        click.echo(
            f"{diverged.who}: its line {diverged.sequence} is not the one that this host has read "
            "before; nothing was put back. Compare with the copies of other hosts."
        )
    for finding in left.beyond:
        told = f"{finding.file}, byte {finding.offset}: {finding.message}"
        click.echo(f"still broken: {clean(told)}")
    if left.beyond:
        click.echo("Run this on each other host that has worked on the project.")
    if not (outcome.plan.restore or left.diverged or left.beyond):
        click.echo("Nothing is missing that this host knows of.")


def _span(lost: Lost) -> str:
    return f"{number(lost.last - lost.first + 1, 'line')} ({lost.first} to {lost.last})"
