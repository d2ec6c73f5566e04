"""Fixtures for everybody."""

from __future__ import annotations

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


@pytest.fixture
def scenario() -> Scenario:
    """A decision to be tested."""
    return Scenario()
