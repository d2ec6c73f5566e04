"""The small farm of the scheduler's tests, for what the campaigns found."""

from __future__ import annotations

import logging
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


@pytest.fixture(autouse=True)
def quiet_backends(caplog: pytest.LogCaptureFixture) -> None:
    """Connections that a fault cut are no news; a failed night is long enough to read."""
    caplog.set_level(logging.CRITICAL, logger="aiohttp.server")
