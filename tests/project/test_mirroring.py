"""Copies and marks of open projects, as services keep them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from events.log.port import Tail
from events.record import Position
from orchestrator.mirroring import DOUBT_SECONDS, MARK_EVENTS, MARK_SECONDS, Mirroring, doubts
from orchestrator.project import Project, mirror_folder
from projections.witness import Head, Witnessed, witnessed
from tests.project.conftest import Farm, Rate

LOG = f"{'0' * 15}1.host-b"


class Watch:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    """The clock of all hosts."""
    return Watch()


@pytest.fixture
def keep(farm: Farm, watch: Watch) -> Callable[[str], Mirroring]:
    """Begin to look after a host's projects, when the test says so."""

    def begin(name: str) -> Mirroring:
        mirroring = Mirroring(farm.host(name), watch)
        farm.host(name).listeners.append(mirroring.hear)
        return mirroring

    return begin


def segments(farm: Farm) -> list[Path]:
    """Files of the log."""
    return sorted((farm.share / ".gallery" / "log").iterdir())


def marks(project: Project) -> dict[str, Witnessed]:
    """What a project holds of marks."""
    return witnessed(project.tables)


class TestCopies:
    async def test_each_host_has_all_lines(
        self, farm: Farm, rate: Rate, keep: Callable[[str], Mirroring]
    ) -> None:
        """Its own and those of others, on its local disk; it says how large that is."""
        ours, theirs = keep("a"), keep("b")
        a, b = await farm.host("a").get(farm.share), await farm.host("b").get(farm.share)
        await rate(a, 4)
        await b.follow()
        await rate(b, 5)
        await a.follow()
        await ours.look_after(a)
        await theirs.look_after(b)

        assert a.log is not None
        folders = [mirror_folder(farm.base / name / "cache", a.log.project) for name in "ab"]
        copies = [{p.name: p.read_bytes() for p in folder.iterdir()} for folder in folders]
        assert copies[0] == copies[1]
        assert len(copies[0]) == 2
        copy = ours.copy_of(a)
        assert copy is not None
        assert copy.size == sum(len(data) for data in copies[0].values())
        assert (copy.behind, copy.fault) == (0, None)

    async def test_looking_at_a_project_copies_nothing(
        self, farm: Farm, keep: Callable[[str], Mirroring]
    ) -> None:
        """Where nothing was recorded, nothing is kept."""
        mirroring = keep("a")
        project = await farm.host("a").get(farm.share)
        await mirroring.look_after(project)

        assert mirroring.copy_of(project) is None
        assert list(farm.share.iterdir()) == []


class TestMarks:
    async def test_a_minute_after_news_of_others(
        self, farm: Farm, rate: Rate, watch: Watch, keep: Callable[[str], Mirroring]
    ) -> None:
        """A host that writes tells what it has read of others; once (FORMAT.md M1)."""
        ours = keep("a")
        a, b = await farm.host("a").get(farm.share), await farm.host("b").get(farm.share)
        await rate(a, 4)
        await b.follow()
        await rate(b, 5)
        await a.follow()
        await ours.look_after(a)
        assert marks(a) == {}

        watch.now += MARK_SECONDS
        await ours.look_after(a)
        told = marks(a)
        watch.now += 10 * MARK_SECONDS
        await ours.look_after(a)

        assert b.log is not None
        (log,) = told
        assert log == f"{b.log.writer}.{farm.host('b').host.id}"
        assert told[log].of(farm.host("a").host.id) == Head(1, b.log.positions()[log].chain)
        assert marks(a) == told

    async def test_who_only_reads_leaves_no_trace(
        self, farm: Farm, rate: Rate, watch: Watch, keep: Callable[[str], Mirroring]
    ) -> None:
        """A mark never is the first thing that a host writes (FORMAT.md W10, M1)."""
        ours = keep("a")
        b = await farm.host("b").get(farm.share)
        await rate(b, 5)
        a = await farm.host("a").get(farm.share)
        await rate(b, 4)
        await a.follow()
        for _ in range(3):
            watch.now += MARK_SECONDS
            await ours.look_after(a)

        assert len(segments(farm)) == 1

    async def test_after_many_events_of_our_own(
        self, farm: Farm, rate: Rate, keep: Callable[[str], Mirroring]
    ) -> None:
        """Without waiting for the minute (FORMAT.md M1)."""
        b = await farm.host("b").get(farm.share)
        await rate(b, 5)
        ours = keep("a")
        a = await farm.host("a").get(farm.share)
        for number in range(MARK_EVENTS):
            await rate(a, number % 5 + 1)
        await ours.look_after(a)
        await ours.look_after(a)

        assert len(marks(a)) == 1

    async def test_two_idle_hosts_do_not_answer_each_other(
        self, farm: Farm, rate: Rate, watch: Watch, keep: Callable[[str], Mirroring]
    ) -> None:
        """A mark is no news: after some minutes both are silent."""
        keepers = {name: keep(name) for name in "ab"}
        opened = {name: await farm.host(name).get(farm.share) for name in "ab"}
        await rate(opened["a"], 4)
        await opened["b"].follow()
        await rate(opened["b"], 5)
        sizes = []
        for _ in range(6):
            watch.now += MARK_SECONDS
            for name, project in opened.items():
                await project.follow()
                await keepers[name].look_after(project)
            sizes.append(sum(path.stat().st_size for path in segments(farm)))

        assert sizes[2:] == [sizes[-1]] * 4


class TestDoubts:
    async def test_a_lost_end_is_seen_by_a_host_that_never_met_it(
        self, farm: Farm, rate: Rate, watch: Watch, keep: Callable[[str], Mirroring]
    ) -> None:
        """No mirror, no checkpoint: the mark of another host tells (FORMAT.md M2, M3)."""
        ours, fresh = keep("a"), keep("c")
        a, b = await farm.host("a").get(farm.share), await farm.host("b").get(farm.share)
        await rate(a, 4)
        for stars in (1, 2, 3):
            await rate(b, stars)
        await a.follow()
        for _ in range(2):
            watch.now += MARK_SECONDS
            await ours.look_after(a)
        (theirs,) = [p for p in segments(farm) if farm.host("b").host.id in p.name]
        lines = theirs.read_bytes().splitlines(keepends=True)
        theirs.write_bytes(b"".join(lines[:2]))

        c = await farm.host("c").get(farm.share)
        await fresh.look_after(c)
        assert c.alarms() == ()
        watch.now += DOUBT_SECONDS
        await fresh.look_after(c)

        (alarm,) = c.alarms()
        assert alarm.kind is Tail.ROLLED_BACK
        assert "it ends at record 1" in alarm.message
        assert "up to 3" in alarm.message

    def test_as_it_was_read_there_is_no_doubt(self) -> None:
        """At, or behind, what others have read."""
        seen = {LOG: Witnessed((("host-a", Head(5, "k5")),))}
        for at in (Position(5, "k5", 1, 9), Position(6, "k6", 1, 99)):
            assert doubts(seen, {LOG: at}) == {}

    def test_another_line_at_the_same_place(self) -> None:
        """A rewritten log is no less lost than a short one."""
        seen = {LOG: Witnessed((("host-a", Head(5, "k5")),))}

        assert doubts(seen, {LOG: Position(5, "other", 1, 9)})[LOG].kind is Tail.CORRUPT

    def test_a_log_that_is_gone(self) -> None:
        """All of it."""
        seen = {LOG: Witnessed((("host-a", Head(5, "k5")), ("host-c", Head(2, "k2"))))}

        finding = doubts(seen, {})[LOG]

        assert finding.kind is Tail.ROLLED_BACK
        assert "host-a has read it up to 5" in finding.message
