"""Fixtures of the simulator's tests: a running simulator, and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tools.simulator import Simulator

from .replay import recorded_behaviour


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that may keep connections."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def sim(tmp_path: Path) -> AsyncIterator[Simulator]:
    """A simulator set up like the recorded servers."""
    async with Simulator(recorded_behaviour(), folder=tmp_path) as sim:
        yield sim
