"""Renames in an order that replaces nothing, on every share, wherever it is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.gallery.fileops.arrange import (
    Arranged,
    Move,
    Step,
    arrange,
)
from orchestrator.gallery.fileops.names import path_key

Key = Callable[[str], str]


def exact(path: str) -> str:
    """How a share compares that tells all names apart."""
    return path


@define
class Share:
    """A file system in memory, and what lies in it."""

    key: Key
    files: dict[str, str] = field(factory=dict)

    @classmethod
    def holding(cls, paths: Iterable[str], key: Key = exact) -> Share:
        """Each file holds its own first path."""
        return cls(key, {path: path for path in paths})

    def has(self, path: str) -> bool:
        return any(self.key(path) == self.key(known) for known in self.files)

    def rename(self, step: Step) -> None:
        """As the real one does it: never onto a name that is taken."""
        assert step.source in self.files
        assert not self.has(step.to), f"{step} replaces a file"
        self.files[step.to] = self.files.pop(step.source)

    def resume(self, steps: Iterable[Step]) -> None:
        """Go on after a crash; what is known to be done is not among the steps."""
        for step in steps:
            if not self.has(step.source) and self.has(step.to):
                continue
            self.rename(step)


def hidden(source: str, number: int) -> str:
    """A name to step aside to, in the folder of the source."""
    folder, slash, _ = source.rpartition("/")
    return f"{folder}{slash}.moving-{number}.png"


def never(_batch: object, _existing: object) -> bool:
    """No batch is so plain that the short way will do."""
    return False


def plan(*pairs: tuple[str, str], existing: Iterable[str] = ()) -> Arranged:
    """Arrange moves that belong to no group."""
    return arrange([Move(a, b) for a, b in pairs], existing, hidden)


def kinds(arranged: Arranged) -> list[tuple[int, str, str]]:
    """Which moves were left out, and what was in the way."""
    return [(each.index, each.kind, each.other) for each in arranged.collisions]


def renames(arranged: Arranged) -> list[tuple[str, str]]:
    """What is done, in order."""
    return [(step.source, step.to) for step in arranged.steps]


class TestOrder:
    def test_a_chain_begins_at_its_end(self) -> None:
        arranged = plan(("1", "2"), ("2", "3"), ("3", "4"), existing=["1", "2", "3"])

        assert renames(arranged) == [("3", "4"), ("2", "3"), ("1", "2")]
        assert [step.move for step in arranged.steps] == [2, 1, 0]

    def test_a_swap_steps_aside_once(self) -> None:
        arranged = plan(("P/a", "P/b"), ("P/b", "P/a"))

        assert arranged.steps == (
            Step("P/a", "P/.moving-0.png", None),
            Step("P/b", "P/a", 1),
            Step("P/.moving-0.png", "P/b", 0),
        )

    def test_a_cycle_steps_aside_once(self) -> None:
        arranged = plan(("a", "b"), ("b", "c"), ("c", "a"), ("x", "y"), ("y", "x"))

        assert len([step for step in arranged.steps if step.move is None]) == 2
        assert len({step.to for step in arranged.steps}) == 7

    @pytest.mark.parametrize(
        ("source", "to"), [("a.png", "A.png"), ("\u00e9.png", "e\u0301.png"), ("p/A", "P/a")]
    )
    def test_a_change_of_case_steps_aside(self, source: str, to: str) -> None:
        """The share takes the new name for the old one, which is in the way of itself."""
        arranged = plan((source, to), existing=[source])

        assert [step.move for step in arranged.steps] == [None, 0]
        Share.holding([source], path_key).resume(arranged.steps)

    def test_names_are_compared_as_the_strictest_share_would(self) -> None:
        """`B.png` is free only when `b.png` has gone."""
        assert renames(plan(("a.png", "B.png"), ("b.png", "c.png"))) == [
            ("b.png", "c.png"),
            ("a.png", "B.png"),
        ]

    def test_sidecars_come_after_what_they_belong_to(self) -> None:
        """Also if the picture has to wait, and the sidecar has not."""
        moves = [Move("1.png", "2.png", 1), Move("1.json", "2.json", 1), Move("2.png", "3.png")]
        arranged = arrange(moves, [], hidden)

        assert [step.move for step in arranged.steps] == [2, 0, 1]

    def test_nothing_to_do(self) -> None:
        assert plan() == Arranged((), ())


class TestCollisions:
    def test_a_taken_place(self) -> None:
        assert kinds(plan(("a", "b"), existing=["a", "b"])) == [(0, "taken", "b")]
        assert kinds(plan(("a", "b"), existing=["a", "B"])) == [(0, "taken", "B")]

    def test_those_that_wait_stay_too(self) -> None:
        """3 cannot leave, so 2 cannot, so 1 cannot; 8 can."""
        pairs = [("1", "2"), ("2", "3"), ("3", "4"), ("8", "9")]
        arranged = plan(*pairs, existing=["4"])

        assert kinds(arranged) == [(0, "taken", "2"), (1, "taken", "3"), (2, "taken", "4")]
        assert renames(arranged) == [("8", "9")]

    def test_a_place_that_two_files_hold_where_case_counts(self) -> None:
        """One of them leaving does not make it free."""
        arranged = plan(("a", "x"), ("b", "a"), existing=["a", "A", "b"])
        both = plan(("a", "x"), ("b", "a"), ("A", "y"), existing=["a", "A", "b"])

        assert kinds(arranged) == [(1, "taken", "A")]
        assert not both.collisions
        assert both.steps[-1].move == 1

    def test_one_place_for_two(self) -> None:
        """Nobody knows which is meant, so both stay."""
        arranged = plan(("a", "x.png"), ("b", "X.png"))

        assert kinds(arranged) == [(0, "twice", "b"), (1, "twice", "a")]

    def test_one_file_for_two_places(self) -> None:
        assert kinds(plan(("a", "x"), ("a", "y"))) == [(0, "twice", "a"), (1, "twice", "a")]

    def test_unchanged_files_keep_their_place(self) -> None:
        arranged = plan(("a", "a"), ("b", "a"))

        assert kinds(arranged) == [(0, "unchanged", ""), (1, "taken", "a")]

    @pytest.mark.parametrize("name", ["", ".", "..", "CON", ".hidden", "x.", "a:b"])
    def test_a_name_that_cannot_be(self, name: str) -> None:
        arranged = plan(("P/a", f"P/{name}"), ("P/b", "P/a"))

        assert kinds(arranged) == [(0, "invalid", ""), (1, "taken", "P/a")]

    def test_a_name_that_is_already_may_stay(self) -> None:
        """Files with odd names can be moved to another folder."""
        assert not plan(("P/a:b. ", "Q/a:b. ")).collisions

    def test_groups_go_all_or_none(self) -> None:
        """A sidecar that cannot go keeps its picture, and what waits for that."""
        moves = [
            Move("a.png", "b.png", 1),
            Move("a.json", "b.json", 1),
            Move("c.png", "a.png", 2),
            Move("c.json", "a.json", 2),
            Move("d.png", "e.png", 3),
        ]
        arranged = arrange(moves, ["b.json"], hidden)

        assert kinds(arranged)[:2] == [(0, "together", "a.json"), (1, "taken", "b.json")]
        assert {each.index for each in arranged.collisions} == {0, 1, 2, 3}
        assert renames(arranged) == [("d.png", "e.png")]

    def test_a_folder_and_what_lies_in_it(self) -> None:
        """The folder takes its files along; they cannot go elsewhere at the same time."""
        arranged = plan(("P", "Q"), ("p/a.png", "b.png"), ("c.png", "P/c.png"), ("d", "Q/d"))

        assert kinds(arranged) == [(1, "invalid", "P"), (2, "invalid", "P"), (3, "invalid", "Q")]
        assert renames(arranged) == [("P", "Q")]

    def test_a_folder_into_itself(self) -> None:
        assert kinds(plan(("P", "P/x/P"))) == [(0, "invalid", "P")]

    def test_folders_swap(self) -> None:
        assert len(plan(("P", "Q"), ("Q", "P"), existing=["P", "Q"]).steps) == 3


class TestMany:
    def test_ten_thousand_in_one_chain(self) -> None:
        """Nothing here calls itself, and nothing looks at all for each."""
        pairs = [(str(number), str(number + 1)) for number in range(10_000)]
        arranged = plan(*pairs, existing=[str(number) for number in range(10_000)])

        assert renames(arranged) == pairs[::-1]

    def test_ten_thousand_in_one_cycle(self) -> None:
        pairs = [(str(number), str((number + 1) % 10_000)) for number in range(10_000)]

        assert len(plan(*pairs).steps) == 10_001

    def test_ten_thousand_that_cannot_go(self) -> None:
        """Two to a group, and all wait for one."""
        moves = [Move(str(number), str(number + 1), number // 2) for number in range(10_000)]

        assert len(arrange(moves, ["10000"], hidden).collisions) == 10_000


paths = st.builds(
    lambda folder, name: folder + name, st.sampled_from(["", "P/"]), st.sampled_from("abcdABC")
)
moves_and_files = st.tuples(
    st.lists(st.builds(Move, paths, paths, st.none() | st.integers(0, 2)), max_size=8),
    st.sets(paths, max_size=8),
)


class TestSafety:
    @settings(max_examples=200)
    @given(drawn=moves_and_files, strict=st.booleans())
    def test_each_file_is_once_where_it_was_or_shall_be(
        self, drawn: tuple[list[Move], set[str]], strict: bool
    ) -> None:
        """On shares that ignore case and on others, and wherever it was interrupted."""
        moves, others = drawn
        key = path_key if strict else exact
        start = {key(path): path for path in [*others, *(move.source for move in moves)]}
        moves = [move for move in moves if move.source in start.values()]
        arranged = arrange(moves, start.values(), hidden)

        whole = Share.holding(start.values(), key)
        whole.resume(arranged.steps)

        went = {
            moves[step.move].source: step.to for step in arranged.steps if step.move is not None
        }
        assert whole.files == {went.get(path, path): path for path in start.values()}
        told = [step.move for step in arranged.steps if step.move is not None]
        told += [collision.index for collision in arranged.collisions]
        assert sorted(told) == list(range(len(moves)))
        for stop in range(len(arranged.steps) + 1):
            again = Share.holding(start.values(), key)
            again.resume(arranged.steps[:stop])
            again.resume(arranged.steps[max(stop - 1, 0) :])  # the last is not known to be done
            assert again.files == whole.files

    @given(moves_and_files)
    def test_nothing_that_could_go_is_left_out(self, drawn: tuple[list[Move], set[str]]) -> None:
        """Taken places are really held by something that stays."""
        moves, others = drawn
        arranged = arrange(moves, others, hidden)
        leaving = {moves[step.move].source for step in arranged.steps if step.move is not None}

        for collision in arranged.collisions:
            if collision.kind == "taken":
                assert path_key(collision.other) == path_key(collision.to)
                assert collision.other not in leaving

    @given(moves_and_files)
    def test_the_short_way_leads_to_the_same(self, drawn: tuple[list[Move], set[str]]) -> None:
        """Of moves that have nothing to do with each other, nothing is asked a second time."""
        moves, others = drawn
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("orchestrator.gallery.fileops.arrange._Batch.is_plain", never)
            at_length = arrange(moves, others, hidden)

        assert arrange(moves, others, hidden) == at_length

    @given(moves_and_files)
    def test_groups_are_never_torn(self, drawn: tuple[list[Move], set[str]]) -> None:
        moves, others = drawn
        arranged = arrange(moves, others, hidden)
        left = {c.index for c in arranged.collisions if c.kind != "unchanged"}
        torn = {moves[index].group for index in left} - {None}

        for step in arranged.steps:
            assert step.move is None or moves[step.move].group not in torn
