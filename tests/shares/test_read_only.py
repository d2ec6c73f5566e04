"""A host that may only read the share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.shares.conftest import Studio

pytestmark = pytest.mark.shares


@pytest.fixture
async def reader(studio: Studio) -> AsyncIterator[Studio]:
    """The second host has mounted the share read-only."""
    await studio.b.stop()
    await asyncio.to_thread(studio.b.guest.mount, "ro")
    await studio.b.start()
    try:
        yield studio
    finally:
        await studio.b.stop()
        await asyncio.to_thread(studio.b.guest.mount)
        await studio.b.start()


class TestReadOnlyMount:
    async def test_it_shows_everything_and_says_why_it_changes_nothing(
        self, reader: Studio
    ) -> None:
        """What others edit is shown; an edit is refused with what to do about it."""
        here = str(reader.b.project(reader.project))
        rated = {"filePath": reader.file, "rating": 4}
        project = str(reader.a.project(reader.project))
        await reader.a.post("/api/gallery/ratings", {"projectPath": project, **rated})

        async with asyncio.timeout(90):
            while True:
                told = await reader.b.get("/api/gallery/ratings", projectPath=here)
                if told["ratings"] == {reader.file: 4}:
                    break
                await asyncio.sleep(0.1)

        status, answer = await reader.b.tried(
            "/api/gallery/ratings", {"projectPath": here, **rated}
        )
        assert status == 200, "it has four stars already: nothing is to be recorded"
        other = {"projectPath": here, **rated, "rating": 5}
        status, answer = await reader.b.tried("/api/gallery/ratings", other)
        print(f"\n{answer['message']} {answer['remedy']}", flush=True)
        assert status == 503, answer
        assert answer["code"] == "project.read_only"
        assert "ead-only" in answer["message"] + answer["remedy"]
        told = await reader.b.get("/api/gallery/ratings", projectPath=here)
        assert told["ratings"] == {reader.file: 4}, "a refused edit is not shown"
