"""The farm of the scheduler's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from tests.scheduling.rig import Farm


@pytest.fixture(autouse=True)
def plain_tracebacks() -> Iterator[None]:
    """Faults are told as the service tells them; drawing all variables would take seconds each."""
    console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.stdlib.add_log_level, console])
    yield
    structlog.reset_defaults()


@pytest.fixture
async def farm(tmp_path: Path) -> AsyncIterator[Farm]:
    """No backends yet; at the end every backend must have been treated as is right."""
    made = Farm(tmp_path)
    yield made
    await made.close()
