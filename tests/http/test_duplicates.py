"""Gallery: duplicates of three kinds, and keeping one of each with all that was said of them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from PIL import Image, ImageDraw

from orchestrator.gallery.duplicates import service as duplicates_service
from orchestrator.gallery.duplicates.report import Report
from orchestrator.http import duplicates as duplicates_http
from orchestrator.services import DUPLICATES
from tests.http.studio import Service, Studio, events_of, faults, log_of, picture, refused

A, B, C = "a/shot.png", "b/shot_copy.png", "c/shot_resaved.png"


@pytest.fixture
def shelf(studio: Studio) -> Studio:
    """A picture, a copy of it, the same picture with other metadata, and one of its own."""
    studio.furnish_nothing()
    project = studio.project
    data = picture(project / A).read_bytes()
    (project / "b").mkdir()
    (project / B).write_bytes(data)
    picture(project / C, told=False)
    picture(project / "d" / "other.png", colour="red")
    for number, path in enumerate((A, B, C, "d/other.png")):
        at = (1_700_000_000 + number) * 10**9
        os.utime(project / path, ns=(at, at))
    return studio


@pytest.fixture
async def gallery(shelf: Studio) -> Service:
    """The service over the shelf."""
    return await shelf.host()


async def find(service: Service, **fields: Any) -> Any:
    """A search that is answered."""
    answer = await service.gallery("find-duplicates", **fields)
    assert answer.status == 200, answer.body
    return answer.plain


def paths(answer: Any) -> list[list[str]]:
    """The groups as relative paths."""
    return [[file["relPath"] for file in group["files"]] for group in answer["groups"]]


def sketch(path: Path, *, quality: int, size: int = 256) -> None:
    """A drawing, saved with loss."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Image.new("RGB", (256, 256), "navy")
    drawing = ImageDraw.Draw(made)
    drawing.ellipse((30, 60, 150, 230), fill="orange")
    drawing.rectangle((140, 20, 220, 120), fill="white")
    made.resize((size, size)).save(path, quality=quality)


class TestFind:
    async def test_same_bytes(self, gallery: Service) -> None:
        """The oldest first, with what it wastes and what is said of each."""
        await gallery.rate(B, 4)
        answer = await find(gallery)
        assert paths(answer) == [[A, B]]
        (group,) = answer["groups"]
        size = (gallery.project / A).stat().st_size
        assert (group["wasted"], answer["wastedSpace"], answer["totalDuplicates"]) == (
            size,
            size,
            1,
        )
        assert [file["rating"] for file in group["files"]] == [0, 4]
        assert group["files"][0]["path"] == str(gallery.project / A)

    async def test_same_picture_with_other_metadata(self, gallery: Service) -> None:
        """By its pixels."""
        assert paths(await find(gallery, kind="pixels")) == [[A, B, C]]

    async def test_alike_to_the_eye(self, gallery: Service) -> None:
        """At another size and quality, within a threshold."""
        sketch(gallery.project / "e" / "one.jpg", quality=95)
        sketch(gallery.project / "e" / "two.jpg", quality=60, size=200)
        answer = await find(gallery, kind="looks", folderPath="e", threshold=8)
        assert [sorted(group) for group in paths(answer)] == [["e/one.jpg", "e/two.jpg"]]
        assert answer["groups"][0]["distance"] <= 8
        assert await find(gallery, kind="content", folderPath="e") == {
            "groups": [],
            "totalDuplicates": 0,
            "wastedSpace": 0,
            "unreadable": [],
            "links": [],
        }

    async def test_which_one_to_keep(self, gallery: Service) -> None:
        """As asked; the best rated if nothing is said."""
        await gallery.rate(B, 4)
        for keep, kept in (("oldest", A), ("newest", B), ("best_rated", B), ("largest", A)):
            assert (await find(gallery, keep=keep))["groups"][0]["keep"] == kept
        assert (await find(gallery))["groups"][0]["keep"] == B

    async def test_one_folder(self, gallery: Service) -> None:
        """Only that and those below it; one outside is refused."""
        assert paths(await find(gallery, folderPath="a")) == []
        answer = await gallery.gallery("find-duplicates", folderPath="/etc")
        refused(answer, 403, "path.not_permitted")
        assert list(faults(await gallery.gallery("find-duplicates", kind="taste"))) == ["kind"]

    async def test_what_cannot_be_compared_is_named(self, gallery: Service) -> None:
        """And the others are compared all the same; a link is no duplicate."""
        (gallery.project / "a" / "empty.png").write_bytes(b"")
        (gallery.project / "a" / "broken.png").write_bytes(b"no picture")
        (gallery.project / "a" / "link.png").symlink_to("shot.png")
        answer = await find(gallery, kind="pixels")
        assert paths(answer) == [[A, B, C]]
        assert {file["relPath"] for file in answer["unreadable"]} == {
            "a/broken.png",
            "a/empty.png",
        }
        assert answer["links"] == [{"relPath": "a/link.png", "of": A}]

    async def test_hashes_are_kept_and_move_along(
        self, gallery: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A second search reads nothing, not even of a file that was renamed meanwhile."""
        await find(gallery, kind="pixels")
        answer = await gallery.gallery("rename-file", filePath=B, newName="again.png")
        assert answer.status == 200, answer.body
        read: list[str] = []

        def refuse(root: Path, file: Any, stop: threading.Event) -> Iterator[None]:
            read.append(file.path)
            raise OSError(5, "Input/output error")

        monkeypatch.setattr("orchestrator.gallery.duplicates.looking.opened", refuse)
        assert paths(await find(gallery, kind="pixels")) == [[A, "b/again.png", C]]
        assert read == []


class TestKeep:
    async def test_the_best_of_all_is_kept(self, gallery: Service) -> None:
        """Most stars, all tags, all notes; the others are in the trash."""
        hero, todo = await gallery.make_tag("Hero"), await gallery.make_tag("Todo")
        await gallery.gallery("ratings", ratings={A: 2, B: 5})
        await gallery.gallery("file-tags", files=[A], addTags=[hero])
        await gallery.gallery("file-tags", files=[B], addTags=[todo])
        await gallery.gallery("notes", filePath=A, note="grade it")
        await gallery.gallery("notes", filePath=C, note="approved")

        answer = (await gallery.gallery("keep-duplicate", keep=A, trash=[B, C])).plain

        assert (answer["path"], answer["rating"], answer["errors"]) == (A, 5, [])
        assert [tag["name"] for tag in answer["tags"]] == ["Hero", "Todo"]
        assert answer["note"] == "grade it\n\napproved"
        assert [file["path"] for file in answer["trashed"]] == [B, C]
        assert await gallery.ratings() == {A: 5}
        assert not (gallery.project / B).exists()
        assert len((await gallery.ask("trash"))["files"]) == 2

    async def test_one_undo_takes_it_back_whole(self, gallery: Service) -> None:
        """Files, stars, tags and notes; and a second undo does it again."""
        tag = await gallery.make_tag("Hero")
        await gallery.gallery("ratings", ratings={A: 2, B: 5})
        await gallery.gallery("file-tags", files=[B], addTags=[tag])
        await gallery.gallery("notes", filePath=B, note="approved")
        data = (gallery.project / B).read_bytes()
        batch = (await gallery.gallery("keep-duplicate", keep=A, trash=[B])).plain["batch"]

        undone = (await gallery.gallery("undo", batch=batch)).plain

        assert (undone["conflicts"], undone["impossible"]) == ([], [])
        assert await gallery.ratings() == {A: 2, B: 5}
        assert (gallery.project / B).read_bytes() == data
        assert (await gallery.ask("notes"))["notes"] == {B: "approved"}
        assert (await gallery.ask("tags"))["tags"][tag]["fileCount"] == 1

        await gallery.gallery("undo", batch=undone["undo"])
        assert await gallery.ratings() == {A: 5}
        assert not (gallery.project / B).exists()

    async def test_all_of_it_has_one_id(self, gallery: Service) -> None:
        """In the history too."""
        await gallery.gallery("ratings", ratings={B: 5})
        batch = (await gallery.gallery("keep-duplicate", keep=A, trash=[B])).plain["batch"]
        edits = (await gallery.ask("history"))["edits"]
        mine = {edit["what"] for edit in edits if edit["batch"] == batch}
        assert {"asset.rated", "file.trashed"} <= mine

    async def test_nothing_was_said_of_any(self, gallery: Service) -> None:
        """Then nothing is said of the kept one either."""
        answer = (await gallery.gallery("keep-duplicate", keep=A, trash=[B])).plain
        assert (answer["rating"], answer["tags"], answer["note"]) == (0, [], "")
        told = {event["t"] for event in events_of(gallery.project)}
        assert not told & {"asset.rated", "asset.tagged", "asset.noted"}

    async def test_one_file_by_several_names(self, gallery: Service) -> None:
        """Is trashed once; and what is kept cannot go."""
        absolute = str(gallery.project / B)
        answer = (await gallery.gallery("keep-duplicate", keep=A, trash=[B, absolute])).plain
        assert [file["path"] for file in answer["trashed"]] == [B]
        answer = await gallery.gallery("keep-duplicate", keep=A, trash=[str(gallery.project / A)])
        assert list(faults(answer)) == ["trash"]
        assert (gallery.project / A).exists()

    async def test_what_is_not_there(self, gallery: Service) -> None:
        """Refused as a whole: nobody knows whether the others are still meant."""
        for fields in ({"keep": "none.png", "trash": [A]}, {"keep": A, "trash": [B, "none.png"]}):
            refused(await gallery.gallery("keep-duplicate", **fields), 404, "file.missing")
        assert (gallery.project / B).exists()
        assert log_of(gallery.project) == {}

    async def test_notes_that_are_too_long_together(self, gallery: Service) -> None:
        """Refused before anything is trashed."""
        await gallery.gallery("notes", filePath=A, note="a" * 6000)
        await gallery.gallery("notes", filePath=B, note="b" * 6000)
        answer = await gallery.gallery("keep-duplicate", keep=A, trash=[B])
        assert list(faults(answer)) == ["trash"]
        assert (gallery.project / B).exists()


class TestPatience:
    @pytest.fixture
    def slow(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[threading.Event]]:
        """Searches that go on until they are told to stop; how each is told."""
        begun: list[threading.Event] = []

        def find(*_: Any, stop: threading.Event, **__: Any) -> Report:
            begun.append(stop)
            assert stop.wait(30)
            return Report(())

        monkeypatch.setattr(duplicates_service, "find", find)
        monkeypatch.setattr(duplicates_http, "LOOK_FOR_CLIENT", 0.01)
        yield begun
        for stop in begun:
            stop.set()

    async def test_a_client_that_hangs_up_ends_its_search(
        self, gallery: Service, slow: list[threading.Event]
    ) -> None:
        """Nobody waits for it any more."""
        url = gallery.client.make_url("/api/gallery/find-duplicates")
        body = {"projectPath": str(gallery.project)}
        async with ClientSession() as session:
            asking = asyncio.create_task(session.post(url, json=body))
            async with asyncio.timeout(30):
                while not slow:  # noqa: ASYNC110 # a thread sets it
                    await asyncio.sleep(0.005)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        assert await asyncio.to_thread(slow[0].wait, 30)

    async def test_searches_hold_up_nobody_else(
        self, gallery: Service, slow: list[threading.Event]
    ) -> None:
        """Only a few run; all others wait, and everything else goes on."""
        asking = [asyncio.create_task(find(gallery)) for _ in range(12)]
        async with asyncio.timeout(30):
            while len(slow) < duplicates_service.SEARCHES:  # noqa: ASYNC110 # threads fill it
                await asyncio.sleep(0.005)
            await gallery.rate(A, 5)
            assert (await gallery.gallery("scan-tree")).status == 200
        assert len(slow) == duplicates_service.SEARCHES
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def test_the_service_can_stop(
        self, gallery: Service, slow: list[threading.Event]
    ) -> None:
        """It does not wait for a search to end by itself."""
        asking = asyncio.create_task(
            gallery.app[DUPLICATES].find(str(gallery.project), ".", "content", 6)  # type: ignore[arg-type] # never used
        )
        async with asyncio.timeout(30):
            while not slow:  # noqa: ASYNC110 # a thread sets it
                await asyncio.sleep(0.005)
            await gallery.stop()
        assert slow[0].is_set()
        await asyncio.gather(asking, return_exceptions=True)
