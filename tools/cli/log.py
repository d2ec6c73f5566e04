"""`orchestrator log`: reading a project's log. Nothing here writes anything."""

from __future__ import annotations

import click

from tools.cli.lazy import LazyCommand, LazyGroup


@click.group(
    cls=LazyGroup,
    commands_at={
        "replay": LazyCommand(
            "tools.cli.replay:replay", "Show the state that the log tells, now or at a time."
        ),
        "history": LazyCommand(
            "tools.cli.history:history", "Show who changed what, when, from what to what."
        ),
        "audit": LazyCommand("tools.cli.audit:audit", "Check every promise of the log's format."),
        "cat": LazyCommand("tools.cli.cat:cat", "Print the log's lines as they are."),
    },
)
def log() -> None:
    """Read a project's log: replay, history, audit, cat.

    PROJECT is a project's folder, or the .gallery folder in it. The commands only read; they
    create nothing, and may run while services write.
    """
