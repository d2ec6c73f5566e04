"""Decisions about ratings, tags and views: what is refused, what is told, what is no news."""

from __future__ import annotations

import pytest

from events.assets import AssetChanged, AssetId, AssetSeen
from events.curation import AssetRated, AssetTagged, AssetUntagged, TagDefined, TagDeleted, TagId
from events.views import ViewSaved
from orchestrator.commands.curation import (
    DefineTag,
    DeleteTag,
    RateAsset,
    SaveView,
    Sighting,
    TagAsset,
)
from orchestrator.gallery.fingerprint import asset_id
from tests.scenario import Scenario

CAT = Sighting("Panel_01/cat.png", 10, 111, "h1")
CAT_ID = AssetId(asset_id(CAT.path, CAT.size, CAT.head))
HERO, TODO = TagId("hero"), TagId("todo")
SEEN = AssetSeen(asset=CAT_ID, path=CAT.path, size=10, mtime=111, head="h1")


class TestRateAsset:
    def test_the_first_edit_of_a_file_introduces_it(self, scenario: Scenario) -> None:
        """asset.seen stands in the same transaction as the first edit."""
        scenario.when(RateAsset(sighting=CAT, stars=4))
        scenario.then(SEEN, AssetRated(asset=CAT_ID, stars=4))

    def test_a_known_file_is_not_introduced_again(self, scenario: Scenario) -> None:
        """Later edits speak of the asset alone."""
        scenario.given(SEEN)
        scenario.when(RateAsset(sighting=CAT, stars=4))
        scenario.then(AssetRated(asset=CAT_ID, stars=4))

    def test_the_same_stars_again_are_no_news(self, scenario: Scenario) -> None:
        """Nothing new to say, nothing to write."""
        scenario.given(SEEN, AssetRated(asset=CAT_ID, stars=4))
        scenario.when(RateAsset(sighting=CAT, stars=4))
        scenario.then()

    def test_clearing_what_was_never_rated_is_no_news(self, scenario: Scenario) -> None:
        """Zero stars are what every file has."""
        scenario.when(RateAsset(sighting=CAT, stars=0))
        scenario.then()

    @pytest.mark.parametrize("stars", [-1, 6, 7])
    def test_other_stars_are_refused(self, scenario: Scenario, stars: int) -> None:
        """There are zero to five."""
        scenario.when(RateAsset(sighting=CAT, stars=stars))
        scenario.then_refused("request.invalid")

    def test_a_file_edited_in_place_is_told_of(self, scenario: Scenario) -> None:
        """Other bytes at a known path: the same asset, changed."""
        scenario.given(SEEN)
        other = Sighting(CAT.path, 99, 222, "h2")
        scenario.when(RateAsset(sighting=other, stars=4))
        changed = AssetChanged(asset=CAT_ID, path=CAT.path, size=99, mtime=222, head="h2")
        scenario.then(changed, AssetRated(asset=CAT_ID, stars=4))

    def test_a_touched_file_is_not_a_changed_one(self, scenario: Scenario) -> None:
        """Times lie on shares; bytes do not."""
        scenario.given(SEEN)
        scenario.when(RateAsset(sighting=Sighting(CAT.path, 10, 999, "h1"), stars=4))
        scenario.then(AssetRated(asset=CAT_ID, stars=4))


class TestTagAsset:
    def test_only_what_changes_is_told(self, scenario: Scenario) -> None:
        """A tag that is there already is no news."""
        scenario.given(defined(HERO, "Hero"), defined(TODO, "Todo"), SEEN, tagged(HERO))
        scenario.when(TagAsset(sighting=CAT, add=(HERO, TODO), remove=()))
        scenario.then(tagged(TODO))

    def test_a_tag_in_both_lists_is_taken_off(self, scenario: Scenario) -> None:
        """Removing is what the person saw last."""
        scenario.given(defined(HERO, "Hero"), SEEN, tagged(HERO))
        scenario.when(TagAsset(sighting=CAT, add=(HERO,), remove=(HERO,)))
        scenario.then(AssetUntagged(asset=CAT_ID, tag=HERO))

    def test_unknown_and_deleted_tags_are_refused_whole(self, scenario: Scenario) -> None:
        """One unknown id, and nothing is done."""
        scenario.given(defined(HERO, "Hero"), defined(TODO, "Todo"), TagDeleted(tag=TODO))
        scenario.when(TagAsset(sighting=CAT, add=(HERO, TODO), remove=()))
        scenario.then_refused("tag.unknown")


class TestDefineTag:
    def test_a_name_is_unique_without_regard_to_case(self, scenario: Scenario) -> None:
        """`HERO` and `Hero` would be told apart by nobody."""
        scenario.given(defined(HERO, "Hero"))
        scenario.when(DefineTag(tag=TODO, update=False, name="HERO", color=None))
        scenario.then_refused("tag.name_taken")

    def test_a_deleted_name_is_free_again(self, scenario: Scenario) -> None:
        """Nobody sees the old one any more."""
        scenario.given(defined(HERO, "Hero"), TagDeleted(tag=HERO))
        scenario.when(DefineTag(tag=TODO, update=False, name="hero", color="#ABCDEF"))
        scenario.then(TagDefined(tag=TODO, name="hero", color="#abcdef"))

    def test_a_new_colour_keeps_the_name(self, scenario: Scenario) -> None:
        """What is not sent stays as it is."""
        scenario.given(defined(HERO, "Hero"))
        scenario.when(DefineTag(tag=HERO, update=True, name=None, color="#00ff00"))
        scenario.then(TagDefined(tag=HERO, name="Hero", color="#00ff00"))

    @pytest.mark.parametrize(
        ("name", "color"), [("", None), ("  ", None), ("x" * 101, None), ("ok", "red")]
    )
    def test_bad_names_and_colours_are_refused(
        self, scenario: Scenario, name: str, color: str | None
    ) -> None:
        """Names have 1 to 100 characters, colours are #rrggbb."""
        scenario.when(DefineTag(tag=TODO, update=False, name=name, color=color))
        scenario.then_refused("request.invalid")

    def test_an_update_of_nothing_is_refused(self, scenario: Scenario) -> None:
        """An id that the client made up is a mistake, not a new tag."""
        scenario.when(DefineTag(tag=TODO, update=True, name="x", color=None))
        scenario.then_refused("tag.unknown")


class TestDeleteTag:
    def test_what_is_not_there_cannot_be_deleted(self, scenario: Scenario) -> None:
        """The client is told, so that it can look again."""
        scenario.when(DeleteTag(tag=HERO))
        scenario.then_refused("tag.unknown")


class TestSaveView:
    def test_saving_the_same_again_is_no_news(self, scenario: Scenario) -> None:
        """The frontend saves 1.5 s after every change, often the same."""
        scenario.given(ViewSaved(name="default", settings={"sort_field": "name"}))
        scenario.when(SaveView(name="default", settings={"sort_field": "name"}))
        scenario.then()


def defined(tag: TagId, name: str) -> TagDefined:
    """A tag that exists."""
    return TagDefined(tag=tag, name=name, color="#ff0000")


def tagged(tag: TagId) -> AssetTagged:
    """The tag is on the cat."""
    return AssetTagged(asset=CAT_ID, tag=tag)
