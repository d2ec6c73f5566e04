"""What `orchestrator log skip` does: give up lines of a log that nobody can read any more."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from events.log.disk_io import DiskIO
from events.log.mirror import Mirror
from events.log.skip import Found, find_gap
from events.vocabulary import FAMILIES
from events.witness import LogGap
from orchestrator.commands.witness import GiveUpLines
from orchestrator.config import Config
from orchestrator.host import load_host
from orchestrator.projects import Projects
from tools.cli.copies import copy_of, settings_of
from tools.cli.lazy import Refusal
from tools.cli.place import Place, locate
from tools.cli.quiet import warnings_on_stderr
from tools.cli.reading import gaps_in
from tools.cli.terminal import number
from tools.cli.undo import person_here

#: All event types are registered by that import.
assert FAMILIES


def skip(
    project: Path, log: str, line: int, config: Path | None, *, person: str | None, dry_run: bool
) -> int:
    """Give up the lines of `log` (`writer.host`) from `line` on, up to the next good one.

    Raises:
        Refusal: reading does not stop there, or the lines can be put back.
        OrchestratorError: the project cannot be opened, or written.
    """
    place = locate(project)
    found = _look(place, log, line)
    _refuse_restorable(copy_of(place, config), found)
    span = f"{number(found.behind.sequence - line + 1, 'line')} ({line} to {found.behind.sequence})"
    if dry_run:
        click.echo(f"{span} of {log} would be given up for ever.")
        return 0
    with warnings_on_stderr():
        asyncio.run(_give_up(place, settings_of(config), found, person or person_here()))
    click.echo(f"{span} of {log} are given up; all hosts read on behind them.")
    return 0


def _look(place: Place, log: str, line: int) -> Found:
    found = find_gap(place.log, place.project, log, DiskIO(), gaps_in(place.log, place.project))
    if found is None:
        message = f"Reading of {log} does not stop before good lines."
        raise Refusal(message, "Name a log and its first missing line as `log verify` tells them.")
    if found.first != line:
        message = f"The first line of {log} that is missing is {found.first}, not {line}."
        raise Refusal(message, "Give up what is really missing, or nothing.")
    return found


def _refuse_restorable(mirror: Mirror, found: Found) -> None:
    """What can be put back must not be given up."""
    if mirror.end(found.who).sequence >= found.first:
        message = f"This host has lines of {found.who} from {found.first} on."
        raise Refusal(message, "Run `orchestrator log repair` here.")


async def _give_up(place: Place, config: Config, found: Found, person: str) -> None:
    projects = Projects(load_host(config.data_dir), config.data_dir)
    at = found.behind
    gap = LogGap(
        log=found.who,
        first=found.first,
        last=at.sequence,
        chain=at.chain,
        segment=at.segment,
        offset=at.offset,
    )
    try:
        project = await projects.get(place.root.resolve())
        await project.change(GiveUpLines(gap=gap), person)
    finally:
        await projects.close()
