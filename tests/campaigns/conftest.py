"""The small farm of the scheduler's tests, for what the campaigns found."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scheduling.rig import Farm
from tools.simulator.store import Store


@pytest.fixture
async def farm(tmp_path: Path) -> AsyncIterator[Farm]:
    """No backends yet; at the end every backend must have been treated as is right."""
    made = Farm(tmp_path)
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def quiet_backends(caplog: pytest.LogCaptureFixture) -> None:
    """Connections that a fault cut are no news; a failed night is long enough to read."""
    caplog.set_level(logging.CRITICAL, logger="aiohttp.server")


@pytest.fixture(autouse=True)
def _previews_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulated server that starts again does not empty its folder of previews.

    A thread of the life before is still at work there, as none of a real server would be, and
    fails then with an error that no night has ordered.
    """

    def start(self: Store) -> None:
        for name in ("input", "output", "temp", "models"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(Store, "start", start)
