"""Fixtures for everybody."""

from __future__ import annotations

import pytest

from tests.scenario import Scenario


@pytest.fixture
def scenario() -> Scenario:
    """A decision to be tested."""
    return Scenario()
