"""Fixtures of the tests of what becomes of a host's work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.adopting.hosts import Hosts


@pytest.fixture
async def hosts(tmp_path: Path) -> AsyncIterator[Hosts]:
    """A share, and no host yet."""
    made = Hosts(tmp_path)
    yield made
    await made.close()
