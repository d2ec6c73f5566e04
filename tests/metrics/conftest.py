"""A studio without a service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.http.studio import Studio


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    """A share with a project; no service runs yet."""
    made = Studio(tmp_path)
    made.furnish()
    yield made
    await made.close()
