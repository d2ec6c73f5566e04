"""What the log is told of steps that were done."""

from __future__ import annotations

import pytest

from events.assets import AssetId, AssetMoved, AssetSeen
from events.files import FilesSettled
from events.trash import FileTrashed, TrashId
from orchestrator.commands.files import Outcome, TellFiles
from orchestrator.gallery.fileops import telling
from orchestrator.gallery.fileops.steps import Role, Step, StepUnreadableError, read, written
from orchestrator.gallery.fileops.telling import lines, outcomes
from projections.catalogue import empty_tables
from projections.project import ProjectView
from tests.projections.test_assets import said, seen

CAT, DOG = AssetId("c" * 32), AssetId("d" * 32)


def view_of(*events: object) -> ProjectView:
    """State after some events, one after the other."""
    tables = empty_tables()
    tables.apply([said(time, event) for time, event in enumerate(events, 1)])
    return ProjectView(tables)


def step(source: str, to: str, **more: object) -> Step:
    """A step of a file of size 1 and time 2."""
    return Step(source=source, to=to, size=1, mtime=2, **more)  # type: ignore[arg-type]


def told(view: ProjectView, *steps: Step) -> list[Outcome]:
    """What is told if all was done as planned."""
    return outcomes(view, "op", steps, {index: each.to for index, each in enumerate(steps)})


class TestOutcomes:
    def test_a_file_of_which_nothing_was_said(self) -> None:
        """It moves without a word; the log has nothing that would be wrong now."""
        assert told(view_of(), step("a.png", "b.png")) == []

    def test_one_that_stepped_aside(self) -> None:
        """From where it lay first; stepping aside is not told."""
        steps = (
            step("a.png", ".moving-1", role=Role.PARK),
            step(".moving-1", "b.png", path="a.png", asset=CAT),
        )
        moved = AssetMoved(asset=CAT, source="a.png", path="b.png", op="op")
        assert told(view_of(), *steps) == [moved]

    def test_one_that_came_back_to_where_it_lay(self) -> None:
        """Nothing has changed."""
        steps = (step(".moving-1", "b.png", path="a.png", asset=CAT),)
        assert outcomes(view_of(), "op", steps, {0: "a.png"}) == []

    def test_a_folder_takes_all_assets_in_it_along(self) -> None:
        """And none that only has a similar name."""
        view = view_of(seen(CAT, "P/deep/a.png"), seen(DOG, "P2/a.png"))
        moved = AssetMoved(asset=CAT, source="P/deep/a.png", path="Q/deep/a.png", op="op")
        assert told(view, step("P", "Q", role=Role.FOLDER)) == [moved]

    def test_sidecars_are_told_with_their_file(self) -> None:
        """Those that arrived, by the names that they have there."""
        steps = (
            step("a.png", ".gallery/.trash/t1/a.png", trash=TrashId("t1")),
            step("a.txt", ".gallery/.trash/t1/a.txt", role=Role.SIDECAR, of="a.png"),
            step("a.json", ".gallery/.trash/t1/a.json", role=Role.SIDECAR, of="a.png"),
        )
        landed = {0: steps[0].to, 2: steps[2].to}
        (trashed,) = outcomes(view_of(), "op", steps, landed)
        assert isinstance(trashed, FileTrashed)
        assert (trashed.sidecars, trashed.place) == (("a.json",), None)

    def test_on_the_shelf_of_another_one(self) -> None:
        """Then its place is told."""
        place = ".gallery/.trash/t1/b.png"
        (trashed,) = told(view_of(), step("b.png", place, trash=TrashId("t2")))
        assert isinstance(trashed, FileTrashed)
        assert trashed.place == place

    def test_what_was_deleted_is_told_once(self) -> None:
        """After a crash, what is not in the trash any more was told of before."""
        purge = step(".gallery/.trash/t1/a.png", "", role=Role.PURGE, trash=TrashId("t1"))
        assert told(view_of(), purge) == []


class TestWhoItIs:
    def test_somebody_met_it_meanwhile(self) -> None:
        """An asset since its move was planned."""
        moved = AssetMoved(asset=CAT, source="a.png", path="b.png", op="op")
        assert told(view_of(seen(CAT, "a.png")), step("a.png", "b.png")) == [moved]

    def test_somebody_met_another_one_there(self) -> None:
        """Of another size: that one came after."""
        other = AssetSeen(asset=CAT, path="a.png", size=99, mtime=2, head="x")
        assert told(view_of(other), step("a.png", "b.png")) == []

    def test_a_newcomer_is_introduced(self) -> None:
        """Where the log believes another one."""
        (found,) = told(view_of(seen(CAT, "b.png")), step("a.png", "b.png", head="new"))
        assert isinstance(found, AssetSeen)
        assert (found.path, found.head) == ("b.png", "new")
        assert found.asset != CAT

    def test_and_only_once(self) -> None:
        """Told again after a crash, it is known."""
        view = view_of(seen(CAT, "b.png", "new"))
        assert told(view, step("a.png", "b.png", head="new")) == []


class TestLines:
    def test_all_outcomes_in_order_and_the_end_last(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """However many lines it takes."""
        monkeypatch.setattr(telling, "MOST_EVENTS", 2)
        moves = [AssetMoved(asset=CAT, source="a", path=str(n), op="op") for n in range(5)]
        settled = FilesSettled(op="op")
        found = list(lines("op", moves, settled))
        assert [len(line.outcomes) for line in found] == [2, 2, 1]
        assert [each for line in found for each in line.outcomes] == moves
        assert [line.settled for line in found] == [None, None, settled]

    def test_long_paths_make_short_lines(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A line of the log has its limit in bytes."""
        monkeypatch.setattr(telling, "MOST_BYTES", 5_000)
        moves = [AssetMoved(asset=CAT, source="é" * 900, path="b", op="op") for _ in range(4)]
        assert [len(line.outcomes) for line in lines("op", moves, FilesSettled(op="op"))] == [2, 2]

    def test_nothing_to_tell_but_the_end(self) -> None:
        """Files of which nobody ever said anything."""
        settled = FilesSettled(op="op")
        assert list(lines("op", [], settled)) == [TellFiles(op="op", outcomes=(), settled=settled)]


class TestStepsInTheLog:
    def test_read_as_written(self) -> None:
        """Every field, and nothing that says nothing."""
        steps = (
            step("a.png", "b.png", ino=5, asset=CAT, head="h", path="x.png", trash=TrashId("t")),
            step("a.txt", "b.txt", role=Role.SIDECAR, of="a.png"),
        )
        plain = written(steps)
        assert read(plain) == steps
        assert plain[1] == {
            "from": "a.txt", "to": "b.txt", "size": 1, "mtime": 2, "role": "sidecar", "of": "a.png"
        }  # fmt: skip

    @pytest.mark.parametrize(
        "plain",
        [
            {},
            {"from": "a", "to": "b", "size": "1", "mtime": 2},
            {"from": "a", "to": "b", "size": 1, "mtime": 2, "role": "dance"},
            {"from": 1, "to": "b", "size": 1, "mtime": 2},
            {"from": "a", "to": "b", "size": True, "mtime": 2},
        ],
    )
    def test_what_cannot_be_read(self, plain: dict[str, object]) -> None:
        """A newer or broken program wrote it: nothing is done with it."""
        with pytest.raises(StepUnreadableError):
            read([plain])
