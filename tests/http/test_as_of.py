"""Gallery: as of a moment of the past; what was said since does not count, what was, does."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.http.studio import Service, Studio, faults, log_of, picture

FIRST = "Panel_01/Eliot_Panel_01_v001.png"
SECOND = "Panel_01/Eliot_Panel_01_v002.png"
THIRD = "Panel_01/Eliot_Panel_01_v003.png"


async def moment() -> str:
    """A moment after everything so far, and before everything that follows."""
    await asyncio.sleep(0.01)
    now = datetime.now(UTC).isoformat()
    await asyncio.sleep(0.01)
    return now


async def folder(service: Service, at: str | None, path: str = "Panel_01") -> dict[str, Any]:
    """The files of a folder as of a moment, by path."""
    asked = {} if at is None else {"at": at}
    answer = await service.gallery("scan-folder", folderPath=path, **asked)
    assert answer.status == 200, answer.body
    found = [file["relPath"] for file in answer.plain["files"]]
    assert len(found) == len(set(found)), "each file once"
    return {file["relPath"]: file for file in answer.plain["files"]}


async def good(service: Service, endpoint: str, **fields: Any) -> Any:
    """A change that must go well; its answer."""
    answer = await service.gallery(endpoint, **fields)
    assert answer.status == 200, answer.body
    assert answer.plain.get("errors", []) == []
    return answer.plain


def size_of(path: str) -> int:
    """Bytes of a file, wherever it lies."""
    return Path(path).stat().st_size


class TestWhatWasSaid:
    async def test_ratings(self, service: Service) -> None:
        """Changed, added and removed stars: each moment has its own."""
        before = await moment()
        await service.rate(FIRST, 4)
        await service.rate(SECOND, 1)
        between = await moment()
        await service.rate(FIRST, 2)
        await service.rate(SECOND, 0)
        await service.rate(THIRD, 5)
        assert (await service.ask("ratings", at=before))["ratings"] == {}
        assert (await service.ask("ratings", at=between))["ratings"] == {FIRST: 4, SECOND: 1}
        assert await service.ratings() == {FIRST: 2, THIRD: 5}
        later = await moment()
        assert (await service.ask("ratings", at=later))["ratings"] == await service.ratings()

    async def test_tags(self, service: Service) -> None:
        """Names, colours and counts as they were; a tag deleted since is there again."""
        hero = await service.make_tag("Hero", "#ff0000")
        await good(service, "file-tags", files=[FIRST, SECOND], addTags=[hero])
        between = await moment()
        await good(service, "tags", tagId=hero, name="Heroine", color="#00ff00")
        await good(service, "file-tags", filePath=FIRST, removeTags=[hero])
        renamed = await moment()
        query = {"projectPath": str(service.project), "tagId": hero}
        await service.client.delete("/api/gallery/tags", params=query)
        then = (await service.ask("tags", at=between))["tags"]
        assert then == {hero: {"name": "Hero", "color": "#ff0000", "fileCount": 2}}
        then = (await service.ask("tags", at=renamed))["tags"]
        assert then == {hero: {"name": "Heroine", "color": "#00ff00", "fileCount": 1}}
        assert (await service.ask("tags"))["tags"] == {}
        files = await folder(service, between)
        assert [tag["name"] for tag in files[FIRST]["tags"]] == ["Hero"]

    async def test_notes(self, service: Service) -> None:
        """Also one that was taken off since."""
        await good(service, "notes", filePath=FIRST, note="hands are wrong")
        between = await moment()
        await good(service, "notes", filePath=FIRST, note="")
        assert (await service.ask("notes", at=between))["notes"] == {FIRST: "hands are wrong"}
        assert (await service.ask("notes"))["notes"] == {}
        assert (await folder(service, between))[FIRST]["note"] == "hands are wrong"

    async def test_a_file_that_moved_since(self, service: Service) -> None:
        """Its stars stand at the path that it had then."""
        await service.rate(FIRST, 4)
        between = await moment()
        await good(service, "rename-file", filePath=FIRST, newName="hero.png")
        assert (await service.ask("ratings", at=between))["ratings"] == {FIRST: 4}
        assert await service.ratings() == {"Panel_01/hero.png": 4}

    async def test_after_a_restart(self, studio: Studio, service: Service) -> None:
        """The past is in the log, not in the service's memory."""
        await service.rate(FIRST, 4)
        between = await moment()
        await service.rate(FIRST, 2)
        await service.close()
        again = await studio.host("bela")
        assert (await again.ask("ratings", at=between))["ratings"] == {FIRST: 4}

    async def test_looking_back_changes_nothing(self, service: Service) -> None:
        """Neither the log nor what is there now."""
        await service.rate(FIRST, 4)
        between = await moment()
        await service.rate(FIRST, 2)
        before = log_of(service.project)
        for name in ("ratings", "tags", "notes", "trash"):
            await service.ask(name, at=between)
        await folder(service, between)
        assert log_of(service.project) == before
        assert await service.ratings() == {FIRST: 2}

    async def test_an_untouched_project(self, service: Service) -> None:
        """It has no log, and had nothing said of it at any time."""
        for at in ("1999-12-31T23:59:59Z", "2999-01-01T00:00:00+02:00"):
            assert (await service.ask("ratings", at=at))["ratings"] == {}
        assert log_of(service.project) == {}

    async def test_what_is_no_moment(self, service: Service) -> None:
        """A time without a zone could be any of 38."""
        for at in ("yesterday", "2026-02-20T18:00:00", "", "1771610400"):
            answer = await service.get(
                "/api/gallery/ratings", projectPath=str(service.project), at=at
            )
            assert list(faults(answer)) == ["at"]
            answer = await service.gallery("scan-folder", at=at)
            assert list(faults(answer)) == ["at"]


class TestTrash:
    async def test_what_lay_in_it(self, service: Service) -> None:
        """Before, while, and after."""
        await service.rate(FIRST, 4)
        before = await moment()
        trashed = await good(service, "trash", files=[FIRST])
        (one,) = trashed["trashed"]
        between = await moment()
        await good(service, "restore", trashIds=[one["trashId"]])
        assert (await service.ask("trash", at=before))["files"] == []
        (file,) = (await service.ask("trash", at=between))["files"]
        assert (file["trashId"], file["originalPath"]) == (one["trashId"], FIRST)
        assert file["rating"] == 4
        assert (await service.ask("trash"))["files"] == []

    async def test_what_was_deleted_since(self, service: Service) -> None:
        """The trash of that moment is told; its bytes are gone, and that is all."""
        await good(service, "trash", files=[FIRST])
        between = await moment()
        await good(service, "empty-trash")
        (file,) = (await service.ask("trash", at=between))["files"]
        assert file["originalPath"] == FIRST
        assert (await service.ask("trash"))["files"] == []


class TestFolder:
    async def test_rated_for_the_first_time_since(self, service: Service) -> None:
        """It lay there already, without stars."""
        before = await moment()
        await service.rate(FIRST, 4)
        files = await folder(service, before)
        assert list(files) == [FIRST, SECOND, THIRD]
        assert files[FIRST]["rating"] == 0

    async def test_added_since(self, service: Service) -> None:
        """A file that was made later is not shown, rated or not."""
        before = await moment()
        picture(service.project / "Panel_01" / "later.png")
        picture(service.project / "Panel_01" / "later2.png")
        await service.rate("Panel_01/later2.png", 3)
        assert list(await folder(service, before)) == [FIRST, SECOND, THIRD]
        assert len(await folder(service, None)) == 5

    async def test_renamed_since(self, service: Service) -> None:
        """Under its name of then, with the path where it lies now."""
        await service.rate(FIRST, 4)
        between = await moment()
        await good(service, "rename-file", filePath=FIRST, newName="hero.png")
        files = await folder(service, between)
        assert list(files) == [FIRST, SECOND, THIRD]
        assert files[FIRST]["rating"] == 4
        assert files[FIRST]["path"] == str(service.project / "Panel_01" / "hero.png")

    async def test_moved_away_since(self, service: Service) -> None:
        """It stands in the folder where it lay, and not where it went."""
        await service.rate(FIRST, 4)
        between = await moment()
        await good(service, "move-files", files=[FIRST], destination="Panel_02")
        assert list(await folder(service, between)) == [FIRST, SECOND, THIRD]
        assert len(await folder(service, between, "Panel_02")) == 1
        assert len(await folder(service, None, "Panel_02")) == 2

    async def test_trashed_since(self, service: Service) -> None:
        """Its bytes are in the trash, and can be fetched there."""
        await service.rate(FIRST, 4)
        between = await moment()
        await good(service, "trash", files=[FIRST])
        files = await folder(service, between)
        assert list(files) == [FIRST, SECOND, THIRD]
        assert (service.project / FIRST).exists() is False
        assert size_of(files[FIRST]["path"]) == files[FIRST]["size"]
        assert list(await folder(service, None)) == [SECOND, THIRD]

    async def test_a_folder_that_is_gone(self, service: Service) -> None:
        """Everything in it was moved, and the folder removed: there was something all the same."""
        path = "Panel_02/Eliot_Panel_02_v001.png"
        await service.rate(path, 2)
        between = await moment()
        await good(service, "move-files", files=[path], destination="Panel_01")
        (service.project / "Panel_02").rmdir()
        assert list(await folder(service, between, "Panel_02")) == [path]

    async def test_another_file_took_the_name(self, service: Service) -> None:
        """What lay there then is shown, not what lies there now."""
        await service.rate(FIRST, 4)
        between = await moment()
        await good(service, "rename-file", filePath=FIRST, newName="hero.png")
        picture(service.project / FIRST, colour="red")
        await service.rate(FIRST, 1)
        files = await folder(service, between)
        assert (files[FIRST]["rating"], list(files)) == (4, [FIRST, SECOND, THIRD])
        assert files[FIRST]["path"].endswith("hero.png")


class TestFilesOfWhichNothingWasSaid:
    """Only their moves were ever told."""

    async def test_renamed_since(self, service: Service) -> None:
        """Under the name of then."""
        between = await moment()
        await good(service, "rename-file", filePath=FIRST, newName="hero.png")
        files = await folder(service, between)
        assert list(files) == [FIRST, SECOND, THIRD]
        assert files[FIRST]["path"].endswith("hero.png")

    async def test_moved_and_then_rated(self, service: Service) -> None:
        """It became known at another place than where it lay."""
        between = await moment()
        await good(service, "move-files", files=[FIRST], destination="Panel_02")
        moved = "Panel_02/Eliot_Panel_01_v001.png"
        await service.rate(moved, 5)
        await good(service, "rename-file", filePath=moved, newName="hero.png")
        files = await folder(service, between)
        assert list(files) == [FIRST, SECOND, THIRD]
        assert files[FIRST]["rating"] == 0
        assert len(await folder(service, between, "Panel_02")) == 1

    async def test_trashed_since(self, service: Service) -> None:
        """It lies in the trash now; once it is deleted, nobody can tell of it any more."""
        between = await moment()
        await good(service, "trash", files=[FIRST])
        files = await folder(service, between)
        assert list(files) == [FIRST, SECOND, THIRD]
        assert size_of(files[FIRST]["path"]) == files[FIRST]["size"]
        await good(service, "empty-trash")
        assert list(await folder(service, between)) == [SECOND, THIRD]

    async def test_their_folder_was_renamed_since(self, service: Service) -> None:
        """They went along, and stand where they lay."""
        await service.rate(FIRST, 3)
        between = await moment()
        await good(service, "rename-file", filePath="Panel_01", newName="Scene_01")
        files = await folder(service, between)
        assert list(files) == [FIRST, SECOND, THIRD]
        assert files[FIRST]["rating"] == 3
        assert files[SECOND]["path"].endswith("Scene_01/Eliot_Panel_01_v002.png")
        assert await folder(service, between, "Scene_01") == {}
