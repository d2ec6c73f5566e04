"""Following projects: at which pace, woken by what, told to whom; and a share that hangs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from events.log.engine import FolderEngine
from events.log.folder import FolderLog
from events.log.live import encode
from events.log.pace import COLD_SECONDS, LOOKED_SECONDS, PAUSE, Pace
from events.log.port import Heartbeat
from orchestrator import follower as follower_module
from orchestrator import project as project_module
from orchestrator.errors import ShareSilent
from orchestrator.follower import Follower
from orchestrator.following import summary
from orchestrator.project import Project
from orchestrator.projects import Projects
from tests.log.builders import writer_name
from tests.project.conftest import Farm, Rate


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something; 30 s are for ever."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 # nothing tells of it
            await asyncio.sleep(0.005)


def follower_of(projects: Projects, project: Project) -> Follower:
    """What follows a project."""
    found = projects.following.of(project.root)
    assert found is not None
    return found


def pace_of(follower: Follower) -> Pace:
    """How eagerly it is followed now."""
    return follower.pace


def heartbeat(farm: Farm, head: int = 0, url: str | None = None) -> Heartbeat:
    """One that another host has just written."""
    beat = Heartbeat(
        writer_name(7), "otherhost", "ws-99", url, "1", head, time.time_ns() // 1_000_000
    )
    folder = farm.share / ".gallery" / "live"
    folder.mkdir(exist_ok=True)
    (folder / f"{beat.writer}.{beat.host}.json").write_bytes(encode(beat))
    return beat


async def look_anew(follower: Follower) -> None:
    """Read once, heartbeats and all, as some time after the last look."""
    log = follower.project.log
    assert isinstance(log, FolderLog)
    log._presence._looked = float("-inf")
    follower._list_due = 0.0
    await follower.once()


@pytest.fixture
async def pair(farm: Farm, rate: Rate) -> tuple[Project, Project]:
    """Two hosts with the project open; the second one follows only when told to."""
    one = await farm.host("a").get(farm.share)
    await rate(one, 1)
    return one, await farm.host("b").get(farm.share)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read by itself: only what wakes a follower does."""
    for each in Pace:
        monkeypatch.setitem(PAUSE, each, 600.0)


class TestPaceOfAProject:
    async def test_it_is_hot_while_somebody_asks(
        self, farm: Farm, pair: tuple[Project, Project]
    ) -> None:
        """Then warm, at last cold."""
        follower = follower_of(farm.host("b"), pair[1])
        assert pace_of(follower) is Pace.HOT
        follower.looked -= LOOKED_SECONDS + 1
        assert pace_of(follower) is Pace.WARM
        follower.looked -= COLD_SECONDS
        assert pace_of(follower) is Pace.COLD
        await farm.host("b").get(farm.share)
        assert pace_of(follower) is Pace.HOT

    async def test_it_stays_hot_while_somebody_watches(
        self, farm: Farm, pair: tuple[Project, Project]
    ) -> None:
        """A WebSocket asks for nothing; its end cools the project down."""
        projects = farm.host("b")
        follower = follower_of(projects, pair[1])
        with projects.following.watching(pair[1].root):
            follower.looked -= COLD_SECONDS + 1
            assert pace_of(follower) is Pace.HOT
        follower.looked -= COLD_SECONDS + 1
        assert pace_of(follower) is Pace.COLD

    async def test_another_host_keeps_it_warm(
        self, farm: Farm, pair: tuple[Project, Project]
    ) -> None:
        """Its heartbeat says that it is there."""
        heartbeat(farm)
        follower = follower_of(farm.host("b"), pair[1])
        await look_anew(follower)
        follower.looked -= COLD_SECONDS + 1
        assert pace_of(follower) is Pace.WARM

    async def test_a_failing_share_is_not_hot(
        self, farm: Farm, pair: tuple[Project, Project], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is told, once, and is over with the next read that goes well."""
        follower = follower_of(farm.host("b"), pair[1])

        def refuse(*_: object) -> None:
            raise OSError(5, "no answer from the server")

        with monkeypatch.context() as patch:
            patch.setattr(FolderEngine, "find", refuse)
            await follower.once()
            assert "no answer from the server" in str(follower.trouble)
            assert pace_of(follower) is Pace.WARM
        follower._list_due = 0.0
        await follower.once()
        assert follower.trouble is None


@pytest.mark.usefixtures("slow")
class TestWaking:
    async def test_a_nudge_makes_it_read_at_once(
        self, farm: Farm, rate: Rate, pair: tuple[Project, Project]
    ) -> None:
        """And what is read is what stands in the log (FORMAT.md V4)."""
        one, two = pair
        farm.host("b").start()
        await until(lambda: follower_of(farm.host("b"), two).read_at is not None)
        await rate(one, 5)
        assert two.view.stars_at("P/cat.png") == 1
        assert one.log is not None
        farm.host("b").following.nudge(one.log.project, one.log.writer, 2)
        await until(lambda: two.view.stars_at("P/cat.png") == 5)

    async def test_a_nudge_of_an_unknown_writer_makes_it_look_around(
        self, farm: Farm, rate: Rate, pair: tuple[Project, Project], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A host has begun to write, and nobody has listed its file yet."""
        monkeypatch.setattr(follower_module, "NUDGED_LIST", 0.0)
        two = pair[1]
        projects = farm.host("b")
        projects.start()
        await until(lambda: follower_of(projects, two).read_at is not None)
        three = await farm.host("c").get(farm.share)
        await rate(three, 3)
        assert three.log is not None
        projects.following.nudge(three.log.project, three.log.writer, 1)
        await until(lambda: two.view.stars_at("P/cat.png") == 3)

    async def test_who_comes_back_is_not_shown_what_was(
        self, farm: Farm, rate: Rate, pair: tuple[Project, Project]
    ) -> None:
        """The first request after a long time makes it read at once."""
        one, two = pair
        projects = farm.host("b")
        projects.start()
        follower = follower_of(projects, two)
        await until(lambda: follower.read_at is not None)
        follower.looked -= COLD_SECONDS + 1
        await rate(one, 4)
        await projects.get(farm.share)
        await until(lambda: two.view.stars_at("P/cat.png") == 4)

    async def test_nudges_of_what_is_known_wake_nobody(
        self, farm: Farm, pair: tuple[Project, Project]
    ) -> None:
        """Nor do those of other projects, nor those that speak of ourselves."""
        one, two = pair
        follower = follower_of(farm.host("b"), two)
        await follower.once()
        assert one.log is not None
        assert two.log is not None
        farm.host("b").following.nudge(one.log.project, one.log.writer, 1)
        farm.host("b").following.nudge("0" * 26, one.log.writer, 9)
        farm.host("b").following.nudge(one.log.project, two.log.writer, 9)
        assert follower._timer is None

    async def test_nudges_that_bring_nothing_are_heeded_less_and_less(
        self, farm: Farm, pair: tuple[Project, Project], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever sends a thousand lies causes few reads, and hardly a listing (FORMAT.md V4)."""
        one, two = pair
        reads: list[bool] = []
        real = Project.follow

        async def counted(self: Project, *, look_around: bool = True) -> int:
            reads.append(look_around)
            return await real(self, look_around=look_around)

        monkeypatch.setattr(Project, "follow", counted)
        projects = farm.host("b")
        follower = follower_of(projects, two)
        await follower.once()
        assert one.log is not None
        for _ in range(10):
            for number in range(100):
                projects.following.nudge(one.log.project, writer_name(number), 1 << 40)
            await follower.once()
        assert follower._gap == follower_module.NUDGED_MOST
        assert reads == [True, *[False] * 10]
        assert follower._timer is not None
        follower._timer.cancel()


class TestBeating:
    async def test_others_are_told_that_we_are_here(
        self, farm: Farm, pair: tuple[Project, Project]
    ) -> None:
        """With our name and address; at once, and no more once we are gone."""
        one = pair[0]
        projects = farm.host("a")
        projects.following.url = "http://ws-07:9820"
        await follower_of(projects, one).once()
        assert follower_of(projects, one).announced
        two = follower_of(farm.host("b"), pair[1])
        await look_anew(two)
        (peer,) = two.others()
        assert (peer.alive, peer.beat.url) == (True, "http://ws-07:9820")
        assert peer.beat.name == farm.host("a").host.name
        await farm.restart("a")
        assert list((farm.share / ".gallery" / "live").glob("*.json")) == []

    async def test_who_must_not_write_says_nothing(
        self, farm: Farm, pair: tuple[Project, Project]
    ) -> None:
        """Not a byte is written to a share on which that is not safe."""
        one = pair[0]
        one.barred = "it is a copy"
        await follower_of(farm.host("a"), one).once()
        assert not follower_of(farm.host("a"), one).announced
        assert not list((farm.share / ".gallery" / "live").glob("*.json"))

    async def test_a_heartbeat_that_fails_is_told_and_harms_nothing(
        self, farm: Farm, rate: Rate, pair: tuple[Project, Project]
    ) -> None:
        """A file stands where its folder should be."""
        one = pair[0]
        (farm.share / ".gallery" / "live").rmdir()
        (farm.share / ".gallery" / "live").write_text("in the way")
        follower = follower_of(farm.host("a"), one)
        await follower.once()
        assert follower.beat_trouble is not None
        assert not follower.announced
        await rate(one, 5)


class TestLag:
    async def test_what_another_host_says_is_compared_with_what_was_read(
        self, farm: Farm, pair: tuple[Project, Project]
    ) -> None:
        """Its file has not arrived here, its heartbeat has: so we are behind, and know it."""
        two = follower_of(farm.host("b"), pair[1])
        heartbeat(farm, head=40)
        await look_anew(two)
        told = summary(farm.host("b").following)
        assert told.hosts == 1
        assert (two.unread(), told.worst_lag > 0) == (40, True)


class TestShareThatHangs:
    async def test_it_is_told_and_the_others_go_on(
        self, farm: Farm, rate: Rate, pair: tuple[Project, Project], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A read cannot be broken off; what it brings in the end is applied all the same."""
        monkeypatch.setattr(project_module, "FOLLOW_SECONDS", 0.05)
        monkeypatch.setattr(follower_module, "HANGS_SECONDS", 0.02)
        one, two = pair
        release, real = threading.Event(), FolderEngine.find

        def hang(engine: FolderEngine, root: Path) -> object:
            if root == farm.share:
                release.wait(30)
            return real(engine, root)

        healthy = farm.base / "healthy"
        healthy.mkdir()
        other = await farm.host("b").get(healthy)
        monkeypatch.setattr(FolderEngine, "find", hang)
        await rate(one, 5)
        with pytest.raises(ShareSilent):
            await two.follow()
        with pytest.raises(ShareSilent):
            await two.follow()
        assert await other.follow() == 0
        assert summary(farm.host("b").following).silent == (str(farm.share),)
        release.set()
        await until(lambda: two.view.stars_at("P/cat.png") == 5)
        assert await two.follow() == 0

    async def test_it_does_not_hold_up_the_end(
        self, farm: Farm, pair: tuple[Project, Project], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The service stops while the share hangs."""
        monkeypatch.setattr(project_module, "FOLLOW_SECONDS", 0.02)
        monkeypatch.setattr(project_module, "HUNG_SECONDS", 0.02)
        release = threading.Event()
        monkeypatch.setattr(FolderEngine, "find", lambda *_: release.wait(30))
        with pytest.raises(ShareSilent):
            await pair[1].follow()
        async with asyncio.timeout(20):
            await farm.restart("b")
        release.set()

    async def test_whoever_goes_away_takes_nothing_along(
        self, farm: Farm, rate: Rate, pair: tuple[Project, Project], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Records that were read while their reader was cancelled are applied."""
        one, two = pair
        await rate(one, 5)
        release, real = threading.Event(), FolderEngine.find

        def hang(engine: FolderEngine, root: Path) -> object:
            release.wait(30)
            return real(engine, root)

        monkeypatch.setattr(FolderEngine, "find", hang)
        asked = asyncio.create_task(two.follow())
        await asyncio.sleep(0.02)
        asked.cancel()
        release.set()
        await until(lambda: two.view.stars_at("P/cat.png") == 5)
