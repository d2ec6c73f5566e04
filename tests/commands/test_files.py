"""What is told of operations on files: each once, whatever is told again after a crash."""

from __future__ import annotations

from events.assets import AssetId, AssetMoved, AssetSeen
from events.curation import AssetRated
from events.files import FilesPlanned, FilesSettled
from events.trash import FileTrashed, TrashId
from orchestrator.commands.curation import CurateAsset, Sighting
from orchestrator.commands.files import PlanFiles, TellFiles
from orchestrator.gallery.fingerprint import asset_id
from tests.scenario import Scenario

CAT = Sighting("P/cat.png", 10, 111, "h1")
CAT_ID = AssetId(asset_id(CAT.path, CAT.size, CAT.head))
SEEN = AssetSeen(asset=CAT_ID, path=CAT.path, size=10, mtime=111, head="h1")
PLANNED = FilesPlanned(op="op", action="move", steps=())
MOVED = AssetMoved(asset=CAT_ID, source=CAT.path, path="Q/cat.png", op="op")
SETTLED = FilesSettled(op="op")


class TestPlanning:
    def test_a_plan_is_announced(self, scenario: Scenario) -> None:
        """Before anything is done."""
        scenario.when(PlanFiles(planned=PLANNED))
        scenario.then(PLANNED)

    def test_once(self, scenario: Scenario) -> None:
        """The same plan again is no news."""
        scenario.given(PLANNED)
        scenario.when(PlanFiles(planned=PLANNED))
        scenario.then()


class TestTelling:
    def test_what_was_done(self, scenario: Scenario) -> None:
        """And that nothing more will be."""
        scenario.given(SEEN, PLANNED)
        scenario.when(TellFiles(op="op", outcomes=(MOVED,), settled=SETTLED))
        scenario.then(MOVED, SETTLED)

    def test_a_part_of_many(self, scenario: Scenario) -> None:
        """The operation stays open."""
        scenario.given(SEEN, PLANNED)
        scenario.when(TellFiles(op="op", outcomes=(MOVED,)))
        scenario.then(MOVED)

    def test_nothing_of_what_is_settled(self, scenario: Scenario) -> None:
        """A settled operation is over, whoever tells of it again."""
        scenario.given(SEEN, PLANNED, MOVED, SETTLED)
        scenario.when(TellFiles(op="op", outcomes=(MOVED,), settled=SETTLED))
        scenario.then()


class TestTheSameBytesAgain:
    def test_where_the_first_was_moved_away(self, scenario: Scenario) -> None:
        """Rendered again: a fresh id, so no stars are inherited."""
        scenario.given(SEEN, AssetRated(asset=CAT_ID, stars=5), MOVED)
        scenario.when(CurateAsset(sighting=CAT, stars=1))
        again = AssetId(asset_id(CAT.path, CAT.size, CAT.head, 2))
        scenario.then(
            AssetSeen(asset=again, path=CAT.path, size=10, mtime=111, head="h1", nth=2),
            AssetRated(asset=again, stars=1),
        )

    def test_where_the_first_and_second_were_trashed(self, scenario: Scenario) -> None:
        """The third is a third."""
        second = AssetId(asset_id(CAT.path, CAT.size, CAT.head, 2))
        third = AssetId(asset_id(CAT.path, CAT.size, CAT.head, 3))
        scenario.given(
            SEEN,
            trashed("t1", CAT_ID),
            AssetSeen(asset=second, path=CAT.path, size=10, mtime=111, head="h1", nth=2),
            trashed("t2", second),
        )
        scenario.when(CurateAsset(sighting=CAT, stars=1))
        scenario.then(
            AssetSeen(asset=third, path=CAT.path, size=10, mtime=111, head="h1", nth=3),
            AssetRated(asset=third, stars=1),
        )


def trashed(trash: str, asset: AssetId) -> FileTrashed:
    """The cat goes to the trash."""
    return FileTrashed(
        trash=TrashId(trash), path=CAT.path, name="cat.png", size=10, mtime=111, asset=asset, op="o"
    )
