"""What is made before anybody asks for it."""

from __future__ import annotations

import asyncio

import pytest
from attrs import define, field

from orchestrator.errors import FileMissing
from orchestrator.gallery.thumbnails.ahead import MOST_FILES, MOST_VIEWERS, Ahead
from orchestrator.gallery.thumbnails.spec import Spec


@define
class Studio:
    """Makes one after the other, when it is told to."""

    made: list[str] = field(factory=list)
    steps: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(0))

    async def make(self, path: str, spec: Spec) -> None:
        """Make one."""
        await self.steps.acquire()
        self.made.append(path)
        if path == "missing":
            raise FileMissing(path)

    async def until(self, count: int) -> list[str]:
        """Let them be made until there are so many."""
        async with asyncio.timeout(10):
            while len(self.made) < count:
                self.steps.release()
                await asyncio.sleep(0)
        return self.made


@pytest.fixture
def studio() -> Studio:
    """Where nothing is made yet."""
    return Studio()


class TestAhead:
    async def test_in_the_order_that_they_are_seen(self, studio: Studio) -> None:
        """From the top of the folder."""
        ahead = Ahead(studio.make, 1)
        ahead.look(["a", "b", "c"], Spec(), "ada")
        assert await studio.until(3) == ["a", "b", "c"]
        await ahead.close()

    async def test_what_was_looked_at_before_is_dropped(self, studio: Studio) -> None:
        """But for the one that is being made."""
        ahead = Ahead(studio.make, 1)
        ahead.look(["a", "b", "c"], Spec(), "ada")
        await asyncio.sleep(0)
        ahead.look(["x", "y"], Spec(), "ada")
        assert await studio.until(3) == ["a", "x", "y"]
        await ahead.close()

    async def test_somebody_elses_folder_is_not_dropped(self, studio: Studio) -> None:
        """It only comes later than the newest."""
        ahead = Ahead(studio.make, 1)
        ahead.look(["a", "b"], Spec(), "ada")
        ahead.look(["x", "y"], Spec(), "ben")
        assert await studio.until(4) == ["x", "y", "a", "b"]
        await ahead.close()

    async def test_a_file_that_cannot_be_made(self, studio: Studio) -> None:
        """The others are."""
        ahead = Ahead(studio.make, 1)
        ahead.look(["missing", "b"], Spec(), "ada")
        assert await studio.until(2) == ["missing", "b"]
        await ahead.close()

    async def test_it_begins_again(self, studio: Studio) -> None:
        """After it had nothing to do."""
        ahead = Ahead(studio.make, 2)
        for round_ in range(1, 4):
            ahead.look(["a"], Spec(), "ada")
            assert len(await studio.until(round_)) == round_
        await ahead.close()

    async def test_there_are_bounds(self, studio: Studio) -> None:
        """For viewers who come and go, and for folders of 100,000 files."""
        ahead = Ahead(studio.make, 1)
        ahead.look([str(n) for n in range(MOST_FILES + 10)], Spec(), "ada")
        for number in range(MOST_VIEWERS):
            ahead.look([f"viewer {number}"], Spec(), str(number))
        made = await studio.until(MOST_VIEWERS)
        assert made == [f"viewer {number}" for number in reversed(range(MOST_VIEWERS))]
        ahead.look([str(n) for n in range(MOST_FILES + 10)], Spec(), "ada")
        await studio.until(MOST_VIEWERS + MOST_FILES)
        await asyncio.sleep(0)
        assert str(MOST_FILES) not in studio.made
        await ahead.close()
