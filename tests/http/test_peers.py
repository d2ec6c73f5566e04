"""Hosts that tell each other of news: over HTTP, and by nothing but hints."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from events.log.folder import FolderLog
from events.log.pace import PAUSE, Pace
from events.log.port import Heartbeat, Peer
from orchestrator import peers
from orchestrator.config import Config, load_config
from orchestrator.errors import ConfigInvalid
from orchestrator.follower import Follower
from orchestrator.host import Host
from orchestrator.peers import public_url
from orchestrator.services import PROJECTS
from tests.http.studio import Service, Studio, refused

PICTURE = "Panel_01/Eliot_Panel_01_v001.png"
HOST = Host("hosthosthost", "ws-07")


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something; 30 s are for ever."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 # nothing tells of it
            await asyncio.sleep(0.005)


async def follower_of(service: Service) -> Follower:
    """What follows the project in a service."""
    opened = await service.opened()
    found = service.app[PROJECTS].following.of(opened.root)
    assert found is not None
    return found


def stars(service: Service) -> int:
    """Of the picture, without asking the service: that would make it read."""
    (project,) = [each for each in service.app[PROJECTS].all() if each.root.name == "Eliot"]
    return project.view.stars_at(PICTURE)


async def meet(*services: Service) -> None:
    """Let every service tell where it is, and see who else is there."""
    for _ in range(2):
        for service in services:
            follower = await follower_of(service)
            log = follower.project.log
            assert isinstance(log, FolderLog)
            log._presence._looked = float("-inf")
            follower._list_due = follower._beat_due = 0.0
            await follower.once()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody polls: what is seen in time was told of."""
    for each in Pace:
        monkeypatch.setitem(PAUSE, each, 600.0)


def reachable(service: Service) -> str:
    """Let others know the address of a service; which it is, is known only now."""
    url = str(service.client.make_url("/")).rstrip("/")
    service.app[PROJECTS].following.url = url
    return url


@pytest.mark.usefixtures("slow")
class TestTwoHosts:
    async def test_an_edit_is_seen_without_a_poll(self, studio: Studio) -> None:
        """Each is nudged by the other."""
        one, two = await studio.host("ada"), await studio.host("ben")
        for stars_given, service in enumerate((one, two), 1):
            reachable(service)
            await service.rate(PICTURE, stars_given)
        await meet(one, two)
        for number, service in enumerate((one, two, one), 3):
            await service.rate(PICTURE, number)
            await until(lambda: stars(one) == stars(two) == number)  # noqa: B023 # awaited here

    async def test_many_edits_are_told_in_few_nudges(
        self, studio: Studio, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What comes while one is under way is told with the next, and nothing is missed."""
        one, two = await studio.host("ada"), await studio.host("ben")
        for stars_given, service in enumerate((one, two), 1):
            reachable(service)
            await service.rate(PICTURE, stars_given)
        await meet(one, two)
        sent: list[int] = []
        real = peers._Line._send

        async def counted(self: peers._Line, project: str, writer: str, head: int) -> None:
            sent.append(head)
            await real(self, project, writer, head)

        monkeypatch.setattr(peers._Line, "_send", counted)
        for number in range(60):
            await one.rate(PICTURE, 1 + number % 5)
        await until(lambda: stars(two) == 5)
        assert len(sent) < 60
        assert sent == sorted(sent)

    async def test_a_peer_that_is_gone_is_left_alone(self, studio: Studio) -> None:
        """Its heartbeat is still there: one nudge fails, edits go on as before."""
        one, two = await studio.host("ada"), await studio.host("ben")
        for stars_given, service in enumerate((one, two), 1):
            reachable(service)
            await service.rate(PICTURE, stars_given)
        await meet(one, two)
        await two.client.server.close()
        url = two.app[PROJECTS].following.url
        follower = await follower_of(one)
        beat = Heartbeat("0" * 16, "gone", "x", url, "1", 1, 1)
        log = follower.project.log
        assert log is not None
        log.peers = lambda: (Peer(beat, 0.0, alive=True),)  # type: ignore[method-assign]
        for number in range(20):
            assert (await one.rate(PICTURE, 1 + number % 5)).status == 200


class TestNudger:
    async def test_failures_make_it_wait_longer_and_longer(self) -> None:
        """Up to half a minute; the first success ends that."""
        heard: list[object] = []
        well = False

        async def answer(request: web.Request) -> web.Response:
            heard.append(await request.json())
            return web.Response(status=204 if well else 500)

        app = web.Application()
        app.router.add_post(peers.NUDGE, answer)
        async with TestServer(app) as server, ClientSession() as session:
            line = peers._Line(str(server.make_url("")).rstrip("/"), session)
            for _ in range(9):
                line._failed = float("-inf")
                line.tell("p", "w", 1)
                await until(lambda: line._task is None)
            assert line._rest == peers.REST_MOST
            line.tell("p", "w", 2)
            assert line._task is None, "it rests"
            well, line._failed = True, float("-inf")
            line.tell("p", "w", 3)
            await until(lambda: line._task is None)
            assert line._rest == 0.0
        assert heard[-1] == {"project": "p", "writer": "w", "head": 3}
        assert len(heard) == 10

    async def test_it_follows_no_redirect(self) -> None:
        """An address from a shared folder leads nowhere else."""
        asked: list[str] = []

        async def answer(request: web.Request) -> web.Response:
            asked.append(request.path)
            raise web.HTTPTemporaryRedirect("/elsewhere")

        app = web.Application()
        app.router.add_route("*", "/{any:.*}", answer)
        async with TestServer(app) as server, ClientSession() as session:
            line = peers._Line(str(server.make_url("")).rstrip("/"), session)
            line.tell("p", "w", 1)
            await until(lambda: line._task is None)
        assert asked == [peers.NUDGE]

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "http://user:word@x/", "nonsense", ""])
    async def test_only_web_addresses_are_called(self, url: str) -> None:
        """Anybody who may write to the share may have put it there."""
        async with ClientSession() as session:
            nudger = peers.Nudger(HOST, session, None)
            assert nudger._line(url) is None
            nudger.close()


class TestTheEndpoint:
    async def test_whatever_is_said_is_taken(self, service: Service) -> None:
        """Also of a project that nobody has open: it tells nothing to strangers."""
        for project in ("0" * 26, "x"):
            body = {"project": project, "writer": "w" * 16, "head": 5}
            assert (await service.post("/api/peer/nudge", body)).status == 204

    async def test_nonsense_is_refused(self, service: Service) -> None:
        """As everywhere."""
        refused(await service.post("/api/peer/nudge", {"project": "x"}), 422, "request.invalid")
        body = {"project": "x", "writer": "w", "head": -1}
        refused(await service.post("/api/peer/nudge", body), 422, "request.invalid")
        body = {"project": "x" * 5000, "writer": "w", "head": 1}
        refused(await service.post("/api/peer/nudge", body), 413, "request.too_large")


class TestPublicUrl:
    @pytest.mark.parametrize(
        ("config", "url"),
        [
            (Config(), None),
            (Config(host="0.0.0.0"), "http://ws-07:9820"),  # what is tested
            (Config(host="::"), "http://ws-07:9820"),
            (Config(host="10.0.0.5", port=80), "http://10.0.0.5:80"),
            (Config(host="fd00::5"), "http://[fd00::5]:9820"),
            (Config(host="0.0.0.0", port=0), None),  # what is tested
            (Config(public_url="https://studio.lan/ws-07/"), "https://studio.lan/ws-07"),
            (Config(host="0.0.0.0", public_url="http://a:1"), "http://a:1"),
        ],
    )
    def test_where_others_reach_us(self, config: Config, url: str | None) -> None:
        """What is configured; else the host's name, if it listens to others on a known port."""
        assert public_url(config, HOST) == url

    def test_a_name_that_is_no_address_makes_none(self) -> None:
        """Such as that of a computer with a space in it."""
        config = Config(host="0.0.0.0")  # what is tested
        assert public_url(config, Host("hosthosthost", "Mara's computer")) is None

    @pytest.mark.parametrize(
        "value", ["ws-07:9820", "ftp://a", "http://u:p@a", "http://a/?b", f"http://{'a' * 400}", 5]
    )
    def test_nonsense_stops_the_start(self, tmp_path: object, value: object) -> None:
        """With the key and what was expected."""
        path = tmp_path / "config.yaml"  # type: ignore[operator]
        path.write_text(f"public_url: {value!r}\n")
        with pytest.raises(ConfigInvalid) as told:
            load_config(path, {})
        assert [fault.path for fault in told.value.faults] == ["public_url"]
