"""`orchestrator demo`: everything at once, without GPU, ComfyUI or configuration.

A sample project is painted, two simulated ComfyUI servers and the service are started as
processes of their own, and pictures are rated and tagged through the service. Importing this
package loads nothing heavy.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["main"]


def main(*, once: bool, port: int | None, keep: Path | None) -> int:
    """Run the demo in this process until it is done, or until SIGINT or SIGTERM.

    Args:
        once: do the whole main job, print each step with its result, and end.
        port: of the service; None takes ORCHESTRATOR_PORT, else 9820 (with `once` a free one).
        keep: a folder for everything, which is kept and can be used again; None makes a temporary
            one, which is deleted at the end.

    Returns:
        The exit code. 0: stopped on request; with `once`, every step held and the replayed state
        equals the live state. 1: a step failed, or the service ended by itself. 2: the demo
        cannot be set up. With `once`, 128 and the signal's number if one came in the middle.
    """
    from tools.demo.running import run

    return run(once=once, port=port, keep=keep)
