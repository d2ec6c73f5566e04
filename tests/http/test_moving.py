"""Gallery: moving and renaming files and folders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.http.studio import Service, events_of, faults, log_of, picture, refused

FIRST = "Panel_01/Eliot_Panel_01_v001.png"
SECOND = "Panel_01/Eliot_Panel_01_v002.png"
THIRD = "Panel_01/Eliot_Panel_01_v003.png"
OTHER = "Panel_02/Eliot_Panel_02_v001.png"
LONG_AGO = 1_600_000_000_123_456_789

#: What Windows, macOS, Linux, or a gallery could not have as the name of a picture.
BAD_NAMES = [
    *("", " ", "a/b.png", "..", "a\\b.png", "CON.png", "nul", "com1.png", "dot.", "space "),
    *("a\0.png", "a?.png", 'q".png', "x" * 300 + ".png", ".hidden.png", "a\n.png", "C:a.png"),
    *("hero.docx", "hero"),
]
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


class TestRenameFile:
    async def test_renamed_with_all_that_belongs_to_it(self, service: Service) -> None:
        """Identity, stars, sidecars and times."""
        write(service.project / "Panel_01/Eliot_Panel_01_v001.json")
        os.utime(service.project / FIRST, ns=(LONG_AGO, LONG_AGO))
        await service.rate(FIRST, 3)
        answer = await service.gallery("rename-file", filePath=FIRST, newName="hero.png")
        assert answer.status == 200
        assert (answer.plain["oldPath"], answer.plain["newPath"]) == (FIRST, "Panel_01/hero.png")
        assert await service.ratings() == {"Panel_01/hero.png": 3}
        assert (service.project / "Panel_01/hero.json").is_file()
        assert (service.project / "Panel_01/hero.png").stat().st_mtime_ns == LONG_AGO

    @pytest.mark.parametrize(
        "name",
        ["HERO.png", "Größe, 'Kran' & 🎬.png", "e\u0301.png", "家.png"],
        ids=["case", "emoji", "decomposed", "kanji"],
    )
    async def test_names_of_all_sorts(self, service: Service, name: str) -> None:
        """What every system can have."""
        picture(service.project / "P/hero.png")
        await service.rate("P/hero.png", 3)
        answer = await service.gallery("rename-file", filePath="P/hero.png", newName=name)
        assert answer.status == 200, answer.body
        assert names(service.project / "P") == [name]
        assert await service.ratings() == {f"P/{name}": 3}

    async def test_names_that_some_system_cannot_have(self, service: Service) -> None:
        """Refused with the reason; nothing is touched."""
        before = log_of(service.project)
        for name in BAD_NAMES:
            answer = await service.gallery("rename-file", filePath=FIRST, newName=name)
            assert answer.status == 422, name
            code = "request.invalid" if "\0" in name else "name.invalid"
            refused(answer, 422, code)
            assert (service.project / FIRST).is_file()
        assert log_of(service.project) == before

    @pytest.mark.parametrize(
        "name", ["Eliot_Panel_01_v002.png", "ELIOT_PANEL_01_V002.PNG"], ids=["same", "case"]
    )
    async def test_a_name_that_is_taken(self, service: Service, name: str) -> None:
        """By a file that some share would take for the same."""
        answer = await service.gallery("rename-file", filePath=FIRST, newName=name)
        plain = refused(answer, 409, "file.collides")
        assert plain["detail"]["other"] == SECOND
        assert (service.project / FIRST).is_file()

    async def test_names_that_differ_only_in_unicode_form(self, service: Service) -> None:
        """Composed and decomposed: a Mac takes them for one."""
        picture(service.project / "P/e\u0301.png")
        picture(service.project / "P/b.png")
        answer = await service.gallery("rename-file", filePath="P/b.png", newName="\u00e9.png")
        refused(answer, 409, "file.collides")

    async def test_a_folder(self, service: Service) -> None:
        """Everything in it goes along."""
        await service.rate(FIRST, 3)
        answer = await service.gallery("rename-file", filePath="Panel_01", newName="Opening")
        assert answer.plain["newPath"] == "Opening"
        assert await service.ratings() == {"Opening/Eliot_Panel_01_v001.png": 3}

    async def test_nothing_there(self, service: Service) -> None:
        """404."""
        answer = await service.gallery("rename-file", filePath="Panel_01/x.png", newName="y.png")
        refused(answer, 404, "file.missing")


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


class TestBatchRename:
    async def test_template(self, service: Service) -> None:
        """Tokens, numbered in the order of the files."""
        await service.rate(SECOND, 5)
        answer = await service.gallery(
            "batch-rename",
            files=[SECOND, FIRST],
            template="{project}_{folder}_{seq:2}_{seed}_{original}",
        )
        assert answer.status == 200, answer.body
        assert [each["newPath"] for each in answer.plain["renamed"]] == [
            "Panel_01/Eliot_Panel_01_01_7_Eliot_Panel_01_v002.png",
            "Panel_01/Eliot_Panel_01_02_7_Eliot_Panel_01_v001.png",
        ]
        assert answer.plain["dryRun"] is False
        assert await service.ratings() == {
            "Panel_01/Eliot_Panel_01_01_7_Eliot_Panel_01_v002.png": 5
        }

    async def test_regex_with_groups(self, service: Service) -> None:
        """`$1` is a group; the extension stays."""
        answer = await service.gallery(
            "batch-rename",
            files=[FIRST, SECOND],
            mode="regex",
            find=r"Eliot_Panel_(\d+)_v(\d+)",
            replace="P$1-$2",
        )
        assert answer.status == 200, answer.body
        assert [each["newPath"] for each in answer.plain["renamed"]] == [
            "Panel_01/P01-001.png",
            "Panel_01/P01-002.png",
        ]

    async def test_sequential(self, service: Service) -> None:
        """A prefix and a number."""
        answer = await service.gallery(
            "batch-rename", files=[FIRST, SECOND], mode="sequential", prefix="shot_",
            startNumber=9, padding=2,
        )  # fmt: skip
        assert names(service.project / "Panel_01")[-2:] == ["shot_09.png", "shot_10.png"]
        assert answer.plain["errors"] == []

    async def test_a_dry_run_shows_the_plan_and_every_collision(self, service: Service) -> None:
        """Nothing is touched, nothing told."""
        before, lying = log_of(service.project), names(service.project / "Panel_01")
        answer = await service.gallery(
            "batch-rename",
            files=[FIRST, SECOND, "Panel_01/none.png", OTHER],
            mode="regex",
            find="(.*)_v00[12]",
            replace="$1_v003",
            dryRun=True,
        )
        assert answer.plain["dryRun"] is True
        assert (answer.plain["renamed"], answer.plain["batch"]) == ([], None)
        plan = {each["oldPath"]: each for each in answer.plain["plan"]}
        assert plan[OTHER]["collision"] is None
        assert plan[OTHER]["newPath"] == "Panel_02/Eliot_Panel_02_v003.png"
        assert plan[FIRST]["newName"] == "Eliot_Panel_01_v003.png"
        assert THIRD in plan[FIRST]["collision"] or SECOND in plan[FIRST]["collision"]
        assert plan[SECOND]["collision"] is not None
        assert [each["filePath"] for each in answer.plain["errors"]] == [
            FIRST, SECOND, "Panel_01/none.png"
        ]  # fmt: skip
        assert (log_of(service.project), names(service.project / "Panel_01")) == (before, lying)

    async def test_the_plan_is_what_is_done(self, service: Service) -> None:
        """A dry run and the real one say the same."""
        asked = {"files": [FIRST, SECOND, OTHER], "template": "{panel}_{index:03d}"}
        dry = await service.gallery("batch-rename", **asked, dryRun=True)
        wet = await service.gallery("batch-rename", **asked)
        assert wet.plain["plan"] == dry.plain["plan"]
        assert [each["newPath"] for each in wet.plain["renamed"]] == [
            each["newPath"] for each in dry.plain["plan"]
        ]

    @pytest.mark.parametrize(
        ("files", "start"),
        [(["2", "1"], 1), (["3", "1", "2"], 1), (["1", "2", "3"], 2), (["2", "3", "4"], 1)],
        ids=["swap", "cycle", "up", "down"],
    )
    async def test_swaps_cycles_and_shifts(
        self, service: Service, files: list[str], start: int
    ) -> None:
        """Each file ends where it was to go, with its bytes and stars."""
        expected, stars = {}, {}
        for number, name in enumerate(files):
            path = picture(service.project / f"S/{name}.png", colour=f"#0000{number:02}")
            await service.rate(f"S/{name}.png", number + 1)
            expected[f"{start + number}.png"] = path.read_bytes()
            stars[f"S/{start + number}.png"] = number + 1
        paths = [f"S/{name}.png" for name in files]
        answer = await service.gallery(
            "batch-rename", files=paths, mode="sequential", prefix="", startNumber=start, padding=1
        )
        assert answer.plain["errors"] == []
        lying = {path.name: path.read_bytes() for path in (service.project / "S").iterdir()}
        assert lying == expected
        assert await service.ratings() == stars

    async def test_only_the_case(self, service: Service) -> None:
        """A share may take both names for one; the file steps aside for a moment."""
        for name in ("hero_1.png", "hero_2.png"):
            picture(service.project / "S" / name)
        answer = await service.gallery(
            "batch-rename", files=["S/hero_1.png", "S/hero_2.png"], mode="regex",
            find="hero", replace="Hero",
        )  # fmt: skip
        assert answer.plain["errors"] == []
        assert names(service.project / "S") == ["Hero_1.png", "Hero_2.png"]

    @pytest.mark.parametrize(
        ("asked", "path"),
        [
            ({"mode": "regex"}, "find"),
            ({"mode": "template"}, "template"),
            ({"mode": "dance"}, "mode"),
            ({"template": "a", "padding": 0}, "padding"),
            ({"template": "a", "startNumber": -1}, "startNumber"),
        ],
    )
    async def test_what_is_missing_or_wrong(
        self, service: Service, asked: dict[str, Any], path: str
    ) -> None:
        """Named by field."""
        answer = await service.gallery("batch-rename", files=[FIRST], **asked)
        assert path in faults(answer)

    @pytest.mark.parametrize(
        "asked",
        [
            {"template": "{nonsense}"},
            {"template": "{seq"},
            {"mode": "regex", "find": "(a+)+$", "replace": "x"},
            {"mode": "regex", "find": "(", "replace": "x"},
        ],
    )
    async def test_patterns_that_cannot_be_used(
        self, service: Service, asked: dict[str, Any]
    ) -> None:
        """Refused with the reason, at once."""
        answer = await service.gallery("batch-rename", files=[FIRST], **asked)
        refused(answer, 422, "rename.pattern_invalid")

    async def test_one_batch_in_the_log(self, service: Service) -> None:
        """One plan, and its name ties all outcomes together."""
        await service.rate(FIRST, 1)
        await service.rate(SECOND, 2)
        answer = await service.gallery("batch-rename", files=[FIRST, SECOND], template="x_{seq}")
        told = [each["t"] for each in events_of(service.project)]
        assert told.count("files.planned") == told.count("files.settled") == 1
        assert told.count("asset.moved") == 2
        assert answer.plain["batch"].encode() in b"".join(log_of(service.project).values())


class TestAutoRename:
    async def test_by_the_projects_convention_oldest_first(self, service: Service) -> None:
        """Whatever they were called."""
        for number, name in enumerate(["zebra", "ComfyUI_00001_", "m"]):
            path = picture(service.project / f"Panel_07/{name}.png", colour=f"#00000{number}")
            os.utime(path, ns=(LONG_AGO + number, LONG_AGO + number))
        answer = await service.gallery("auto-rename", folderPath="Panel_07")
        assert answer.status == 200, answer.body
        assert {each["oldPath"]: each["newPath"] for each in answer.plain["renamed"]} == {
            "Panel_07/zebra.png": "Panel_07/Eliot_Panel_07_v001.png",
            "Panel_07/ComfyUI_00001_.png": "Panel_07/Eliot_Panel_07_v002.png",
            "Panel_07/m.png": "Panel_07/Eliot_Panel_07_v003.png",
        }

    async def test_again_it_has_nothing_to_do(self, service: Service) -> None:
        """Files that have their names keep them."""
        await service.gallery("auto-rename", folderPath="Panel_01")
        answer = await service.gallery("auto-rename", folderPath="Panel_01", dryRun=True)
        assert all(each["oldPath"] == each["newPath"] for each in answer.plain["plan"])

    async def test_no_such_folder(self, service: Service) -> None:
        """404."""
        refused(await service.gallery("auto-rename", folderPath="None"), 404, "file.missing")
