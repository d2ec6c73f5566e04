"""How long the command line takes to start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.figures import Figure, best_of, seconds


def run(folder: Path) -> list[Figure]:
    """All figures of this module."""
    command = [sys.executable, "-m", "tools.cli", "log", "--help"]

    def start() -> float:
        return seconds(lambda: subprocess.run(command, capture_output=True, check=True))

    return [
        Figure(name="command line to its help", value=1000 * best_of(7, start), unit="ms",
               goal="<= 100")
    ]  # fmt: skip
