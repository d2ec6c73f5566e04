"""What one host records, the other tells."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import orjson
import pytest

from tests.shares.conftest import Studio
from tests.shares.visibility import measure, watching

pytestmark = pytest.mark.shares

#: Edits in each direction.
EDITS = 30
#: Names a folder that figures are put into.
FIGURES = "ORCHESTRATOR_SHARES_FIGURES"


#: Who asked for a log before there was one must not be told its absence for longer (seconds).
#: NFS would say for half a minute that a name is absent which it was once asked for.
FIRST_SEEN = 15


class TestFirstEdit:
    async def test_another_host_notices_that_there_is_a_log_now(self, studio: Studio) -> None:
        """It has looked before, again and again, and there was none."""
        here, there = (
            {"projectPath": str(service.project(studio.project))} for service in studio.services
        )
        assert (await studio.b.get("/api/gallery/ratings", **there))["ratings"] == {}
        async with watching(studio.b, studio.project) as watcher:
            await asyncio.sleep(3)
            first = {**here, "filePath": studio.file, "note": "first"}
            await studio.a.post("/api/gallery/notes", first)
            async with asyncio.timeout(FIRST_SEEN):
                await watcher.sees("first")


class TestVisibility:
    async def test_edits_of_each_host_are_told_by_the_other(self, studio: Studio) -> None:
        """Every one is; how soon is printed, and put into a file if a folder is named for it."""
        figures = {}
        kind = studio.share.server.kind.name
        for here, there in (studio.services, studio.services[::-1]):
            first, spread = await measure(here, there, studio.project, studio.file, EDITS)
            way = f"{here.guest.name} to {there.guest.name}"
            told = f"{spread}; the first {first:.1f} s"
            print(f"\nvisibility on {kind}, {way}: {told}", flush=True)
            figures[way] = {**spread.figures(), "first_ms": round(first * 1000, 3)}
        if FIGURES in os.environ:
            path = Path(os.environ[FIGURES]) / f"visibility-{kind}.json"
            path.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))
