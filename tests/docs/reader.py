"""Somebody who follows a page of the documentation from its top to its end."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import orjson
from attrs import define

from tests.docs.pages import Example, filled, learn, run, same_shape

#: Seconds after which a page promises what never comes; no measure of speed.
PATIENCE = 30.0
#: Fields whose very values are promised, and not only their kinds.
EXACT = frozenset(
    {
        *("attempt", "backend_id", "code", "draining", "enabled", "ended_by", "error_kind"),
        *("error_message", "failures_in_a_row", "foreign_prompts", "freed", "group_id", "healthy"),
        *("held", "job_id", "matched", "message", "number", "online", "our_prompts", "paused"),
        *("position", "priority", "process_restarted", "queue_running", "rel_path", "seed"),
        *("state", "status", "success", "total", "translated", "waiting_for"),
    }
)


@define
class Reader:
    """Runs one command after the other, and compares what comes with what is printed."""

    #: What the variables of the page stand for.
    known: dict[str, str]
    #: Where the commands run.
    folder: Path

    async def follow(self, example: Example) -> list[str]:
        """Run a command; one that only reads is run until its answer is the printed one.

        Returns the variables that the answer has told.
        """
        end = time.monotonic() + PATIENCE
        while True:
            printed = await run(example.command, self.known, self.folder)
            try:
                found = self._compare(example, printed)
            except AssertionError:
                if not example.only_reads or time.monotonic() > end:
                    raise
                await asyncio.sleep(0.02)
            else:
                self.known |= found
                return list(found)

    def _compare(self, example: Example, printed: bytes) -> dict[str, str]:
        """The variables that an answer tells, which must be as it is printed."""
        if example.kind != "json":
            assert printed.decode() == filled(example.answer, self.known), example.command
            return {}
        answer = orjson.loads(printed)
        found = dict(self.known)
        learn(orjson.loads(example.answer), answer, found)
        told = orjson.loads(filled(example.answer, found))
        same_shape(told, answer, example.command)
        same_words(told, answer, example.command)
        return {name: value for name, value in found.items() if name not in self.known}


def same_words(told: Any, real: Any, where: str) -> None:
    """Assert that the fields of `EXACT` are as printed; to be called after `same_shape`."""
    if isinstance(told, list):
        for value, other in zip(told, real, strict=False):
            same_words(value, other, f"{where}[]")
    if not isinstance(told, dict) or not isinstance(real, dict):
        return
    for name in told.keys() - {"..."}:
        here = f"{where}.{name}"
        if name in EXACT and not isinstance(told[name], dict | list):
            assert told[name] == real[name], f"{here}: {told[name]!r} is not {real[name]!r}"
        same_words(told[name], real[name], here)
