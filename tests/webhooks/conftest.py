"""Offices and receivers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.webhooks.desk import Office
from tests.webhooks.receiver import Receiver, listening


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Somebody who listens."""
    async with listening() as made:
        yield made


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A share with a project; no host works on it yet."""
    made = Office(tmp_path)
    yield made
    await made.close()
