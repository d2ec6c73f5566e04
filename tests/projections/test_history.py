"""The history of edits: their order, their chains, their batches, and what undoes what."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from events.curation import AssetNoted
from events.files import FilesPlanned, FilesSettled
from events.record import Record
from events.views import ViewSaved
from projections.edits import FileMoved
from projections.history import Edit, History
from tests.past.tales import CAT, DOG, HERO, Tale, defined, marked, rated, tagged, untagged
from tests.strategies import interleavings, logs


def ids(edits: Any) -> list[str]:
    """Which edits these are."""
    return [edit.id for edit in edits]


class TestOrder:
    def test_edits_stand_in_the_order_of_their_stamps(self) -> None:
        """What another host wrote earlier, and what comes later, finds its place."""
        tale = Tale()
        first = tale.one(rated(1))
        last = tale.one(rated(3))
        late = tale.one(rated(2), host="host-b", at=1)
        assert ids(tale.history.between(None, None)) == [first, late, last]
        assert ids(tale.history.about(CAT)) == [last, late, first]

    def test_a_record_that_comes_twice_is_one_edit(self) -> None:
        """A history is read from a log and told of the same records meanwhile."""
        tale = Tale()
        tale.tell(defined(HERO, "Hero"), rated(1), tagged())
        tale.move(("a.png", "b.png"))
        before = ids(tale.history.between(None, None))
        tale.history.add(tale.records)
        assert ids(tale.history.between(None, None)) == before
        assert len(tale.history) == len(before) == 4

    def test_many_late_records(self) -> None:
        """A host that was away brings all that it wrote at once."""
        tale = Tale()
        for minute in range(200):
            tale.one(rated(minute % 5), at=2 * minute)
        history = tale.history
        other = Tale()
        for minute in range(200):
            other.one(rated(minute % 5), host="host-b", at=2 * minute + 1)
        history.add(other.records)
        everything = ids(history.between(None, None))
        assert everything == sorted(everything)
        assert ids(history.about(CAT)) == everything[::-1]

    def test_what_is_no_edit_is_passed_by(self) -> None:
        """Plans are no edits; what came of them is."""
        tale = Tale()
        tale.tell(FilesPlanned(op="op-1", action="move", steps=()))
        tale.tell(FilesSettled(op="op-1"))
        assert len(tale.history) == 0


class TestFinding:
    def test_by_id(self) -> None:
        """And nothing for what is no id."""
        tale = Tale()
        edit = tale.one(rated(1))
        found = tale.history.get(edit)
        assert found is not None
        assert (found.id, found.stamp, found.who.actor) == (edit, edit, "mara")
        assert tale.history.get("nonsense") is None
        assert tale.history.get("") is None

    def test_a_batch_is_what_one_command_did(self) -> None:
        """Also over several transactions, and from several hosts."""
        tale = Tale()
        tale.one(rated(5))
        (first,) = tale.tell(rated(1), batch="b-1")
        (second,) = tale.tell(rated(1, DOG), batch="b-1", host="host-b")
        assert ids(tale.history.batch("b-1")) == [first, second]
        assert tale.history.batch("b-2") == ()

    def test_a_transaction_without_a_name_is_a_batch(self) -> None:
        """Every edit can be undone together with what was done in the same breath."""
        tale = Tale()
        told = tale.tell(rated(1), tagged())
        tale.tell(rated(2))
        edit = tale.history.get(told[1])
        assert edit is not None
        assert ids(tale.history.batch(edit.batch)) == told

    def test_subjects_have_chains_of_their_own(self) -> None:
        """An asset, a tag, a view."""
        tale = Tale()
        rating = tale.one(rated(1))
        dog = tale.one(rated(1, DOG))
        note = tale.one(AssetNoted(asset=CAT, note="good"))
        tag = tale.one(defined(HERO, "Hero"))
        view = tale.one(ViewSaved(name="best", settings={}))
        assert ids(tale.history.about(CAT)) == [note, rating]
        assert ids(tale.history.about(DOG)) == [dog]
        assert ids(tale.history.about(f"tag:{HERO}")) == [tag]
        assert ids(tale.history.about("view:best")) == [view]
        assert ids(tale.history.about("nobody")) == []

    def test_all_that_is_said_of_an_asset_is_one_chain(self) -> None:
        """What an edit replaced is found by walking down."""
        tale = Tale()
        told = [tale.one(tagged()), tale.one(untagged()), tale.one(rated(1))]
        assert ids(tale.history.about(CAT)) == told[::-1]

    def test_between(self) -> None:
        """From the first bound on, before the second."""
        tale = Tale()
        told = [tale.one(rated(stars)) for stars in (1, 2, 3)]
        assert ids(tale.history.between(told[1], None)) == told[1:]
        assert ids(tale.history.between(None, told[1])) == told[:1]


class TestFilesWithoutIdentity:
    def test_a_move_is_an_edit_of_its_own(self) -> None:
        """Files that nobody ever rated are moved too, and only the plan tells of them."""
        tale = Tale()
        tale.move(("a.png", "b.png"), ("c.png", "d.png"), batch="b-1")
        one, two = tale.history.batch("b-1")
        assert one.event == FileMoved("a.png", "b.png", "op-1")
        assert two.event == FileMoved("c.png", "d.png", "op-1")
        assert two.id.endswith("-00001")
        assert tale.history.get(two.id) is two
        assert ids(tale.history.arrows("d.png")) == [two.id]

    def test_what_failed_did_not_happen(self) -> None:
        """The end of the operation says which steps were not done."""
        tale = Tale()
        tale.move(("a.png", "b.png"), ("c.png", "d.png"), failed=(0,), batch="b-1")
        (edit,) = tale.history.batch("b-1")
        assert edit.event == FileMoved("c.png", "d.png", "op-1")

    def test_an_open_operation_has_not_happened_yet(self) -> None:
        """Until it is settled, only the disk knows."""
        tale = Tale()
        steps = ({"from": "a.png", "to": "b.png", "size": 1, "mtime": 1},)
        tale.tell(FilesPlanned(op="op-1", action="move", steps=steps))
        assert len(tale.history) == 0
        tale.tell(FilesSettled(op="op-1", landed=({"step": 0, "path": "b_1.png"},)))
        (edit,) = tale.history.between(None, None)
        assert edit.event == FileMoved("a.png", "b_1.png", "op-1")

    def test_the_end_may_be_heard_first(self) -> None:
        """A restarted host settles in another log than it planned in."""
        tale = Tale()
        steps = ({"from": "a.png", "to": "b.png", "size": 1, "mtime": 1},)
        tale.tell(FilesSettled(op="op-1"), at=9)
        tale.tell(FilesPlanned(op="op-1", action="move", steps=steps), at=8)
        assert len(tale.history) == 1

    def test_files_that_only_step_aside_or_belong_to_others(self) -> None:
        """A swap is two moves; a sidecar goes with its file; an asset's move has its own event."""
        plain = {"size": 1, "mtime": 1}
        steps = (
            {"from": "a.png", "to": ".x", "role": "park", **plain},
            {"from": "b.png", "to": "a.png", **plain},
            {"from": ".x", "to": "b.png", "path": "a.png", **plain},
            {"from": "a.json", "to": "b.json", "role": "sidecar", **plain},
            {"from": "cat.png", "to": "c.png", "asset": CAT, **plain},
            {"from": "t.png", "to": ".gallery/.trash/1/t.png", "trash": "1", **plain},
        )
        tale = Tale()
        tale.tell(FilesPlanned(op="op-1", action="move", steps=steps))
        tale.tell(FilesSettled(op="op-1"))
        moves = [edit.event for edit in tale.history.between(None, None)]
        assert moves == [FileMoved("b.png", "a.png", "op-1"), FileMoved("a.png", "b.png", "op-1")]

    def test_steps_that_make_no_sense(self) -> None:
        """A fold never raises: what a broken program planned is passed by."""
        steps: tuple[Any, ...] = ({}, {"from": 1, "to": 2}, {"from": "a"}, {"to": "b"}, "x", None)
        tale = Tale()
        tale.tell(FilesPlanned(op="op-1", action="move", steps=steps))
        failed: tuple[Any, ...] = ("x", {"step": "y"}, {})
        tale.tell(FilesSettled(op="op-1", failed=failed, landed=failed))
        assert len(tale.history) == 0


class TestFate:
    def test_the_newest_word_counts(self) -> None:
        """Undone, brought back, undone again; told in any order."""
        tale = Tale()
        edit = tale.one(rated(1))
        assert tale.history.undone_by(edit) is None
        tale.tell(marked("u-1", edit), at=5)
        assert tale.history.undone_by(edit) == "u-1"
        tale.tell(marked("u-3", edit), at=9)
        tale.tell(marked("u-2", back=(edit,)), at=7)
        assert tale.history.undone_by(edit) == "u-3"

    def test_an_undo_knows_what_it_undid(self) -> None:
        """Redo needs that."""
        tale = Tale()
        edit = tale.one(rated(1))
        tale.tell(rated(0), marked("u-1", edit), batch="u-1")
        (mark,) = tale.history.marks("u-1")
        assert mark.of == (edit,)
        assert tale.history.marks("b-1") == ()


def shape(history: History) -> list[tuple[object, ...]]:
    """Everything that a history says, to be compared."""

    def chain(edit: Edit) -> str | None:
        return None if edit.older is None else edit.older.id

    return [
        (e.id, e.event, e.who, e.batch, chain(e), history.undone_by(e.id))
        for e in history.between(None, None)
    ]


A = logs("0000000000000001", "host-a")
B = logs("0000000000000002", "host-b")


def once(records: list[Record], seen: set[tuple[type, str]]) -> list[Record]:
    """Records in which every operation on files has an id of its own, as hosts give them."""
    kept = []
    for record in records:
        if isinstance(record.event, FilesPlanned | FilesSettled):
            key = (type(record.event), record.event.op)
            if key in seen:
                continue
            seen.add(key)
        kept.append(record)
    return kept


class TestConvergence:
    @given(a=A, b=B, data=st.data())
    def test_any_order_gives_the_same_history(
        self, a: list[Record], b: list[Record], data: st.DataObject
    ) -> None:
        """Two hosts tell the same story, however its pieces came to them."""
        straight, mixed = History(), History()
        seen: set[tuple[type, str]] = set()
        a, b = once(a, seen), once(b, seen)
        straight.add(sorted(a + b, key=lambda record: record.stamp))
        for record in data.draw(interleavings(b, a)):
            mixed.add([record])
        assert shape(mixed) == shape(straight)
