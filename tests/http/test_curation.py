"""Gallery: ratings, tags, and tags of files, one file at a time."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.gallery import finder
from tests.http.studio import Service, Studio, events_of, faults, log_of, picture, read, refused

FIRST = "Panel_01/Eliot_Panel_01_v001.png"
SECOND = "Panel_01/Eliot_Panel_01_v002.png"


def rated(stars: dict[str, int]) -> dict[str, Any]:
    """The answer to a rating of one file."""
    return {"ratings": stars, "errors": [], "batch": None}


class TestRatings:
    async def test_none_at_first(self, service: Service) -> None:
        """An untouched project has no ratings."""
        assert await service.ratings() == {}

    async def test_rated_and_read_back(self, service: Service) -> None:
        """By path relative to the project."""
        answer = await service.rate(FIRST, 4)
        assert (answer.status, answer.plain) == (200, rated({FIRST: 4}))
        await service.rate(SECOND, 5)
        assert await service.ratings() == {FIRST: 4, SECOND: 5}

    async def test_zero_removes(self, service: Service) -> None:
        """The file is left out then."""
        await service.rate(FIRST, 4)
        assert (await service.rate(FIRST, 0)).plain == rated({FIRST: 0})
        assert await service.ratings() == {}

    async def test_the_log_tells_who(self, service: Service) -> None:
        """X-Actor names the person."""
        body = {"projectPath": str(service.project), "filePath": FIRST, "rating": 2}
        await service.post("/api/gallery/ratings", body, **{"X-Actor": "mara"})
        log = b"".join(log_of(service.project).values())
        assert b'"a":"mara"' in log

    async def test_the_same_again_says_nothing(self, service: Service) -> None:
        """Nothing new, nothing written."""
        await service.rate(FIRST, 4)
        before = log_of(service.project)
        assert (await service.rate(FIRST, 4)).status == 200
        assert log_of(service.project) == before

    async def test_by_absolute_path(self, service: Service) -> None:
        """The answer names it relative to the project."""
        answer = await service.rate(str(service.project / FIRST), 4)
        assert answer.plain == rated({FIRST: 4})

    async def test_three_point_zero_is_three(self, service: Service) -> None:
        """JSON has one kind of number."""
        assert (await service.rate(FIRST, 3.0)).plain == rated({FIRST: 3})

    @pytest.mark.parametrize("stars", [7, -1, 3.5, "4", True, None, [4], 2**70, 1e300])
    async def test_what_is_no_rating(self, service: Service, stars: Any) -> None:
        """422 with the field, and not a word in the log."""
        before = log_of(service.project)
        assert list(faults(await service.rate(FIRST, stars))) == ["rating"]
        assert log_of(service.project) == before
        assert await service.ratings() == {}

    async def test_they_survive_a_restart(self, studio: Studio, service: Service) -> None:
        """What was answered is on the disk."""
        await service.rate(FIRST, 4)
        await service.close()
        assert await (await studio.host()).ratings() == {FIRST: 4}

    async def test_they_survive_the_loss_of_everything_local(
        self, studio: Studio, service: Service
    ) -> None:
        """The log on the share is all there is: another host, with nothing, tells the same."""
        await service.rate(FIRST, 4)
        await service.close()
        assert await (await studio.host("bela")).ratings() == {FIRST: 4}

    async def test_a_file_edited_in_place_keeps_its_stars(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its bytes are others, it is still the same picture to people."""
        # What was seen of a file is believed for a moment; here the moment is over.
        monkeypatch.setattr(finder, "SIGHTED_FOR", 0.0)
        await service.rate(FIRST, 4)
        picture(service.project / FIRST, colour="red")
        await service.rate(FIRST, 5)
        assert [e["t"] for e in events_of(service.project)][-2:] == ["asset.changed", "asset.rated"]
        assert await service.ratings() == {FIRST: 5}

    async def test_a_missing_file(self, service: Service) -> None:
        """404, and no log is made."""
        refused(await service.rate("Panel_01/none.png", 4), 404, "file.missing")
        assert log_of(service.project) == {}

    async def test_a_folder(self, service: Service) -> None:
        """Folders have no stars."""
        refused(await service.rate("Panel_01", 4), 404, "file.missing")

    async def test_no_media(self, service: Service) -> None:
        """Nor have texts."""
        (service.project / "notes.txt").write_text("x")
        refused(await service.rate("notes.txt", 4), 422, "path.invalid")

    async def test_every_faulty_field_is_named(self, service: Service) -> None:
        """All at once, each with its path; a near miss with what was probably meant."""
        answer = await service.post("/api/gallery/ratings", {"projectpath": 1, "rating": "x"})
        found = faults(answer)
        assert set(found) == {"projectPath", "rating", "projectpath"}
        assert "did you mean projectPath?" in found["projectpath"]


class TestTags:
    async def test_made_and_listed(self, service: Service) -> None:
        """An object by id, as documented."""
        answer = await service.gallery("tags", name="Hero Shot", color="#FF6B6B")
        tag = answer.plain["tag"]
        assert (tag["name"], tag["color"]) == ("Hero Shot", "#ff6b6b")
        assert (await service.ask("tags"))["tags"] == {
            tag["id"]: {"name": "Hero Shot", "color": "#ff6b6b", "fileCount": 0}
        }

    async def test_without_a_colour(self, service: Service) -> None:
        """Grey."""
        answer = await service.gallery("tags", name="Approved")
        assert answer.plain["tag"]["color"] == "#808080"

    async def test_blanks_around_a_name_go(self, service: Service) -> None:
        """Nobody can see them."""
        answer = await service.gallery("tags", name="  Hero   Shot ")
        assert answer.plain["tag"]["name"] == "Hero Shot"

    async def test_changed_by_id(self, service: Service) -> None:
        """What is not sent stays as it is."""
        tag = await service.make_tag("Hero", "#ff6b6b")
        answer = await service.gallery("tags", tagId=tag, name="Heroine")
        assert answer.plain["tag"] == {"id": tag, "name": "Heroine", "color": "#ff6b6b"}
        answer = await service.gallery("tags", tagId=tag, color="#000000")
        assert answer.plain["tag"] == {"id": tag, "name": "Heroine", "color": "#000000"}

    async def test_its_own_name_in_other_letters(self, service: Service) -> None:
        """A tag does not stand in its own way."""
        tag = await service.make_tag("hero")
        assert (await service.gallery("tags", tagId=tag, name="HERO")).status == 200

    @pytest.mark.parametrize("name", ["Hero", "HERO", " hero "])
    async def test_a_name_is_unique(self, service: Service, name: str) -> None:
        """Without regard to case; the answer says which tag has it."""
        tag = await service.make_tag("Hero")
        before = log_of(service.project)
        detail = refused(await service.gallery("tags", name=name), 409, "tag.name_taken")["detail"]
        assert detail == {"name": "Hero", "tag_id": tag}
        assert log_of(service.project) == before

    async def test_renamed_to_a_taken_name(self, service: Service) -> None:
        """Refused as well."""
        await service.make_tag("Straße")
        tag = await service.make_tag("Other")
        answer = await service.gallery("tags", tagId=tag, name="STRASSE")
        refused(answer, 409, "tag.name_taken")

    @pytest.mark.parametrize("name", ["", "   ", "x" * 200, None])
    async def test_what_is_no_name(self, service: Service, name: str | None) -> None:
        """1 to 100 characters; and a colour that is wrong too is told in the same answer."""
        answer = await service.gallery("tags", name=name, color="red")
        assert set(faults(answer)) == {"name", "color"}
        assert log_of(service.project) == {}

    @pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", "#1234567", "ff6b6b", "", 7])
    async def test_what_is_no_colour(self, service: Service, colour: Any) -> None:
        """#rrggbb, nothing else."""
        answer = await service.gallery("tags", name="Hero", color=colour)
        assert list(faults(answer)) == ["color"]
        assert (await service.ask("tags"))["tags"] == {}

    async def test_an_unknown_id(self, service: Service) -> None:
        """404, and not a new tag."""
        answer = await service.gallery("tags", tagId="none", name="Hero")
        refused(answer, 404, "tag.unknown")
        assert (await service.ask("tags"))["tags"] == {}

    async def test_deleted_by_body(self, service: Service) -> None:
        """As documented: a JSON body. The tag is off every file."""
        tag = await service.make_tag("Hero")
        await service.gallery("file-tags", filePath=FIRST, addTags=[tag])
        body = {"projectPath": str(service.project), "tagId": tag}
        response = await service.client.delete("/api/gallery/tags", json=body)
        assert (response.status, await response.json()) == (200, {"tagId": tag})
        assert (await service.ask("tags"))["tags"] == {}
        files = (await service.gallery("scan-folder", folderPath="Panel_01")).plain["files"]
        assert files[0]["tags"] == []

    async def test_deleted_by_query(self, service: Service) -> None:
        """Many clients cannot send a body with DELETE."""
        tag = await service.make_tag("Hero")
        query = {"projectPath": str(service.project), "tagId": tag}
        response = await service.client.delete("/api/gallery/tags", params=query)
        assert (response.status, await response.json()) == (200, {"tagId": tag})
        assert (await service.ask("tags"))["tags"] == {}

    async def test_deleted_twice(self, service: Service) -> None:
        """The second time there is nothing to delete."""
        tag = await service.make_tag("Hero")
        query = {"projectPath": str(service.project), "tagId": tag}
        await service.client.delete("/api/gallery/tags", params=query)
        answer = await read(await service.client.delete("/api/gallery/tags", params=query))
        assert refused(answer, 404, "tag.unknown")["detail"] == {"tag_ids": [tag]}

    async def test_the_name_of_a_deleted_tag_is_free(self, service: Service) -> None:
        """And the new tag is another one: no file has it."""
        tag = await service.make_tag("Hero")
        await service.gallery("file-tags", filePath=FIRST, addTags=[tag])
        query = {"projectPath": str(service.project), "tagId": tag}
        await service.client.delete("/api/gallery/tags", params=query)
        again = await service.make_tag("Hero")
        assert again != tag
        assert (await service.ask("tags"))["tags"][again]["fileCount"] == 0


class TestFileTags:
    async def test_put_on_and_taken_off(self, service: Service) -> None:
        """One request does both; the answer has the file's tags after it, by name."""
        hero, approved = await service.make_tag("Hero"), await service.make_tag("Approved")
        answer = await service.gallery("file-tags", filePath=FIRST, addTags=[hero, approved])
        assert answer.plain["filePath"] == FIRST
        assert [tag["name"] for tag in answer.plain["tags"]] == ["Approved", "Hero"]
        answer = await service.gallery("file-tags", filePath=FIRST, removeTags=[hero])
        assert [tag["id"] for tag in answer.plain["tags"]] == [approved]
        assert (await service.ask("tags"))["tags"][approved]["fileCount"] == 1

    async def test_nothing_asked_for(self, service: Service) -> None:
        """A way to look; nothing is written."""
        answer = await service.gallery("file-tags", filePath=FIRST)
        assert (answer.status, answer.plain["tags"]) == (200, [])
        assert log_of(service.project) == {}

    async def test_taken_off_beats_put_on(self, service: Service) -> None:
        """If a tag stands in both lists."""
        tag = await service.make_tag("Hero")
        answer = await service.gallery("file-tags", filePath=FIRST, addTags=[tag], removeTags=[tag])
        assert answer.plain["tags"] == []

    async def test_one_unknown_tag_spoils_all(self, service: Service) -> None:
        """All or nothing; every unknown id is named."""
        tag = await service.make_tag("Hero")
        before = log_of(service.project)
        answer = await service.gallery(
            "file-tags", filePath=FIRST, addTags=[tag, "x"], removeTags=["y"]
        )
        assert refused(answer, 404, "tag.unknown")["detail"] == {"tag_ids": ["x", "y"]}
        assert log_of(service.project) == before

    async def test_faulty_lists(self, service: Service) -> None:
        """The entry is named."""
        answer = await service.gallery(
            "file-tags", filePath=FIRST, addTags=["a", 1, None], removeTags="b"
        )
        assert set(faults(answer)) == {"addTags[1]", "addTags[2]", "removeTags"}

    async def test_too_many_at_once(self, service: Service) -> None:
        """A transaction has its limits; they are told."""
        answer = await service.gallery("file-tags", filePath=FIRST, addTags=["x"] * 401)
        assert list(faults(answer)) == ["addTags"]
