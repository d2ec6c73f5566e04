"""Ratings, tags, assets and views: the newest stamp wins, and questions about all of them."""

from __future__ import annotations

from events.assets import AssetChanged, AssetId, AssetSeen
from events.curation import AssetRated, AssetTagged, AssetUntagged, TagDefined, TagDeleted, TagId
from events.record import Record
from events.stamp import stamp
from events.views import ViewSaved
from projections.catalogue import empty_tables
from projections.project import ProjectView, seen_stamp

CAT, DOG = AssetId("c" * 32), AssetId("d" * 32)
HERO = TagId("hero")


def said(time: int, event: object, writer: str = "0000000000000001") -> Record:
    """An event at a time."""
    return Record(stamp(time, writer), event, "mara", "host-a", writer, time)


def seen(asset: AssetId, path: str) -> AssetSeen:
    """A file that was noticed."""
    return AssetSeen(asset=asset, path=path, size=1, mtime=2, head="h")


def view_of(*records: Record) -> ProjectView:
    """State after some records."""
    tables = empty_tables()
    tables.apply(records)
    return ProjectView(tables)


class TestRatings:
    def test_newer_beats_older_whatever_the_order(self) -> None:
        """Arrival is not time."""
        newer, older = (
            said(9, AssetRated(asset=CAT, stars=5)),
            said(3, AssetRated(asset=CAT, stars=1)),
        )
        for records in ((newer, older), (older, newer)):
            rating = view_of(*records).rating(CAT)
            assert rating is not None
            assert rating.stars == 5

    def test_hosts_never_tie(self) -> None:
        """At the same time the writer's name decides, the same way everywhere."""
        a = said(3, AssetRated(asset=CAT, stars=1), "0000000000000001")
        b = said(3, AssetRated(asset=CAT, stars=5), "0000000000000002")
        for records in ((a, b), (b, a)):
            rating = view_of(*records).rating(CAT)
            assert rating is not None
            assert rating.stars == 5

    def test_zero_is_no_rating(self) -> None:
        """A cleared rating is not listed."""
        view = view_of(
            said(1, seen(CAT, "P/cat.png")),
            said(2, AssetRated(asset=CAT, stars=4)),
            said(3, AssetRated(asset=CAT, stars=0)),
        )
        assert list(view.ratings()) == []
        assert view.stars_at("P/cat.png") == 0

    def test_a_new_file_under_an_old_name_has_no_stars(self) -> None:
        """Stars belong to the asset; the name now means another one."""
        view = view_of(
            said(1, seen(CAT, "P/x.png")),
            said(2, AssetRated(asset=CAT, stars=4)),
            said(3, seen(DOG, "P/x.png")),
        )
        assert view.asset_at("P/x.png") == DOG
        assert view.stars_at("P/x.png") == 0
        assert list(view.ratings()) == []

    def test_a_file_edited_in_place_keeps_its_stars(self) -> None:
        """Other bytes at the same place are the same asset (event-log: assets)."""
        changed = AssetChanged(asset=CAT, path="P/x.png", size=9, mtime=9, head="other")
        view = view_of(
            said(1, seen(CAT, "P/x.png")), said(2, AssetRated(asset=CAT, stars=4)), said(3, changed)
        )
        assert view.stars_at("P/x.png") == 4


class TestTags:
    def test_a_tag_is_a_register_of_its_own(self) -> None:
        """Two people tagging one file at once do not undo each other."""
        todo = TagId("todo")
        view = view_of(
            said(1, TagDefined(tag=HERO, name="Hero", color="#ff0000")),
            said(1, TagDefined(tag=todo, name="Todo", color="#00ff00"), "0000000000000002"),
            said(3, AssetTagged(asset=CAT, tag=HERO)),
            said(3, AssetTagged(asset=CAT, tag=todo), "0000000000000002"),
            said(2, AssetUntagged(asset=CAT, tag=HERO)),
        )
        assert view.tags_of(CAT) == (HERO, todo)

    def test_a_deleted_tag_is_on_nothing(self) -> None:
        """And comes back to the same files if it is defined again."""
        gone = [
            said(1, TagDefined(tag=HERO, name="Hero", color="#ff0000")),
            said(2, AssetTagged(asset=CAT, tag=HERO)),
            said(3, TagDeleted(tag=HERO)),
        ]
        again = said(4, TagDefined(tag=HERO, name="Hero", color="#ff0000"))
        assert view_of(*gone).tags_of(CAT) == ()
        assert view_of(*gone).tags() == {}
        assert view_of(*gone, again).tags_of(CAT) == (HERO,)


class TestSeenStamp:
    def test_an_edit_knows_what_its_author_saw(self) -> None:
        """What an event replaces has a stamp, which the new record must beat."""
        rated = said(7, AssetRated(asset=CAT, stars=1))
        viewed = said(8, ViewSaved(name="default", settings={}))
        view = view_of(rated, viewed)
        assert seen_stamp(view, AssetRated(asset=CAT, stars=5)) == rated.stamp
        assert seen_stamp(view, ViewSaved(name="default", settings={"a": 1})) == viewed.stamp
        assert seen_stamp(view, AssetRated(asset=DOG, stars=5)) is None
        assert seen_stamp(view, AssetTagged(asset=CAT, tag=HERO)) is None
