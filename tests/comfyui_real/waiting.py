"""Waiting for what other processes do: the only way is to look again and again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

#: Seconds between looks.
PACE = 0.1


async def until(look: Callable[[], Awaitable[T]], what: str, *, seconds: float = 60) -> T:
    """Look until there is something; returns what was seen.

    Raises:
        AssertionError: it did not come in time; the limit only ends a wait in vain.
    """
    end = time.monotonic() + seconds
    while not (seen := await look()):
        assert time.monotonic() < end, f"waited {seconds:g} s in vain for {what}"
        await asyncio.sleep(PACE)
    return seen
