"""The farm of the scheduler's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scheduling.rig import Farm


@pytest.fixture
async def farm(tmp_path: Path) -> AsyncIterator[Farm]:
    """No backends yet; at the end every backend must have been treated as is right."""
    made = Farm(tmp_path)
    yield made
    await made.close()
