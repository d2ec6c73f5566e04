"""Where files lay at an earlier moment, from the moves since."""

from __future__ import annotations

from events.assets import AssetId, AssetMoved, AssetRelinked
from events.trash import FilePurged, FileRestored, FileTrashed, TrashId
from orchestrator.gallery.past.whereabouts import Whereabouts, whereabouts
from projections.edits import FileMoved
from projections.history import Edit, Who

CAT = AssetId("a" * 32)
T = TrashId("t")


def since(*events: object) -> Whereabouts:
    """These happened, one after the other."""
    who = Who("mara", "host-a")
    return whereabouts(Edit(f"{n:04}", event, who, None) for n, event in enumerate(events))


def moved(source: str, path: str, *, folder: bool = False) -> FileMoved:
    """A file or folder of which nobody had said anything."""
    return FileMoved(source, path, "op", folder)


def trashed(path: str) -> FileTrashed:
    """A file that went to the trash."""
    return FileTrashed(trash=T, path=path, name=path[-5:], size=1, mtime=1, op="op")


def left(found: Whereabouts, folder: str) -> dict[str, str]:
    """What went from a folder, one by one: where it is now, and where it lay."""
    return dict(found.from_folder(folder))


class TestFiles:
    def test_what_did_not_move(self) -> None:
        """It lies where it lay."""
        found = since(moved("a.png", "b.png"))
        assert found.then("c.png") == "c.png"

    def test_one_step_after_the_other(self) -> None:
        """Only the first place and the last count."""
        found = since(moved("p/a.png", "p/b.png"), moved("p/b.png", "q/c.png"))
        assert found.then("q/c.png") == "p/a.png"
        assert left(found, "p") == {"q/c.png": "p/a.png"}

    def test_there_and_back(self) -> None:
        """It lies where it lay again."""
        found = since(moved("p/a.png", "q/a.png"), moved("q/a.png", "p/a.png"))
        assert found.then("p/a.png") == "p/a.png"

    def test_two_change_places(self) -> None:
        """A swap goes by a third name."""
        found = since(
            moved("p/a.png", "p/x.png"), moved("p/b.png", "p/a.png"), moved("p/x.png", "p/b.png")
        )
        assert (found.then("p/a.png"), found.then("p/b.png")) == ("p/b.png", "p/a.png")

    def test_assets_and_others_alike(self) -> None:
        """A file may have become an asset between two moves, or been relinked."""
        found = since(
            moved("p/a.png", "p/b.png"),
            AssetMoved(asset=CAT, source="p/b.png", path="p/c.png", op="op"),
            AssetRelinked(
                asset=CAT, source="p/c.png", path="p/d.png", size=1, mtime=1, head="h", reason="r"
            ),
        )
        assert found.then("p/d.png") == "p/a.png"


class TestTrash:
    def test_what_lies_there(self) -> None:
        """By its id."""
        found = since(moved("p/a.png", "p/b.png"), trashed("p/b.png"))
        assert left(found, "p") == {"//t": "p/a.png"}

    def test_restored_under_another_name(self) -> None:
        """It lay where it was before the trash."""
        found = since(trashed("p/a.png"), FileRestored(trash=T, path="p/a (2).png", op="op"))
        assert found.then("p/a (2).png") == "p/a.png"

    def test_restored_from_before(self) -> None:
        """Then it lay in the trash, and in no folder."""
        found = since(FileRestored(trash=T, path="p/a.png", op="op"))
        assert found.then("p/a.png") == "//t"
        assert left(found, "") == {}

    def test_deleted_for_good(self) -> None:
        """It is nowhere now."""
        gone = FilePurged(trash=T, path="p/a.png", name="a.png", size=1, head="h", op="op")
        assert left(since(trashed("p/a.png"), gone), "p") == {}


class TestFolders:
    def test_everything_in_it_goes_along(self) -> None:
        """At any depth, moved once or twice."""
        found = since(moved("p", "q", folder=True), moved("q/deep", "r", folder=True))
        assert found.then("q/a.png") == "p/a.png"
        assert found.then("r/b.png") == "p/deep/b.png"
        assert (found.now("p"), found.now("p/deep")) == ("q", "r")

    def test_a_file_that_came_before_its_folder_moved(self) -> None:
        """It goes on with the folder."""
        found = since(moved("x/a.png", "p/a.png"), moved("p", "q", folder=True))
        assert found.then("q/a.png") == "x/a.png"

    def test_a_file_that_left_after_its_folder_moved(self) -> None:
        """It lay in the folder under its old name."""
        found = since(moved("p", "q", folder=True), moved("q/a.png", "x/a.png"))
        assert found.then("x/a.png") == "p/a.png"
        assert left(found, "p") == {"x/a.png": "p/a.png"}

    def test_a_name_that_only_begins_like_it(self) -> None:
        """`p10` does not lie in `p1`."""
        found = since(moved("p1", "q", folder=True))
        assert found.then("p10/a.png") == "p10/a.png"
        assert found.now("p10") == "p10"
