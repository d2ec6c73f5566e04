"""Gallery: notes, what people write about a file."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.studio import Service, Studio, events_of, faults, log_of, refused

FIRST = "Panel_01/Eliot_Panel_01_v001.png"
SECOND = "Panel_01/Eliot_Panel_01_v002.png"


class TestNotes:
    async def test_none_at_first(self, service: Service) -> None:
        """An untouched project has none."""
        assert await service.ask("notes") == {"notes": {}}

    async def test_written_and_read_back(self, service: Service) -> None:
        """By path relative to the project, in listings and of the file itself."""
        answer = await service.gallery("notes", filePath=FIRST, note="hands are wrong")
        assert (answer.status, answer.plain) == (
            200,
            {"notes": {FIRST: "hands are wrong"}, "errors": [], "batch": None},
        )
        assert (await service.ask("notes"))["notes"] == {FIRST: "hands are wrong"}
        files = (await service.gallery("scan-folder", folderPath="Panel_01")).plain["files"]
        assert [file["note"] for file in files] == ["hands are wrong", "", ""]
        file = (await service.gallery("file-info", filePath=FIRST)).plain["file"]
        assert file["note"] == "hands are wrong"

    async def test_an_empty_one_takes_it_off(self, service: Service) -> None:
        """The file is left out then."""
        await service.gallery("notes", filePath=FIRST, note="x")
        await service.gallery("notes", filePath=SECOND, note="y")
        assert (await service.gallery("notes", filePath=FIRST, note="")).status == 200
        assert (await service.ask("notes"))["notes"] == {SECOND: "y"}

    async def test_any_letters(self, service: Service) -> None:
        """Lines, quotes, emoji: they come back as they were sent."""
        note = 'line one\nline two\t"quoted" \\ 猫 \U0001f3ac'
        await service.gallery("notes", filePath=FIRST, note=note)
        assert (await service.ask("notes"))["notes"] == {FIRST: note}

    async def test_the_same_again_says_nothing(self, service: Service) -> None:
        """Nothing new, nothing written."""
        await service.gallery("notes", filePath=FIRST, note="x")
        before = log_of(service.project)
        assert (await service.gallery("notes", filePath=FIRST, note="x")).status == 200
        assert log_of(service.project) == before

    async def test_a_note_stands_beside_the_rest(self, service: Service) -> None:
        """It takes nothing away from stars and tags."""
        tag = await service.make_tag("Hero")
        await service.rate(FIRST, 4)
        await service.gallery("file-tags", filePath=FIRST, addTags=[tag])
        await service.gallery("notes", filePath=FIRST, note="x")
        file = (await service.gallery("file-info", filePath=FIRST)).plain["file"]
        assert (file["rating"], [each["id"] for each in file["tags"]]) == (4, [tag])

    async def test_they_survive_a_restart(self, studio: Studio, service: Service) -> None:
        """What was answered is on the disk."""
        await service.gallery("notes", filePath=FIRST, note="x")
        await service.close()
        assert (await (await studio.host()).ask("notes"))["notes"] == {FIRST: "x"}

    @pytest.mark.parametrize("note", [None, 4, ["x"], "x" * 10_001, "a\0b"])
    async def test_what_is_no_note(self, service: Service, note: Any) -> None:
        """A text of at most 10,000 characters."""
        assert list(faults(await service.gallery("notes", filePath=FIRST, note=note))) == ["note"]
        assert log_of(service.project) == {}

    async def test_the_longest_one(self, service: Service) -> None:
        """Characters count, not bytes."""
        note = "猫" * 10_000
        assert (await service.gallery("notes", filePath=FIRST, note=note)).status == 200
        assert (await service.ask("notes"))["notes"] == {FIRST: note}

    async def test_a_missing_file(self, service: Service) -> None:
        """404, and no log is made."""
        answer = await service.gallery("notes", filePath="Panel_01/none.png", note="x")
        refused(answer, 404, "file.missing")
        assert log_of(service.project) == {}

    @pytest.mark.parametrize("files", [{}, {"filePath": FIRST, "files": [SECOND]}])
    async def test_one_file_or_many(self, service: Service, files: dict[str, Any]) -> None:
        """Neither is told of, and both leave open which is meant."""
        assert list(faults(await service.gallery("notes", note="x", **files))) == [""]
        assert log_of(service.project) == {}

    async def test_many_files_at_once(self, service: Service) -> None:
        """All get the same note, under one batch."""
        answer = await service.gallery("notes", files=[FIRST, SECOND, FIRST], note="reshoot")
        assert answer.plain["notes"] == {FIRST: "reshoot", SECOND: "reshoot"}
        assert answer.plain["errors"] == []
        noted = [e for e in events_of(service.project) if e["t"] == "asset.noted"]
        assert len(noted) == 2
        assert answer.plain["batch"]
