"""`orchestrator doctor`: whether the log can live on a share, as this host has mounted it."""

from __future__ import annotations

from pathlib import Path

import click

from tools.cli.arguments import json_option, project_argument


@click.command()
@project_argument
@click.option(
    "--seconds",
    type=click.FloatRange(0.5, 3600),
    default=10.0,
    show_default=True,
    metavar="N",
    help="Time for appending and watching; the rest takes what it takes.",
)
@click.option(
    "--peer",
    "peers",
    multiple=True,
    metavar="URL",
    help="A service on another host that has this project; may be repeated.",
)
@click.option(
    "--assist",
    is_flag=True,
    help="Measure nothing, but be the second host for a doctor that begins elsewhere.",
)
@json_option("The report as one JSON document.")
@click.pass_context
def doctor(
    ctx: click.Context,
    project: Path,
    seconds: float,
    peers: tuple[str, ...],
    assist: bool,
    machine: bool,
) -> None:
    """Measure a share as it is mounted here.

    How fast appends are durable, how soon other processes see them, whether creating and renaming
    are exclusive, how names and times are kept, how the share is mounted, and how the project's
    log stands: what holds, what does not, and what to change.

    PROJECT is a folder on the share. All that is written lies in one folder in its .gallery, and
    is removed in the end. To measure between two hosts, first run it with --assist on the other.

    Exit codes: 0 all holds, perhaps with warnings, 1 something does not hold, 2 it could not be
    measured.
    """
    from tools.cli import examining

    if assist:
        examining.assist_elsewhere(project)
    else:
        ctx.exit(examining.examine(project, seconds=seconds, peers=peers, machine=machine))
