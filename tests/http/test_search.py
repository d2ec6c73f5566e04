"""Gallery: search in what stands in files and in what people say of them, now and in the past."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.gallery.index import search as index_search
from tests.gallery_files.pngs import png, text
from tests.gallery_index.project import graph
from tests.http.studio import Service, faults, log_of, refused

CASTLE, KNIGHT, CAT, SEA = "p1/castle_v001.png", "p1/knight.png", "p2/cat.png", "p10/sea.png"
_FIRST = 1_700_000_000


def add(project: Path, path: str, prompt: str, *, hour: int | None = 0, **graph_: Any) -> str:
    """A picture with a graph, modified so many hours after the first one; None is now."""
    file = project / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(png(text("prompt", graph(prompt, **graph_))))
    if hour is not None:
        at = (_FIRST + hour * 3600) * 10**9
        os.utime(file, ns=(at, at))
    return path


@pytest.fixture
async def gallery(service: Service) -> Service:
    """A project with four pictures, read by the index."""
    project = service.project
    add(project, CASTLE, "a castle at golden hour, cinematic", negative="fog", seed=4242)
    add(project, KNIGHT, "a knight before a castle, hour of gold", hour=1, model="flux/dev.sft")
    add(project, CAT, "Ein Kätzchen im Schloß, 夜の城", hour=2, negative="blurry")
    add(project, SEA, "the sea", hour=3, negative="castle")
    await service.gallery("index")
    return service


async def search(service: Service, query: str = "", **fields: Any) -> Any:
    """A search that is answered."""
    answer = await service.gallery("search", query=query, **fields)
    assert answer.status == 200, answer.body
    return answer.plain


async def found(service: Service, query: str = "", **fields: Any) -> list[str]:
    """The paths found, relative, the best first."""
    answer = await search(service, query, **fields)
    paths = [hit["relPath"] for hit in answer["results"]]
    if "limit" not in fields and "offset" not in fields:
        assert answer["total"] == len(paths)
    return paths


async def moment() -> str:
    """A moment after all so far, and before all that follows, also by the clock of the disk."""
    await asyncio.sleep(0.01)
    now = datetime.now(UTC).isoformat()
    await asyncio.sleep(0.01)
    return now


class TestWords:
    async def test_in_any_order(self, gallery: Service) -> None:
        """All must be there, each at least as the beginning of a word, whatever the case."""
        assert set(await found(gallery, "CASTLE gold", fields=["prompt"])) == {CASTLE, KNIGHT}
        assert await found(gallery, "knight castle") == [KNIGHT]
        assert await found(gallery, "castle dragon") == []

    async def test_a_phrase(self, gallery: Service) -> None:
        """In this order, and side by side."""
        assert await found(gallery, '"golden hour"') == [CASTLE]
        assert await found(gallery, '"hour golden"') == []

    async def test_without_a_word(self, gallery: Service) -> None:
        """Also with nothing else."""
        assert await found(gallery, "castle -knight", fields=["prompt"]) == [CASTLE]
        assert CASTLE not in await found(gallery, '-"golden hour"')

    async def test_beyond_ascii(self, gallery: Service) -> None:
        """With or without its accents, and in scripts without spaces."""
        for query in ("kätzchen", "KATZCHEN", "schloss", "夜の城", "城"):
            assert await found(gallery, query) == [CAT]

    async def test_any_text_is_a_query(self, gallery: Service) -> None:
        """Nothing that is typed is an error."""
        for query in ('"', "-", "AND OR NOT", "a* (b", "x" * 2000, "' OR 1=1 --", "NEAR(a b)"):
            await search(gallery, query)

    async def test_nothing_finds_all(self, gallery: Service) -> None:
        """The newest first."""
        answer = await search(gallery)
        assert (answer["total"], answer["totalIsExact"], answer["indexComplete"]) == (9, True, True)
        assert await found(gallery, folderPath="p1") == [KNIGHT, CASTLE]


class TestFields:
    async def test_one(self, gallery: Service) -> None:
        """Only there is looked, and the hit names it."""
        for field, query, paths in (
            ("prompt", "castle", {CASTLE, KNIGHT}),
            ("negative_prompt", "castle", {SEA}),
            ("model", "flux", {KNIGHT}),
            ("seed", "4242", {CASTLE}),
            ("filename", "v001 castle", {CASTLE}),
            ("workflow", "karras 4242", {CASTLE}),
            ("prompt", "4242", set()),
            ("lora", "castle", set()),
        ):
            hits = (await search(gallery, query, fields=[field]))["results"]
            assert {hit["relPath"] for hit in hits} == paths, field
            assert {hit["matchField"] for hit in hits} <= {field}

    async def test_raw_text_only_if_asked_for(self, gallery: Service) -> None:
        """Each graph has `KSampler` in it."""
        assert await found(gallery, "karras") == []
        assert len(await found(gallery, "karras", fields=["workflow"])) == 4

    async def test_an_unknown_field(self, gallery: Service) -> None:
        """Is named."""
        assert list(faults(await gallery.gallery("search", fields=["colour"]))) == ["fields[0]"]

    async def test_context_and_place(self, gallery: Service) -> None:
        """Some readable text, and where in it the match stands."""
        (hit,) = (await search(gallery, '"golden hour"'))["results"]
        assert hit["path"] == str(gallery.project / CASTLE)
        assert hit["matchContext"] == "a castle at golden hour, cinematic"
        place = hit["matchContext"][hit["matchStart"] : hit["matchEnd"]]
        assert (hit["matchField"], place) == ("prompt", "golden hour")

    async def test_ranked(self, gallery: Service) -> None:
        """A name says more than a prompt, a prompt more than what must not be in it."""
        assert await found(gallery, "castle") == [CASTLE, KNIGHT, SEA]
        scores = [hit["score"] for hit in (await search(gallery, "castle"))["results"]]
        assert scores == sorted(scores, reverse=True)

    async def test_pages(self, gallery: Service) -> None:
        """Follow each other."""
        pages = [await found(gallery, "castle", limit=1, offset=n) for n in range(4)]
        assert pages == [[CASTLE], [KNIGHT], [SEA], []]
        assert (await search(gallery, "castle", limit=1))["total"] == 3


class TestPeople:
    async def test_a_tag(self, gallery: Service) -> None:
        """Its name is found, with its place; what stands in files comes after it."""
        tag = await gallery.make_tag("Castle Hero")
        await gallery.gallery("file-tags", filePath=SEA, addTags=[tag])
        first, *others = (await search(gallery, "castle"))["results"]
        assert (first["relPath"], first["matchField"]) == (SEA, "tag")
        assert first["matchContext"][first["matchStart"] : first["matchEnd"]] == "Castle"
        assert [each["id"] for each in first["tags"]] == [tag]
        assert [hit["relPath"] for hit in others] == [CASTLE, KNIGHT]
        assert await found(gallery, "castle", fields=["tag"]) == [SEA]
        assert (await search(gallery, "castle"))["total"] == 3

    async def test_a_word_of_each(self, gallery: Service) -> None:
        """One as a tag, the other in the prompt: both are there."""
        tag = await gallery.make_tag("Hero")
        await gallery.gallery("file-tags", files=[KNIGHT, SEA], addTags=[tag])
        assert await found(gallery, "hero castle", fields=["tag", "prompt"]) == [KNIGHT]
        assert await found(gallery, "castle hero 4", fields=["tag", "prompt", "rating"]) == []
        await gallery.rate(KNIGHT, 4)
        assert await found(gallery, "castle hero 4") == [KNIGHT]

    async def test_without_a_tag(self, gallery: Service) -> None:
        """`-word` keeps out what is tagged so, and what has the word in it."""
        tag = await gallery.make_tag("reject")
        await gallery.gallery("file-tags", files=[CASTLE], addTags=[tag])
        assert await found(gallery, "castle -reject", fields=["tag", "prompt"]) == [KNIGHT]
        assert await found(gallery, "reject -castle") == []
        assert CASTLE not in await found(gallery, "-reject", fields=["tag"])

    async def test_stars(self, gallery: Service) -> None:
        """As a number, in the field `rating`."""
        await gallery.gallery("ratings", ratings={CASTLE: 5, SEA: 5, CAT: 3})
        assert await found(gallery, "5", fields=["rating"]) == [CASTLE, SEA]
        assert await found(gallery, "5 castle", fields=["rating", "prompt"]) == [CASTLE]

    async def test_a_deleted_tag_finds_nothing(self, gallery: Service) -> None:
        """It is on no file any more."""
        tag = await gallery.make_tag("Hero")
        await gallery.gallery("file-tags", files=[KNIGHT], addTags=[tag])
        body = json.dumps({"projectPath": str(gallery.project), "tagId": tag}).encode()
        answer = await gallery.send("DELETE", "/api/gallery/tags", body)
        assert answer.status == 200, answer.body
        assert await found(gallery, "hero") == []

    async def test_a_tagged_file_that_is_missing(self, gallery: Service) -> None:
        """Is not found as long as it is missing; the tag is still on it."""
        tag = await gallery.make_tag("Hero")
        await gallery.gallery("file-tags", files=[KNIGHT], addTags=[tag])
        (gallery.project / KNIGHT).unlink()
        await gallery.gallery("index")
        assert await found(gallery, "hero") == []


class TestFilters:
    async def test_rating(self, gallery: Service) -> None:
        """Both bounds; also with nothing to look for."""
        await gallery.gallery("ratings", ratings={CASTLE: 5, KNIGHT: 2, SEA: 4})
        assert await found(gallery, minRating=4) == [SEA, CASTLE]
        assert await found(gallery, "castle", minRating=1, maxRating=4) == [KNIGHT, SEA]
        assert await found(gallery, "castle", maxRating=0) == []

    async def test_tags(self, gallery: Service) -> None:
        """All of them must be on a file; one that does not exist is named."""
        hero, todo = await gallery.make_tag("Hero"), await gallery.make_tag("Todo")
        await gallery.gallery("file-tags", files=[CASTLE, KNIGHT], addTags=[hero])
        await gallery.gallery("file-tags", files=[KNIGHT], addTags=[todo])
        assert await found(gallery, tags=[hero]) == [KNIGHT, CASTLE]
        assert await found(gallery, tags=[hero, todo]) == [KNIGHT]
        refused(await gallery.gallery("search", tags=["none"]), 404, "tag.unknown")

    async def test_stars_and_tags_together(self, gallery: Service) -> None:
        """With words that stand in the file, or that somebody said; and without some."""
        hero = await gallery.make_tag("Hero")
        await gallery.gallery("file-tags", files=[CASTLE, KNIGHT, CAT], addTags=[hero])
        await gallery.gallery("ratings", ratings={CASTLE: 5, KNIGHT: 2, SEA: 4})
        assert await found(gallery, tags=[hero], minRating=1) == [KNIGHT, CASTLE]
        assert await found(gallery, tags=[hero], maxRating=4) == [CAT, KNIGHT]
        assert await found(gallery, "hero castle", minRating=3) == [CASTLE]
        assert await found(gallery, "hero castle", maxRating=3) == [KNIGHT]
        assert await found(gallery, "castle -hero", minRating=1) == [SEA]
        assert CASTLE not in await found(gallery, maxRating=4)
        assert await found(gallery, tags=[hero], folderPath="p2") == [CAT]

    async def test_however_many_there_are(
        self, gallery: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Filters by what people said are exact: nobody is asked about each match."""
        monkeypatch.setattr(index_search, "MAX_ASKED", 0)
        tag = await gallery.make_tag("castle")
        await gallery.gallery("file-tags", files=[CASTLE], addTags=[tag])
        await gallery.gallery("ratings", ratings={CASTLE: 5, KNIGHT: 2})
        for wanted in (
            {"minRating": 1}, {"maxRating": 3}, {"tags": [tag]}, {"query": "castle"},
            {"query": "castle -knight"}, {"query": "castle golden", "minRating": 5},
        ):  # fmt: skip
            assert await found(gallery, **wanted)
            assert (await search(gallery, **wanted))["totalIsExact"] is True

    @pytest.mark.parametrize("field", ["since", "until"])
    async def test_a_date_beyond_all_files(self, gallery: Service, field: str) -> None:
        """Times of files have 64 bits; a far moment is a moment all the same."""
        for when in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
            answer = await gallery.gallery("search", **{field: when})
            assert answer.status == 200, answer.body
            everything = (when[0] == "0") == (field == "since")
            assert bool(answer.plain["total"]) == everything

    async def test_date(self, gallery: Service) -> None:
        """From `since` on and before `until`; tags and stars are found within them too."""

        def hours(count: int) -> str:
            return (datetime.fromtimestamp(_FIRST, UTC) + timedelta(hours=count)).isoformat()

        assert await found(gallery, "castle", since=hours(1)) == [KNIGHT, SEA]
        assert await found(gallery, "castle", until=hours(1)) == [CASTLE]
        await gallery.gallery("ratings", ratings={CASTLE: 5, SEA: 5})
        assert await found(gallery, "5", fields=["rating"], since=hours(1)) == [SEA]

    async def test_folder(self, gallery: Service) -> None:
        """With all below it, relative or absolute; `p1` is not `p10`."""
        assert await found(gallery, "castle", folderPath="p1") == [CASTLE, KNIGHT]
        assert await found(gallery, "castle", folderPath=str(gallery.project / "p10")) == [SEA]
        await gallery.gallery("ratings", ratings={CASTLE: 5, SEA: 5})
        assert await found(gallery, "5", fields=["rating"], folderPath="p1") == [CASTLE]
        answer = await gallery.gallery("search", folderPath="/etc")
        refused(answer, 403, "path.not_permitted")


class TestAsOfAMoment:
    async def test_stars_and_tags_of_then(self, gallery: Service) -> None:
        """Friday's review is found as it was."""
        tag = await gallery.make_tag("Hero")
        await gallery.gallery("file-tags", files=[CASTLE], addTags=[tag])
        await gallery.rate(CASTLE, 5)
        friday = await moment()
        await gallery.rate(CASTLE, 1)
        await gallery.gallery("file-tags", files=[CASTLE], removeTags=[tag])
        assert await found(gallery, "hero") == []
        assert await found(gallery, "hero", at=friday) == [CASTLE]
        assert await found(gallery, "castle", minRating=5, at=friday) == [CASTLE]
        (hit,) = (await search(gallery, "5", fields=["rating"], at=friday))["results"]
        assert (hit["relPath"], hit["rating"]) == (CASTLE, 5)

    async def test_a_file_that_was_renamed_since(self, gallery: Service) -> None:
        """It is found by its name and folder of then; where it lies now is told too."""
        await gallery.rate(CASTLE, 5)
        friday = await moment()
        answer = await gallery.gallery("rename-file", filePath=CASTLE, newName="ruin.png")
        assert answer.status == 200, answer.body
        (hit,) = (await search(gallery, "castle v001", fields=["filename"], at=friday))["results"]
        assert hit["relPath"] == CASTLE
        assert hit["path"] == str(gallery.project / "p1" / "ruin.png")
        assert await found(gallery, "ruin", fields=["filename"], at=friday) == []
        assert await found(gallery, "golden", folderPath="p1", at=friday) == [CASTLE]

    async def test_a_file_that_was_trashed_since(self, gallery: Service) -> None:
        """It is found, with what was said of it, where it lies in the trash."""
        await gallery.rate(CASTLE, 5)
        friday = await moment()
        answer = await gallery.gallery("trash", files=[CASTLE])
        assert answer.status == 200, answer.body
        assert await found(gallery, '"golden hour"') == []
        (hit,) = (await search(gallery, '"golden hour"', minRating=5, at=friday))["results"]
        assert (hit["relPath"], hit["rating"], hit["matchField"]) == (CASTLE, 5, "prompt")
        assert (gallery.project / ".gallery" / ".trash") in Path(hit["path"]).parents

    async def test_a_file_that_came_since(self, gallery: Service) -> None:
        """It was not there."""
        friday = await moment()
        add(gallery.project, "p1/new.png", "a golden castle", hour=None)
        await gallery.gallery("index")
        await gallery.rate("p1/new.png", 3)
        assert "p1/new.png" in await found(gallery, "golden castle")
        assert await found(gallery, "golden castle", at=friday) == [CASTLE]


class TestManners:
    async def test_searching_leaves_nothing_behind(self, gallery: Service) -> None:
        """Nothing is written into the project."""
        await search(gallery, "castle")
        assert log_of(gallery.project) == {}

    async def test_a_file_that_moves_is_found_at_once(self, gallery: Service) -> None:
        """The service tells the index of its own moves."""
        path = CASTLE
        for name in ("ruin.png", "tower.png", "keep.png"):
            await gallery.gallery("rename-file", filePath=path, newName=name)
            path = f"p1/{name}"
        assert await found(gallery, "golden hour cinematic") == [path]
