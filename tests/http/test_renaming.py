"""Gallery: new names for one file or folder, and for many at once."""

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


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def write(path: Path, text: str = "{}") -> Path:
    """A small file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


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

    async def test_names_of_all_sorts(self, service: Service) -> None:
        """What every system can have."""
        here = "hero.png"
        picture(service.project / "P" / here)
        await service.rate(f"P/{here}", 3)
        for name in ("HERO.png", "Größe, 'Kran' & 🎬.png", "e\u0301.png", "家.png"):
            answer = await service.gallery("rename-file", filePath=f"P/{here}", newName=name)
            assert answer.status == 200, answer.body
            assert names(service.project / "P") == [name]
            assert await service.ratings() == {f"P/{name}": 3}
            here = name

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

    async def test_what_is_missing_or_wrong(self, service: Service) -> None:
        """Named by field."""
        wrong: dict[str, dict[str, Any]] = {
            "find": {"mode": "regex"},
            "template": {"mode": "template"},
            "mode": {"mode": "dance"},
            "padding": {"template": "a", "padding": 0},
            "startNumber": {"template": "a", "startNumber": -1},
        }
        for path, asked in wrong.items():
            answer = await service.gallery("batch-rename", files=[FIRST], **asked)
            assert path in faults(answer)

    async def test_patterns_that_cannot_be_used(self, service: Service) -> None:
        """Refused with the reason, at once."""
        for asked in (
            {"template": "{nonsense}"},
            {"template": "{seq"},
            {"mode": "regex", "find": "(a+)+$", "replace": "x"},
            {"mode": "regex", "find": "(", "replace": "x"},
        ):
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
