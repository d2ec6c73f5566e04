"""Fixtures for everybody."""

from __future__ import annotations

import pytest

# Their asserts shall tell what they saw. Said here, before any folder imports them.
pytest.register_assert_rewrite("tests.http.studio", "tests.fileops.desk")

from tests.scenario import Scenario  # noqa: E402  # see above


@pytest.fixture
def scenario() -> Scenario:
    """A decision to be tested."""
    return Scenario()
