"""Decisions about what people say of files, tags and views: refused, told, or no news."""

from __future__ import annotations

import pytest

from events.assets import AssetChanged, AssetId, AssetMoved, AssetRelinked, AssetSeen
from events.curation import (
    AssetNoted,
    AssetRated,
    AssetTagged,
    AssetUntagged,
    TagDefined,
    TagDeleted,
    TagId,
)
from events.trash import FileTrashed, TrashId
from events.views import ViewDeleted, ViewSaved
from orchestrator.commands.curation import (
    MAX_NOTE,
    CurateAsset,
    DefineTag,
    DeleteTag,
    DeleteView,
    SaveView,
    Sighting,
)
from orchestrator.gallery.fingerprint import asset_id
from tests.scenario import Scenario

CAT = Sighting("Panel_01/cat.png", 10, 111, "h1")
CAT_ID = AssetId(asset_id(CAT.path, CAT.size, CAT.head))
HERO, TODO = TagId("hero"), TagId("todo")
SEEN = AssetSeen(asset=CAT_ID, path=CAT.path, size=10, mtime=111, head="h1")


class TestStars:
    def test_the_first_edit_of_a_file_introduces_it(self, scenario: Scenario) -> None:
        """asset.seen stands in the same transaction as the first edit."""
        scenario.when(CurateAsset(sighting=CAT, stars=4))
        scenario.then(SEEN, AssetRated(asset=CAT_ID, stars=4))

    def test_a_known_file_is_not_introduced_again(self, scenario: Scenario) -> None:
        """Later edits speak of the asset alone."""
        scenario.given(SEEN)
        scenario.when(CurateAsset(sighting=CAT, stars=4))
        scenario.then(AssetRated(asset=CAT_ID, stars=4))

    def test_the_same_stars_again_are_no_news(self, scenario: Scenario) -> None:
        """Nothing new to say, nothing to write."""
        scenario.given(SEEN, AssetRated(asset=CAT_ID, stars=4))
        scenario.when(CurateAsset(sighting=CAT, stars=4))
        scenario.then()

    def test_clearing_what_was_never_rated_is_no_news(self, scenario: Scenario) -> None:
        """Zero stars are what every file has."""
        scenario.when(CurateAsset(sighting=CAT, stars=0))
        scenario.then()

    @pytest.mark.parametrize("stars", [-1, 6, 7])
    def test_other_stars_are_refused(self, scenario: Scenario, stars: int) -> None:
        """There are zero to five."""
        scenario.when(CurateAsset(sighting=CAT, stars=stars))
        scenario.then_refused("request.invalid")

    def test_a_file_edited_in_place_is_told_of(self, scenario: Scenario) -> None:
        """Other bytes at a known path: the same asset, changed."""
        scenario.given(SEEN)
        other = Sighting(CAT.path, 99, 222, "h2")
        scenario.when(CurateAsset(sighting=other, stars=4))
        changed = AssetChanged(asset=CAT_ID, path=CAT.path, size=99, mtime=222, head="h2")
        scenario.then(changed, AssetRated(asset=CAT_ID, stars=4))

    def test_a_touched_file_is_not_a_changed_one(self, scenario: Scenario) -> None:
        """Times lie on shares; bytes do not."""
        scenario.given(SEEN)
        scenario.when(CurateAsset(sighting=Sighting(CAT.path, 10, 999, "h1"), stars=4))
        scenario.then(AssetRated(asset=CAT_ID, stars=4))


class TestAPictureMadeAnew:
    """Under the name of one that was known, and it says so itself."""

    NEW = Sighting(CAT.path, 99, 222, "h2", made_anew=True)

    def seen(self, *, nth: int | None = None) -> AssetSeen:
        """The new picture as an asset."""
        asset = AssetId(asset_id(CAT.path, 99, "h2", nth or 1))
        return AssetSeen(asset=asset, path=CAT.path, size=99, mtime=222, head="h2", nth=nth)

    def test_it_is_another_asset(self, scenario: Scenario) -> None:
        """What was said of the old one is not said of it."""
        scenario.given(SEEN, AssetRated(asset=CAT_ID, stars=5))
        scenario.when(CurateAsset(sighting=self.NEW, stars=5))
        scenario.then(self.seen(), AssetRated(asset=self.seen().asset, stars=5))

    def test_its_stars_taken_off(self, scenario: Scenario) -> None:
        """They were those of the old one, as somebody saw them: now it is told that it has none."""
        scenario.given(SEEN, AssetRated(asset=CAT_ID, stars=5))
        scenario.when(CurateAsset(sighting=self.NEW, stars=0))
        scenario.then(self.seen())

    def test_it_was_told_before(self, scenario: Scenario) -> None:
        """Whoever asked: it is known as it is."""
        scenario.given(SEEN, self.seen())
        scenario.when(CurateAsset(sighting=self.NEW, stars=4))
        scenario.then(AssetRated(asset=self.seen().asset, stars=4))

    def test_the_old_one_is_back(self, scenario: Scenario) -> None:
        """The bytes that were met there first are that asset, with all its stars."""
        scenario.given(SEEN, AssetRated(asset=CAT_ID, stars=5), self.seen())
        back = Sighting(CAT.path, CAT.size, 333, CAT.head, made_anew=True)
        scenario.when(CurateAsset(sighting=back, stars=4))
        scenario.then(
            AssetRelinked(asset=CAT_ID, source=CAT.path, path=CAT.path, size=CAT.size, mtime=333,
                          head=CAT.head, reason="fingerprint"),
            AssetRated(asset=CAT_ID, stars=4),
        )  # fmt: skip

    def test_not_if_it_went_elsewhere(self, scenario: Scenario) -> None:
        """It has a place; the same bytes here are a copy."""
        scenario.given(self.seen())
        scenario.given(AssetMoved(asset=self.seen().asset, source=CAT.path, path="b.png", op="o"))
        scenario.given(SEEN)
        scenario.when(CurateAsset(sighting=self.NEW, stars=4))
        copy = self.seen(nth=2)
        scenario.then(copy, AssetRated(asset=copy.asset, stars=4))


class TestTagsOfAFile:
    def test_only_what_changes_is_told(self, scenario: Scenario) -> None:
        """A tag that is there already is no news."""
        scenario.given(defined(HERO, "Hero"), defined(TODO, "Todo"), SEEN, tagged(HERO))
        scenario.when(CurateAsset(sighting=CAT, add=(HERO, TODO)))
        scenario.then(tagged(TODO))

    def test_a_tag_in_both_lists_is_taken_off(self, scenario: Scenario) -> None:
        """Removing is what the person saw last."""
        scenario.given(defined(HERO, "Hero"), SEEN, tagged(HERO))
        scenario.when(CurateAsset(sighting=CAT, add=(HERO,), remove=(HERO,)))
        scenario.then(AssetUntagged(asset=CAT_ID, tag=HERO))

    def test_unknown_and_deleted_tags_are_refused_whole(self, scenario: Scenario) -> None:
        """One unknown id, and nothing is done."""
        scenario.given(defined(HERO, "Hero"), defined(TODO, "Todo"), TagDeleted(tag=TODO))
        scenario.when(CurateAsset(sighting=CAT, add=(HERO, TODO)))
        scenario.then_refused("tag.unknown")


class TestNote:
    def test_a_note_is_told(self, scenario: Scenario) -> None:
        """With the file, if nobody spoke of it before."""
        scenario.when(CurateAsset(sighting=CAT, note="hands are wrong"))
        scenario.then(SEEN, AssetNoted(asset=CAT_ID, note="hands are wrong"))

    def test_the_same_note_again_is_no_news(self, scenario: Scenario) -> None:
        """Nor is an empty one where there is none."""
        scenario.given(SEEN, AssetNoted(asset=CAT_ID, note="hands are wrong"))
        scenario.when(CurateAsset(sighting=CAT, note="hands are wrong"))
        scenario.then()

    def test_an_empty_note_takes_it_off(self, scenario: Scenario) -> None:
        """There is no other way to remove one."""
        scenario.given(SEEN, AssetNoted(asset=CAT_ID, note="hands are wrong"))
        scenario.when(CurateAsset(sighting=CAT, note=""))
        scenario.then(AssetNoted(asset=CAT_ID, note=""))

    def test_a_novel_is_refused(self, scenario: Scenario) -> None:
        """A line of the log has its limits."""
        scenario.when(CurateAsset(sighting=CAT, note="x" * (MAX_NOTE + 1)))
        scenario.then_refused("request.invalid")

    def test_the_longest_note(self, scenario: Scenario) -> None:
        """Characters count, not bytes."""
        scenario.given(SEEN)
        scenario.when(CurateAsset(sighting=CAT, note="猫" * MAX_NOTE))
        scenario.then(AssetNoted(asset=CAT_ID, note="猫" * MAX_NOTE))


class TestAllAtOnce:
    def test_one_command_says_everything(self, scenario: Scenario) -> None:
        """Stars, tags and note become one line of the log."""
        scenario.given(defined(HERO, "Hero"), SEEN)
        scenario.when(CurateAsset(sighting=CAT, stars=5, add=(HERO,), note="take this one"))
        scenario.then(
            AssetRated(asset=CAT_ID, stars=5),
            tagged(HERO),
            AssetNoted(asset=CAT_ID, note="take this one"),
        )

    def test_one_fault_spoils_all(self, scenario: Scenario) -> None:
        """Good stars do not come with an unknown tag."""
        scenario.given(SEEN)
        scenario.when(CurateAsset(sighting=CAT, stars=5, add=(HERO,)))
        scenario.then_refused("tag.unknown")

    def test_nothing_said(self, scenario: Scenario) -> None:
        """A file of which nothing is said is not introduced either."""
        scenario.when(CurateAsset(sighting=CAT))
        scenario.then()


class TestASecondFile:
    def test_the_same_bytes_where_a_trashed_file_lay(self, scenario: Scenario) -> None:
        """Rendered again after the first was trashed: another asset, without the first's stars."""
        scenario.given(
            SEEN,
            AssetRated(asset=CAT_ID, stars=4),
            FileTrashed(
                trash=TrashId("t"),
                path=CAT.path,
                name="cat.png",
                size=10,
                mtime=111,
                asset=CAT_ID,
                op="op",
            ),
        )
        scenario.when(CurateAsset(sighting=CAT, stars=1))
        second = AssetId(asset_id(CAT.path, CAT.size, CAT.head, 2))
        assert second != CAT_ID
        scenario.then(
            AssetSeen(asset=second, path=CAT.path, size=10, mtime=111, head="h1", nth=2),
            AssetRated(asset=second, stars=1),
        )


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

    def test_another_setting_is_told(self, scenario: Scenario) -> None:
        """The whole view is saved, not what differs."""
        scenario.given(ViewSaved(name="default", settings={"sort_field": "name"}))
        scenario.when(SaveView(name="default", settings={"sort_field": "size"}))
        scenario.then(ViewSaved(name="default", settings={"sort_field": "size"}))

    @pytest.mark.parametrize("name", ["", "x" * 101])
    def test_bad_names_are_refused(self, scenario: Scenario, name: str) -> None:
        """Names have 1 to 100 characters."""
        scenario.when(SaveView(name=name, settings={}))
        scenario.then_refused("request.invalid")


class TestDeleteView:
    def test_a_saved_view_goes(self, scenario: Scenario) -> None:
        """And its name is free again."""
        scenario.given(ViewSaved(name="dailies", settings={}))
        scenario.when(DeleteView(name="dailies"))
        scenario.then(ViewDeleted(name="dailies"))

    def test_what_is_not_there_cannot_be_deleted(self, scenario: Scenario) -> None:
        """Nor twice."""
        scenario.given(ViewSaved(name="dailies", settings={}), ViewDeleted(name="dailies"))
        scenario.when(DeleteView(name="dailies"))
        scenario.then_refused("view.unknown")


def defined(tag: TagId, name: str) -> TagDefined:
    """A tag that exists."""
    return TagDefined(tag=tag, name=name, color="#ff0000")


def tagged(tag: TagId) -> AssetTagged:
    """The tag is on the cat."""
    return AssetTagged(asset=CAT_ID, tag=tag)
