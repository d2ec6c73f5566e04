"""Looking for what is lost: the log beside the index beside the share."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from events.assets import AssetChanged, AssetId, AssetMoved, AssetRelinked, AssetSeen
from events.jobs import JobOutputStored
from events.record import Record
from events.stamp import stamp
from events.trash import FileTrashed, TrashId
from orchestrator.gallery.fingerprint import head
from orchestrator.gallery.relink import looking
from orchestrator.gallery.relink.looking import Heads, Known, Look
from orchestrator.gallery.relink.matching import Matched
from projections.catalogue import empty_tables
from projections.fold import Tables
from tests.gallery_files.pngs import png, text
from tests.gallery_index.project import graph

JOB = "0199a1b2-0000-7000-8000-000000000001"


@define
class Shelf:
    """A folder, and what the log says of the files in it."""

    root: Path
    tables: Tables = field(factory=empty_tables)
    heads: Heads = field(factory=Heads)
    _told: int = 0

    def write(self, path: str, data: bytes) -> str:
        """A file."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return path

    def tell(self, event: object) -> None:
        """One more record."""
        self._told += 1
        at = stamp(self._told << 16, "0000000000000001")
        self.tables.apply([Record(at, event, "mara", "h", "0000000000000001", self._told)])

    def known(self, name: str, path: str, data: bytes) -> AssetId:
        """A file that is an asset."""
        self.write(path, data)
        asset, info = AssetId(name), (self.root / path).stat()
        print_ = head(self.root / path, info.st_size)
        self.tell(AssetSeen(asset=asset, path=path, size=info.st_size, mtime=info.st_mtime_ns,
                            head=print_))  # fmt: skip
        return asset

    def move(self, old: str, new: str) -> None:
        """Outside of the service."""
        (self.root / new).parent.mkdir(parents=True, exist_ok=True)
        (self.root / old).rename(self.root / new)

    def files(self) -> dict[str, tuple[int, int]]:
        """As the index has them after a look."""
        found = (path for path in self.root.rglob("*") if path.is_file())
        return {
            path.relative_to(self.root).as_posix(): (info.st_size, info.st_mtime_ns)
            for path in found
            if (info := path.stat())
        }

    def look(self, files: Any = None, **how: Any) -> Look:
        """A look that was had."""
        assets, places, lineage = map(self.tables.table, ("assets", "places", "lineage"))
        known = Known(assets, places, lineage, tuple(assets), **how)
        made = Look(self.root, known, self.files() if files is None else files, self.heads)
        made.find()
        return made

    def found(self, **how: Any) -> dict[AssetId, str]:
        """What is certain."""
        return _pairs(self.look(**how).decide({}))


def _pairs(matched: Matched) -> dict[AssetId, str]:
    return {pair.lost.asset: pair.path for pair in matched.pairs}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """An empty one."""
    return Shelf(tmp_path)


class TestFind:
    def test_a_file_that_moved(self, shelf: Shelf) -> None:
        """By its bytes, of whatever else has the same size."""
        asset = shelf.known("a", "x.png", b"castle")
        shelf.move("x.png", "q/y.png")
        shelf.write("z.png", b"cattle")
        assert shelf.found() == {asset: "q/y.png"}

    def test_what_is_where_it_was(self, shelf: Shelf) -> None:
        """Is not lost, has no double, and is nobody's candidate."""
        shelf.known("a", "x.png", b"castle")
        shelf.write("copy.png", b"castle")
        assert shelf.look().lost == []
        lost = shelf.known("b", "y.png", b"castle")
        (shelf.root / "y.png").unlink()
        assert shelf.found() == {lost: "copy.png"}

    def test_other_times_are_no_other_bytes(self, shelf: Shelf) -> None:
        """A restored backup; each file is read once, however often we look."""
        shelf.known("a", "x.png", b"castle")
        os.utime(shelf.root / "x.png", (1, 1))
        assert shelf.look().lost == []
        (shelf.root / "x.png").chmod(0)
        files = shelf.files()
        (shelf.root / "x.png").unlink()
        assert shelf.look(files).lost == []

    def test_edited_in_place(self, shelf: Shelf) -> None:
        """Not lost, unless its old bytes turn up elsewhere."""
        asset = shelf.known("a", "x.png", b"castle")
        shelf.write("x.png", b"a better castle")
        assert shelf.look().lost == []
        shelf.write("y.png", b"castle")
        assert shelf.found() == {asset: "y.png"}

    def test_a_swap(self, shelf: Shelf) -> None:
        """Two names, two pictures."""
        a, b = shelf.known("a", "x.png", b"castle"), shelf.known("b", "y.png", b"knight")
        shelf.write("x.png", b"knight")
        shelf.write("y.png", b"castle")
        for number, name in enumerate(("x.png", "y.png")):
            os.utime(shelf.root / name, (number + 1, number + 1))
        matched = shelf.look().decide({"x.png": 0, "y.png": 0})  # the names are old, not the files
        assert _pairs(matched) == {a: "y.png", b: "x.png"}

    def test_one_whose_place_was_taken(self, shelf: Shelf) -> None:
        """Another asset is said to lie there by now; the file of the first is elsewhere."""
        a = shelf.known("a", "x.png", b"castle")
        shelf.move("x.png", "old.png")
        shelf.known("b", "x.png", b"knight")
        assert shelf.found() == {a: "old.png"}

    def test_one_whose_place_was_taken_and_that_is_nowhere(self, shelf: Shelf) -> None:
        """It is lost all the same: somebody may know more."""
        shelf.known("a", "x.png", b"castle")
        (shelf.root / "x.png").unlink()
        shelf.known("b", "x.png", b"knight")
        assert [each.asset for each in shelf.look().lost] == ["a"]

    def test_trashed_files_are_not_looked_for(self, shelf: Shelf) -> None:
        """The trash knows where they are."""
        asset = shelf.known("a", "x.png", b"castle")
        shelf.tell(FileTrashed(trash=TrashId("t"), path="x.png", name="x.png", asset=asset,
                               size=6, mtime=1, sidecars=(), op="o"))  # fmt: skip
        shelf.move("x.png", "y.png")
        assert shelf.look().lost == []

    def test_a_moved_and_a_changed_one_are_known_as_they_are(self, shelf: Shelf) -> None:
        """By the newest that was told of them."""
        asset = shelf.known("a", "x.png", b"castle")
        shelf.move("x.png", "y.png")
        shelf.tell(AssetMoved(asset=asset, source="x.png", path="y.png", op="o"))
        shelf.write("y.png", b"knight")
        print_ = head(shelf.root / "y.png", 6)
        shelf.tell(AssetChanged(asset=asset, path="y.png", size=6, mtime=1, head=print_))
        shelf.move("y.png", "z.png")
        shelf.write("c.png", b"castle")
        assert shelf.found() == {asset: "z.png"}

    def test_one_that_was_taken_back(self, shelf: Shelf) -> None:
        """Is named, and left."""
        asset = shelf.known("a", "x.png", b"castle")
        known = shelf.tables.table("assets")[asset]
        shelf.tell(AssetRelinked(asset=asset, source="y.png", path="x.png", size=known.size,
                                 mtime=1, head=known.head, reason="undo"))  # fmt: skip
        shelf.move("x.png", "y.png")
        matched = shelf.look().decide({})
        assert (matched.pairs, matched.undecided[0].candidates) == ((), ("y.png",))


class TestCaution:
    def test_what_the_index_lacks_is_no_loss(self, shelf: Shelf) -> None:
        """The share is asked before a file is called lost."""
        shelf.known("a", "x.png", b"castle")
        shelf.write("copy.png", b"castle")
        files = shelf.files()
        del files["x.png"]
        assert shelf.look(files).lost == []

    @pytest.mark.parametrize("fault", [OSError(112, "Host is down"), PermissionError(13, "no")])
    def test_a_share_that_does_not_answer(
        self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, fault: OSError
    ) -> None:
        """Says nothing of what lies on it."""
        shelf.known("a", "x.png", b"castle")

        def refuse(_: Path) -> None:
            raise fault

        monkeypatch.setattr(Path, "lstat", refuse)
        assert shelf.look({}).lost == []

    def test_candidates_that_cannot_be_read(self, shelf: Shelf) -> None:
        """Are none: gone meanwhile, still being written, or locked. The next look tries again."""
        asset = shelf.known("a", "x.png", b"castle")
        shelf.move("x.png", "y.png")
        files = shelf.files()
        files["gone.png"] = files["y.png"]
        shelf.write("y.png", b"cast")
        assert _pairs(shelf.look(files).decide({})) == {}
        shelf.write("y.png", b"castle")
        assert _pairs(shelf.look(files).decide({})) == {asset: "y.png"}

    def test_what_is_being_moved_by_a_service(self, shelf: Shelf) -> None:
        """It will say itself where that went; files and whole folders."""
        shelf.known("a", "p/x.png", b"castle")
        shelf.move("p", "q")
        moving = frozenset({"p/x.png", "q/x.png"})
        assert shelf.found(moving=moving) == {}
        assert shelf.found(moving_folders=("p", "q")) == {}
        assert len(shelf.found()) == 1

    def test_a_copy_that_was_there_before(self, shelf: Shelf) -> None:
        """The index met it before anybody spoke of the lost one."""
        asset = shelf.known("a", "x.png", b"castle")
        shelf.move("x.png", "y.png")
        shelf.write("copy.png", b"castle")
        look = shelf.look()
        assert look.candidates() == {"y.png", "copy.png"}
        assert _pairs(look.decide({"copy.png": 0, "y.png": 1 << 60})) == {asset: "y.png"}
        assert _pairs(look.decide({})) == {}

    def test_thousands_of_copies(self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
        """Only those of the same name come in question."""
        monkeypatch.setattr(looking, "MOST_ALIKE", 3)
        asset = shelf.known("a", "p/x.png", b"black")
        shelf.move("p/x.png", "q/x.png")
        for number in range(5):
            shelf.write(f"black{number}.png", b"black")
        assert shelf.found() == {asset: "q/x.png"}

    def test_it_stops_when_it_is_told_to(self, shelf: Shelf) -> None:
        """The service is going down."""
        shelf.known("a", "x.png", b"castle")
        shelf.move("x.png", "y.png")
        stop = threading.Event()
        stop.set()
        known = Known(shelf.tables.table("assets"), shelf.tables.table("places"), {}, ("a",))
        look = Look(shelf.root, known, shelf.files(), stop=stop)
        look.find()
        assert look.lost == []


class TestLineage:
    def output(self, shelf: Shelf, name: str, path: str) -> AssetId:
        """A file that a job made."""
        asset = shelf.known(name, path, b"as it came " + name.encode())
        shelf.tell(JobOutputStored(job=JOB, attempt=1, node="9", index=0, kind="image",  # type: ignore[arg-type] # a job's id
                                   asset=asset, path=path, size=1, sha256=""))  # fmt: skip
        return asset

    def saved(self, shelf: Shelf, path: str, attempt: int = 1) -> str:
        """A picture with the graph of an attempt in it."""
        made = graph("a castle", prefix=f"job-{JOB}/a{attempt}/9")
        return shelf.write(path, png(text("prompt", made)))

    def test_a_picture_with_the_prefix_of_the_run(self, shelf: Shelf) -> None:
        """That is it; that of another attempt is not."""
        asset = self.output(shelf, "a", "x.png")
        (shelf.root / "x.png").unlink()
        right, wrong = self.saved(shelf, "y.png"), self.saved(shelf, "z.png", attempt=2)
        look = shelf.look()
        assert look.made().keys() == {asset}
        look.follow({asset: [right, wrong, "gone.png"]})
        assert _pairs(look.decide({})) == {asset: "y.png"}

    def test_a_file_that_is_another_asset(self, shelf: Shelf) -> None:
        """Even if it was edited since: it says itself whose it is."""
        asset = self.output(shelf, "a", "x.png")
        self.output(shelf, "b", "y.png")
        (shelf.root / "x.png").unlink()
        self.saved(shelf, "y.png")
        look = shelf.look()
        look.follow({asset: ["y.png"]})
        assert _pairs(look.decide({})) == {}

    def test_only_where_no_bytes_fit(self, shelf: Shelf) -> None:
        """Bytes say more."""
        self.output(shelf, "a", "x.png")
        shelf.move("x.png", "y.png")
        assert shelf.look().made() == {}
