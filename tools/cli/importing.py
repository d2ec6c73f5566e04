"""What `orchestrator import` does: open the project as a service would, import it, and report."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import orjson

from orchestrator.config import Config, load_config
from orchestrator.gallery.legacy.importer import Importer
from orchestrator.gallery.legacy.report import Report, SourceReport
from orchestrator.gallery.legacy.sources import SOURCES
from orchestrator.host import load_host
from orchestrator.paths.roots import Roots
from orchestrator.projects import Projects
from tools.cli.place import gallery_of
from tools.cli.quiet import warnings_on_stderr
from tools.cli.terminal import clean, number, table

DEFAULT_CONFIG = Path("config.yaml")
#: Reasons of which that many examples are shown.
EXAMPLES = 5
#: What is counted, for people: one, and many.
_NOUNS = {
    "tags": ("tag", "tags"),
    "views": ("view", "views"),
    "ratings": ("rating", "ratings"),
    "file_tags": ("tag on a file", "tags on files"),
    "notes": ("note", "notes"),
    "awaited": ("file that is not there, kept until it turns up",) * 2,
    "trashed": ("file in the trash", "files in the trash"),
}


def import_project(project: Path, config: Path | None, *, dry_run: bool, machine: bool) -> int:
    """Import a project and print the report; the exit code.

    Raises:
        OrchestratorError: it cannot be opened, read or written.
    """
    root, _ = gallery_of(project)
    if config is None and DEFAULT_CONFIG.exists():
        config = DEFAULT_CONFIG
    settings = load_config(config, os.environ)
    with warnings_on_stderr():
        report = asyncio.run(_import(root.resolve(), settings, dry_run=dry_run))
    if machine:
        click.echo(orjson.dumps(report.plain(), option=orjson.OPT_INDENT_2))
    else:
        _show(root, report)
    return 0 if report.whole else 1


async def _import(root: Path, config: Config, *, dry_run: bool) -> Report:
    permits = Roots(config.roots, config.path_mappings).permits if config.roots else None
    projects = Projects(load_host(config.data_dir), config.data_dir)
    try:
        with _bar() as progress:
            opened = await projects.get(root)
            return await Importer(permits).run(
                opened, _person(), dry_run=dry_run, progress=progress
            )
    finally:
        await projects.close()


def _person() -> str:
    """Who runs this; a container may have no name for its user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "import"


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr that shows how many files are done, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("import", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _show(root: Path, report: Report) -> None:
    click.echo(f"Project {clean(str(root))}")
    for name in report.earlier:
        click.echo(f"{name}: imported before, and not written to since")
    if not report.earlier and not report.sources:
        click.echo(f"Nothing to import: there is none of {', '.join(SOURCES)}")
    for source in report.sources:
        _show_source(source, dry_run=report.dry_run)
    _show_left_out(report)
    if report.dry_run:
        click.echo("Nothing was recorded.")


def _show_source(source: SourceReport, *, dry_run: bool) -> None:
    click.echo(f"{source.name}: {'would be imported' if dry_run else 'imported'}")
    if source.fault is not None:
        click.echo(f"  damaged: {clean(source.fault)}")
        click.echo("  what could be read was used; the file is looked at again next time")
    for word, nouns in _NOUNS.items():
        count = source.counts[word]
        if count:
            click.echo(f"  {count:,} {nouns[count != 1]}")
    if not source.counts.total():
        click.echo("  nothing new in it")
    if source.silent:
        click.echo(f"  {number(source.silent, 'record')} in which nothing is said")


def _show_left_out(report: Report) -> None:
    left = report.left
    if not left.total:
        return
    rows = []
    for (source, reason), count in sorted(left.counts.items()):
        named = [one.what for one in left.named if (one.source, one.reason) == (source, reason)]
        more = f" and {count - EXAMPLES:,} more" if count > EXAMPLES else ""
        rows.append((f"{count:,}", reason, ", ".join(named[:EXAMPLES]) + more))
    table("Left out", ("how many", "why", "which"), rows, limit=0)
