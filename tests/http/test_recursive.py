"""Gallery: all files below a folder, streamed or by pages, and how much lies in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.http.studio import Service, faults, picture, refused

FIRST = "Panel_01/Eliot_Panel_01_v001.png"
ALL = [
    *(f"Panel_01/Eliot_Panel_01_v00{n}.png" for n in (1, 2, 3)),
    "Panel_02/Eliot_Panel_02_v001.png",
    "Panel_10/Eliot_Panel_10_v001.png",
]


def deep(project: Path) -> set[str]:
    """Folders in folders, some without files, names that sort naturally; all files' paths."""
    made = ["cover.png", "z.png", "refs/old/a/shot2.png", "refs/old/a/shot10.png", "refs/b.png"]
    made += [f"refs/shots/s{n}.png" for n in range(12)]
    one = picture(project / made[0]).read_bytes()
    for name in made[1:]:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(one)
    (project / "refs" / "empty" / "below").mkdir(parents=True)
    return {*ALL, *made}


async def whole(service: Service, **fields: Any) -> list[str]:
    """All paths in one answer."""
    answer = (await service.gallery("scan-recursive", **fields)).plain
    assert answer["nextCursor"] is None
    return [file["relPath"] for file in answer["files"]]


async def paged(service: Service, limit: int, **fields: Any) -> list[str]:
    """All paths, page by page."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        asked = fields if cursor is None else {**fields, "cursor": cursor}
        answer = (await service.gallery("scan-recursive", limit=limit, **asked)).plain
        assert len(answer["files"]) <= limit
        found += [file["relPath"] for file in answer["files"]]
        cursor = answer["nextCursor"]
        if cursor is None:
            return found
        assert len(answer["files"]) == limit, "only the last page may be short"


class TestScanRecursive:
    async def test_everything_once(self, service: Service) -> None:
        """Each folder before those in it, in natural order."""
        assert await whole(service) == ALL
        wanted = deep(service.project)
        found = await whole(service)
        assert len(found) == len(wanted)
        assert set(found) == wanted
        assert found[:2] == ["cover.png", "z.png"]
        assert found.index("refs/old/a/shot2.png") + 1 == found.index("refs/old/a/shot10.png")

    @pytest.mark.parametrize("limit", [1, 2, 3, 5, 7, 22, 23, 100])
    async def test_paged_is_the_same(self, service: Service, limit: int) -> None:
        """Whatever the size of a page: the same files, in the same order, each once."""
        deep(service.project)
        assert await paged(service, limit) == await whole(service)

    async def test_a_folder_and_those_in_it(self, service: Service) -> None:
        """Paths stay relative to the project; paged as well."""
        wanted = {path for path in deep(service.project) if path.startswith("refs/")}
        found = await whole(service, folderPath="refs")
        assert set(found) == wanted
        assert await paged(service, 4, folderPath="refs") == found
        assert await whole(service, folderPath="refs/empty") == []

    async def test_entries_are_those_of_scan_folder(self, service: Service) -> None:
        """With what the index knows, and what is said of them."""
        await service.gallery("index")
        tag = await service.make_tag("Hero")
        await service.rate(FIRST, 4)
        await service.gallery("file-tags", filePath=FIRST, addTags=[tag])
        await service.gallery("notes", filePath=FIRST, note="x")
        files = (await service.gallery("scan-recursive", folderPath="Panel_01")).plain["files"]
        one = (await service.gallery("scan-folder", folderPath="Panel_01")).plain["files"]
        assert files == one
        assert (files[0]["rating"], files[0]["note"]) == (4, "x")
        assert (files[0]["width"], files[0]["height"]) == (48, 32)

    async def test_a_file_that_goes_between_two_pages(self, service: Service) -> None:
        """Even the one that the cursor names: the others come all the same, each once."""
        deep(service.project)
        everything = await whole(service)
        answer = (await service.gallery("scan-recursive", limit=9)).plain
        seen = [file["relPath"] for file in answer["files"]]
        (service.project / seen[-1]).unlink()
        rest = await paged_from(service, answer["nextCursor"])
        assert seen + rest == everything

    async def test_a_folder_that_goes_between_two_pages(self, service: Service) -> None:
        """What was in it is gone; what comes after it is not."""
        answer = (await service.gallery("scan-recursive", limit=4)).plain
        assert answer["files"][-1]["relPath"] == ALL[3]
        (service.project / ALL[3]).unlink()
        (service.project / "Panel_02").rmdir()
        assert await paged_from(service, answer["nextCursor"]) == ALL[4:]

    async def test_skipped_folders_are_named(self, service: Service, tmp_path: Path) -> None:
        """With the reason, at the end."""
        (tmp_path / "private").mkdir()
        (service.project / "way_out").symlink_to(tmp_path / "private")
        answer = (await service.gallery("scan-recursive")).plain
        (skipped,) = answer["skipped"]
        assert skipped["relPath"] == "way_out"
        assert [file["relPath"] for file in answer["files"]] == ALL

    async def test_links_in_a_circle(self, service: Service) -> None:
        """A folder that is linked into itself does not go on for ever."""
        (service.project / "Panel_01" / "again").symlink_to(service.project)
        assert await whole(service) == ALL

    async def test_an_empty_project(self, service: Service) -> None:
        """No files, and the end at once."""
        empty = service.project.parent / "Empty"
        empty.mkdir()
        answer = await service.post("/api/gallery/scan-recursive", {"projectPath": str(empty)})
        assert answer.plain == {"files": [], "nextCursor": None, "skipped": []}

    async def test_a_missing_folder(self, service: Service) -> None:
        """404, before anything is sent."""
        refused(await service.gallery("scan-recursive", folderPath="none"), 404, "file.missing")

    @pytest.mark.parametrize("limit", [0, -1, 100_001, "10", 1.5])
    async def test_what_is_no_limit(self, service: Service, limit: Any) -> None:
        """1 to 100,000."""
        assert list(faults(await service.gallery("scan-recursive", limit=limit))) == ["limit"]

    @pytest.mark.parametrize("cursor", ["", "none/x.png", "../x.png", "/etc/passwd", "z" * 5000])
    async def test_a_cursor_of_nothing(self, service: Service, cursor: str) -> None:
        """Whatever is sent: an answer or a refusal, and never what lies outside."""
        answer = await service.gallery("scan-recursive", limit=2, cursor=cursor)
        assert answer.status in (200, 422)
        if answer.status == 200:
            assert {file["relPath"] for file in answer.plain["files"]} <= set(ALL)

    async def test_names_that_are_no_text_hide_nothing(self, service: Service) -> None:
        """They cannot be sent; the others are."""
        folder = os.fsencode(service.project / "Panel_02")
        with open(os.path.join(folder, b"\xff\xfe.png"), "wb"):  # noqa: ASYNC230, PTH118, PTH123 # bytes
            pass
        assert await whole(service) == ALL


async def paged_from(service: Service, cursor: str) -> list[str]:
    """All paths from a cursor on."""
    answer = (await service.gallery("scan-recursive", cursor=cursor)).plain
    return [file["relPath"] for file in answer["files"]]


class TestFolderStats:
    async def test_everything_below(self, service: Service) -> None:
        """Files, bytes, kinds, folders."""
        project = service.project
        (project / "film.mp4").write_bytes(b"x" * 1000)
        (project / "Panel_02" / "line.wav").write_bytes(b"y" * 10)
        (project / "Panel_02" / "B.PNG").write_bytes(b"z")
        (project / "Panel_02" / "notes.txt").write_text("not counted")
        (project / "Panel_02" / "refs").mkdir()
        pictures = sum((project / name).stat().st_size for name in ALL)
        answer = (await service.gallery("folder-stats")).plain
        assert answer == {
            "fileCount": 8,
            "totalSize": pictures + 1011,
            "imageCount": 6,
            "videoCount": 1,
            "audioCount": 1,
            "folderCount": 4,
            "byExtension": {".mp4": 1, ".png": 6, ".wav": 1},
        }

    async def test_one_folder_alone(self, service: Service) -> None:
        """Without `recursive` only what lies directly in it."""
        picture(service.project / "cover.png")
        answer = (await service.gallery("folder-stats", recursive=False)).plain
        assert (answer["fileCount"], answer["folderCount"]) == (1, 3)
        answer = (await service.gallery("folder-stats", folderPath="Panel_01")).plain
        assert (answer["fileCount"], answer["folderCount"]) == (3, 0)

    async def test_nothing(self, service: Service) -> None:
        """An empty folder is no fault; the service's own is not counted."""
        (service.project / "empty").mkdir()
        await service.rate(FIRST, 1)
        answer = (await service.gallery("folder-stats", folderPath="empty")).plain
        assert (answer["fileCount"], answer["totalSize"], answer["byExtension"]) == (0, 0, {})
        answer = (await service.gallery("folder-stats")).plain
        assert (answer["fileCount"], answer["folderCount"]) == (5, 4)

    async def test_a_missing_folder(self, service: Service) -> None:
        """404."""
        refused(await service.gallery("folder-stats", folderPath="none"), 404, "file.missing")
