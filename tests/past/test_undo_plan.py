"""What undoing takes, and what stands in its way: stories of people and their second thoughts."""

from __future__ import annotations

from typing import Any

import pytest

from events.assets import AssetRelinked
from events.curation import AssetNoted, AssetRated, TagDeleted
from events.edits import EditsUndone
from events.trash import FilePurged, TrashId
from events.views import ViewDeleted, ViewSaved
from orchestrator.commands.undoing import ReverseEdits, reverse_edits
from orchestrator.gallery.past.trails import Spot
from orchestrator.gallery.past.undo_parts import FACT, PURGED, TAG_NAME_TAKEN, UNDONE, UndoPlan
from tests.past.tales import (
    CAT,
    DOG,
    HERO,
    TODO,
    Tale,
    defined,
    rated,
    tagged,
    untagged,
)


@pytest.fixture
def tale() -> Tale:
    """A cat and a dog, which nobody has said anything of yet."""
    made = Tale()
    made.see(CAT, "P/cat.png")
    made.see(DOG, "P/dog.png")
    return made


def said(plan: UndoPlan) -> list[Any]:
    """What would be said."""
    return [reversal.event for reversal in plan.reversals]


def moves(plan: UndoPlan) -> list[list[tuple[str, str]]]:
    """From where to where files would go, stage by stage, without those a folder brings along."""
    return [[(t.now.path, t.then.path) for t in stage if not t.along] for stage in plan.stages]


def blocked(plan: UndoPlan) -> list[tuple[str, str]]:
    """Edits that are left alone, each with the later one."""
    return [(each.edit.id, each.later.id) for each in plan.conflicts]


def impossible(plan: UndoPlan) -> list[tuple[str, str]]:
    """Edits that cannot be undone, each with the reason."""
    return [(each.edit.id, each.why) for each in plan.impossible]


class TestOneEdit:
    def test_a_star(self, tale: Tale) -> None:
        """The stars that it had before."""
        tale.one(rated(3))
        edit = tale.one(rated(5))
        assert said(tale.plan(edit)) == [rated(3)]

    def test_the_first_star(self, tale: Tale) -> None:
        """Before it there were none."""
        assert said(tale.plan(tale.one(rated(5)))) == [rated(0)]

    def test_a_note(self, tale: Tale) -> None:
        tale.one(AssetNoted(asset=CAT, note="tail is cut"))
        edit = tale.one(AssetNoted(asset=CAT, note="fine"))
        assert said(tale.plan(edit)) == [AssetNoted(asset=CAT, note="tail is cut")]

    def test_a_tag_put_on(self, tale: Tale) -> None:
        assert said(tale.plan(tale.one(tagged()))) == [untagged()]

    def test_a_tag_taken_off(self, tale: Tale) -> None:
        tale.one(tagged())
        assert said(tale.plan(tale.one(untagged()))) == [tagged()]

    def test_a_tag_made(self, tale: Tale) -> None:
        """Undone, there is none of the kind."""
        assert said(tale.plan(tale.one(defined(HERO, "Hero")))) == [TagDeleted(tag=HERO)]

    def test_a_tag_renamed_or_deleted(self, tale: Tale) -> None:
        """It gets its name and colour back."""
        tale.one(defined(HERO, "Hero", "#00ff00"))
        deleted = tale.one(TagDeleted(tag=HERO))
        assert said(tale.plan(deleted)) == [defined(HERO, "Hero", "#00ff00")]

    def test_a_view(self, tale: Tale) -> None:
        old = ViewSaved(name="best", settings={"sort": "name"})
        made = tale.one(old)
        assert said(tale.plan(made)) == [ViewDeleted(name="best")]
        changed = tale.one(ViewSaved(name="best", settings={"sort": "stars"}))
        assert said(tale.plan(changed)) == [old]

    def test_a_fact(self, tale: Tale) -> None:
        """That a file was seen cannot be undone."""
        (edit, *_) = [e.id for e in tale.history.about(CAT)]
        assert impossible(tale.plan(edit)) == [(edit, FACT)]


class TestConflict:
    def test_a_later_edit_is_in_the_way(self, tale: Tale) -> None:
        """Somebody rated it again: their stars stay, and the answer names them."""
        edit = tale.one(rated(3))
        later = tale.one(rated(5), actor="tom")
        plan = tale.plan(edit)
        assert said(plan) == []
        assert blocked(plan) == [(edit, later)]

    def test_with_force(self, tale: Tale) -> None:
        """Whoever insists gets what was before."""
        tale.one(rated(1))
        edit = tale.one(rated(3))
        tale.one(rated(5), actor="tom")
        plan = tale.plan(edit, force=True)
        assert said(plan) == [rated(1)]
        assert blocked(plan) == []

    def test_other_values_are_in_nobodys_way(self, tale: Tale) -> None:
        """Stars, tags and notes are separate, and so are assets."""
        edit = tale.one(rated(3))
        tale.tell(tagged(), tagged(TODO), AssetNoted(asset=CAT, note="x"), rated(5, DOG))
        assert said(tale.plan(edit)) == [rated(0)]

    def test_the_rest_is_done(self, tale: Tale) -> None:
        """One file of a batch was edited since: it is left alone, all others go back."""
        cat, dog = tale.tell(rated(3), rated(3, DOG), batch="b-1")
        later = tale.one(rated(4, DOG), actor="tom")
        plan = tale.plan(batch="b-1")
        assert said(plan) == [rated(0)]
        assert blocked(plan) == [(dog, later)]
        assert [edit.id for edit in plan.edits()] == [cat]

    def test_selected_edits_are_in_no_ones_way(self, tale: Tale) -> None:
        """Everything by Mara: her first and her last stars go, what was before comes back."""
        tale.one(rated(2), actor="tom")
        first = tale.one(rated(3))
        last = tale.one(rated(5))
        assert said(tale.plan(first, last)) == [rated(2)]

    def test_an_edit_between_selected_ones(self, tale: Tale) -> None:
        """What lies on top goes; what lies below somebody's edit stays."""
        first = tale.one(rated(3))
        tom = tale.one(rated(2), actor="tom")
        last = tale.one(rated(5))
        plan = tale.plan(first, last)
        assert said(plan) == [rated(2)]
        assert blocked(plan) == [(first, tom)]


class TestUndoOfUndo:
    def test_redo(self, tale: Tale) -> None:
        """Undoing an undo brings everything back, and says so."""
        cat, dog = tale.tell(rated(3), rated(4, DOG), batch="b-1")
        undo = tale.undo(batch="b-1")
        assert (tale.stars(), tale.stars(DOG)) == (0, 0)
        assert tale.undone(cat, dog) == [True, True]
        tale.undo(batch=undo)
        assert (tale.stars(), tale.stars(DOG)) == (3, 4)
        assert tale.undone(cat, dog) == [False, False]

    def test_to_and_fro(self, tale: Tale) -> None:
        """As often as one likes."""
        edit = tale.one(rated(3))
        batch = tale.undo(edit)
        for stars in (3, 0, 3, 0, 3):
            batch = tale.undo(batch=batch)
            assert tale.stars() == stars
            assert tale.undone(edit) == [stars == 0]

    def test_what_is_undone_is_not_undone_again(self, tale: Tale) -> None:
        """Nor is it called a conflict."""
        edit = tale.one(rated(3))
        tale.undo(edit)
        plan = tale.plan(edit, force=True)
        assert impossible(plan) == [(edit, UNDONE)]
        assert said(plan) == []
        assert blocked(plan) == []

    def test_what_was_redone_can_be_undone(self, tale: Tale) -> None:
        """By its own id, as before."""
        edit = tale.one(rated(3))
        tale.undo(batch=tale.undo(edit))
        assert said(tale.plan(edit)) == [rated(0)]

    def test_an_undone_edit_is_in_nobodys_way(self, tale: Tale) -> None:
        """Step by step back: first the last edit, then the one before."""
        first = tale.one(rated(3))
        second = tale.one(rated(5))
        tale.undo(second)
        assert tale.stars() == 3
        tale.undo(first)
        assert tale.stars() == 0
        assert tale.undone(first, second) == [True, True]

    def test_going_on_after_an_undo(self, tale: Tale) -> None:
        """The new edit goes back to what the undo left."""
        tale.one(rated(2))
        second = tale.one(rated(5))
        tale.undo(second)
        third = tale.one(rated(4))
        tale.undo(third)
        assert tale.stars() == 2

    def test_a_later_edit_is_in_the_way_of_the_redo(self, tale: Tale) -> None:
        """Somebody rated it after the undo."""
        undo = tale.undo(tale.one(rated(3)))
        later = tale.one(rated(1), actor="tom")
        plan = tale.plan(batch=undo)
        assert said(plan) == []
        assert [later_id for _, later_id in blocked(plan)] == [later]

    def test_an_edit_and_its_undo_together(self, tale: Tale) -> None:
        """Everything of the morning is undone: also the undo, and what it had undone."""
        tale.one(rated(1), actor="tom")
        edit = tale.one(rated(3))
        undo = tale.undo(edit)
        both = [edit, *(e.id for e in tale.history.batch(undo))]
        assert said(tale.plan(*both)) == [rated(1)]

    def test_after_force(self, tale: Tale) -> None:
        """What a forced undo passed over does not come back as a ghost."""
        first = tale.one(rated(3))
        second = tale.one(rated(5), actor="tom")
        tale.undo(first, force=True)
        assert tale.stars() == 0
        tale.undo(second)
        assert tale.stars() == 0


class TestTagNames:
    def test_a_name_that_is_taken_by_now(self, tale: Tale) -> None:
        """Names are unique: the tag stays deleted."""
        tale.one(defined(HERO, "Hero"))
        deleted = tale.one(TagDeleted(tag=HERO))
        tale.one(defined(TODO, "HERO"))
        plan = tale.plan(deleted)
        assert said(plan) == []
        assert impossible(plan) == [(deleted, TAG_NAME_TAKEN)]

    def test_names_that_were_swapped(self, tale: Tale) -> None:
        """Undone together, both get their own names back."""
        tale.tell(defined(HERO, "a"), defined(TODO, "b"))
        tale.one(defined(HERO, "c"))
        tale.one(defined(TODO, "a"))
        tale.one(defined(HERO, "b"))
        edits = [e.id for tag in (HERO, TODO) for e in list(tale.history.about(f"tag:{tag}"))[:-1]]
        assert sorted(event.name for event in said(tale.plan(*edits))) == ["a", "b"]


class TestFiles:
    def test_a_rename(self, tale: Tale) -> None:
        """The file goes back from where it lies now."""
        batch = tale.move(("P/cat.png", "P/best.png"))
        assert moves(tale.plan(batch=batch)) == [[("P/best.png", "P/cat.png")]]

    def test_a_batch_of_files_that_nobody_ever_rated(self, tale: Tale) -> None:
        """Four hundred renamed files go back, assets or not."""
        pairs = [(f"P/{n}.png", f"Q/{n}.png") for n in range(400)]
        batch = tale.move(("P/cat.png", "Q/cat.png"), *pairs)
        (stage,) = moves(tale.plan(batch=batch))
        assert sorted(stage) == sorted((b, a) for a, b in [("P/cat.png", "Q/cat.png"), *pairs])

    def test_a_file_that_was_moved_since(self, tale: Tale) -> None:
        """It is where somebody wants it: left alone, unless forced."""
        batch = tale.move(("P/cat.png", "Q/cat.png"))
        later = tale.move(("Q/cat.png", "R/cat.png"))
        plan = tale.plan(batch=batch)
        assert moves(plan) == []
        assert [b for _, b in blocked(plan)] == [e.id for e in tale.history.batch(later)]
        assert moves(tale.plan(batch=batch, force=True)) == [[("R/cat.png", "P/cat.png")]]

    def test_a_file_that_nobody_rated_was_moved_since(self, tale: Tale) -> None:
        """The same, known by its path alone."""
        batch = tale.move(("P/x.png", "Q/x.png"))
        later = tale.move(("Q/x.png", "R/x.png"))
        plan = tale.plan(batch=batch)
        assert [b for _, b in blocked(plan)] == [e.id for e in tale.history.batch(later)]
        assert moves(tale.plan(batch=batch, force=True)) == [[("R/x.png", "P/x.png")]]

    def test_a_file_that_became_an_asset_since(self, tale: Tale) -> None:
        """Renamed, then rated: the rename can be undone; renamed once more: it cannot."""
        batch = tale.move(("P/x.png", "Q/x.png"))
        tale.see("e" * 32, "Q/x.png")  # type: ignore[arg-type]  # an asset's id
        assert moves(tale.plan(batch=batch)) == [[("Q/x.png", "P/x.png")]]
        tale.move(("Q/x.png", "R/x.png"))
        assert moves(tale.plan(batch=batch)) == []
        assert len(tale.plan(batch=batch).conflicts) == 1

    def test_another_file_that_took_the_name_is_none_of_it(self, tale: Tale) -> None:
        """X went on to Q; another x came and went: that is its own story."""
        batch = tale.move(("P/x.png", "Q/x.png"))
        tale.move(("N/x.png", "P/x.png"))
        tale.move(("P/x.png", "O/x.png"))
        assert moves(tale.plan(batch=batch)) == [[("Q/x.png", "P/x.png")]]

    def test_several_moves_in_one_go(self, tale: Tale) -> None:
        """By way of nowhere that is taken by now."""
        one = tale.move(("P/cat.png", "Q/cat.png"))
        two = tale.move(("Q/cat.png", "R/cat.png"))
        edits = [e.id for b in (one, two) for e in tale.history.batch(b)]
        assert moves(tale.plan(*edits)) == [[("R/cat.png", "P/cat.png")]]

    def test_redo_of_a_move(self, tale: Tale) -> None:
        """The undo of a move is a move, and can be undone like one."""
        batch = tale.move(("P/cat.png", "Q/cat.png"), ("P/x.png", "Q/x.png"))
        undo = tale.undo(batch=batch)
        edits = [e.id for e in tale.history.batch(batch)]
        assert tale.undone(*edits) == [True, True]
        assert sorted(moves(tale.plan(batch=undo))[0]) == [
            ("P/cat.png", "Q/cat.png"),
            ("P/x.png", "Q/x.png"),
        ]
        tale.undo(batch=undo)
        assert tale.undone(*edits) == [False, False]

    def test_rating_a_moved_file_is_not_in_the_way(self, tale: Tale) -> None:
        """Where a file lies and what is said of it are different things."""
        batch = tale.move(("P/cat.png", "Q/cat.png"))
        tale.one(rated(5))
        assert moves(tale.plan(batch=batch)) == [[("Q/cat.png", "P/cat.png")]]


class TestTrash:
    def test_trash(self, tale: Tale) -> None:
        """The file comes back to where it lay."""
        edit = tale.trash("t-1", "P/cat.png")
        ((task,),) = tale.plan(edit).stages
        assert (task.now, task.then) == (Spot("P/cat.png", "t-1"), Spot("P/cat.png"))

    def test_trash_of_a_file_that_nobody_rated(self, tale: Tale) -> None:
        """The same."""
        edit = tale.trash("t-1", "P/x.png")
        ((task,),) = tale.plan(edit).stages
        assert (task.now, task.then) == (Spot("P/x.png", "t-1"), Spot("P/x.png"))

    def test_restore(self, tale: Tale) -> None:
        """Back into the trash."""
        for path in ("P/cat.png", "P/x.png"):
            tale.trash(f"t-{path}", path)
            edit = tale.restore(f"t-{path}", path)
            ((task,),) = tale.plan(edit).stages
            assert task.now == Spot(path)
            assert task.then.trash is not None

    def test_restored_by_somebody_already(self, tale: Tale) -> None:
        """Then there is nothing left to undo, and that edit is in the way."""
        edit = tale.trash("t-1", "P/cat.png")
        later = tale.restore("t-1", "P/cat.png", actor="tom")
        assert blocked(tale.plan(edit)) == [(edit, later)]

    @pytest.mark.parametrize("path", ["P/cat.png", "P/x.png"])
    def test_deleted_for_good(self, tale: Tale, path: str) -> None:
        """Nothing brings it back, not even force."""
        asset = tale.view.asset_at(path)
        edit = tale.trash("t-1", path)
        purge = tale.one(
            FilePurged(
                trash=TrashId("t-1"), path=path, name="x", size=1, head="h", asset=asset, op="o"
            )
        )
        for force in (False, True):
            assert impossible(tale.plan(edit, force=force)) == [(edit, PURGED)]
        assert impossible(tale.plan(purge)) == [(purge, PURGED)]

    def test_moved_and_then_trashed(self, tale: Tale) -> None:
        """Undone together, it comes out of the trash to where it lay first."""
        batch = tale.move(("P/cat.png", "Q/cat.png"))
        edits = [e.id for e in tale.history.batch(batch)] + [tale.trash("t-1", "Q/cat.png")]
        ((task,),) = tale.plan(*edits).stages
        assert (task.now, task.then) == (Spot("Q/cat.png", "t-1"), Spot("P/cat.png"))


class TestFolders:
    def test_a_folder_brings_along_what_lies_in_it(self, tale: Tale) -> None:
        """The folder is moved back, and its assets are told to be."""
        batch = tale.move(("P", "Q"), folder=True)
        plan = tale.plan(batch=batch)
        assert moves(plan) == [[("Q", "P")]]
        assert len(list(plan.edits())) == 3

    def test_a_file_in_it_was_renamed_later(self, tale: Tale) -> None:
        """Undone together: first the file in the folder, then the folder."""
        one = tale.move(("P", "Q"), folder=True)
        two = tale.move(("Q/cat.png", "Q/best.png"))
        edits = [e.id for b in (one, two) for e in tale.history.batch(b)]
        assert moves(tale.plan(*edits)) == [[("Q/best.png", "Q/cat.png")], [("Q", "P")]]

    def test_a_file_in_it_was_renamed_before(self, tale: Tale) -> None:
        """Undone together: first the folder, then the file in it."""
        one = tale.move(("P/cat.png", "P/best.png"))
        two = tale.move(("P", "Q"), folder=True)
        edits = [e.id for b in (one, two) for e in tale.history.batch(b)]
        assert moves(tale.plan(*edits)) == [[("Q", "P")], [("P/best.png", "P/cat.png")]]

    def test_files_that_nobody_rated_go_along_too(self, tale: Tale) -> None:
        """Renamed, then moved with its folder: undone together, or the folder is in the way."""
        one = tale.move(("P/x.png", "P/y.png"))
        two = tale.move(("P", "Q"), folder=True)
        edits = [e.id for b in (one, two) for e in tale.history.batch(b)]
        assert moves(tale.plan(*edits)) == [[("Q", "P")], [("P/y.png", "P/x.png")]]
        folder = next(e.id for e in tale.history.arrows("Q"))
        assert blocked(tale.plan(batch=one)) == [(edits[0], folder)]
        assert moves(tale.plan(batch=one, force=True)) == [[("Q/y.png", "P/x.png")]]

    def test_a_file_that_nobody_rated_was_renamed_in_it_later(self, tale: Tale) -> None:
        """First the file in the folder, then the folder."""
        one = tale.move(("P", "Q"), folder=True)
        two = tale.move(("Q/x.png", "Q/y.png"))
        edits = [e.id for b in (one, two) for e in tale.history.batch(b)]
        assert moves(tale.plan(*edits)) == [[("Q/y.png", "Q/x.png")], [("Q", "P")]]
        assert moves(tale.plan(batch=two)) == [[("Q/y.png", "Q/x.png")]]

    def test_a_file_was_taken_out_of_it_since(self, tale: Tale) -> None:
        """The folder goes back without it."""
        batch = tale.move(("P", "Q"), folder=True)
        tale.move(("Q/cat.png", "R/cat.png"))
        plan = tale.plan(batch=batch)
        assert moves(plan) == [[("Q", "P")]]
        assert len(plan.conflicts) == 1


class TestRelink:
    def relink(self, tale: Tale, source: str, path: str) -> str:
        """The cat was found again elsewhere."""
        return tale.one(
            AssetRelinked(
                asset=CAT, source=source, path=path, size=1, mtime=1, head="h", reason="fingerprint"
            )
        )

    def test_a_wrong_decision(self, tale: Tale) -> None:
        """The asset means its old file again."""
        edit = self.relink(tale, "P/cat.png", "Q/other.png")
        (unlink,) = tale.plan(edit).unlinks
        assert (unlink.asset, unlink.source, unlink.path) == (CAT, "Q/other.png", "P/cat.png")
        assert unlink.until == edit

    def test_two_in_a_row(self, tale: Tale) -> None:
        """Back to the first."""
        one = self.relink(tale, "P/cat.png", "Q/cat.png")
        two = self.relink(tale, "Q/cat.png", "R/cat.png")
        (unlink,) = tale.plan(one, two).unlinks
        assert (unlink.source, unlink.path, unlink.until) == ("R/cat.png", "P/cat.png", one)

    def test_with_a_move_on_top(self, tale: Tale) -> None:
        """One is said and one is done: the move goes first, the relink in a second undo."""
        edit = self.relink(tale, "P/cat.png", "Q/cat.png")
        batch = tale.move(("Q/cat.png", "R/cat.png"))
        (moved,) = tale.history.batch(batch)
        plan = tale.plan(edit, moved.id)
        assert moves(plan) == [[("R/cat.png", "Q/cat.png")]]
        assert blocked(plan) == [(edit, moved.id)]


class TestDecision:
    def test_one_transaction_says_what_was_undone(self, tale: Tale) -> None:
        """The values and the marker stand in the same line: all or none."""
        edit = tale.one(rated(3))
        command = ReverseEdits(undo="u-1", reversals=tuple(tale.plan(edit).reversals))
        assert reverse_edits(tale.view, command) == [
            rated(0),
            EditsUndone(undo="u-1", of=(edit,)),
        ]

    def test_somebody_was_faster(self, tale: Tale) -> None:
        """Between looking and deciding the cat was rated again: it is left alone."""
        cat, dog = tale.tell(rated(3), rated(3, DOG))
        command = ReverseEdits(undo="u-1", reversals=tuple(tale.plan(cat, dog).reversals))
        tale.one(rated(4), actor="tom")
        assert reverse_edits(tale.view, command) == [
            AssetRated(asset=DOG, stars=0),
            EditsUndone(undo="u-1", of=(dog,)),
        ]

    def test_nothing_is_left(self, tale: Tale) -> None:
        """Then nothing is said."""
        edit = tale.one(rated(3))
        command = ReverseEdits(undo="u-1", reversals=tuple(tale.plan(edit).reversals))
        tale.one(rated(4))
        assert reverse_edits(tale.view, command) == []

    def test_takes_turns_with_people(self, tale: Tale) -> None:
        """It takes the same locks as their commands."""
        tale.tell(defined(HERO, "Hero"))
        edits = tale.tell(
            rated(3), tagged(), defined(TODO, "Todo"), ViewSaved(name="v", settings={})
        )
        command = ReverseEdits(undo="u-1", reversals=tuple(tale.plan(*edits).reversals))
        assert sorted(command.keys()) == ["path:P/cat.png", "tags", "view:v"]
