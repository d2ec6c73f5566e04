"""The command line: `orchestrator`, also `python -m tools.cli`.

Nothing but click is imported before a command is chosen, so that it starts at once.
"""

from __future__ import annotations

import click

import orchestrator
from tools.cli.lazy import LazyCommand, Program


@click.group(
    cls=Program,
    commands_at={
        "serve": LazyCommand("tools.cli.serve:serve", "Run the service."),
        "demo": LazyCommand(
            "tools.cli.demo:demo", "Show everything: sample project, simulated backends, service."
        ),
        "simulate": LazyCommand("tools.cli.simulate:simulate", "Run a simulated ComfyUI server."),
        "import": LazyCommand(
            "tools.cli.import_:import_",
            "Take over what a predecessor of this service kept in a project.",
        ),
        "doctor": LazyCommand("tools.cli.doctor:doctor", "Measure a share as it is mounted here."),
        "jobs": LazyCommand("tools.cli.jobs_:jobs_", "Take over the jobs of a host that is gone."),
        "log": LazyCommand(
            "tools.cli.log:log", "Read a project's log: replay, history, jobs, audit, cat."
        ),
    },
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(orchestrator.__version__, prog_name="orchestrator")
def main() -> None:
    """Orchestrator for AI film production with ComfyUI.

    Jobs, gallery, and an append-only event log on the NAS.

    Exit codes: 0 all is well, 1 a check found something broken, 2 the command could not do its
    work; then one line says why, and one what to do.
    """
