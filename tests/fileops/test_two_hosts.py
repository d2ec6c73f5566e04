"""Two hosts that work on the same files at once: nothing is locked, and nothing is lost."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import FileMissing, FileNotMoved
from tests.fileops.desk import (
    SYSTEMS,
    Desk,
    Fuse,
    PowerCut,
    agreeing,
    bytes_of,
    intact,
    listed,
    mount,
)

every_system = pytest.mark.parametrize("system", SYSTEMS, indirect=True)
PATHS = [f"P/{number:02}.png" for number in range(20)]


@pytest.fixture
async def other(tmp_path: Path, desk: Desk) -> AsyncIterator[Desk]:
    """A second host on the same project."""
    made = Desk(tmp_path, "ben")
    yield made
    await made.stop()


async def read_each_other(*desks: Desk) -> None:
    """All hosts read what the others have written."""
    for desk in desks:
        await (await desk.project()).follow()


@every_system
class TestBothWantTheSameFiles:
    async def test_one_wins_each(self, desk: Desk, other: Desk, system: str) -> None:
        """The other is told that the file has gone; both come to know where it is."""
        desk.put(*PATHS)
        for stars, path in enumerate(PATHS[:5], 1):
            await desk.rate(path, stars)
        await read_each_other(desk, other)
        before = bytes_of(desk.root)
        mine, theirs = await asyncio.gather(
            desk.move(*PATHS, to="Ada"), other.move(*reversed(PATHS), to="Ben")
        )
        won = {file.path for file in mine.files if file.error is None}
        lost = {file.path for file in theirs.files if file.error is None}
        assert won | lost == set(PATHS)
        assert won & lost == set()
        faults = [file.error for file in (*mine.files, *theirs.files) if file.error is not None]
        assert all(isinstance(fault, FileMissing | FileNotMoved) for fault in faults)
        intact(desk.root, before)
        await read_each_other(desk, other)
        assert await desk.stars() == await other.stars()
        assert sorted((await desk.stars()).values()) == [1, 2, 3, 4, 5]
        await agreeing(desk)
        await agreeing(other)

    async def test_both_want_the_same_name(self, desk: Desk, other: Desk, system: str) -> None:
        """One gets it, the other file stays where it is."""
        desk.put("P/a.png", "R/b.png")
        before = bytes_of(desk.root)
        mine, theirs = await asyncio.gather(
            desk.rename({"P/a.png": "hero.png"}), other.move("R/b.png", to="P")
        )
        assert all(file.error is None for file in (*mine.files, *theirs.files))
        mine, theirs = await asyncio.gather(
            desk.rename({"P/hero.png": "star.png"}), other.rename({"P/b.png": "star.png"})
        )
        assert sum(file.error is None for file in (*mine.files, *theirs.files)) == 1
        intact(desk.root, before)
        assert "P/star.png" in listed(desk.root)

    async def test_one_trashes_what_the_other_renames(
        self, desk: Desk, other: Desk, system: str
    ) -> None:
        """Either it is in the trash under its old name, or it has its new name."""
        desk.put(*PATHS)
        before = bytes_of(desk.root)
        names = {path: f"new_{path[2:]}" for path in PATHS}
        await asyncio.gather(desk.trash(*PATHS), other.rename(names))
        intact(desk.root, before)
        await read_each_other(desk, other)
        await agreeing(desk)
        here = listed(desk.root)
        trashed = {found.path for _, found in (await desk.project()).view.trash()}
        assert len(here) + len(trashed) == len(PATHS)
        assert here <= {f"P/{name}" for name in names.values()}


class TestBothHaveLinkedIt:
    """Where a move is a link and an unlink, two hosts can both have done the first half."""

    @pytest.fixture(autouse=True)
    def _links(self, monkeypatch: pytest.MonkeyPatch) -> None:
        mount(monkeypatch, "links")

    @pytest.mark.parametrize("readable", [True, False])
    async def test_the_slower_one_withdraws(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch, readable: bool
    ) -> None:
        """The file is where the faster one put it, and nowhere else."""
        desk.put("P/a.png")
        before = bytes_of(desk.root)
        unlink, open_ = os.unlink, os.open

        def too_late(path: Any, **named: Any) -> None:
            if Path(path) == desk.root / "P/a.png":
                os.link(path, desk.root / "theirs.png")
                unlink(path)
            unlink(path, **named)

        def refuse(path: Any, *rest: Any, **named: Any) -> int:
            if Path(path).name == "a.png":
                raise PermissionError(errno.EACCES, "Permission denied")
            return open_(path, *rest, **named)

        monkeypatch.setattr(os, "unlink", too_late)
        if not readable:
            monkeypatch.setattr(os, "open", refuse)
        (file,) = (await desk.move("P/a.png", to="Q")).files
        assert isinstance(file.error, FileMissing)
        monkeypatch.undo()
        intact(desk.root, before)
        assert listed(desk.root) == {"theirs.png"}

    async def test_an_answer_that_was_lost(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """NFS asks again to unlink, and hears that there is nothing; the move is done."""
        desk.put("P/a.png")
        unlink = os.unlink

        def twice(path: Any, **named: Any) -> None:
            unlink(path, **named)
            unlink(path, **named)

        monkeypatch.setattr(os, "unlink", twice)
        (file,) = (await desk.move("P/a.png", to="Q")).files
        assert (file.error, file.to) == (None, "Q/a.png")
        assert listed(desk.root) == {"Q/a.png"}


class TestOneIsGone:
    async def test_only_its_own_host_settles_a_plan(
        self, desk: Desk, other: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What another host has begun, it may still be doing."""
        desk.put("P/a.png", "P/b.png")
        await desk.rate("P/b.png", 1)
        with monkeypatch.context() as patch:
            Fuse(cut_at=2).install(patch)  # the log has the plan, and nothing is done
            with pytest.raises(PowerCut):
                await desk.move("P/a.png", to="Q")
        await read_each_other(other)
        (plan,) = (await other.project()).view.open_plans((await desk.project()).host.id)
        assert plan[1].host != (await other.project()).host.id
        await other.engine.settle(await other.project())
        assert listed(desk.root) == {"P/a.png", "P/b.png"}
        await desk.engine.settle(await desk.project())
        assert listed(desk.root) == {"Q/a.png", "P/b.png"}
