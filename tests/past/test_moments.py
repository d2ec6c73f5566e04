"""The gallery as of a moment, and histories that are kept while they are used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from events.log.port import Log
from orchestrator.errors import ProjectUnreadable
from orchestrator.gallery.past import idle, moments
from orchestrator.gallery.past.idle import Idle
from orchestrator.gallery.past.keeping import fresh_log
from orchestrator.project import Project
from tests.past.conftest import Desk


@pytest.fixture
async def other(desk: Desk, tmp_path: Path) -> AsyncIterator[Desk]:
    """Another host on the same project."""
    made = Desk(desk.root, tmp_path / "other")
    yield made
    await made.close()


async def now() -> datetime:
    """A moment that is over when this returns."""
    at = datetime.now(UTC)
    await asyncio.sleep(0.003)
    return at


class TestMoments:
    async def test_as_of_a_moment(self, desk: Desk) -> None:
        """Later edits have not happened yet."""
        await desk.rate("P/a.png", 1)
        at = await now()
        await desk.rate("P/a.png", 5)
        await desk.rename({"P/b.png": "x.png"})
        project = await desk.open()
        then = await desk.past.view_at(project, at)
        assert then.stars_at("P/a.png") == 1
        assert (await desk.past.view_at(project, None)) is project.view

    async def test_before_everything(self, desk: Desk) -> None:
        """There was nothing; and of a project without a log there never is anything."""
        at = await now()
        project = await desk.open()
        assert list((await desk.past.view_at(project, at)).ratings()) == []
        await desk.rate("P/a.png", 1)
        assert list((await desk.past.view_at(project, at)).ratings()) == []
        assert (
            list((await desk.past.view_at(project, datetime(1900, 1, 1, tzinfo=UTC))).tags()) == []
        )

    async def test_late_records_are_in_it(self, desk: Desk, other: Desk) -> None:
        """What another host wrote by then, and we hear of later, had happened all the same."""
        await desk.rate("P/a.png", 1)
        project = await desk.open()
        early = await now()
        first = await desk.past.view_at(project, early)
        await other.rate("P/b.png", 4)
        at = await now()
        await desk.rate("P/b.png", 5)
        assert (await desk.past.view_at(project, at)).stars_at("P/b.png") == 4
        again = await desk.past.view_at(project, early)
        assert again.stars_at("P/b.png") == 0
        assert first.stars_at("P/a.png") == again.stars_at("P/a.png") == 1

    async def test_what_was_given_does_not_change(self, desk: Desk, other: Desk) -> None:
        """Somebody may be reading it in a thread while late records come."""
        await desk.rate("P/a.png", 1)
        project = await desk.open()
        future = datetime(2100, 1, 1, tzinfo=UTC)
        first = await desk.past.view_at(project, future)
        await other.rate("P/a.png", 4)
        second = await desk.past.view_at(project, future)
        assert (first.stars_at("P/a.png"), second.stars_at("P/a.png")) == (1, 4)

    async def test_the_last_ones_are_kept(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The log is read once for each of two moments that are asked for in turn."""
        read: list[object] = []

        def counted(project: Project) -> Log | None:
            read.append(project)
            return fresh_log(project)

        monkeypatch.setattr(moments, "fresh_log", counted)
        await desk.rate("P/a.png", 1)
        project = await desk.open()
        one, two, three = await now(), await now(), await now()
        for at in (one, two, one, two):
            await desk.past.view_at(project, at)
        assert len(read) == 2
        await desk.past.view_at(project, three)
        await desk.past.view_at(project, one)
        assert len(read) == 4

    async def test_the_live_log_is_not_disturbed(self, desk: Desk) -> None:
        """Reading it beside creates nothing, and writing goes on."""
        await desk.rate("P/a.png", 1)
        before = sorted((desk.root / ".gallery" / "log").iterdir())
        await desk.past.view_at(await desk.open(), await now())
        await desk.history()
        assert sorted((desk.root / ".gallery" / "log").iterdir()) == before
        await desk.rate("P/a.png", 2)
        assert await desk.stars("P/a.png") == 2

    async def test_a_share_that_is_gone(self, desk: Desk) -> None:
        """It is said, and asking again later works."""
        await desk.rate("P/a.png", 1)
        project = await desk.open()
        form = desk.root / ".gallery" / "FORMAT"
        kept = form.read_bytes()
        form.write_bytes(b"broken")
        with pytest.raises(ProjectUnreadable):
            await desk.past.view_at(project, await now())
        with pytest.raises(ProjectUnreadable):
            await desk.history()
        form.write_bytes(kept)
        assert len((await desk.history()).edits) == 2


class TestHistories:
    async def test_it_is_read_once_and_then_follows(self, desk: Desk) -> None:
        """Edits of ours come into it at once."""
        await desk.rate("P/a.png", 1)
        history = await desk.past.histories.of(await desk.open())
        await desk.rate("P/a.png", 2)
        assert await desk.past.histories.of(await desk.open()) is history
        assert len(history) == 3

    async def test_many_ask_at_once(self, desk: Desk) -> None:
        """All wait for the same reading, and one that hangs up takes it from nobody."""
        await desk.rate("P/a.png", 1)
        project = await desk.open()
        asking = [asyncio.create_task(desk.past.histories.of(project)) for _ in range(5)]
        await asyncio.sleep(0)
        asking[0].cancel()
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(found[0], asyncio.CancelledError)
        assert len({id(history) for history in found[1:]}) == 1

    async def test_edits_that_come_while_it_is_read(self, desk: Desk) -> None:
        """None is missed, and none is in it twice."""
        await desk.rate("P/a.png", 1)
        project = await desk.open()
        making = asyncio.create_task(desk.past.histories.of(project))
        await asyncio.sleep(0)
        told = [await desk.rate("P/a.png", stars) for stars in (2, 3, 4)]
        history = await making
        assert [edit.id for edit in history.between(None, None)][-3:] == told

    async def test_edits_of_other_hosts(self, desk: Desk, other: Desk) -> None:
        """They come with the next look at the share, and stand where they belong."""
        await desk.rate("P/a.png", 1)
        await other.rate("P/b.png", 2)
        host = (await other.open()).host.id
        assert {edit.host for edit in (await desk.history()).edits} >= {host}
        late = await other.rate("P/b.png", 3)
        await (await desk.open()).follow()
        assert (await desk.history()).edits[0].id == late

    async def test_a_project_that_was_opened_anew(self, desk: Desk) -> None:
        """The history is that of the project that is open now."""
        await desk.rate("P/a.png", 1)
        before = await desk.past.histories.of(await desk.open())
        await desk.projects.close()
        await desk.rate("P/a.png", 2)
        after = await desk.past.histories.of(await desk.open())
        assert after is not before
        assert len(after) == 3


class TestIdle:
    async def test_what_is_not_used_is_forgotten(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was used a moment ago stays."""
        clock = [0.0]
        forgotten: list[str] = []
        watch: Idle[str] = Idle(forgotten.append)
        with monkeypatch.context() as patch:
            patch.setattr(asyncio.get_running_loop(), "time", lambda: clock[0])
            watch.touch("unused")
            watch.touch("used")
            clock[0] = idle.FORGET_AFTER / 2
            watch.touch("used")
            clock[0] = idle.FORGET_AFTER
            watch._look()
            assert forgotten == ["unused"]
            watch.drop("used")
            clock[0] *= 3
            watch._look()
            assert forgotten == ["unused"]
            watch.close()

    async def test_a_forgotten_history_is_read_again(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing is lost but time."""
        monkeypatch.setattr(idle, "FORGET_AFTER", 0.005)
        await desk.rate("P/a.png", 1)
        project = await desk.open()
        before = await desk.past.histories.of(project)
        await desk.past.view_at(project, await now())
        await asyncio.sleep(0.05)
        after = await desk.past.histories.of(project)
        assert after is not before
        assert len(after) == len(before)
