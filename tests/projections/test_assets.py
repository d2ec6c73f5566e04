"""Assets and paths: who lies where, in whatever order the hosts hear of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest

from events.assets import AssetChanged, AssetId, AssetMoved, AssetRelinked, AssetSeen
from events.record import Record
from events.stamp import stamp
from events.trash import FilePurged, FileRestored, FileTrashed, TrashId
from projections.assets import State
from projections.catalogue import empty_tables
from projections.project import ProjectView

CAT, DOG = AssetId("c" * 32), AssetId("d" * 32)
BIN = TrashId("t1")


def said(time: int, event: object, writer: str = "0000000000000001") -> Record:
    """An event at a time."""
    return Record(stamp(time, writer), event, "mara", "host-a", writer, time)


def seen(asset: AssetId, path: str, head: str = "h") -> AssetSeen:
    """A file that was noticed."""
    return AssetSeen(asset=asset, path=path, size=1, mtime=2, head=head)


def moved(asset: AssetId, source: str, path: str) -> AssetMoved:
    """A file that was moved."""
    return AssetMoved(asset=asset, source=source, path=path, op="op")


def trashed(asset: AssetId | None, path: str, trash: TrashId = BIN) -> FileTrashed:
    """A file that was trashed."""
    name = path.rpartition("/")[2]
    return FileTrashed(trash=trash, path=path, name=name, size=1, mtime=2, asset=asset, op="op")


def restored(asset: AssetId | None, path: str, trash: TrashId = BIN) -> FileRestored:
    """A file that came back."""
    return FileRestored(trash=trash, path=path, asset=asset, op="op")


def relinked(asset: AssetId, source: str, path: str) -> AssetRelinked:
    """A file that was found again."""
    return AssetRelinked(
        asset=asset, source=source, path=path, size=3, mtime=4, head="h3", reason="fingerprint"
    )


def view_of(records: Sequence[Record]) -> ProjectView:
    """State after some records."""
    tables = empty_tables()
    tables.apply(records)
    return ProjectView(tables)


def in_any_order(*events: object) -> list[ProjectView]:
    """The states that events one after the other lead to, however they arrive."""
    records = [said(time, event) for time, event in enumerate(events, 1)]
    views = [view_of(order) for order in permutations(records)]
    assert all(view.tables.pack() == views[0].tables.pack() for view in views)
    return views


class TestWhereAnAssetLies:
    def test_moved_trashed_restored_moved(self) -> None:
        """The newest word counts, not the last that was heard."""
        for view in in_any_order(
            seen(CAT, "P/a.png"),
            moved(CAT, "P/a.png", "Q/a.png"),
            trashed(CAT, "Q/a.png"),
            restored(CAT, "Q/a_1.png"),
            moved(CAT, "Q/a_1.png", "Q/b.png"),
        ):
            assert view.asset_at("Q/b.png") == CAT
            for path in ("P/a.png", "Q/a.png", "Q/a_1.png"):
                assert view.asset_at(path) is None
            assert [(asset, known.path) for asset, known in view.present()] == [(CAT, "Q/b.png")]

    def test_in_the_trash_it_is_at_no_path(self) -> None:
        """Where it lay, and how to find it in the trash, is still known."""
        for view in in_any_order(seen(CAT, "P/a.png"), trashed(CAT, "P/a.png")):
            assert view.asset_at("P/a.png") is None
            known = view.asset(CAT)
            assert known is not None
            assert (known.path, known.state, known.trash) == ("P/a.png", State.TRASHED, BIN)

    def test_deleted(self) -> None:
        """It is at no path, and never was at another."""
        gone = FilePurged(
            trash=BIN, path="P/a.png", name="a.png", size=1, head="h", asset=CAT, op="op"
        )
        for view in in_any_order(seen(CAT, "P/a.png"), trashed(CAT, "P/a.png"), gone):
            assert view.asset_at("P/a.png") is None
            known = view.asset(CAT)
            assert known is not None
            assert known.state is State.PURGED

    def test_relinked_and_back(self) -> None:
        """Found elsewhere, and taken back."""
        for view in in_any_order(
            seen(CAT, "P/a.png"),
            relinked(CAT, "P/a.png", "R/a.png"),
            relinked(CAT, "R/a.png", "P/a.png"),
        ):
            assert view.asset_at("P/a.png") == CAT
            assert view.asset_at("R/a.png") is None

    def test_relinking_tells_the_bytes_anew(self) -> None:
        """As the file was found."""
        for view in in_any_order(seen(CAT, "P/a.png"), relinked(CAT, "P/a.png", "R/a.png")):
            known = view.asset(CAT)
            assert known is not None
            assert (known.size, known.mtime, known.head) == (3, 4, "h3")

    def test_a_move_keeps_what_is_known_of_the_bytes(self) -> None:
        """Where it lies and what it is are told apart."""
        changed = AssetChanged(asset=CAT, path="P/a.png", size=7, mtime=8, head="h7")
        for view in in_any_order(seen(CAT, "P/a.png"), changed, moved(CAT, "P/a.png", "Q/a.png")):
            known = view.asset(CAT)
            assert known is not None
            assert (known.path, known.size, known.head) == ("Q/a.png", 7, "h7")

    @pytest.mark.parametrize(
        "event",
        [
            moved(CAT, "P/a.png", "Q/a.png"),
            trashed(CAT, "P/a.png"),
            restored(CAT, "P/a.png"),
            AssetChanged(asset=CAT, path="P/a.png", size=7, mtime=8, head="h7"),
        ],
        ids=lambda event: type(event).__name__,
    )
    def test_heard_of_before_it_was_introduced(self, event: object) -> None:
        """Another host's first sight may come late; until then it is not shown as known."""
        view = view_of([said(5, event)])
        assert view.asset(CAT) is None
        assert list(view.present()) == []


class TestWhoIsAtAPath:
    def test_a_swap(self) -> None:
        """Both come where the other one was."""
        for view in in_any_order(
            seen(CAT, "a.png"),
            seen(DOG, "b.png"),
            moved(CAT, "a.png", "b.png"),
            moved(DOG, "b.png", "a.png"),
        ):
            assert (view.asset_at("a.png"), view.asset_at("b.png")) == (DOG, CAT)
            assert len(list(view.present())) == 2

    def test_a_new_file_under_the_name_of_one_that_went(self) -> None:
        """The name means the new one; the old one keeps what was said of it."""
        for view in in_any_order(
            seen(CAT, "a.png"), trashed(CAT, "a.png"), seen(DOG, "a.png", "h2")
        ):
            assert view.asset_at("a.png") == DOG
            assert view.asset(CAT) is not None

    def test_the_old_one_comes_back_beside_it(self) -> None:
        """Under another name; neither takes the other's place."""
        for view in in_any_order(
            seen(CAT, "a.png"),
            trashed(CAT, "a.png"),
            seen(DOG, "a.png", "h2"),
            restored(CAT, "a_1.png"),
        ):
            assert (view.asset_at("a.png"), view.asset_at("a_1.png")) == (DOG, CAT)

    def test_two_that_are_said_to_be_at_one_path(self) -> None:
        """Two hosts knew nothing of each other: the newer word counts, the other one is nowhere."""
        for view in in_any_order(
            seen(CAT, "a.png"), seen(DOG, "b.png"), moved(DOG, "b.png", "a.png")
        ):
            assert view.asset_at("a.png") == DOG
            assert [asset for asset, _ in view.present()] == [DOG]

    def test_files_of_which_nothing_was_said(self) -> None:
        """They are trashed and restored without becoming assets."""
        for view in in_any_order(trashed(None, "a.png"), restored(None, "a.png")):
            assert view.asset_at("a.png") is None
            assert list(view.present()) == []
