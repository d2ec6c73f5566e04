"""Fixtures of the tests of states."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.states.office import Office


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `fsync` does no test can see; the calls that lead to it are made all the same."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A host, and a project with nothing in it."""
    made = Office(tmp_path)
    yield made
    await made.stop()
