"""Fixtures for everybody."""

from __future__ import annotations

import gc
import os
import shutil
from pathlib import Path

import pytest

# Their asserts shall tell what they saw. Said here, before any folder imports them.
pytest.register_assert_rewrite("tests.http.studio", "tests.fileops.desk")

import structlog  # noqa: E402  # see above

from tests.scenario import Scenario  # noqa: E402  # see above

# Tracebacks without the values of all variables: writing those of a service takes minutes.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


#: Where folders live in memory, on Linux, and how many free bytes there let us use it.
MEMORY, ROOM = Path("/dev/shm"), 2 << 30


def pytest_configure() -> None:
    """Put temporary folders into memory if there is room: every fsync of a disk is waited for.

    What a disk can do wrong is played by the tests themselves; none needs a real one. Both
    `--basetemp` and PYTEST_DEBUG_TEMPROOT still choose another place.
    """
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection_finish() -> None:
    """Leave what was collected out of every later search for garbage: it stays to the end.

    Thousands of tests are hundreds of thousands of objects, and looking through them again and
    again takes a quarter of the whole run.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


@pytest.fixture
def scenario() -> Scenario:
    """A decision to be tested."""
    return Scenario()
