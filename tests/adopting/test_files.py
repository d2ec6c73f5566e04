"""What a host that is gone left half done with files is finished by another one, once."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrator.adopting import Caretaker
from orchestrator.claiming import SETTLE, claimed
from orchestrator.scheduling.timing import Timing
from tests.fileops.desk import Desk, Fuse, PowerCut, agreeing, bytes_of, intact, listed


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """The host that dies."""
    made = Desk(tmp_path, "ada")
    yield made
    await made.stop()


@pytest.fixture
async def other(tmp_path: Path, desk: Desk) -> AsyncIterator[Desk]:
    """The host that lives on."""
    made = Desk(tmp_path, "ben")
    yield made
    await made.stop()


def caretaker(desk: Desk) -> Caretaker:
    """Of a host."""
    return Caretaker(desk.projects, desk.engine, Timing())


def silent(desk: Desk) -> None:
    """All that is in the project was written ten minutes ago."""
    then = time.time() - 600
    for file in (desk.root / ".gallery" / "log").iterdir():
        os.utime(file, (then, then))


async def cut_off(desk: Desk, monkeypatch: pytest.MonkeyPatch, at: int = 2) -> None:
    """Power fails in the middle of a move of two files."""
    desk.put("P/a.png", "P/b.png")
    await desk.rate("P/b.png", 3)
    with monkeypatch.context() as patch:
        Fuse(cut_at=at).install(patch)
        with pytest.raises(PowerCut):
            await desk.move("P/a.png", "P/b.png", to="Q")


class TestPlans:
    @pytest.mark.parametrize("at", [2, 3, 4, 5])
    async def test_another_host_finishes_the_move(
        self, desk: Desk, other: Desk, monkeypatch: pytest.MonkeyPatch, at: int
    ) -> None:
        """Wherever it was cut off: both files are there, with what was said of them."""
        await cut_off(desk, monkeypatch, at)
        before = bytes_of(desk.root)
        project = await other.project()
        await project.follow()
        assert len(project.view.open_plans()) == 1

        silent(desk)
        await caretaker(other).look(project)

        assert project.view.open_plans() == []
        assert listed(desk.root) == {"Q/a.png", "Q/b.png"}
        intact(desk.root, before)
        assert await other.stars() == {"Q/b.png": 3}

    async def test_not_while_its_host_may_be_at_it(
        self, desk: Desk, other: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It was heard of a moment ago."""
        await cut_off(desk, monkeypatch)
        project = await other.project()
        await project.follow()

        await caretaker(other).look(project)

        assert len(project.view.open_plans()) == 1
        assert not (desk.root / ".gallery" / "claim").exists()

    async def test_not_while_a_third_host_does_it(
        self, desk: Desk, other: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Who has the claim does it; the next look finds it done (FORMAT.md O1)."""
        await cut_off(desk, monkeypatch)
        silent(desk)
        eve = Desk(tmp_path, "eve")
        project = await other.project()
        await project.follow()
        async with claimed(await eve.project(), SETTLE, (await desk.project()).host.id):
            await caretaker(other).look(project)
            assert len(project.view.open_plans()) == 1
        await eve.stop()

        await caretaker(other).look(project)
        assert project.view.open_plans() == []

    async def test_the_dead_one_comes_back(
        self, desk: Desk, other: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It reads that all is done, and does nothing."""
        await cut_off(desk, monkeypatch)
        before = bytes_of(desk.root)
        silent(desk)
        project = await other.project()
        await project.follow()
        await caretaker(other).look(project)

        await desk.restart()

        await agreeing(desk)
        intact(desk.root, before)
        assert listed(desk.root) == {"Q/a.png", "Q/b.png"}

    async def test_both_finish_it_at_once(
        self, desk: Desk, other: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It only slept, and goes on beside its successor: no file is lost (FORMAT.md O5)."""
        await cut_off(desk, monkeypatch)
        before = bytes_of(desk.root)
        silent(desk)
        project = await other.project()
        await project.follow()
        await desk.start_anew()
        again = await desk.project()

        await asyncio.gather(desk.engine.settle(again), caretaker(other).look(project))
        for each in (again, project):
            await each.follow()

        assert again.view.open_plans() == project.view.open_plans() == []
        intact(desk.root, before)
        assert listed(desk.root) == {"Q/a.png", "Q/b.png"}
        assert await desk.stars() == await other.stars() == {"Q/b.png": 3}
