"""Gallery: moving files and folders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.http.studio import Service, faults, log_of, picture

FIRST = "Panel_01/Eliot_Panel_01_v001.png"
SECOND = "Panel_01/Eliot_Panel_01_v002.png"
LONG_AGO = 1_600_000_000_123_456_789

BAD_PATHS = [
    *("/etc/passwd", "../Other/a.png", "Panel_01/../../a.png", "C:\\a.png", "\\\\nas\\a.png"),
    *("//nas/share/a.png", "x/" * 2_100 + "a.png", "out/a.png", "out.png", ""),
    *(".gallery/log/a.png", ".gallery/.trash/a.png", "."),
]
BAD_DESTINATIONS = {
    "/etc": "path.not_permitted",
    "../Other": "path.invalid",
    "C:\\Sel": "path.not_permitted",
    "out": "path.not_permitted",
    ".gallery": "path.not_permitted",
    "CON": "name.invalid",
    "Sel./x": "name.invalid",
    "Sel\0": "request.invalid",
    "x" * 5_000: "path.invalid",
    FIRST: "path.invalid",
}


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def write(path: Path, text: str = "{}") -> Path:
    """A small file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


async def info(service: Service, file: str) -> dict[str, Any]:
    """What the gallery says of a file."""
    answer = await service.gallery("file-info", filePath=file)
    assert answer.status == 200, answer.body
    return dict(answer.plain["file"])


class TestMoveFiles:
    async def test_into_a_folder_that_is_made(self, service: Service) -> None:
        """Rating, tags and note stay with the file, under the same identity."""
        tag = await service.make_tag("Hero")
        await service.rate(FIRST, 4)
        await service.gallery("file-tags", filePath=FIRST, addTags=[tag])
        await service.gallery("notes", filePath=FIRST, note="hands")
        before = await info(service, FIRST)
        answer = await service.gallery("move-files", files=[FIRST, SECOND], destination="Sel/Best")
        assert answer.status == 200, answer.body
        to = "Sel/Best/Eliot_Panel_01_v001.png"
        assert answer.plain["moved"] == [
            {"oldPath": FIRST, "newPath": to},
            {"oldPath": SECOND, "newPath": "Sel/Best/Eliot_Panel_01_v002.png"},
        ]
        assert (answer.plain["skipped"], answer.plain["errors"]) == ([], [])
        after = await info(service, to)
        assert (after["rating"], after["note"], after["assetId"]) == (4, "hands", before["assetId"])
        assert [each["id"] for each in after["tags"]] == [tag]
        assert await service.ratings() == {to: 4}

    async def test_times_are_kept(self, service: Service) -> None:
        """`modified` and `created` are those of the file, not of our rename."""
        os.utime(service.project / FIRST, ns=(LONG_AGO, LONG_AGO))
        before = await info(service, FIRST)
        await service.gallery("move-files", files=[FIRST], destination="Panel_02")
        to = "Panel_02/Eliot_Panel_01_v001.png"
        after = await info(service, to)
        assert (after["modified"], after["created"]) == (before["modified"], before["created"])
        assert (service.project / to).stat().st_mtime_ns == LONG_AGO

    async def test_sidecars_go_along(self, service: Service) -> None:
        """Those of that one file, however they are named after it."""
        for name in ("v001.json", "v001.txt", "v001.xmp", "v001.png.json", "v002.json"):
            write(service.project / f"Panel_01/Eliot_Panel_01_{name}")
        await service.gallery("move-files", files=[FIRST], destination="Sel")
        assert names(service.project / "Sel") == [
            f"Eliot_Panel_01_v001{ending}"
            for ending in (".json", ".png", ".png.json", ".txt", ".xmp")
        ]
        assert "Eliot_Panel_01_v002.json" in names(service.project / "Panel_01")

    async def test_a_sidecar_of_two_stays(self, service: Service) -> None:
        """Nothing says whose it is, unless both go."""
        write(service.project / "Panel_01/Eliot_Panel_01_v001.mp4", "film")
        write(service.project / "Panel_01/Eliot_Panel_01_v001.json")
        await service.gallery("move-files", files=[FIRST], destination="Sel")
        assert names(service.project / "Sel") == ["Eliot_Panel_01_v001.png"]

    async def test_whole_folders(self, service: Service) -> None:
        """With everything that hangs on their files."""
        await service.rate(FIRST, 4)
        answer = await service.gallery("move-files", files=["Panel_01"], destination="Act_1")
        assert answer.plain["moved"] == [{"oldPath": "Panel_01", "newPath": "Act_1/Panel_01"}]
        assert await service.ratings() == {f"Act_1/{FIRST}": 4}
        again = await service.gallery("move-files", files=["Act_1"], destination="Act_1/Panel_01")
        assert again.plain["errors"][0]["code"] == "file.collides"
        assert (service.project / "Act_1" / FIRST).is_file()

    async def test_to_the_project_itself(self, service: Service) -> None:
        """`.` is the project's folder."""
        await service.gallery("move-files", files=[FIRST], destination=".")
        assert (service.project / "Eliot_Panel_01_v001.png").is_file()

    async def test_where_it_is_already(self, service: Service) -> None:
        """Nothing is done, and nothing told."""
        before = log_of(service.project)
        answer = await service.gallery("move-files", files=[FIRST], destination="Panel_01")
        assert answer.plain["skipped"] == [FIRST]
        assert log_of(service.project) == before

    async def test_some_are_bad(self, service: Service) -> None:
        """They are named with a code, the others go."""
        bad = ["Panel_01/none.png", "../secret.png", "Panel_01/notes.docx"]
        answer = await service.gallery("move-files", files=[FIRST, *bad], destination="Sel")
        assert answer.status == 200
        assert [each["oldPath"] for each in answer.plain["moved"]] == [FIRST]
        assert {each["filePath"]: each["code"] for each in answer.plain["errors"]} == {
            bad[0]: "file.missing",
            bad[1]: "path.invalid",
            bad[2]: "file.missing",
        }


class TestConflicts:
    @pytest.fixture(autouse=True)
    async def _one_of_that_name(self, service: Service) -> None:
        """Two different pictures, both called `a.png`, with a sidecar each."""
        for panel, colour in (("A", "red"), ("B", "blue")):
            picture(service.project / panel / "a.png", colour=colour)
            write(service.project / panel / "a.json", panel)
        await service.rate("A/a.png", 1)
        await service.rate("B/a.png", 2)

    async def test_rename(self, service: Service) -> None:
        """The one that comes gets a suffix, and so does what belongs to it."""
        answer = await service.gallery("move-files", files=["A/a.png"], destination="B")
        assert answer.plain["moved"] == [{"oldPath": "A/a.png", "newPath": "B/a_1.png"}]
        assert names(service.project / "B") == ["a.json", "a.png", "a_1.json", "a_1.png"]
        assert (service.project / "B/a_1.json").read_text() == "A"
        assert await service.ratings() == {"B/a.png": 2, "B/a_1.png": 1}

    async def test_skip(self, service: Service) -> None:
        """It stays where it is."""
        answer = await service.gallery(
            "move-files", files=["A/a.png", FIRST], destination="B", conflict="skip"
        )
        assert answer.plain["skipped"] == ["A/a.png"]
        assert [each["oldPath"] for each in answer.plain["moved"]] == [FIRST]
        assert (service.project / "A/a.png").is_file()

    async def test_overwrite(self, service: Service) -> None:
        """What is there goes to the trash, with its stars and sidecar, and can come back."""
        answer = await service.gallery(
            "move-files", files=["A/a.png"], destination="B", conflict="overwrite"
        )
        assert answer.plain["moved"] == [{"oldPath": "A/a.png", "newPath": "B/a.png"}]
        (replaced,) = answer.plain["replaced"]
        assert replaced["path"] == "B/a.png"
        assert await service.ratings() == {"B/a.png": 1}
        assert (service.project / "B/a.json").read_text() == "A"
        back = await service.gallery("restore", trashIds=[replaced["trashId"]])
        assert back.plain["restored"][0]["path"] == "B/a_1.png"
        assert await service.ratings() == {"B/a.png": 1, "B/a_1.png": 2}
        assert (service.project / "B/a_1.json").read_text() == "B"

    async def test_a_folder_is_never_replaced(self, service: Service) -> None:
        """Only files go to the trash."""
        picture(service.project / "B/A/x.png")
        answer = await service.gallery(
            "move-files", files=["A"], destination="B", conflict="overwrite"
        )
        assert answer.plain["errors"][0]["code"] == "file.collides"
        assert (service.project / "A/a.png").is_file()

    @pytest.mark.parametrize("conflict", ["rename", "skip", "overwrite"])
    async def test_files_of_one_request_never_replace_each_other(
        self, service: Service, conflict: str
    ) -> None:
        """Two of one name come to a third folder: both are kept."""
        await service.gallery(
            "move-files", files=["A/a.png", "B/a.png"], destination="C", conflict=conflict
        )
        lying = [path for path in service.project.rglob("a*.png") if ".gallery" not in path.parts]
        assert len({path.read_bytes() for path in lying}) == 2


class TestPathsThatLeadElsewhere:
    async def test_neither_moved_nor_trashed(self, service: Service, tmp_path: Path) -> None:
        """Named with a code; the good file among them goes."""
        secret = write(tmp_path / "elsewhere/a.png", "secret")
        (service.project / "out").symlink_to(secret.parent)
        (service.project / "out.png").symlink_to(secret)
        for endpoint, good, more in (
            ("move-files", FIRST, {"destination": "Sel"}),
            ("trash", SECOND, {}),
        ):
            answer = await service.gallery(endpoint, files=[*BAD_PATHS, good], **more)
            assert answer.status == 200, answer.body
            found = {each["filePath"]: each["code"] for each in answer.plain["errors"]}
            assert list(found) == BAD_PATHS
            assert set(found.values()) <= {"path.invalid", "path.not_permitted", "file.missing"}
            assert not (service.project / good).exists()
        assert secret.read_text() == "secret"
        assert (service.project / "out.png").is_symlink()

    async def test_nul(self, service: Service) -> None:
        """No request may have one anywhere."""
        answer = await service.gallery("trash", files=[FIRST, "a\0.png"])
        assert "files[1]" in faults(answer)
        assert (service.project / FIRST).is_file()

    async def test_no_destination(self, service: Service, tmp_path: Path) -> None:
        """The request as a whole is refused, and nothing is made."""
        (tmp_path / "elsewhere").mkdir()
        (service.project / "out").symlink_to(tmp_path / "elsewhere")
        before = set(service.project.rglob("*"))
        for destination, code in BAD_DESTINATIONS.items():
            answer = await service.gallery("move-files", files=[FIRST], destination=destination)
            assert (answer.plain["code"], answer.status) in {(code, 403), (code, 422)}, destination
        after = {path for path in service.project.rglob("*") if ".gallery" not in path.parts}
        assert after == before
