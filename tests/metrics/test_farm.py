"""Figures about backends, as they were last seen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from orchestrator.comfyui.answers import Device, QueueItem, QueueView, SystemStats
from orchestrator.config import BackendConfig
from orchestrator.host import Host
from orchestrator.metrics.farm import FarmMeter
from orchestrator.projects import Projects
from orchestrator.scheduling.backend import Backend
from orchestrator.scheduling.fleet import Fleet
from orchestrator.scheduling.timing import Timing

GPUS = tuple(Device("RTX", "cuda", index, 24 << 30, (8 - index) << 30) for index in range(2))
STATS = SystemStats("0.3", "posix", "3.11", "2.9", 1 << 36, 1 << 35, GPUS)


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    """Two backends that nobody watches."""
    configs = [BackendConfig(id=name, name=name, host="127.0.0.1") for name in ("a", "b")]
    async with aiohttp.ClientSession() as session:
        yield Fleet(configs, session, Host("hosthosthost", "workstation"), timing=Timing())


@pytest.fixture
def registry(fleet: Fleet, tmp_path: Path) -> CollectorRegistry:
    """Where the figures are read."""
    found = CollectorRegistry()
    found.register(FarmMeter(fleet, Projects(Host("hosthosthost", "workstation"), tmp_path)))
    return found


@pytest.fixture
def online(fleet: Fleet) -> Backend:
    """One that answers, with two GPUs."""
    backend = fleet.get("a")
    backend.online, backend.stats = True, STATS
    backend.queue = QueueView((), ())
    return backend


def test_the_state(registry: CollectorRegistry, online: Backend) -> None:
    """Exactly one is 1."""
    name = "orchestrator_backend_state"
    assert registry.get_sample_value(name, {"backend": "a", "state": "online"}) == 1
    assert registry.get_sample_value(name, {"backend": "a", "state": "unreachable"}) == 0
    assert registry.get_sample_value(name, {"backend": "b", "state": "unreachable"}) == 1


def test_the_memory_of_all_its_gpus(registry: CollectorRegistry, online: Backend) -> None:
    """Together."""
    total, used = (f"orchestrator_backend_vram_{kind}_bytes" for kind in ("total", "used"))

    assert registry.get_sample_value(total, {"backend": "a"}) == 48 << 30
    assert registry.get_sample_value(used, {"backend": "a"}) == 33 << 30


def test_no_memory_of_those_that_do_not_answer(
    registry: CollectorRegistry, online: Backend
) -> None:
    """Old figures would look like new ones."""
    online.online = False
    name = "orchestrator_backend_vram_total_bytes"

    assert registry.get_sample_value(name, {"backend": "a"}) is None
    assert registry.get_sample_value(name, {"backend": "b"}) is None


def test_the_queue(registry: CollectorRegistry, online: Backend) -> None:
    """Prompts of anybody."""
    online.queue = QueueView((), tuple(QueueItem(n, f"p{n}", {}, {}, ()) for n in range(3)))
    name = "orchestrator_backend_queue_depth"

    assert registry.get_sample_value(name, {"backend": "a"}) == 3
    assert registry.get_sample_value(name, {"backend": "b"}) == 0
