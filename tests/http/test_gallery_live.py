"""The WebSocket of the gallery: what changes, by whomever, with a cursor that misses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from orchestrator import live
from orchestrator.commands.curation import CurateAsset, Sighting
from orchestrator.gallery import news
from orchestrator.http import gallery_live
from orchestrator.project import Project
from orchestrator.services import NEWS, PROJECTS
from tests.http.studio import Service, Studio, faults, picture, read

Socket = ClientWebSocketResponse[bool]

FIRST = "Panel_01/Eliot_Panel_01_v001.png"
SECOND = "Panel_01/Eliot_Panel_01_v002.png"


@asynccontextmanager
async def watching(service: Service, cursor: str | None = None) -> AsyncIterator[Socket]:
    """A WebSocket about the project."""
    asked = {"projectPath": str(service.project)}
    if cursor is not None:
        asked["cursor"] = cursor
    async with service.client.ws_connect("/ws/gallery", params=asked) as socket:
        yield socket


async def hear(socket: Socket, kind: str) -> Any:
    """The next message of a kind."""
    async with asyncio.timeout(30):
        while True:
            told = await socket.receive_json()
            if told["type"] == kind:
                return told


async def changes(socket: Socket, count: int) -> tuple[list[Any], str]:
    """So many changes, in their order, and the cursor after them."""
    heard: list[Any] = []
    cursor = ""
    while len(heard) < count:
        told = await hear(socket, "changes")
        heard += told["changes"]
        cursor = told["cursor"]
    assert len(heard) == count, heard
    return heard, cursor


def said(heard: list[Any]) -> list[tuple[str, str | None]]:
    """Event and path of each change."""
    return [(each["event"], each["path"]) for each in heard]


class TestHello:
    async def test_it_comes_first(self, service: Service) -> None:
        """With a cursor: all that changes from then on will come."""
        async with watching(service) as socket:
            told = await socket.receive_json()
        assert (told["type"], told["reload"]) == ("hello", False)
        assert told["cursor"]

    async def test_an_unknown_project(self, service: Service) -> None:
        """1008 with the reason, however long its path is."""
        for path in ("/etc", str(service.project / ("ä" * 100))):
            asked = {"projectPath": path}
            async with service.client.ws_connect("/ws/gallery", params=asked) as socket:
                message = await socket.receive(timeout=30)
                assert message.type is WSMsgType.CLOSE
                assert (socket.close_code, bool(message.extra)) == (1008, True)

    async def test_a_faulty_query(self, service: Service) -> None:
        """Refused before the connection becomes a WebSocket."""
        answer = await read(await service.client.get("/ws/gallery"))
        assert list(faults(answer)) == ["projectPath"]


class TestChanges:
    async def test_what_is_said_of_a_file(self, service: Service) -> None:
        """Who, when, where and how it stands now."""
        async with watching(service) as socket:
            await hear(socket, "hello")
            await service.rate(FIRST, 4)
            heard, _ = await changes(socket, 2)
        assert said(heard) == [("asset.seen", FIRST), ("asset.rated", FIRST)]
        rated = heard[1]
        assert rated["now"] == {"rating": 4, "tags": [], "note": ""}
        assert rated["actor"] == "anonymous"
        assert rated["host"] == (await service.opened()).host.id
        assert rated["at"].endswith("Z")
        assert rated["assetId"] == heard[0]["assetId"]

    async def test_everything_that_can_change(self, service: Service) -> None:
        """Tags, notes, views, moves, the trash and back; a file that nobody ever spoke of too."""
        async with watching(service) as socket:
            await hear(socket, "hello")
            tag = await service.make_tag("Hero")
            await service.gallery("file-tags", filePath=FIRST, addTags=[tag])
            await service.gallery("notes", filePath=FIRST, note="reshoot")
            await service.gallery("views", viewMode="grid")
            await service.gallery("rename-file", filePath=FIRST, newName="a.png")
            trashed = (await service.gallery("trash", files=["Panel_01/a.png"])).plain["trashed"]
            ids = [file["trashId"] for file in trashed]
            await service.gallery("restore", trashIds=ids)
            heard, _ = await changes(socket, 8)
            assert said(heard) == [
                ("tag.defined", None),
                ("asset.seen", FIRST),
                ("asset.tagged", FIRST),
                ("asset.noted", FIRST),
                ("view.saved", None),
                ("asset.moved", "Panel_01/a.png"),
                ("file.trashed", None),
                ("file.restored", "Panel_01/a.png"),
            ]
            assert heard[5]["oldPath"] == FIRST
            assert (heard[6]["oldPath"], heard[6]["now"]["note"]) == ("Panel_01/a.png", "reshoot")
            await service.gallery("rename-file", filePath=SECOND, newName="b.png")
            heard, _ = await changes(socket, 1)
            assert (heard[0]["oldPath"], heard[0]["path"]) == (SECOND, "Panel_01/b.png")

    async def test_many_at_once_come_together(self, service: Service) -> None:
        """A request about many files is a few messages, with one batch id."""
        files = []
        for number in range(60):
            file = picture(service.project / "wall" / f"w{number:02}.png")
            files.append(file.relative_to(service.project).as_posix())
        async with watching(service) as socket:
            await hear(socket, "hello")
            batch = (await service.gallery("ratings", files=files, rating=3)).plain["batch"]
            messages, heard = 0, list[Any]()
            while len(heard) < 120:
                heard += (await hear(socket, "changes"))["changes"]
                messages += 1
        assert messages < 60
        assert {each["batch"] for each in heard} == {batch}

    async def test_more_than_a_client_may_be_behind(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One transaction of very many changes overruns nobody who reads; messages stay small."""
        monkeypatch.setattr(live, "MAX_BEHIND", 10)
        monkeypatch.setattr(gallery_live, "MOST_CHANGES", 10)
        files = []
        for number in range(40):
            file = picture(service.project / "wall" / f"w{number:02}.png")
            files.append(file.relative_to(service.project).as_posix())
        await service.gallery("ratings", files=files, rating=3)
        batch = (await service.gallery("ratings", files=files, rating=4)).plain["batch"]
        await service.gallery("index")  # which then has nothing to tell
        async with watching(service) as socket:
            await hear(socket, "hello")
            await service.gallery("undo", batch=batch)  # one line of the log
            heard = list[Any]()
            while len(heard) < 40:
                told = (await hear(socket, "changes"))["changes"]
                assert len(told) <= 10
                heard += told
        assert {each["now"]["rating"] for each in heard} == {3}

    async def test_what_another_host_did(self, studio: Studio, service: Service) -> None:
        """It is told when it is read from the share's log."""
        other = await studio.host("bela")
        await service.ratings()
        async with watching(service) as socket:
            await hear(socket, "hello")
            await other.rate(FIRST, 2)
            await (await service.opened()).follow()
            heard, _ = await changes(socket, 2)
        assert said(heard)[1] == ("asset.rated", FIRST)
        assert heard[1]["host"] == (await other.opened()).host.id

    async def test_another_project_is_none_of_its_business(
        self, studio: Studio, service: Service
    ) -> None:
        """Who watches one hears nothing of the others."""
        elsewhere = studio.share / "Nora"
        picture(elsewhere / "n.png")
        async with watching(service) as socket:
            await hear(socket, "hello")
            await service.gallery("ratings", projectPath=str(elsewhere), filePath="n.png", rating=1)
            await service.rate(FIRST, 4)
            heard, _ = await changes(socket, 2)
        assert {path for _, path in said(heard)} == {FIRST}

    async def test_jobs_have_a_feed_of_their_own(self, service: Service) -> None:
        """A job that is queued is no news of the gallery."""
        async with watching(service) as socket:
            await hear(socket, "hello")
            await service.submit(project_path=str(service.project))
            await service.rate(FIRST, 4)
            heard, _ = await changes(socket, 2)
        assert said(heard)[1] == ("asset.rated", FIRST)


class TestCursor:
    async def test_a_client_that_comes_back_misses_nothing(self, service: Service) -> None:
        """It gets what happened while it was away, once and in order, and then goes on."""
        async with watching(service) as socket:
            await hear(socket, "hello")
            await service.rate(FIRST, 1)
            _, cursor = await changes(socket, 2)
        for stars in (2, 3, 4):
            await service.rate(FIRST, stars)
        async with watching(service, cursor) as socket:
            hello = await hear(socket, "hello")
            assert (hello["reload"], hello["cursor"]) == (False, cursor)
            heard, again = await changes(socket, 3)
            assert [each["event"] for each in heard] == ["asset.rated"] * 3
            await service.rate(FIRST, 5)
            heard, last = await changes(socket, 1)
            assert heard[0]["now"]["rating"] == 5
        async with watching(service, again) as socket:
            assert (await changes(socket, 1))[1] == last
        async with watching(service, last) as socket:
            await hear(socket, "hello")
            await socket.send_str("ping")
            assert (await hear(socket, "pong")) == {"type": "pong"}

    async def test_the_first_cursor_counts_too(self, service: Service) -> None:
        """Who saw nothing but `hello` misses nothing either."""
        async with watching(service) as socket:
            cursor = (await hear(socket, "hello"))["cursor"]
        await service.rate(FIRST, 1)
        async with watching(service, cursor) as socket:
            await changes(socket, 2)

    async def test_one_that_was_never_given(self, service: Service) -> None:
        """`reload`: the client is to read everything anew, and then misses nothing."""
        for stars, cursor in enumerate(("", "nonsense", "0123456789ab:7", ":", "a:b:c", "²:²"), 1):
            async with watching(service, cursor) as socket:
                assert (await hear(socket, "hello"))["reload"] is True
                await service.rate(FIRST, stars % 5 + 1)
                await hear(socket, "changes")

    async def test_one_of_before_a_restart(self, studio: Studio, service: Service) -> None:
        """Nobody knows what came between."""
        async with watching(service) as socket:
            cursor = (await hear(socket, "hello"))["cursor"]
        await service.close()
        again = await studio.host()
        async with watching(again, cursor) as socket:
            assert (await hear(socket, "hello"))["reload"] is True

    async def test_one_that_is_too_old(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Only so many changes are kept."""
        monkeypatch.setattr(news, "MAX_KEPT", 3)
        async with watching(service) as socket:
            first = (await hear(socket, "hello"))["cursor"]
            await service.rate(FIRST, 1)
            _, second = await changes(socket, 2)
        for stars in (2, 3):
            await service.rate(FIRST, stars)
        async with watching(service, first) as socket:
            assert (await hear(socket, "hello"))["reload"] is True
        async with watching(service, second) as socket:
            assert (await hear(socket, "hello"))["reload"] is False
            await changes(socket, 2)

    async def test_a_project_that_is_opened_anew(self, service: Service) -> None:
        """What was read from the share meanwhile, nobody has heard: watchers are told to reload."""
        projects, root = service.app[PROJECTS], service.project.resolve()
        await service.rate(FIRST, 1)
        async with watching(service) as socket:
            cursor = (await hear(socket, "hello"))["cursor"]
            old = await service.opened()
            fresh = await projects._open_anew(root)
            await old.close()
            service.app[NEWS].opened(fresh)
            hello = await hear(socket, "hello")
            assert hello["reload"] is True
            assert hello["cursor"] != cursor
            await service.rate(FIRST, 2)
            heard, _ = await changes(socket, 1)
            assert heard[0]["now"]["rating"] == 2


class TestIndex:
    async def test_how_far_it_is(self, service: Service) -> None:
        """Progress in between, and at the end what was found."""
        async with watching(service) as socket:
            await hear(socket, "hello")
            await service.gallery("index")
            phases = set()
            while (told := await socket.receive_json(timeout=30))["type"] != "scanned":
                assert told["type"] == "index_progress"
                phases.add(told["phase"])
        assert phases
        assert phases <= {"looking", "reading", "done"}
        assert (told["files"], told["missing"], told["offline"]) == (5, 0, False)

    async def test_a_share_that_is_away(self, service: Service) -> None:
        """Is told as such."""
        await service.gallery("index")
        async with watching(service) as socket:
            await hear(socket, "hello")
            away = service.project.parent / "away"
            service.project.rename(away)
            service.project.mkdir()
            await service.gallery("index")
            while not (await hear(socket, "scanned"))["offline"]:
                pass
            service.project.rmdir()
            away.rename(service.project)

    async def test_files_that_were_found_again(self, service: Service) -> None:
        """Relinking is a change like any other."""
        await service.gallery("index")
        await service.rate(FIRST, 4)
        async with watching(service) as socket:
            await hear(socket, "hello")
            (service.project / FIRST).rename(service.project / "best.png")
            await service.gallery("index")
            heard, _ = await changes(socket, 1)
        (relinked,) = heard
        assert (relinked["event"], relinked["path"]) == ("asset.relinked", "best.png")
        assert (relinked["oldPath"], relinked["now"]["rating"]) == (FIRST, 4)


class TestConversation:
    async def test_ping_and_nonsense(self, service: Service) -> None:
        """A ping is answered, all else is passed over."""
        async with watching(service) as socket:
            for nonsense in ("hello", "{", "[" * 1000, ""):
                await socket.send_str(nonsense)
            await socket.send_bytes(b"\0\xff")
            await socket.send_str("ping")
            assert await hear(socket, "pong") == {"type": "pong"}

    async def test_a_watcher_that_does_not_read(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is let go with 1013, and the others hear everything meanwhile."""
        monkeypatch.setattr(live, "MAX_BEHIND", 20)
        await service.rate(FIRST, 1)
        await service.gallery("notes", filePath=FIRST, note="x" * 9_000)
        opened, told = await service.opened(), service.app[NEWS]
        async with watching(service) as good, watching(service) as slow:
            cursor = (await hear(good, "hello"))["cursor"]
            records = await opened.change(*rated(opened, FIRST, 5))
            await changes(good, 1)
            rounds = 0
            while not any(watcher._over for watcher in told.feed._watchers):
                for _ in range(10):  # until no buffer on the way to `slow` takes any more
                    told.hear(opened, records * 5)
                await changes(good, 50)
                rounds += 1
            async for _ in slow:
                pass
            assert slow.close_code == 1013
            await good.send_str("ping")
            assert await hear(good, "pong") == {"type": "pong"}
        async with watching(service, cursor) as back:
            assert (await hear(back, "hello"))["reload"] is False
            await changes(back, 50 * rounds + 1)

    async def test_when_the_service_stops(self, service: Service) -> None:
        """1001: the client may come again later."""
        async with watching(service) as socket:
            await hear(socket, "hello")
            stopping = asyncio.create_task(service.stop())
            while (message := await socket.receive(timeout=30)).type is WSMsgType.TEXT:
                pass
            assert message.type is WSMsgType.CLOSE
            assert socket.close_code == 1001
            await stopping


def rated(opened: Project, path: str, stars: int) -> tuple[CurateAsset, str]:
    """A rating of a known file as a command, and by whom."""
    asset = opened.view.asset_at(path)
    assert asset is not None
    known = opened.view.asset(asset)
    assert known is not None
    sighting = Sighting(path, known.size, known.mtime, known.head)
    return CurateAsset(sighting=sighting, stars=stars), "mara"
