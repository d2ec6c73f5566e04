"""ARCHITECTURE.md: what it names is there, and what is there is named."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
CODE = [ROOT / name for name in ("events", "projections", "orchestrator", "tools")]


def test_every_module_that_it_names_exists() -> None:
    """By its name, or by the end of its path."""
    paths = ["/" + path.relative_to(ROOT).as_posix() for top in CODE for path in top.rglob("*.py")]
    named = set(re.findall(r"`([\w/]+\.py)`", PAGE))
    assert len(named) > 30
    assert [name for name in named if not any(path.endswith(f"/{name}") for path in paths)] == []


def test_every_package_of_the_service_has_a_row() -> None:
    """A newcomer looks there first."""
    packages = {path.parent.name for path in (ROOT / "orchestrator").glob("*/__init__.py")}
    told = set(re.findall(r"(\w+)/`", PAGE))
    assert packages - told == set()
