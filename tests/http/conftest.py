"""Fixtures of the tests that talk to the whole service over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.http.studio import Service, Studio


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    """A share with a project; no service runs yet."""
    made = Studio(tmp_path)
    made.furnish()
    yield made
    await made.close()


@pytest.fixture
async def service(studio: Studio) -> Service:
    """The service, without backends: jobs wait in its queue."""
    return await studio.host()
