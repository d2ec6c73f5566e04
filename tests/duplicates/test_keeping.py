"""Which file to keep, and what it takes over."""

from __future__ import annotations

import pytest

from orchestrator.gallery.duplicates.keeping import Facts, Keep, choose_keeper, merge
from orchestrator.gallery.duplicates.report import Candidate, Group, Likeness

OLD = Candidate("old.png", 10, 1)
MIDDLE = Candidate("middle.png", 30, 2)
NEW = Candidate("new.png", 20, 3)
GROUP = Group("aa", Likeness.CONTENT, (NEW, OLD, MIDDLE))


class TestChooseKeeper:
    @pytest.mark.parametrize(
        ("keep", "chosen"), [(Keep.OLDEST, OLD), (Keep.NEWEST, NEW), (Keep.LARGEST, MIDDLE)]
    )
    def test_by_the_file(self, keep: Keep, chosen: Candidate) -> None:
        """What people said of it does not count."""
        facts = {file.path: Facts(stars=5) for file in GROUP.files if file != chosen}

        assert choose_keeper(GROUP, keep, facts) == chosen

    @pytest.mark.parametrize(
        ("facts", "chosen"),
        [
            ({}, OLD),
            ({NEW.path: Facts(stars=1)}, NEW),
            ({NEW.path: Facts(stars=3), MIDDLE.path: Facts(stars=3, tags=1)}, MIDDLE),
            ({NEW.path: Facts(has_note=True)}, NEW),
            ({NEW.path: Facts(tags=9), MIDDLE.path: Facts(stars=1)}, MIDDLE),
            ({NEW.path: Facts(stars=5), MIDDLE.path: Facts(stars=5)}, MIDDLE),
        ],
    )
    def test_by_esteem(self, facts: dict[str, Facts], chosen: Candidate) -> None:
        """Stars before tags before notes; of equals, the oldest."""
        assert choose_keeper(GROUP, Keep.BEST_RATED, facts) == chosen


class TestMerge:
    def test_the_best_of_all(self) -> None:
        """Most stars, all tags, all notes."""
        merged = merge(2, [5, 0], {"hero"}, [{"hero", "final"}, {"wip"}], "mine", ["yours"])

        assert merged == (5, {"final", "wip"}, "mine\n\nyours")

    def test_nothing_to_take_over(self) -> None:
        """What the kept file has stays as it is."""
        assert merge(4, [3], {"a"}, [{"a"}], " mine ", ["mine", "", "  "]) == (4, set(), " mine ")
        assert merge(0, [], set(), [], "", []) == (0, set(), "")

    def test_no_note_comes_twice(self) -> None:
        """Copies often carry the same note."""
        assert merge(0, [], set(), [], "", ["b", "a", "b\n"])[2] == "b\n\na"
