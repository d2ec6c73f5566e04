"""Gallery: a picture that ComfyUI renders anew under an old name does not inherit its stars."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import IndexUnusable
from orchestrator.gallery import finder
from orchestrator.gallery.index.store import Index
from orchestrator.gallery.relink.service import Relinker
from orchestrator.services import RELINKER
from tests.gallery_files.pngs import chunk, png, text
from tests.gallery_index.project import graph
from tests.http.studio import Service, Studio, events_of, refused

SHOT, OTHER = "p/shot.png", "p/other.png"
#: Times of files, which must not depend on how fast the test runs.
_TIMES = itertools.count(1_700_000_000_000_000_000, 1_000_000_000)


def write(project: Path, path: str, data: bytes) -> None:
    """A file that is newer than any before."""
    file = project / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    modified = next(_TIMES)
    os.utime(file, ns=(modified, modified))


def render(project: Path, path: str = SHOT, **made: Any) -> bytes:
    """A picture as ComfyUI saves it; its bytes."""
    data = png(text("prompt", graph(made.pop("prompt", "a castle"), **made)))
    write(project, path, data)
    return data


@pytest.fixture
async def gallery(studio: Studio) -> Service:
    """A project with one picture of five stars, known to the index."""
    studio.furnish_nothing()
    render(studio.project, seed=1)
    service = await studio.host()
    await look(service)
    await service.rate(SHOT, 5)
    return service


async def look(service: Service) -> None:
    """Look through the project, and do what follows from it."""
    answer = await service.gallery("index")
    assert answer.status == 200, answer.body


async def lost(service: Service) -> list[tuple[str, int, list[str]]]:
    """What waits for a decision: path, stars, candidates."""
    found = (await service.ask("relink"))["missing"]
    return [(each["path"], each["rating"], each["candidates"]) for each in found]


def told(project: Path) -> list[str]:
    """What was told of assets themselves."""
    names = [event["t"] for event in events_of(project)]
    return [name for name in names if name.startswith("asset.") and name != "asset.rated"]


async def never(*_: object) -> bool:
    """Nothing is met: the service is stopped, or has not come to it yet."""
    return False


class TestFoundByTheNextLook:
    @pytest.mark.parametrize(
        "made",
        [{"seed": 2}, {"seed": 1, "prompt": "a knight"}, {"seed": 1, "model": "flux.safetensors"}],
    )
    async def test_another_recipe(self, gallery: Service, made: dict[str, Any]) -> None:
        """Seed, prompt or model: a new picture without stars; the old one is lost, with its own."""
        (gallery.project / SHOT).unlink()
        render(gallery.project, **made)
        await look(gallery)
        assert await gallery.ratings() == {}
        assert await lost(gallery) == [(SHOT, 5, [])]
        assert told(gallery.project) == ["asset.seen", "asset.seen"]

    async def test_the_same_recipe(self, gallery: Service) -> None:
        """Painted over, upscaled, saved anew: the same picture with all its stars."""
        data = (gallery.project / SHOT).read_bytes()
        write(gallery.project, SHOT, data + chunk(b"tEXt", b"by\0a brush"))
        await look(gallery)
        assert await gallery.ratings() == {SHOT: 5}
        await gallery.rate(SHOT, 4)
        assert await gallery.ratings() == {SHOT: 4}
        assert told(gallery.project) == ["asset.seen", "asset.changed"]
        assert await lost(gallery) == []

    async def test_one_that_does_not_say(self, gallery: Service) -> None:
        """Saved without its metadata: nobody knows, and no star is lost."""
        write(gallery.project, SHOT, png())
        await look(gallery)
        assert await gallery.ratings() == {SHOT: 5}
        assert await lost(gallery) == []

    async def test_a_look_that_came_too_early(self, gallery: Service) -> None:
        """It met an empty file that was still being written."""
        write(gallery.project, SHOT, b"")
        await look(gallery)
        render(gallery.project, seed=2)
        await look(gallery)
        assert await gallery.ratings() == {}

    async def test_the_old_one_was_missing_before(self, gallery: Service) -> None:
        """A look between the two changes nothing."""
        (gallery.project / SHOT).unlink()
        await look(gallery)
        render(gallery.project, seed=2)
        await look(gallery)
        assert await gallery.ratings() == {}
        assert await lost(gallery) == [(SHOT, 5, [])]

    async def test_a_file_that_nobody_rated(self, gallery: Service) -> None:
        """Is no asset, and need not be told of."""
        render(gallery.project, OTHER, seed=3)
        await look(gallery)
        render(gallery.project, OTHER, seed=4)
        await look(gallery)
        assert told(gallery.project) == ["asset.seen"]

    async def test_stars_of_its_own(self, gallery: Service) -> None:
        """And again, as often as it is rendered."""
        for seed in (2, 3):
            render(gallery.project, seed=seed)
            await look(gallery)
            assert await gallery.ratings() == {}
            await gallery.rate(SHOT, seed)
            assert await gallery.ratings() == {SHOT: seed}
        assert sorted(await lost(gallery)) == [(SHOT, 2, []), (SHOT, 5, [])]

    async def test_told_once(self, studio: Studio, gallery: Service) -> None:
        """By the first of two hosts; nor does a later look say it again."""
        other = await studio.host("bela")
        await look(other)
        render(gallery.project, seed=2)
        await look(gallery)
        await (await other.opened()).follow()
        await look(other)
        await look(gallery)
        assert told(gallery.project) == ["asset.seen", "asset.seen"]
        assert await other.ratings() == {}

    async def test_the_service_was_stopped_before_it_told(
        self, studio: Studio, gallery: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The index remembers."""
        with monkeypatch.context() as patched:
            patched.setattr(Relinker, "_meet_new", never)
            render(gallery.project, seed=2)
            await look(gallery)
            await gallery.app[RELINKER].settled(await gallery.opened())
            await gallery.stop()
        again = await studio.host()
        await look(again)
        assert await again.ratings() == {}


class TestRatedBeforeTheNextLook:
    @pytest.fixture(autouse=True)
    def time_passes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file that was rated a moment ago is not looked at again for some seconds."""
        monkeypatch.setattr(finder, "SIGHTED_FOR", -1.0)

    async def test_another_recipe(self, gallery: Service) -> None:
        """The stars are those of the new picture; the next look has nothing to add."""
        render(gallery.project, seed=2)
        await gallery.rate(SHOT, 2)
        assert await lost(gallery) == [(SHOT, 5, [])]
        await look(gallery)
        assert await gallery.ratings() == {SHOT: 2}
        assert told(gallery.project) == ["asset.seen", "asset.seen"]
        await gallery.gallery("notes", filePath=SHOT, note="better")
        assert told(gallery.project) == ["asset.seen", "asset.seen", "asset.noted"]

    async def test_its_stars_are_taken_off(self, gallery: Service) -> None:
        """Whoever sees those of the old one on it sees them go; they stay with the old one."""
        render(gallery.project, seed=2)
        await gallery.rate(SHOT, 0)
        assert await gallery.ratings() == {}
        assert await lost(gallery) == [(SHOT, 5, [])]

    async def test_the_same_recipe(self, gallery: Service) -> None:
        """An edit, as ever."""
        data = (gallery.project / SHOT).read_bytes()
        write(gallery.project, SHOT, data + chunk(b"tEXt", b"by\0a brush"))
        await gallery.gallery("notes", filePath=SHOT, note="retouched")
        assert await gallery.ratings() == {SHOT: 5}
        assert told(gallery.project) == ["asset.seen", "asset.changed", "asset.noted"]

    async def test_one_that_does_not_say(self, gallery: Service) -> None:
        """No star is lost."""
        write(gallery.project, SHOT, png())
        await gallery.gallery("notes", filePath=SHOT, note="retouched")
        assert await gallery.ratings() == {SHOT: 5}

    async def test_one_of_which_nothing_was_known(self, studio: Studio, gallery: Service) -> None:
        """This host's index is new: it is taken for an edit."""
        other = await studio.host("bela")
        render(gallery.project, seed=2)
        await other.gallery("notes", filePath=SHOT, note="from afar")
        assert await other.ratings() == {SHOT: 5}

    async def test_an_index_that_cannot_be_asked(
        self, gallery: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its disk is full: people can rate all the same."""

        def full(*_: object) -> bool:
            raise IndexUnusable("cache", "database or disk is full")

        monkeypatch.setattr(Index, "is_another", full)
        render(gallery.project, seed=2)
        answer = await gallery.rate(SHOT, 3)
        assert answer.status == 200, answer.body
        assert await gallery.ratings() == {SHOT: 3}

    async def test_a_moment_after_the_old_one_was_rated(
        self, gallery: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What the index has met otherwise is looked at anew, however short ago it was seen."""
        monkeypatch.setattr(finder, "SIGHTED_FOR", 1_000.0)
        await gallery.rate(SHOT, 4)
        monkeypatch.setattr(Relinker, "_meet_new", never)
        render(gallery.project, seed=2)
        await look(gallery)
        await gallery.rate(SHOT, 2)
        assert await lost(gallery) == [(SHOT, 4, [])]

    async def test_many_at_once(self, gallery: Service) -> None:
        """Each for itself."""
        render(gallery.project, OTHER, seed=3)
        await look(gallery)
        await gallery.rate(OTHER, 4)
        render(gallery.project, seed=2)
        data = (gallery.project / OTHER).read_bytes()
        write(gallery.project, OTHER, data + chunk(b"tEXt", b"by\0a brush"))
        tag = await gallery.make_tag("Hero")
        await gallery.gallery("file-tags", files=[SHOT, OTHER], addTags=[tag])
        assert await gallery.ratings() == {OTHER: 4}


class TestTheOldOne:
    async def test_turns_up_elsewhere(self, gallery: Service) -> None:
        """Known by its bytes, whenever that is."""
        data = (gallery.project / SHOT).read_bytes()
        render(gallery.project, seed=2)
        await look(gallery)
        await gallery.rate(SHOT, 1)
        write(gallery.project, "backup/shot.png", data)
        await look(gallery)
        assert await gallery.ratings() == {"backup/shot.png": 5, SHOT: 1}
        assert await lost(gallery) == []

    async def test_comes_back_to_its_place(self, gallery: Service) -> None:
        """It has its stars again; those of the new one wait for that."""
        data = (gallery.project / SHOT).read_bytes()
        new = render(gallery.project, seed=2)
        await look(gallery)
        await gallery.rate(SHOT, 1)
        write(gallery.project, SHOT, data)
        await look(gallery)
        assert await gallery.ratings() == {SHOT: 5}
        assert await lost(gallery) == [(SHOT, 1, [])]
        write(gallery.project, SHOT, new)
        await gallery.gallery("notes", filePath=SHOT, note="the new one again")
        assert await gallery.ratings() == {SHOT: 1}

    async def test_a_person_knows_better(self, gallery: Service) -> None:
        """It is the same picture after all: it gets its stars back, and undo takes that back."""
        asset = (await gallery.opened()).view.asset_at(SHOT)
        render(gallery.project, seed=2)
        await look(gallery)
        answer = await gallery.gallery("relink", assetId=asset, filePath=SHOT)
        assert answer.status == 200, answer.body
        assert await gallery.ratings() == {SHOT: 5}
        await look(gallery)
        assert await gallery.ratings() == {SHOT: 5}

    async def test_not_once_the_new_one_was_rated(self, gallery: Service) -> None:
        """Stars of two pictures must not be mixed up."""
        asset = (await gallery.opened()).view.asset_at(SHOT)
        render(gallery.project, seed=2)
        await look(gallery)
        await gallery.rate(SHOT, 1)
        answer = await gallery.gallery("relink", assetId=asset, filePath=SHOT)
        refused(answer, 409, "asset.taken")

    async def test_where_the_service_moved_the_new_one(self, gallery: Service) -> None:
        """Nobody had noticed yet: the stars moved along, and the next look takes them off."""
        render(gallery.project, seed=2)
        await gallery.gallery("rename-file", filePath=SHOT, newName="b.png")
        await look(gallery)
        assert await gallery.ratings() == {}
        assert await lost(gallery) == [("p/b.png", 5, [])]

    async def test_two_that_were_swapped(self, gallery: Service) -> None:
        """Neither is new: each is known by its bytes before anybody asks how it was made."""
        other = render(gallery.project, OTHER, seed=3)
        await look(gallery)
        await gallery.rate(OTHER, 1)
        data = (gallery.project / SHOT).read_bytes()
        write(gallery.project, SHOT, other)
        write(gallery.project, OTHER, data)
        await look(gallery)
        assert await gallery.ratings() == {OTHER: 5, SHOT: 1}
        assert await lost(gallery) == []
