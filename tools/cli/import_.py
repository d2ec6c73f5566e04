"""`orchestrator import`: take over a project that used the predecessor of this service."""

from __future__ import annotations

from pathlib import Path

import click

from tools.cli.arguments import json_option, project_argument


@click.command("import")
@project_argument
@click.option("--dry-run", is_flag=True, help="Only tell what would be taken over.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Configuration file of the service on this computer; by default config.yaml in the "
    "working directory, if it is there.",
)
@json_option("The report as one JSON document.")
@click.pass_context
def import_(
    ctx: click.Context, project: Path, dry_run: bool, config: Path | None, machine: bool
) -> None:
    """Take over what a predecessor of this service kept in a project.

    Ratings, notes, tags and views of .gallery/gallery.json, and the files in the old .trash,
    become events of the project's log. The old files are left as they are. What people have said
    since stays; an import that was cut short is gone on with; a second one adds only what is new.
    It may run while services work on the project, which do the same by themselves at its first
    edit.

    Exit codes: 0 all was taken over, 1 an old file is damaged and only part of it was, 2 it could
    not be done.
    """
    from tools.cli import importing

    ctx.exit(importing.import_project(project, config, dry_run=dry_run, machine=machine))
