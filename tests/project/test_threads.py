"""Crossing to a share's threads: together, each with its own end, and never left hanging."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.errors import StillOpening
from orchestrator.threads import ShareThreads


async def test_each_call_gets_its_own_end() -> None:
    """Calls cross together; one that fails does not spoil the others."""
    threads = ShareThreads("test")
    ends = await asyncio.gather(
        threads.run(lambda: 1), threads.run(lambda: 1 // 0), threads.run(lambda: 3),
        return_exceptions=True,
    )  # fmt: skip
    threads.close()
    assert ends[0] == 1
    assert isinstance(ends[1], ZeroDivisionError)
    assert ends[2] == 3


async def test_who_comes_after_the_close_is_told_to_come_again() -> None:
    """A project that is opened anew closes its threads under requests that were on their way."""
    threads = ShareThreads("test")
    threads.close()
    with pytest.raises(StillOpening):
        await threads.run(lambda: 1)
