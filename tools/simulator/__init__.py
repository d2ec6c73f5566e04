"""A simulated ComfyUI: its HTTP and WebSocket protocol, its quirks, and faults on request.

It answers as recordings of ComfyUI 0.3.75 do. Nothing is computed: samplers paint landscapes that
depend on the prompt's words and seed. Importing this package loads nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.simulator.behaviour import VIEW_FAULTS, Behaviour, BehaviourError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tools.simulator.server import Simulator

__all__ = ["VIEW_FAULTS", "Behaviour", "BehaviourError", "Simulator", "run"]


def run(
    host: str,
    port: int,
    folder: Path,
    behaviour: Behaviour,
    *,
    announce: Callable[[str], None],
) -> None:
    """Serve in this process until SIGINT or SIGTERM; see `tools.simulator.server.run`."""
    from tools.simulator import server

    server.run(host, port, folder, behaviour, announce=announce)


def __getattr__(name: str) -> object:
    """`Simulator` is imported when it is first asked for, with aiohttp and Pillow."""
    if name == "Simulator":
        from tools.simulator.server import Simulator

        return Simulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
