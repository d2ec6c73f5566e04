"""Gallery: one request about many files; those that cannot be edited are named, the rest are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.http.disks import on_disk
from tests.http.studio import Service, events_of, faults, log_of, picture, refused

FIRST = "Panel_01/Eliot_Panel_01_v001.png"
SECOND = "Panel_01/Eliot_Panel_01_v002.png"
MISSING, TEXT, OUTSIDE = "Panel_01/none.png", "notes.txt", "/etc/passwd.png"


def wall(project: Path, count: int) -> list[str]:
    """Many pictures; their paths."""
    one = picture(project / "wall" / "p0000.png").read_bytes()
    for number in range(1, count):
        (project / "wall" / f"p{number:04}.png").write_bytes(one + number.to_bytes(2, "big"))
    return [f"wall/p{number:04}.png" for number in range(count)]


def with_three_bad(project: Path) -> tuple[list[str], list[str]]:
    """A thousand files for one request, of which three cannot be edited; and the good ones."""
    (project / TEXT).write_text("x")
    good = wall(project, 997)
    return [MISSING, *good[:500], TEXT, *good[500:], OUTSIDE], good


def named(answer: Any) -> list[tuple[str, str]]:
    """What was refused: path and code, in the order asked."""
    assert all(error["message"] for error in answer["errors"])
    return [(error["filePath"], error["code"]) for error in answer["errors"]]


#: What is said of the three.
THREE = [(MISSING, "file.missing"), (TEXT, "path.invalid"), (OUTSIDE, "path.not_permitted")]


class TestAThousandWithThreeBad:
    async def test_rated(self, service: Service) -> None:
        """997 have their stars, on the disk; the three are named with code and reason."""
        asked, good = with_three_bad(service.project)
        answer = (await service.gallery("ratings", files=asked, rating=3)).plain
        assert named(answer) == THREE
        assert answer["ratings"] == dict.fromkeys(good, 3)
        assert await service.ratings() == answer["ratings"]
        told = Counter(event["t"] for event in events_of(service.project))
        assert told == {"asset.seen": 997, "asset.rated": 997}

    async def test_tagged(self, service: Service) -> None:
        """The same with tags; each file with those that it has now."""
        tag = await service.make_tag("Hero")
        asked, good = with_three_bad(service.project)
        answer = (await service.gallery("file-tags", files=asked, addTags=[tag])).plain
        assert named(answer) == THREE
        assert [file["filePath"] for file in answer["files"]] == good
        assert {each["id"] for file in answer["files"] for each in file["tags"]} == {tag}
        assert (answer["filePath"], answer["tags"]) == (None, [])
        assert (await service.ask("tags"))["tags"][tag]["fileCount"] == 997

    async def test_noted(self, service: Service) -> None:
        """And with notes."""
        asked, good = with_three_bad(service.project)
        answer = (await service.gallery("notes", files=asked, note="reshoot")).plain
        assert named(answer) == THREE
        assert answer["notes"] == dict.fromkeys(good, "reshoot")
        assert (await service.ask("notes"))["notes"] == answer["notes"]


class TestRatingMany:
    async def test_each_with_its_own_stars(self, service: Service) -> None:
        """`ratings` is a map, as GET answers it."""
        wanted = {FIRST: 1, SECOND: 5}
        answer = (await service.gallery("ratings", ratings=wanted)).plain
        assert (answer["ratings"], answer["errors"]) == (wanted, [])
        assert await service.ratings() == wanted

    async def test_what_get_answers_can_be_sent_back(self, service: Service) -> None:
        """And changes nothing."""
        await service.gallery("ratings", ratings={FIRST: 1, SECOND: 5})
        before = log_of(service.project)
        answer = await service.gallery("ratings", ratings=await service.ratings())
        assert answer.plain["errors"] == []
        assert log_of(service.project) == before

    async def test_a_file_named_twice(self, service: Service) -> None:
        """Is rated once."""
        answer = (await service.gallery("ratings", files=[FIRST, FIRST], rating=2)).plain
        assert answer["ratings"] == {FIRST: 2}
        told = [event["t"] for event in events_of(service.project)]
        assert told == ["asset.seen", "asset.rated"]

    async def test_one_file_by_two_names(self, service: Service) -> None:
        """Relative and absolute: its identity is told once all the same."""
        files = [FIRST, str(service.project / FIRST), FIRST.replace("/", "\\")]
        answer = (await service.gallery("ratings", files=files, rating=2)).plain
        assert (answer["ratings"], answer["errors"]) == ({FIRST: 2}, [])
        told = [event["t"] for event in events_of(service.project)]
        assert told == ["asset.seen", "asset.rated"]

    async def test_all_bad(self, service: Service) -> None:
        """Each has its reason; there is no log of nothing."""
        answer = await service.gallery("ratings", files=[MISSING, OUTSIDE], rating=2)
        assert answer.status == 200
        assert answer.plain["ratings"] == {}
        assert named(answer.plain) == [THREE[0], THREE[2]]
        assert log_of(service.project) == {}

    async def test_none_at_all(self, service: Service) -> None:
        """An empty selection is no fault."""
        answer = await service.gallery("ratings", files=[], rating=2)
        assert (answer.status, answer.plain["ratings"], answer.plain["errors"]) == (200, {}, [])

    async def test_the_batch_is_in_the_history(self, service: Service) -> None:
        """All edits of one request carry its id; two requests have two."""
        first = (await service.gallery("ratings", files=[FIRST, SECOND], rating=2)).plain["batch"]
        second = (await service.gallery("ratings", files=[FIRST], rating=3)).plain["batch"]
        assert first != second
        log = b"".join(log_of(service.project).values())
        assert log.count(first.encode()) == 2
        assert log.count(second.encode()) == 1

    @pytest.mark.parametrize(
        ("fields", "faulty"),
        [
            ({"rating": 3}, ""),
            ({"filePath": FIRST, "files": [SECOND], "rating": 3}, ""),
            ({"files": [FIRST], "ratings": {SECOND: 3}, "rating": 3}, ""),
            ({"ratings": {FIRST: 3}, "rating": 3}, "rating"),
            ({"files": [FIRST]}, "rating"),
            ({"filePath": FIRST}, "rating"),
            ({"files": FIRST, "rating": 3}, "files"),
            ({"files": [FIRST, 7], "rating": 3}, "files[1]"),
            ({"files": [FIRST], "rating": 6}, "rating"),
            ({"ratings": {FIRST: 6}}, f"ratings.{FIRST}"),
            ({"ratings": {FIRST: "3"}}, f"ratings.{FIRST}"),
            ({"ratings": [FIRST]}, "ratings"),
        ],
    )
    async def test_what_cannot_be_meant(
        self, service: Service, fields: dict[str, Any], faulty: str
    ) -> None:
        """One of the three ways to say it; the faulty field is named, and nothing is rated."""
        assert list(faults(await service.gallery("ratings", **fields))) == [faulty]
        assert log_of(service.project) == {}

    async def test_more_than_one_request_may_hold(self, service: Service) -> None:
        """10,000 files; more are refused, and none is rated."""
        files = [f"a{number}.png" for number in range(10_001)]
        assert list(faults(await service.gallery("ratings", files=files, rating=1))) == ["files"]


class TestTaggingMany:
    async def test_each_keeps_what_it_had(self, service: Service) -> None:
        """Tags are put on, the others stay."""
        hero, todo = await service.make_tag("Hero"), await service.make_tag("Todo")
        await service.gallery("file-tags", filePath=FIRST, addTags=[hero])
        answer = await service.gallery("file-tags", files=[FIRST, SECOND], addTags=[todo])
        tags = {f["filePath"]: [t["name"] for t in f["tags"]] for f in answer.plain["files"]}
        assert tags == {FIRST: ["Hero", "Todo"], SECOND: ["Todo"]}

    async def test_an_unknown_tag_is_no_fault_of_the_files(self, service: Service) -> None:
        """The request is refused as a whole, and named once: not a thousand times."""
        hero = await service.make_tag("Hero")
        before = log_of(service.project)
        answer = await service.gallery(
            "file-tags", files=[FIRST, SECOND], addTags=[hero, "x"], removeTags=["y"]
        )
        assert refused(answer, 404, "tag.unknown")["detail"] == {"tag_ids": ["x", "y"]}
        assert log_of(service.project) == before

    @pytest.mark.parametrize("fields", [{}, {"filePath": FIRST, "files": [SECOND]}])
    async def test_one_file_or_many(self, service: Service, fields: dict[str, Any]) -> None:
        """Neither, or both, is refused."""
        assert list(faults(await service.gallery("file-tags", **fields))) == [""]


class TestTrouble:
    async def test_a_full_disk(self, service: Service) -> None:
        """Not one file could be edited: 503, as for one file, and not a success without effect."""
        disk = await on_disk(service)
        disk.full = True
        answer = await service.gallery("ratings", files=[FIRST, SECOND], rating=5)
        refused(answer, 503, "project.read_only")
        assert SECOND not in await service.ratings()
