"""Gallery: the trash, what comes back from it, and what is deleted for good."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.gallery.fileops.bin import Bin
from orchestrator.gallery.fileops.requests import Report
from orchestrator.gallery.fingerprint import head
from orchestrator.project import Project
from tests.http.studio import Service, Studio, events_of, log_of, picture

FIRST = "Panel_01/Eliot_Panel_01_v001.png"
SECOND = "Panel_01/Eliot_Panel_01_v002.png"
OTHER = "Panel_02/Eliot_Panel_02_v001.png"
LONG_AGO = 1_600_000_000_123_456_789


def in_trash(project: Path) -> list[str]:
    """Names of all files in the folder of the trash."""
    folder = project / ".gallery" / ".trash"
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


async def trash(service: Service, *files: str) -> list[str]:
    """Trash files; their ids."""
    answer = await service.gallery("trash", files=files)
    assert answer.status == 200, answer.body
    return [each["trashId"] for each in answer.plain["trashed"]]


async def restore(service: Service, *ids: str) -> Any:
    """Bring files back."""
    answer = await service.gallery("restore", trashIds=ids)
    assert answer.status == 200, answer.body
    return answer.plain


class TestTrashing:
    async def test_it_goes_to_the_documented_place(self, service: Service) -> None:
        """Moved, not copied or deleted."""
        data = (service.project / FIRST).read_bytes()
        answer = await service.gallery("trash", files=[FIRST])
        assert answer.status == 200
        assert [each["path"] for each in answer.plain["trashed"]] == [FIRST]
        assert not (service.project / FIRST).exists()
        (lying,) = (service.project / ".gallery/.trash").rglob("*.png")
        assert lying.read_bytes() == data

    async def test_listed_with_when_by_whom_from_where(self, service: Service) -> None:
        """All that one wants to know before restoring it."""
        await service.rate(FIRST, 4)
        size = (service.project / FIRST).stat().st_size
        body = {"projectPath": str(service.project), "files": [FIRST]}
        await service.post("/api/gallery/trash", body, **{"X-Actor": "mara"})
        await trash(service, OTHER)
        listing = await service.ask("trash")
        newest, oldest = listing["files"]
        assert newest["originalPath"] == OTHER
        assert oldest["originalPath"] == FIRST
        assert (oldest["name"], oldest["size"], oldest["type"], oldest["rating"]) == (
            "Eliot_Panel_01_v001.png", size, "image", 4
        )  # fmt: skip
        assert oldest["trashedBy"] == "mara"
        assert oldest["host"]
        when = datetime.fromisoformat(oldest["trashedAt"])
        assert abs(datetime.now(UTC) - when) < timedelta(minutes=5)
        assert in_trash(service.project) == [Path(each["path"]).name for each in (oldest, newest)]
        assert listing["totalSize"] == sum(each["size"] for each in listing["files"])

    async def test_it_is_in_the_gallery_no_more(self, service: Service) -> None:
        """Neither in a listing nor among the ratings."""
        await service.rate(FIRST, 4)
        await trash(service, FIRST)
        answer = await service.gallery("scan-folder", folderPath="Panel_01")
        assert FIRST not in [each["relPath"] for each in answer.plain["files"]]
        assert await service.ratings() == {}

    async def test_many_at_once(self, service: Service) -> None:
        """Those that cannot go are named."""
        answer = await service.gallery("trash", files=[FIRST, "Panel_01/x.png", "Panel_01", OTHER])
        assert [each["path"] for each in answer.plain["trashed"]] == [FIRST, OTHER]
        assert {each["filePath"]: each["code"] for each in answer.plain["errors"]} == {
            "Panel_01/x.png": "file.missing",
            "Panel_01": "path.invalid",
        }

    async def test_a_new_file_of_that_name_has_no_stars(self, service: Service) -> None:
        """ComfyUI uses names again, and the bytes may be the same."""
        data = (service.project / FIRST).read_bytes()
        await service.rate(FIRST, 5)
        await trash(service, FIRST)
        (service.project / FIRST).write_bytes(data)
        assert await service.ratings() == {}
        await service.rate(FIRST, 1)
        assert await service.ratings() == {FIRST: 1}


class TestRestoring:
    async def test_everything_comes_back(self, service: Service) -> None:
        """Rating, tags, note, times, sidecars, and the identity."""
        tag = await service.make_tag("Hero")
        (service.project / "Panel_01/Eliot_Panel_01_v001.json").write_text("{}")
        os.utime(service.project / FIRST, ns=(LONG_AGO, LONG_AGO))
        await service.rate(FIRST, 4)
        await service.gallery("file-tags", filePath=FIRST, addTags=[tag])
        await service.gallery("notes", filePath=FIRST, note="hands")
        before = (await service.gallery("file-info", filePath=FIRST)).plain
        ids = await trash(service, FIRST, SECOND)
        answer = await restore(service, *ids)
        assert answer["restored"] == [
            {"trashId": ids[0], "path": FIRST, "originalPath": FIRST, "renamed": False},
            {"trashId": ids[1], "path": SECOND, "originalPath": SECOND, "renamed": False},
        ]
        assert (await service.gallery("file-info", filePath=FIRST)).plain == before
        assert (service.project / FIRST).stat().st_mtime_ns == LONG_AGO
        assert (service.project / "Panel_01/Eliot_Panel_01_v001.json").is_file()
        assert (await service.ask("trash"))["files"] == []
        assert list((service.project / ".gallery/.trash").iterdir()) == []

    async def test_a_taken_name_gets_a_suffix_and_says_so(self, service: Service) -> None:
        """Nothing is replaced; what belongs to it has the same suffix."""
        (service.project / "Panel_01/Eliot_Panel_01_v001.json").write_text("old")
        await service.rate(FIRST, 5)
        ids = await trash(service, FIRST)
        picture(service.project / FIRST, colour="red")
        (restored,) = (await restore(service, *ids))["restored"]
        assert restored == {
            "trashId": ids[0],
            "path": "Panel_01/Eliot_Panel_01_v001_1.png",
            "originalPath": FIRST,
            "renamed": True,
        }
        assert await service.ratings() == {restored["path"]: 5}
        assert (service.project / "Panel_01/Eliot_Panel_01_v001_1.json").read_text() == "old"

    async def test_a_sidecar_of_which_the_name_is_taken(self, service: Service) -> None:
        """Both get the suffix, so that they stay together; nothing is left behind."""
        sidecar = service.project / "Panel_01/Eliot_Panel_01_v001.json"
        sidecar.write_text("old")
        ids = await trash(service, FIRST)
        sidecar.write_text("new")
        (restored,) = (await restore(service, *ids))["restored"]
        assert restored["path"] == "Panel_01/Eliot_Panel_01_v001_1.png"
        assert sidecar.read_text() == "new"
        assert sidecar.with_stem("Eliot_Panel_01_v001_1").read_text() == "old"
        assert in_trash(service.project) == []

    async def test_into_a_folder_that_is_gone(self, service: Service) -> None:
        """It is made again."""
        ids = await trash(service, OTHER)
        (service.project / "Panel_02").rmdir()
        await restore(service, *ids)
        assert (service.project / OTHER).is_file()

    async def test_several_of_one_name(self, service: Service) -> None:
        """Trashed one after the other, restored together: all have a name."""
        ids = await trash(service, FIRST)
        for colour in ("red", "blue"):
            picture(service.project / FIRST, colour=colour)
            ids += await trash(service, FIRST)
        answer = await restore(service, *ids)
        endings = [each["path"].rpartition("_v")[2] for each in answer["restored"]]
        assert endings == ["001.png", "001_1.png", "001_2.png"]

    async def test_ids_that_are_not_there(self, service: Service) -> None:
        """Named; the others come back. So it is with one that was restored already."""
        ids = await trash(service, FIRST)
        answer = await restore(service, "no-such-id", *ids)
        assert len(answer["restored"]) == 1
        assert [(each["filePath"], each["code"]) for each in answer["errors"]] == [
            ("no-such-id", "trash.unknown")
        ]
        assert (await restore(service, *ids))["errors"][0]["code"] == "trash.unknown"

    async def test_one_that_somebody_took_out_by_hand(self, service: Service) -> None:
        """It is missing, and stays listed until the trash is emptied."""
        ids = await trash(service, FIRST)
        (lying,) = (service.project / ".gallery/.trash").rglob("*.png")
        lying.unlink()
        answer = await restore(service, *ids)
        assert answer["errors"][0]["code"] == "file.missing"
        emptied = await service.gallery("empty-trash")
        assert emptied.plain["trashIds"] == ids

    async def test_by_another_host(self, service: Service, studio: Studio) -> None:
        """Who trashed it does not matter."""
        await service.rate(FIRST, 3)
        ids = await trash(service, FIRST)
        other = await studio.host("ben")
        assert len((await other.ask("trash"))["files"]) == 1
        await restore(other, *ids)
        assert await other.ratings() == {FIRST: 3}


class TestEmptying:
    async def test_the_only_thing_that_deletes(self, service: Service) -> None:
        """What was deleted is told with name, size and fingerprint."""
        path = service.project / FIRST
        size, print_ = path.stat().st_size, head(path, path.stat().st_size)
        (service.project / "Panel_01/Eliot_Panel_01_v001.json").write_text("{}")
        ids = await trash(service, FIRST, OTHER)
        answer = await service.gallery("empty-trash")
        assert answer.status == 200
        assert (answer.plain["count"], answer.plain["errors"]) == (2, [])
        assert sorted(answer.plain["trashIds"]) == sorted(ids)
        assert in_trash(service.project) == []
        assert list((service.project / ".gallery/.trash").iterdir()) == []
        told = [each["d"] for each in events_of(service.project) if each["t"] == "file.purged"]
        (purged,) = [each for each in told if each["trash"] == ids[0]]
        assert purged["name"] == "Eliot_Panel_01_v001.png"
        assert (purged["path"], purged["size"], purged["head"]) == (FIRST, size, print_)

    async def test_only_some(self, service: Service) -> None:
        """By id; the others stay, though they lie in the same folder."""
        ids = await trash(service, FIRST, SECOND)
        answer = await service.gallery("empty-trash", trashIds=[ids[0], "no-such-id"])
        assert answer.plain["trashIds"] == [ids[0]]
        assert answer.plain["errors"][0]["code"] == "trash.unknown"
        assert in_trash(service.project) == ["Eliot_Panel_01_v002.png"]
        assert len((await restore(service, ids[1]))["restored"]) == 1

    async def test_an_empty_trash(self, service: Service) -> None:
        """Nothing is done, nothing told."""
        before = log_of(service.project)
        answer = await service.gallery("empty-trash")
        assert answer.plain == {"trashIds": [], "count": 0, "errors": []}
        assert log_of(service.project) == before

    async def test_a_file_that_the_share_does_not_let_go(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is named, and still there."""
        ids = await trash(service, FIRST)
        unlink = os.unlink

        def locked(path: Any, **named: Any) -> None:
            if Path(path).name == "Eliot_Panel_01_v001.png":
                raise PermissionError(13, "Permission denied")
            unlink(path, **named)

        monkeypatch.setattr(os, "unlink", locked)
        answer = await service.gallery("empty-trash")
        assert answer.plain["errors"][0]["code"] == "file.not_moved"
        assert [each["trashId"] for each in (await service.ask("trash"))["files"]] == ids
        assert in_trash(service.project) == ["Eliot_Panel_01_v001.png"]


class TestAnotherHost:
    async def test_what_another_host_trashed_a_moment_ago_comes_back(
        self, studio: Studio, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its record may come while the request to restore waits for its turn."""
        ada, bob = await studio.host("ada"), await studio.host("bob")
        (id_,) = await trash(ada, FIRST)
        restoring = Bin.restore

        async def hear_and_restore(
            self: Bin, project: Project, ids: list[str], actor: str
        ) -> Report:
            await project.follow()
            return await restoring(self, project, ids, actor)

        monkeypatch.setattr(Bin, "restore", hear_and_restore)
        (back,) = (await restore(bob, id_))["restored"]
        assert back == {"trashId": id_, "path": FIRST, "originalPath": FIRST, "renamed": False}
