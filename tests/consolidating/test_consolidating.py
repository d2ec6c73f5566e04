"""Consolidating in a service: once a day, under a claim, at its own pace, and only its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from attrs import define, field

from events.log import cold, live
from events.log.port import ShareSilentError, Tidied, Tidying
from orchestrator.claiming import claimed
from orchestrator.consolidating import (
    AGAIN_SECONDS,
    COLD,
    FIRST_SECONDS,
    MOST_STEPS,
    PACE_SECONDS,
    Consolidating,
    other_hosts,
    seen_by_hosts,
)
from orchestrator.errors import ClaimHeld
from orchestrator.mirroring import MARK_SECONDS, Mirroring
from orchestrator.project import Project
from orchestrator.projects import Projects
from projections.fold import state_hash
from tests.project.conftest import Farm, Rate, farm, rate

__all__ = ["farm", "rate"]


@define
class Pauses:
    """Pauses that take no time; all are noted, and the last one lasts until the test is over."""

    most: int = 1000
    taken: list[float] = field(factory=list)
    over: asyncio.Event = field(factory=asyncio.Event)

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        if len(self.taken) >= self.most:
            self.over.set()
            await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three segments are worth a file, which may replace them at once."""
    monkeypatch.setattr(cold, "ENOUGH", 3)
    monkeypatch.setattr(cold, "KEEP_SECONDS", 0.0)
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.0)


@pytest.fixture
async def old(farm: Farm, rate: Rate) -> Project:
    """A project of host a, which was restarted three times."""
    for stars in (1, 2, 3, 4):
        projects = farm.host("a")
        await rate(await projects.get(farm.share), stars)
        if stars < 4:
            await farm.restart("a")
    return await farm.host("a").get(farm.share)


def service(projects: Projects, **options: object) -> Consolidating:
    """Consolidating that does not pause."""
    return Consolidating(projects, pause=Pauses(), **options)  # type: ignore[arg-type]  # of tests


def files(farm: Farm, folder: str) -> list[Path]:
    """Files of the project's log, or what was made of it."""
    return sorted((farm.share / ".gallery" / folder).iterdir())


class TestRounds:
    async def test_a_round_does_all_that_there_is(self, farm: Farm, old: Project) -> None:
        """Copied, then removed; the state of the project is as it was."""
        at_first = state_hash(old.tables.pack())
        consolidating = service(farm.host("a"))
        done = await consolidating.consolidate(old)
        await consolidating.close()

        assert done == {Tidying.COPIED: 1, Tidying.REMOVED: 1}
        assert len(files(farm, "log")) == 1
        assert len(files(farm, "cold")) == 1
        fresh = await farm.host("b").get(farm.share)
        assert state_hash(fresh.tables.pack()) == at_first
        assert fresh.findings() == ()
        again = await (await farm.restart("a")).get(farm.share)
        assert state_hash(again.tables.pack()) == at_first

    async def test_it_goes_at_its_own_pace(self, farm: Farm, old: Project) -> None:
        """First the service settles; a minute between steps; a day between rounds."""
        pauses = Pauses(most=4)
        consolidating = Consolidating(farm.host("a"), pause=pauses)
        consolidating.start()
        await asyncio.wait_for(pauses.over.wait(), 20)
        await consolidating.close()

        assert pauses.taken == [FIRST_SECONDS, PACE_SECONDS, PACE_SECONDS, AGAIN_SECONDS]
        assert MOST_STEPS * PACE_SECONDS < 3_600  # a claim lasts for an hour

    async def test_it_can_be_turned_off(self, farm: Farm, old: Project) -> None:
        """Then nothing is ever copied or removed."""
        pauses = Pauses()
        consolidating = Consolidating(farm.host("a"), enabled=False, pause=pauses)
        consolidating.start()
        await asyncio.sleep(0)
        await consolidating.close()

        assert pauses.taken == []
        assert not (farm.share / ".gallery" / "cold").exists()

    async def test_another_program_of_this_host_is_at_it(self, farm: Farm, old: Project) -> None:
        """One at a time; whoever comes second leaves it."""
        consolidating = service(farm.host("a"))
        async with claimed(old, COLD, old.host.id):
            with pytest.raises(ClaimHeld):
                await consolidating.consolidate(old)
        await consolidating.close()

        assert len(files(farm, "log")) == 4

    async def test_one_project_does_not_keep_others_waiting(
        self, farm: Farm, old: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is refused, or fails, in one is told, and the rounds go on."""
        pauses = Pauses(most=3)
        tried = []

        async def fail(_: Consolidating, project: Project) -> None:
            tried.append(project)
            raise (ClaimHeld("is at work", None) if len(tried) == 1 else RuntimeError("a bug"))

        monkeypatch.setattr(Consolidating, "consolidate", fail)
        consolidating = Consolidating(farm.host("a"), pause=pauses)
        consolidating.start()
        await asyncio.wait_for(pauses.over.wait(), 20)
        await consolidating.close()

        assert tried == [old, old]

    async def test_the_share_refuses(
        self, farm: Farm, old: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Enough for today; the claim is given back."""
        assert old.log is not None
        answers = iter([Tidied(Tidying.COPIED, 3, 100)])

        def answer(*_: object) -> Tidied:
            try:
                return next(answers)
            except StopIteration:
                raise ShareSilentError("the share does not answer") from None

        monkeypatch.setattr(type(old.log), "consolidate", answer)
        consolidating = service(farm.host("a"))

        assert await consolidating.consolidate(old) == {Tidying.COPIED: 1}
        async with claimed(old, COLD, old.host.id):
            pass
        await consolidating.close()


class TestWhoseIsDone:
    async def test_a_host_that_never_wrote_leaves_no_trace(self, farm: Farm, old: Project) -> None:
        """Neither a claim nor a cold file."""
        await old.close()
        before = set(farm.share.rglob("*"))
        theirs = await farm.host("b").get(farm.share)
        consolidating = service(farm.host("b"))

        assert await consolidating.consolidate(theirs) == {}
        await consolidating.close()
        assert {p for p in farm.share.rglob("*") if "claim" in p.parts} == {
            p for p in before if "claim" in p.parts
        }
        assert not (farm.share / ".gallery" / "cold").exists()

    async def test_nothing_is_done_where_nothing_can_be_written(
        self, farm: Farm, old: Project, tmp_path: Path
    ) -> None:
        """A project whose share is away, or one without a log."""
        (tmp_path / "share" / "Empty").mkdir()
        empty = await farm.host("a").get(tmp_path / "share" / "Empty")
        old.away = True
        consolidating = service(farm.host("a"))

        assert await consolidating.consolidate(empty) == {}
        assert await consolidating.consolidate(old) == {}
        await consolidating.close()

    async def test_live_hosts_must_have_told_that_they_read_it(
        self, farm: Farm, old: Project, rate: Rate
    ) -> None:
        """Marks of those whose heart beats count (FORMAT.md G3)."""
        b = await farm.host("b").get(farm.share)
        await rate(b, 5)
        assert b.log is not None
        assert old.log is not None
        assert b.log.beat("b", None, "1")
        _look_around(old)
        assert other_hosts(old.log, old.host.id) == {b.host.id}
        consolidating = service(farm.host("a"))
        done = await consolidating.consolidate(old)
        assert done == {Tidying.COPIED: 1}
        assert len(files(farm, "log")) == 5

        now = [1_000.0]
        marking = Mirroring(farm.host("b"), lambda: now[0])
        farm.host("b").listeners.append(marking.hear)
        await rate(b, 4)
        await rate(old, 3)
        await b.follow()
        await marking.look_after(b)
        now[0] += MARK_SECONDS
        await marking.look_after(b)
        await old.follow()
        seen = seen_by_hosts(old.tables)
        running = f"{old.log.writer}.{old.host.id}"
        ours = {who for who in old.log.positions() if who.endswith(old.host.id)}
        assert [seen[who][b.host.id] for who in ours - {running}] == [1, 1, 1]

        assert await consolidating.consolidate(old) == {Tidying.REMOVED: 1}
        await consolidating.close()
        assert len(files(farm, "log")) == 2


def _look_around(project: Project) -> None:
    """See who is there, and apply what they have written."""
    assert project.log is not None
    for records in project.log.read():
        project.apply(records)
