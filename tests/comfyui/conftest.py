"""A stub server and a client session for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.comfyui.stub import Stub, serving


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    """A server that does as it is told."""
    async with serving(Stub()) as stub:
        yield stub


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A session such as the service has."""
    async with aiohttp.ClientSession() as session:
        yield session
