"""What lies in the trash: when and by whom it came, from where, and that it left but once."""

from __future__ import annotations

from itertools import permutations

from events.record import Record
from events.stamp import stamp
from events.trash import FilePurged, FileRestored, FileTrashed, TrashId
from projections.catalogue import empty_tables
from projections.project import ProjectView
from projections.trash import trash_place

ONE, TWO = TrashId("t1"), TrashId("t2")


def said(time: int, event: object, actor: str = "mara") -> Record:
    """An event at a time."""
    return Record(stamp(time, "0000000000000001"), event, actor, "ada", "0000000000000001", time)


def trashed(trash: TrashId, path: str = "P/a.png", place: str | None = None) -> FileTrashed:
    """A file that was trashed."""
    return FileTrashed(
        trash=trash,
        path=path,
        name=path.rpartition("/")[2],
        size=7,
        mtime=8,
        sidecars=("a.txt",),
        op="op",
        place=place,
    )


def restored(trash: TrashId) -> FileRestored:
    """A file that came back."""
    return FileRestored(trash=trash, path="P/a.png", op="op")


def purged(trash: TrashId) -> FilePurged:
    """A file that was deleted."""
    return FilePurged(trash=trash, path="P/a.png", name="a.png", size=7, head="h", op="op")


def views_of(*records: Record) -> list[ProjectView]:
    """The state after some records, in whatever order they come; always the same."""
    views = []
    for order in permutations(records):
        tables = empty_tables()
        tables.apply(order)
        views.append(ProjectView(tables))
    assert all(view.tables.pack() == views[0].tables.pack() for view in views)
    return views


class TestWhatLiesThere:
    def test_who_put_it_there_and_from_where(self) -> None:
        """All that a person wants to know who finds it there."""
        for view in views_of(said(3, trashed(ONE), "ben")):
            found = view.trashed(ONE)
            assert found is not None
            assert (found.actor, found.host, found.as_of) == ("ben", "ada", said(3, None).stamp)
            assert (found.path, found.name, found.size, found.mtime) == ("P/a.png", "a.png", 7, 8)
            assert found.sidecars == ("a.txt",)

    def test_what_came_last_comes_first(self) -> None:
        """By the time of the edit, not by when we heard of it."""
        for view in views_of(said(1, trashed(ONE)), said(2, trashed(TWO))):
            assert [trash for trash, _ in view.trash()] == [TWO, ONE]

    def test_what_was_restored_or_deleted_is_gone(self) -> None:
        """Each stay ends."""
        for view in views_of(
            said(1, trashed(ONE)),
            said(2, trashed(TWO)),
            said(3, restored(ONE)),
            said(4, purged(TWO)),
        ):
            assert view.trash() == []
            assert view.trashed(ONE) is None

    def test_a_stay_that_ended_does_not_begin_again(self) -> None:
        """Two hosts: one restores it, the other tells late that it was trashed."""
        for view in views_of(said(1, trashed(ONE)), said(2, restored(ONE)), said(3, trashed(ONE))):
            assert view.trash() == []

    def test_restored_and_deleted_at_once(self) -> None:
        """It has gone, whichever is heard first."""
        for view in views_of(said(1, trashed(ONE)), said(2, restored(ONE)), said(3, purged(ONE))):
            assert view.trash() == []


class TestWhereItLies:
    def test_in_a_folder_of_its_own(self) -> None:
        """Named by its id."""
        (view,) = views_of(said(1, trashed(ONE)))
        found = view.trashed(ONE)
        assert found is not None
        assert trash_place(ONE, found) == ".gallery/.trash/t1/a.png"

    def test_or_where_it_is_said_to_lie(self) -> None:
        """With others that went together, or where the predecessor put it."""
        (view,) = views_of(said(1, trashed(TWO, place=".gallery/.trash/t1/a.png")))
        found = view.trashed(TWO)
        assert found is not None
        assert trash_place(TWO, found) == ".gallery/.trash/t1/a.png"

    def test_a_checkpoint_keeps_all_of_it(self) -> None:
        """Packed and loaded, it is the same."""
        (view, _) = views_of(said(1, trashed(ONE, place=".trash/a.png")), said(2, restored(TWO)))
        loaded = empty_tables()
        loaded.load(view.tables.pack())
        assert ProjectView(loaded).trash() == view.trash()
        assert loaded.pack() == view.tables.pack()
