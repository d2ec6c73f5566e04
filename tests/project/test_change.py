"""Changing a project: begun is finished, one thing at a time, and never a false OK."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

import pytest

from events.codec import Draft
from events.log.folder import FolderLog
from events.record import Record
from orchestrator.commands.curation import DefineTag, SaveView
from orchestrator.errors import ChangeTooLarge, ChangeUnsettled, TagNameTaken
from orchestrator.project import Project
from tests.project.conftest import Farm, Rate


class SlowLog:
    """Puts a slow share between a project and its log."""

    def __init__(self, project: Project) -> None:
        """The project must have a log."""
        assert project.log is not None
        self._append = project.log.append
        self.held: list[tuple[tuple[Draft, ...], Future[list[Record]]]] = []
        project.log.append = self.append  # type: ignore[method-assign]  # that is the fault

    def append(self, *drafts: Draft) -> Future[list[Record]]:
        """Take them, and let them wait."""
        future: Future[list[Record]] = Future()
        self.held.append((drafts, future))
        return future

    def release(self) -> None:
        """Write what waits."""
        for drafts, future in self.held:
            future.set_result(self._append(*drafts).result())
        self.held.clear()


async def until(condition: object, seconds: float = 5.0) -> None:
    """Wait for something to be true."""
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # the condition has no event of its own
            await asyncio.sleep(0.005)


class TestChange:
    async def test_who_hangs_up_does_not_tear_it(self, farm: Farm, rate: Rate) -> None:
        """The request is gone, the change is written and applied all the same."""
        project = await farm.host("a").get(farm.share)
        await rate(project, 1)
        log = SlowLog(project)
        request = asyncio.create_task(rate(project, 5))
        await until(lambda: log.held)
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)
        log.release()
        await until(lambda: project.view.stars_at("P/cat.png") == 5)

    async def test_nothing_is_applied_before_it_is_durable(self, farm: Farm, rate: Rate) -> None:
        """What a reader sees has reached the disk."""
        project = await farm.host("a").get(farm.share)
        await rate(project, 1)
        log = SlowLog(project)
        change = asyncio.create_task(rate(project, 5))
        await until(lambda: log.held)
        assert project.view.stars_at("P/cat.png") == 1
        log.release()
        await change
        assert project.view.stars_at("P/cat.png") == 5

    async def test_a_share_that_does_not_answer_is_no_ok(
        self, farm: Farm, rate: Rate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After a while the client is told that nothing is certain."""
        project = await farm.host("a").get(farm.share)
        await rate(project, 1)
        log = SlowLog(project)
        monkeypatch.setattr("orchestrator.project.SETTLE_SECONDS", 0.05)
        with pytest.raises(ChangeUnsettled):
            await rate(project, 5)
        log.release()
        await until(lambda: project.view.stars_at("P/cat.png") == 5)

    async def test_two_tags_of_one_name_cannot_slip_in_together(self, farm: Farm) -> None:
        """Commands about the same thing take turns, from decision to state."""
        project = await farm.host("a").get(farm.share)
        commands = [
            DefineTag(tag=tag, update=False, name="Hero", color=None)  # type: ignore[arg-type]  # ids
            for tag in ("one", "two", "three")
        ]
        ends = await asyncio.gather(
            *(project.change(c, "mara") for c in commands), return_exceptions=True
        )
        assert sum(isinstance(end, TagNameTaken) for end in ends) == 2
        assert len(project.view.tags()) == 1

    async def test_other_things_do_not_wait(self, farm: Farm, rate: Rate) -> None:
        """Changes of different files go into one write."""
        project = await farm.host("a").get(farm.share)
        await rate(project, 1)
        log = SlowLog(project)
        changes = [asyncio.create_task(rate(project, 5, f"P/{i}.png")) for i in range(20)]
        await until(lambda: log.held)
        assert len(log.held[0][0]) == 20
        log.release()
        await asyncio.gather(*changes)

    async def test_what_no_line_can_hold_is_refused(self, farm: Farm) -> None:
        """Before anything is written."""
        project = await farm.host("a").get(farm.share)
        huge = {"filters": {"x": "y" * (1 << 20)}}
        with pytest.raises(ChangeTooLarge):
            await project.change(SaveView(name="default", settings=huge), "mara")
        assert not (farm.share / ".gallery").exists()

    async def test_it_beats_what_its_author_saw(self, farm: Farm, rate: Rate) -> None:
        """A host whose clock is behind still gets its way: its record carries an `x` stamp."""
        one, two = [await farm.host(name).get(farm.share) for name in ("a", "b")]
        await rate(two, 1)
        assert isinstance(two.log, FolderLog)
        ahead = 30_000
        clock = two.log._clock
        real = clock._wall
        clock._wall = lambda: real() + ahead
        await rate(two, 2)
        await one.follow()
        assert one.view.stars_at("P/cat.png") == 2
        await rate(one, 5)
        await two.follow()
        assert one.view.stars_at("P/cat.png") == 5
        assert two.view.stars_at("P/cat.png") == 5
