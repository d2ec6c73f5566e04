"""Watching one backend for as long as it is wanted: its queue, its socket, what is installed."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from typing import NoReturn

import structlog

from orchestrator.errors import BackendUnreachable
from orchestrator.scheduling.backend import Backend
from orchestrator.scheduling.probe import probe_for_ever
from orchestrator.scheduling.timing import Timing

_log = structlog.get_logger(__name__)


def pace(timing: Timing, failures: int, *, active: bool, chance: float) -> float:
    """Seconds until the next look at a backend. Pure.

    Args:
        timing: Has the limits.
        failures: Looks in a row that were not answered; 0 if the last one was.
        active: Whether something of ours is there.
        chance: 0 to 1; takes off up to a quarter of a long pause, so that backends that went away
            together are not all asked at once.
    """
    if active:
        return timing.poll_active
    if failures == 0:
        return timing.poll_idle
    most = max(timing.poll_away, timing.poll_idle)
    return min(most, timing.poll_idle * 2.0 ** min(failures - 1, 32)) * (1.0 - chance / 4)


async def watch_for_ever(backend: Backend, client_id: str) -> NoReturn:
    """Watch until cancelled; a fault of ours is told, and watching begins anew.

    Args:
        backend: It is nobody else's to watch.
        client_id: The name under which we listen there.
    """
    while True:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(backend.socket.run())
                group.create_task(_poll_for_ever(backend))
                group.create_task(_look_inside_for_ever(backend))
                group.create_task(probe_for_ever(backend, client_id))
        except* Exception as faults:  # noqa: BLE001  # told in full
            _log.exception("backend.watch_failed", backend=backend.config.id, exc_info=faults)
            backend.lose("the service failed to watch it; see the service's log")
        await asyncio.sleep(backend.timing.retry_most)


async def _poll_for_ever(backend: Backend) -> NoReturn:
    timing, stats_due = backend.timing, 0.0
    while True:
        with_stats = time.monotonic() >= stats_due
        if with_stats:
            stats_due = time.monotonic() + timing.stats
        await backend.poll(with_stats=with_stats)
        active, chance = bool(backend.watches), random.random()  # noqa: S311 # spreads looks, no secret
        await asyncio.sleep(timing.poll_least)  # a busy farm asks for looks all the time
        await _pause(backend.look, pace(timing, backend.failures, active=active, chance=chance))


async def _look_inside_for_ever(backend: Backend) -> NoReturn:
    timing = backend.timing
    while True:
        # What is not known yet is asked for sooner.
        again = timing.poll_away if backend.abilities is None else timing.look_up
        await _pause(backend.changed_inside, again)
        if not backend.online:
            continue
        try:
            await backend.look_inside()
        except BackendUnreachable as exc:
            _log.warning("backend.abilities_unknown", backend=exc.backend, reason=exc.reason)


async def _pause(news: asyncio.Event, seconds: float) -> None:
    """Wait, but not if there is news, which is then taken note of."""
    # Not wait_for: in Python 3.11 it loses a cancellation that comes with the event.
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await news.wait()
    news.clear()
