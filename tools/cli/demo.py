"""`orchestrator demo`: everything at once, without GPU, ComfyUI or configuration."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--once",
    is_flag=True,
    help="Do the whole main job, print each step with its result, and end; exit code 0 only if "
    "the replayed state equals the live state.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port of the service; by default ORCHESTRATOR_PORT or 9820.",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for everything it makes, which is kept; by default a temporary one.",
)
@click.pass_context
def demo(ctx: click.Context, once: bool, port: int | None, keep: Path | None) -> None:
    """Show everything: sample project, simulated backends, service.

    It needs no GPU, no ComfyUI and no configuration, prints what to open and what to try, and
    stops on Ctrl-C.
    """
    from tools.demo import main

    ctx.exit(main(once=once, port=port, keep=keep))
