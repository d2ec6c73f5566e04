"""`orchestrator serve`: the service."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Configuration file; by default config.yaml in the working directory, if it is there.",
)
@click.option("--host", help="Address to listen on, instead of the configured one.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one."
)
@click.pass_context
def serve(ctx: click.Context, config: Path | None, host: str | None, port: int | None) -> None:
    """Run the service.

    It prints its address once it takes requests, and runs until Ctrl-C or SIGTERM. Interactive
    documentation of its API is at /docs.
    """
    from orchestrator.serve import main

    ctx.exit(main(config, host, port, announce=click.echo))
