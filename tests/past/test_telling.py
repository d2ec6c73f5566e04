"""How edits are told: pages of them, the story of one file, from what to what."""

from __future__ import annotations

from datetime import timedelta

from events.assets import AssetChanged, AssetRelinked
from events.curation import AssetNoted, TagDeleted
from events.trash import FilePurged, TrashId
from events.views import ViewSaved
from orchestrator.gallery.past.pages import Asked, Page, page
from orchestrator.gallery.past.telling import Told
from tests.past.tales import CAT, DOG, HERO, NOON, Tale, defined, rated, tagged, untagged


def shown(tale: Tale, **asked: object) -> Page:
    """A page of the tale."""
    return page(tale.history, tale.view, Asked(**asked))  # type: ignore[arg-type]  # as tests need


def texts(told: Page) -> list[str]:
    """What is said, oldest first."""
    return [edit.text for edit in reversed(told.edits)]


def last(tale: Tale) -> Told:
    """The newest edit."""
    return shown(tale, limit=1).edits[0]


class TestOneEdit:
    def test_everything_about_it(self) -> None:
        """Who, when, where, what, from what to what."""
        tale = Tale()
        tale.see(CAT, "P/cat.png")
        tale.one(rated(3))
        edit = tale.one(rated(5), actor="tom", host="host-b", batch="b-1")
        assert last(tale) == Told(
            id=edit,
            at=NOON + timedelta(minutes=3),
            actor="tom",
            host="host-b",
            batch="b-1",
            path="P/cat.png",
            current_path="P/cat.png",
            asset=CAT,
            what="asset.rated",
            text="rated 3 -> 5",
            old=3,
            new=5,
            undone_by=None,
        )

    def test_what_it_replaced_is_what_stood_just_before_it(self) -> None:
        """Not what stands now, nor what came between in other places."""
        tale = Tale()
        tale.see(CAT, "P/cat.png")
        tale.tell(rated(3), tagged(), AssetNoted(asset=CAT, note="x"))
        tale.one(rated(5))
        tale.one(rated(1))
        assert [(e.old, e.new) for e in shown(tale).edits if e.what == "asset.rated"] == [
            *((5, 1), (3, 5), (0, 3)),
        ]

    def test_tags_are_called_as_they_were_called(self) -> None:
        """Even when they are renamed or deleted later."""
        tale = Tale()
        tale.see(CAT, "P/cat.png")
        tale.one(defined(HERO, "Hero"))
        tale.one(tagged())
        tale.one(defined(HERO, "Star"))
        tale.one(untagged())
        tale.one(TagDeleted(tag=HERO))
        assert texts(shown(tale))[1:] == [
            "tag Hero made, #ff0000",
            "tag Hero added",
            "tag Hero: Hero -> Star",
            "tag Star removed",
            "tag Star deleted",
        ]

    def test_where_it_was_and_where_it_is(self) -> None:
        """The path of then, and that of now."""
        tale = Tale()
        tale.see(CAT, "P/cat.png")
        tale.one(rated(5))
        tale.move(("P/cat.png", "Q/best.png"))
        rating = next(e for e in shown(tale).edits if e.what == "asset.rated")
        assert (rating.path, rating.current_path) == ("P/cat.png", "Q/best.png")
        tale.trash("t-1", "Q/best.png")
        rating = next(e for e in shown(tale).edits if e.what == "asset.rated")
        assert (rating.path, rating.current_path) == ("P/cat.png", None)

    def test_files_that_nobody_ever_rated(self) -> None:
        """Their moves are told, too."""
        tale = Tale()
        tale.move(("P/x.png", "P/y.png"))
        tale.move(("P/y.png", "Q/y.png"))
        newest, first = shown(tale).edits
        assert (first.what, first.path, first.current_path) == ("file.moved", "P/x.png", "Q/y.png")
        assert (first.text, newest.text) == ("renamed to y.png", "moved to Q/y.png")

    def test_notes_views_changes_relinks(self) -> None:
        """In words, with what was and what is."""
        tale = Tale()
        tale.see(CAT, "P/cat.png")
        tale.one(AssetNoted(asset=CAT, note="dark"))
        assert (last(tale).text, last(tale).old, last(tale).new) == ("note written", None, "dark")
        tale.one(AssetNoted(asset=CAT, note=""))
        assert (last(tale).text, last(tale).old, last(tale).new) == ("note removed", "dark", None)
        tale.one(ViewSaved(name="best", settings={"sort": "name"}))
        assert (last(tale).text, last(tale).path) == ("view best saved", None)
        tale.one(AssetChanged(asset=CAT, path="P/cat.png", size=2048, mtime=2, head="h2"))
        assert last(tale).text == "edited in place, 10 bytes -> 2.0 KiB"
        tale.one(
            AssetRelinked(
                asset=CAT,
                source="P/cat.png",
                path="Q/cat.png",
                size=1,
                mtime=1,
                head="h",
                reason="fingerprint",
            )
        )
        assert last(tale).text == "found again as Q/cat.png (fingerprint)"

    def test_trash(self) -> None:
        """In, out under another name, in again, gone; rated or not."""
        for path in ("P/cat.png", "P/x.png"):
            tale = Tale()
            tale.see(CAT, "P/cat.png")
            asset = tale.view.asset_at(path)
            tale.trash("t-1", path)
            tale.restore("t-1", "P/other.png")
            tale.trash("t-2", "P/other.png")
            tale.one(
                FilePurged(
                    trash=TrashId("t-2"),
                    path="P/other.png",
                    name="other.png",
                    size=10,
                    head="h",
                    asset=asset,
                    op="o",
                )
            )
            assert texts(shown(tale))[1:] == [
                "put into the trash",
                "restored from the trash, as P/other.png",
                "put into the trash",
                "deleted for good, 10 bytes",
            ]
            assert {e.current_path for e in shown(tale).edits if e.path == path} <= {
                None,
                "P/cat.png" if path != "P/cat.png" else None,
            }

    def test_an_undo(self) -> None:
        """Both the edit and the undo say so."""
        tale = Tale()
        tale.see(CAT, "P/cat.png")
        edit = tale.one(rated(5))
        undo = tale.undo(edit)
        mark, *_ = shown(tale).edits
        assert (mark.what, mark.text, mark.batch) == ("edits.undone", "undid 1 edit", undo)
        assert [e.undone_by for e in shown(tale).edits if e.id == edit] == [undo]
        tale.undo(batch=undo)
        assert last(tale).text == "undid 1 edit, brought back 1 edit"


class TestPages:
    def test_newest_first_page_by_page(self) -> None:
        """Every edit once, also if others come meanwhile."""
        tale = Tale()
        told = [tale.one(rated(stars % 5)) for stars in range(7)]
        first = shown(tale, limit=3)
        tale.one(rated(0))
        second = shown(tale, limit=3, cursor=first.cursor)
        third = shown(tale, limit=3, cursor=second.cursor)
        pages = [edit.id for part in (first, second, third) for edit in part.edits]
        assert pages == told[::-1]
        assert third.cursor is None

    def test_an_exact_page_is_the_last(self) -> None:
        """No empty page follows."""
        tale = Tale()
        tale.one(rated(1))
        assert shown(tale, limit=1).cursor is None
        assert shown(Tale()).edits == ()

    def test_by_somebody_somewhere_sometime(self) -> None:
        """All that are asked for must hold."""
        tale = Tale()
        mara = tale.one(rated(1))
        tom = tale.one(rated(2), actor="tom", host="host-b")
        late = tale.one(rated(3), actor="tom")

        def found(**asked: object) -> list[str]:
            return [edit.id for edit in shown(tale, **asked).edits]

        def minute(number: int) -> object:
            return NOON + timedelta(minutes=number)

        assert found(actor="tom") == [late, tom]
        assert found(host="host-b") == [tom]
        assert found(actor="tom", host="host-a") == [late]
        assert found(since=minute(2)) == [late, tom]
        assert found(until=minute(2)) == [tom, mara]
        assert found(since=minute(2), until=minute(2)) == [tom]
        assert found(actor="ann") == []


class TestOneFile:
    def test_it_follows_the_file(self) -> None:
        """Through renames and the trash, from before anybody rated it."""
        tale = Tale()
        tale.move(("P/x.png", "P/y.png"))
        tale.see(CAT, "P/y.png")
        tale.one(rated(5))
        tale.move(("P/y.png", "Q/z.png"))
        tale.trash("t-1", "Q/z.png")
        tale.restore("t-1", "Q/z.png")
        assert texts(shown(tale, path="Q/z.png")) == [
            "renamed to y.png",
            "first noted, 10 bytes",
            "rated none -> 5",
            "moved to Q/z.png",
            "put into the trash",
            "restored from the trash",
        ]

    def test_a_name_that_it_had(self) -> None:
        """Who knows the old name only finds it as well."""
        tale = Tale()
        tale.see(CAT, "P/a.png")
        tale.move(("P/a.png", "P/b.png"))
        assert len(shown(tale, path="P/a.png").edits) == 2
        tale.move(("P/x.png", "P/y.png"))
        assert len(shown(tale, path="P/x.png").edits) == 1

    def test_another_file_of_that_name_is_another_story(self) -> None:
        """A new render that uses the name again does not inherit the history."""
        tale = Tale()
        tale.see(CAT, "P/a.png")
        tale.one(rated(5))
        tale.trash("t-1", "P/a.png")
        tale.see(DOG, "P/a.png")
        assert texts(shown(tale, path="P/a.png")) == ["first noted, 10 bytes"]

    def test_a_file_that_took_the_name_and_was_never_rated(self) -> None:
        """The one that lies there now counts."""
        tale = Tale()
        tale.see(CAT, "P/a.png")
        tale.move(("P/a.png", "P/b.png"))
        tale.move(("N/x.png", "P/a.png"))
        assert texts(shown(tale, path="P/a.png")) == ["moved to P/a.png"]
        assert len(shown(tale, path="P/b.png").edits) == 2

    def test_a_file_of_which_nothing_was_ever_said(self) -> None:
        assert shown(Tale(), path="P/a.png") == Page((), None)

    def test_pages_and_spans_hold_for_it_too(self) -> None:
        """As for the whole project."""
        tale = Tale()
        tale.see(CAT, "P/a.png")
        told = [tale.one(rated(stars)) for stars in (1, 2, 3)]
        first = shown(tale, path="P/a.png", limit=2)
        assert [edit.id for edit in first.edits] == [told[2], told[1]]
        rest = shown(tale, path="P/a.png", limit=2, cursor=first.cursor)
        assert rest.edits[0].id == told[0]
        since = NOON + timedelta(minutes=4)
        assert [e.id for e in shown(tale, path="P/a.png", since=since).edits] == [told[2]]
