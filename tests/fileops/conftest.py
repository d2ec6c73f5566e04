"""Fixtures of the tests that move files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fileops.desk import Desk, mount


@pytest.fixture(autouse=True)
def _no_waiting_for_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Durable is what other tests look at; these look at names and bytes."""
    monkeypatch.setattr("os.fsync", lambda _descriptor: None)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A host and an empty project."""
    made = Desk(tmp_path)
    yield made
    await made.stop()


@pytest.fixture
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A kind of file system; the parameter says which."""
    kind = str(request.param)
    mount(monkeypatch, kind)
    return kind
