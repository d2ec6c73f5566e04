"""Answers and frames that real ComfyUI servers (0.3.75) gave, for tests to replay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

DATA = Path(__file__).parent / "data"


def recorded_json(name: str) -> Any:
    """One recorded answer."""
    return orjson.loads((DATA / name).read_bytes())


def recorded_frames(name: str) -> list[str]:
    """The text frames of one recorded connection."""
    return (DATA / name).read_text().splitlines()
