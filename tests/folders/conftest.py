"""A share with a project, and who permits it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.paths.roots import Roots

#: Makes files of a project, each a second younger than the one before.
Fill = Callable[..., None]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project on a share."""
    made = tmp_path / "share" / "Eliot"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def roots(project: Path) -> Roots:
    """The share is permitted, and nothing else."""
    return Roots((project.parent,))


@pytest.fixture
def fill(project: Path) -> Fill:
    """Makes files in the project."""

    def make(*names: str) -> None:
        for second, name in enumerate(names):
            file = project / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"x")
            os.utime(file, (1_700_000_000 + second,) * 2)

    return make
