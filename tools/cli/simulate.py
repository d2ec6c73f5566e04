"""`orchestrator simulate`: a ComfyUI that computes nothing, for trying things out."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import click

from tools import simulator
from tools.cli.lazy import Refusal
from tools.simulator import VIEW_FAULTS, Behaviour, BehaviourError


def _option(field: attrs.Attribute[Any]) -> click.Option:
    """The option for one field of `Behaviour`."""
    name, default = field.name.replace("_", "-"), field.default
    kind: Any = None
    flags = [f"--{name}"]
    if isinstance(default, bool):
        flags = [f"--{name}/--no-{name}"]
    elif field.name == "view_fault":
        kind = click.Choice(VIEW_FAULTS)
    else:
        kind = type(default)
    return click.Option(
        flags, type=kind, default=default, show_default=True, help=field.metadata["help"]
    )


def _behave(**values: Any) -> Behaviour:
    try:
        return Behaviour(**values)
    except BehaviourError as exc:
        raise click.UsageError(f"{exc}.") from exc


@click.command(params=[_option(field) for field in attrs.fields(Behaviour)])
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8188,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for its input, output, temp and models; by default a temporary one.",
)
def simulate(host: str, port: int, folder: Path | None, **behaviour: Any) -> None:
    """Run a simulated ComfyUI server.

    It speaks ComfyUI's protocol and renders pictures that depend on the prompt's words and seed,
    without GPU or models. It can be told to be slow, to fail, to lose its memory or to hang; with
    --control also while it runs, through its routes below /simulator.
    """
    chosen = _behave(**behaviour)
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="simulator-")))
        try:
            simulator.run(host, port, folder, chosen, announce=click.echo)
        except OSError as exc:
            remedy = "Choose another --port (0 takes a free one), --host or --folder."
            raise Refusal(f"The simulated server cannot start: {exc}", remedy) from exc
