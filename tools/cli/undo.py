"""What `orchestrator log undo` does: open the project as a service would, undo, and report.

This process is a writer of its own, so it may write while services do. Files are another matter:
a service settles what its host has begun to move, and would meddle. So while one answers on this
computer, files are left to it.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import orjson
from attrs import asdict

from orchestrator.config import Config, load_config
from orchestrator.gallery.fileops.bin import Bin
from orchestrator.gallery.fileops.engine import Engine
from orchestrator.gallery.fileops.service import FileWork
from orchestrator.gallery.finder import Finder
from orchestrator.gallery.past.filework import FileMover, GalleryFiles
from orchestrator.gallery.past.selecting import Selection
from orchestrator.gallery.past.service import Past, ToldUndo
from orchestrator.gallery.past.telling import Told
from orchestrator.host import load_host
from orchestrator.paths.roots import Roots
from orchestrator.project import Project
from orchestrator.projects import Projects
from orchestrator.wording import number
from tools.cli.place import locate
from tools.cli.quiet import warnings_on_stderr
from tools.cli.terminal import clean, zulu

DEFAULT_CONFIG = Path("config.yaml")
#: A service on this computer answers within this time (seconds).
_PROBE = 0.5


def undo(
    project: Path,
    wanted: Selection,
    config: Path | None,
    *,
    person: str | None,
    dry_run: bool,
    force: bool,
    machine: bool,
) -> int:
    """Undo edits and print what came of it; the exit code.

    Raises:
        OrchestratorError: it cannot be opened, read or written.
    """
    place = locate(project)
    if config is None and DEFAULT_CONFIG.exists():
        config = DEFAULT_CONFIG
    settings = load_config(config, os.environ)
    with warnings_on_stderr():
        told = asyncio.run(
            _undo(place.root.resolve(), settings, wanted, person or person_here(), dry_run, force)
        )
    if machine:
        click.echo(orjson.dumps(_plain(told, dry_run=dry_run), option=orjson.OPT_INDENT_2))
    else:
        _show(told, dry_run=dry_run)
    return 1 if told.conflicts or told.impossible else 0


async def _undo(
    root: Path, config: Config, wanted: Selection, person: str, dry_run: bool, force: bool
) -> ToldUndo:
    projects = Projects(load_host(config.data_dir), config.data_dir)
    finder = Finder(Roots((root,), ()), projects, _nothing_before)
    engine = Engine()
    mover: FileMover | None = None
    if not await asyncio.to_thread(_served, config):
        mover = GalleryFiles(FileWork(finder, engine), Bin(finder, engine))
    past = Past(finder, mover)
    projects.listeners.append(past.hear)
    try:
        return await past.undo(str(root), wanted, person, dry_run=dry_run, force=force)
    finally:
        past.close()
        await engine.close()
        await projects.close()


async def _nothing_before(project: Project, actor: str) -> None:
    """Whoever undoes edits has edited before: nothing of a predecessor waits to be taken over."""


def _served(config: Config) -> bool:
    """Whether something answers where the service of this computer listens. Blocks."""
    host = "127.0.0.1" if config.host in ("0.0.0.0", "::", "") else config.host  # noqa: S104 # asked, not bound
    try:
        socket.create_connection((host, config.port), timeout=_PROBE).close()
    except OSError:
        return False
    return True


def person_here() -> str:
    """Who runs this; a container may have no name for its user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "undo"


def _show(told: ToldUndo, *, dry_run: bool) -> None:
    _list("would be undone" if dry_run else "undone", told.done)
    for edit, later in told.conflicts:
        click.echo(f"left alone: {_line(edit)}")
        click.echo(f"  because of: {_line(later)}")
    for edit, why in told.impossible:
        click.echo(f"cannot be undone: {_line(edit)}")
        click.echo(f"  {clean(why)}")
    done = number(len(told.done), "edit")
    left = len(told.conflicts) + len(told.impossible)
    click.echo(f"{done} {'would be ' if dry_run else ''}undone, {left:,} left alone.")
    if told.undo is not None:
        click.echo(f"To redo: --batch {told.undo}")


def _list(what: str, edits: Iterable[Told]) -> None:
    for edit in edits:
        click.echo(f"{what}: {_line(edit)}")


def _line(edit: Told) -> str:
    at = edit.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return clean(f"{at}  {edit.actor}  {edit.path or '-'}  {edit.text}")


def _plain(told: ToldUndo, *, dry_run: bool) -> dict[str, Any]:
    return {
        "undo": told.undo,
        "dry_run": dry_run,
        "done": [_edit(edit) for edit in told.done],
        "conflicts": [{"edit": _edit(e), "later": _edit(later)} for e, later in told.conflicts],
        "impossible": [{"edit": _edit(edit), "why": why} for edit, why in told.impossible],
    }


def _edit(edit: Told) -> dict[str, Any]:
    return {**asdict(edit, recurse=False), "at": zulu(edit.at)}
