"""`orchestrator jobs`: what is done with the jobs of a project, over all of its hosts."""

from __future__ import annotations

from pathlib import Path

import click

from tools.cli.arguments import json_option, project_argument


@click.group("jobs")
def jobs_() -> None:
    """Take over the jobs of a host that is gone.

    What became of jobs is told by `orchestrator log jobs` and `log why`.
    """


@jobs_.command()
@click.argument("host")
@project_argument
@click.option("--force", is_flag=True, help="Also if the host was heard of in the last 5 minutes.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Configuration file of the service on this computer; by default config.yaml in the "
    "working directory, if it is there.",
)
@json_option("What was taken over as one JSON document.")
def adopt(host: str, project: Path, force: bool, config: Path | None, machine: bool) -> None:
    """Take over the open jobs of HOST, which is gone, in PROJECT: this computer runs them.

    HOST is an id, as `orchestrator log jobs --json` shows it. The service of this computer goes on
    with the jobs, at once if it runs and has the project open, else from its next start on. A
    host that comes back sees what became of its jobs, and leaves them alone.

    It is refused while the host was heard of in the last five minutes. With --force it is done all
    the same: that host lets go of the jobs as soon as it reads of it, and what both do until then
    is done twice.
    """
    from tools.cli import adopt as command

    command.adopt_host(host, project, config, force=force, machine=machine)
