"""What `orchestrator jobs adopt` does: open the project as a service would, and take jobs over.

This process is a writer of its own, so it may write while the service of this computer does. That
one reads of it like of anything that another writer tells, and goes on with the jobs.
"""

from __future__ import annotations

import asyncio
import getpass
import os
from pathlib import Path

import click
import orjson

from orchestrator.adopting import Adopted, adopt
from orchestrator.config import Config, load_config
from orchestrator.host import load_host
from orchestrator.projects import Projects
from orchestrator.wording import number
from tools.cli.place import locate
from tools.cli.quiet import warnings_on_stderr
from tools.cli.terminal import clean

DEFAULT_CONFIG = Path("config.yaml")


def adopt_host(
    host: str, project: Path, config: Path | None, *, force: bool, machine: bool
) -> None:
    """Take over the jobs of a host, and print which.

    Raises:
        OrchestratorError: the host may be there, or the project cannot be opened or written.
    """
    place = locate(project)
    if config is None and DEFAULT_CONFIG.exists():
        config = DEFAULT_CONFIG
    settings = load_config(config, os.environ)
    with warnings_on_stderr():
        found = asyncio.run(_adopt(place.root.resolve(), settings, host, force=force))
    if machine:
        plain = {
            "host": found.host,
            "by": found.by,
            "jobs": found.jobs,
            "silent_seconds": found.silent,
        }
        click.echo(orjson.dumps(plain, option=orjson.OPT_INDENT_2))
        return
    for job in found.jobs:
        click.echo(f"taken over: {clean(job)}")
    told = number(len(found.jobs), "job")
    click.echo(f"{told} of host {clean(found.host)} taken over by this host, {found.by}.")


async def _adopt(root: Path, config: Config, host: str, *, force: bool) -> Adopted:
    projects = Projects(load_host(config.data_dir), config.data_dir)
    try:
        return await adopt(await projects.get(root), host, _person(), force=force)
    finally:
        await projects.close()


def _person() -> str:
    """Who runs this; a container may have no name for its user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "adopt"
