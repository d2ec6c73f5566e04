"""The workflows that the tests submit; none needs a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

WORKFLOWS = Path(__file__).resolve().parent / "workflows"


def graph_of(name: str) -> dict[str, Any]:
    """A workflow of the folder, to be changed by a test."""
    graph: dict[str, Any] = orjson.loads((WORKFLOWS / f"{name}.json").read_bytes())
    return graph
