"""Decisions about lost files: told, no news, or refused."""

from __future__ import annotations

import pytest
from attrs import evolve

from events.assets import AssetChanged, AssetId, AssetMoved, AssetRelinked, AssetSeen
from events.curation import AssetNoted, AssetRated
from events.jobs import JobId, JobOutputStored
from events.trash import FilePurged, FileTrashed, TrashId
from orchestrator.commands.curation import Sighting
from orchestrator.commands.relinking import PERSON, MeetNewRender, RelinkAsset
from orchestrator.gallery.fingerprint import asset_id
from tests.scenario import Scenario

CAT, DOG = AssetId("cat"), AssetId("dog")
SEEN = AssetSeen(asset=CAT, path="p/cat.png", size=10, mtime=1, head="h1")
FOUND = Sighting("q/cat.png", 10, 1, "h1")


def relink(sighting: Sighting = FOUND, source: str = "p/cat.png") -> RelinkAsset:
    """The file that was seen is the cat."""
    return RelinkAsset(asset=CAT, source=source, sighting=sighting, reason="fingerprint")


def relinked(sighting: Sighting = FOUND) -> AssetRelinked:
    """What is told of that."""
    return AssetRelinked(
        asset=CAT,
        source="p/cat.png",
        path=sighting.path,
        size=sighting.size,
        mtime=sighting.mtime,
        head=sighting.head,
        reason="fingerprint",
    )


class TestRelink:
    def test_a_file_that_nobody_spoke_of(self, scenario: Scenario) -> None:
        """It is the asset from now on, as it was found."""
        scenario.given(SEEN)
        scenario.when(relink())
        scenario.then(relinked())

    def test_other_bytes(self, scenario: Scenario) -> None:
        """A picture that was saved anew, or a person who knows better."""
        other = Sighting("q/cat.png", 12, 2, "h2")
        scenario.given(SEEN)
        scenario.when(relink(other))
        scenario.then(relinked(other))

    def test_an_asset_that_is_there_already(self, scenario: Scenario) -> None:
        """No news."""
        scenario.given(SEEN)
        scenario.when(relink(Sighting("p/cat.png", 10, 1, "h1")))
        scenario.then()

    def test_an_asset_that_has_gone_on(self, scenario: Scenario) -> None:
        """Somebody moved it since it was looked for: what was found then is of no use."""
        scenario.given(SEEN, AssetMoved(asset=CAT, source="p/cat.png", path="r/cat.png", op="o"))
        scenario.when(relink())
        scenario.then()

    def test_an_asset_that_was_never_heard_of(self, scenario: Scenario) -> None:
        """Refused."""
        scenario.when(relink())
        scenario.then_refused("asset.unknown")

    @pytest.mark.parametrize("gone", ["trash", "purge"])
    def test_an_asset_that_is_not_in_the_project(self, scenario: Scenario, gone: str) -> None:
        """It is not lost; a restore, if anything, brings it back."""
        trash = TrashId("t")
        scenario.given(SEEN)
        scenario.given(FileTrashed(trash=trash, path="p/cat.png", name="cat.png", asset=CAT,
                                   size=10, mtime=1, sidecars=(), op="o"))  # fmt: skip
        if gone == "purge":
            scenario.given(FilePurged(trash=trash, path="p/cat.png", asset=CAT, name="cat.png",
                                      size=10, head="h1", op="o"))  # fmt: skip
        scenario.when(relink())
        scenario.then_refused("request.invalid")


class TestWhoLiesThere:
    DOG_SEEN = AssetSeen(asset=DOG, path="q/cat.png", size=10, mtime=1, head="h1")

    def test_another_asset(self, scenario: Scenario) -> None:
        """Its stars must not be mixed with those of the cat."""
        scenario.given(SEEN, self.DOG_SEEN)
        scenario.when(relink())
        scenario.then_refused("asset.taken")

    def test_one_of_which_nothing_was_said(self, scenario: Scenario) -> None:
        """There is nothing to mix up: a person may know better, and nobody else."""
        scenario.given(SEEN, self.DOG_SEEN)
        person = RelinkAsset(asset=CAT, source="p/cat.png", sighting=FOUND, reason=PERSON)
        scenario.when(person)
        scenario.then(evolve(relinked(), reason=PERSON))

    @pytest.mark.parametrize(
        "said",
        [
            AssetRated(asset=DOG, stars=1),
            AssetNoted(asset=DOG, note="mine"),
            JobOutputStored(job=JobId("j"), attempt=1, node="9", index=0, kind="image", asset=DOG,
                            path="q/cat.png", size=10, sha256=""),
        ],
    )  # fmt: skip
    def test_one_of_which_something_was_said(self, scenario: Scenario, said: object) -> None:
        """Whoever decides it."""
        scenario.given(SEEN, self.DOG_SEEN, said)
        scenario.when(RelinkAsset(asset=CAT, source="p/cat.png", sighting=FOUND, reason=PERSON))
        scenario.then_refused("asset.taken")

    def test_only_its_name(self, scenario: Scenario) -> None:
        """The bytes there are others than the other's: it was overwritten, or swapped."""
        scenario.given(SEEN, self.DOG_SEEN)
        scenario.given(AssetChanged(asset=DOG, path="q/cat.png", size=7, mtime=1, head="h7"))
        scenario.when(relink())
        scenario.then(relinked())

    def test_one_that_went_on(self, scenario: Scenario) -> None:
        """The place is free."""
        scenario.given(SEEN, self.DOG_SEEN)
        scenario.given(AssetMoved(asset=DOG, source="q/cat.png", path="r.png", op="o"))
        scenario.when(relink())
        scenario.then(relinked())

    def test_back_to_a_place_that_was_taken(self, scenario: Scenario) -> None:
        """Another asset was taken for the file there: it can be said to be this one after all."""
        scenario.given(SEEN, AssetRelinked(asset=DOG, source="d.png", path="p/cat.png", size=7,
                                           mtime=1, head="h7", reason="undo"))  # fmt: skip
        here = Sighting("p/cat.png", 10, 1, "h1")
        scenario.when(relink(here))
        scenario.then(relinked(here))


class TestMeetNewRender:
    NEW = Sighting("p/cat.png", 12, 2, "h2")

    def seen(self) -> AssetSeen:
        """The new picture as an asset."""
        asset = AssetId(asset_id("p/cat.png", 12, "h2"))
        return AssetSeen(asset=asset, path="p/cat.png", size=12, mtime=2, head="h2")

    def test_in_the_place_of_an_asset(self, scenario: Scenario) -> None:
        """It is one of its own."""
        scenario.given(SEEN)
        scenario.when(MeetNewRender(sighting=self.NEW))
        scenario.then(self.seen())

    def test_where_nothing_was_known(self, scenario: Scenario) -> None:
        """Nothing is in anybody's place."""
        scenario.when(MeetNewRender(sighting=self.NEW))
        scenario.then()

    def test_told_before(self, scenario: Scenario) -> None:
        """By another host, or by whoever rated it."""
        scenario.given(SEEN, self.seen())
        scenario.when(MeetNewRender(sighting=self.NEW))
        scenario.then()

    def test_the_old_one_is_back(self, scenario: Scenario) -> None:
        """It has its place again, and the new one is lost."""
        seen = self.seen()
        other = AssetSeen(asset=DOG, path="p/cat.png", size=10, mtime=1, head="h1")
        scenario.given(seen, other)
        scenario.when(MeetNewRender(sighting=self.NEW))
        scenario.then(
            AssetRelinked(asset=seen.asset, source="p/cat.png", path="p/cat.png", size=12, mtime=2,
                          head="h2", reason="fingerprint")
        )  # fmt: skip


class TestLocks:
    def test_one_place(self) -> None:
        """The one where it lies."""
        assert MeetNewRender(sighting=FOUND).keys() == ("path:q/cat.png",)

    def test_both_places(self) -> None:
        """In one order for everybody."""
        assert relink().keys() == ("path:p/cat.png", "path:q/cat.png")
