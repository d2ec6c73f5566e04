"""What differs between two moments: net, not step by step."""

from __future__ import annotations

from events.curation import AssetNoted, TagDeleted
from events.trash import FilePurged, TrashId
from events.views import ViewDeleted, ViewSaved
from orchestrator.gallery.past.differences import Difference, Kind, differences, moves
from projections.project import ProjectView
from tests.past.tales import CAT, DOG, HERO, Tale, defined, rated, tagged, untagged


class Compared(Tale):
    """A tale that remembers a moment."""

    def moment(self) -> None:
        """From now on."""
        self.then = ProjectView(self.tables.copy())
        self.begin = len(self.history)

    def found(self) -> list[Difference]:
        """What is different since."""
        edits = self.history.between(None, None)[self.begin :]
        return differences(self.then, self.view, moves(edits))


def story() -> Compared:
    """A cat and a dog, both known; then the moment."""
    tale = Compared()
    tale.see(CAT, "P/cat.png")
    tale.see(DOG, "P/dog.png")
    tale.tell(defined(HERO, "Hero"), rated(3))
    tale.moment()
    return tale


class TestDifferences:
    def test_nothing(self) -> None:
        assert story().found() == []

    def test_ratings(self) -> None:
        """From the stars of then to those of now, whatever came between."""
        tale = story()
        tale.one(rated(1))
        tale.one(rated(5))
        tale.one(rated(4, DOG))
        assert tale.found() == [
            Difference(kind=Kind.RATED, path="P/cat.png", asset=CAT, old=3, new=5),
            Difference(kind=Kind.RATED, path="P/dog.png", asset=DOG, old=0, new=4),
        ]

    def test_what_was_changed_back_does_not_differ(self) -> None:
        """Undone edits leave nothing."""
        tale = story()
        told = tale.tell(rated(5), tagged(), AssetNoted(asset=CAT, note="x"), defined(HERO, "x"))
        batch = tale.move(("P/cat.png", "Q/cat.png"), ("P/x.png", "Q/x.png"))
        tale.undo(batch=batch)
        tale.undo(*told)
        assert tale.found() == []

    def test_tags_and_notes(self) -> None:
        """By the names that the tags had then, or have now."""
        tale = story()
        tale.one(tagged())
        tale.one(AssetNoted(asset=DOG, note="good"))
        assert tale.found() == [
            Difference(kind=Kind.TAGGED, path="P/cat.png", asset=CAT, new="Hero"),
            Difference(kind=Kind.NOTED, path="P/dog.png", asset=DOG, new="good"),
        ]
        tale.moment()
        tale.tell(untagged(), TagDeleted(tag=HERO))
        gone = {"name": "Hero", "color": "#ff0000"}
        assert tale.found() == [
            Difference(kind=Kind.UNTAGGED, path="P/cat.png", asset=CAT, old="Hero"),
            Difference(kind=Kind.TAG, name="Hero", old=gone),
        ]

    def test_files(self) -> None:
        """Added, moved, trashed, restored, deleted."""
        tale = story()
        tale.see("e" * 32, "P/new.png")  # type: ignore[arg-type]  # an asset's id
        tale.move(("P/cat.png", "Q/cat.png"))
        tale.trash("t-1", "P/dog.png")
        assert [(d.kind, d.path, d.old) for d in tale.found()] == [
            (Kind.ADDED, "P/new.png", None),
            (Kind.MOVED, "Q/cat.png", "P/cat.png"),
            (Kind.TRASHED, "P/dog.png", "P/dog.png"),
        ]
        tale.moment()
        tale.restore("t-1", "R/dog.png")
        assert [(d.kind, d.path, d.old) for d in tale.found()] == [
            (Kind.MOVED, "R/dog.png", "P/dog.png"),
            (Kind.RESTORED, "R/dog.png", "P/dog.png"),
        ]
        tale.trash("t-2", "Q/cat.png")
        purge(tale, "t-2", "Q/cat.png", CAT)
        assert (Kind.PURGED, "Q/cat.png") in [(d.kind, d.path) for d in tale.found()]

    def test_files_that_nobody_ever_rated(self) -> None:
        """Net, too: where each was, and where it is."""
        tale = story()
        tale.move(("P/1.png", "P/2.png"), ("P/3.png", "P/4.png"))
        tale.move(("P/2.png", "Q/1.png"))
        tale.move(("P/4.png", "P/3.png"))
        tale.trash("t-1", "P/5.png")
        assert tale.found() == [
            Difference(kind=Kind.MOVED, path="Q/1.png", old="P/1.png", new="Q/1.png"),
            Difference(kind=Kind.TRASHED, path="P/5.png", old="P/5.png"),
        ]
        tale.moment()
        tale.restore("t-1", "P/5_1.png")
        assert tale.found() == [
            Difference(kind=Kind.RESTORED, path="P/5_1.png", new="P/5_1.png"),
        ]
        tale.trash("t-2", "P/5_1.png")
        purge(tale, "t-2", "P/5_1.png", None)
        assert tale.found() == [
            Difference(kind=Kind.PURGED, path="P/5_1.png", old="P/5_1.png"),
        ]

    def test_tags_and_views_themselves(self) -> None:
        """Made, changed, deleted."""
        tale = story()
        tale.one(defined(HERO, "Star"))
        tale.one(ViewSaved(name="best", settings={"sort": "name"}))
        tag, view = tale.found()
        assert (tag.name, tag.old["name"], tag.new["name"]) == ("Star", "Hero", "Star")
        assert (view.name, view.old, view.new) == ("best", None, {"sort": "name"})
        tale.moment()
        tale.one(ViewDeleted(name="best"))
        assert tale.found() == [
            Difference(kind=Kind.VIEW, name="best", old={"sort": "name"}),
        ]


def purge(tale: Tale, trash: str, path: str, asset: str | None) -> None:
    """A file in the trash is deleted for good."""
    tale.one(
        FilePurged(
            trash=TrashId(trash),
            path=path,
            name="x",
            size=1,
            head="h",
            asset=asset,  # type: ignore[arg-type]  # an asset's id
            op="o",
        )
    )
