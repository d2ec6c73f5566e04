"""Fixtures for tests of the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.cli.stories import Story, shoot
from tools.cli import main

ROOT = Path(__file__).parents[2]

Run = Callable[..., Result]
Process = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def run() -> Run:
    """Run the command line in this process; arguments may be paths."""

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(a) for a in arguments], prog_name="orchestrator")

    return invoke


def environment(**extra: str) -> dict[str, str]:
    """What a real process of the command line needs to find the code."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **extra}


@pytest.fixture
def process() -> Process:
    """Run the command line as a process of its own, in a shell's way."""

    def invoke(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "tools.cli", *(str(a) for a in arguments)]
        options.setdefault("env", environment())
        return subprocess.run(command, capture_output=True, timeout=60, check=False, **options)

    return invoke


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """The small project; its services run until the test ends, or stops them."""
    told = shoot(tmp_path / "film")
    yield told
    told.stop()
