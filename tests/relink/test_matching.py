"""Which lost asset is which file: pairs where that is certain, and what a person must decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from events.assets import AssetId
from orchestrator.gallery.relink.matching import Lost, match

A, B, C = AssetId("a"), AssetId("b"), AssetId("c")


def lost(asset: AssetId, path: str, *, held: bool = False) -> Lost:
    """A lost asset."""
    return Lost(asset, path, 10, "head", held)


def pairs(
    missing: Iterable[Lost],
    prints: Mapping[AssetId, list[str]],
    lineages: Mapping[AssetId, list[str]] | None = None,
    older: Mapping[AssetId, list[str]] | None = None,
) -> dict[AssetId, str]:
    """What is certain."""
    matched = match(list(missing), prints, lineages or {}, older)
    return {pair.lost.asset: pair.path for pair in matched.pairs}


class TestCertain:
    def test_one_file_for_one_asset(self) -> None:
        """Whatever it is called now."""
        assert pairs([lost(A, "x.png")], {A: ["y/z.png"]}) == {A: "y/z.png"}

    def test_the_one_that_kept_its_name(self) -> None:
        """Of several copies."""
        assert pairs([lost(A, "p/x.png")], {A: ["q/x.png", "q/y.png"]}) == {A: "q/x.png"}

    def test_the_one_that_kept_more_of_its_path(self) -> None:
        """Twins that moved together with their folders."""
        twins = ["e/x.png", "e/copy/x.png"]
        missing = [lost(A, "d/x.png"), lost(B, "d/copy/x.png")]
        assert pairs(missing, {A: twins, B: twins}) == {A: "e/x.png", B: "e/copy/x.png"}

    def test_what_is_left(self) -> None:
        """Once the one is known, so is the other."""
        both = ["q/x.png", "q/new.png"]
        missing = [lost(A, "p/x.png"), lost(B, "p/y.png")]
        assert pairs(missing, {A: both, B: both}) == {A: "q/x.png", B: "q/new.png"}

    def test_a_swap(self) -> None:
        """Each lies where the other lay."""
        missing = [lost(A, "x.png"), lost(B, "y.png")]
        assert pairs(missing, {A: ["y.png"], B: ["x.png"]}) == {A: "y.png", B: "x.png"}

    def test_lineage_where_no_bytes_fit(self) -> None:
        """And only there."""
        missing = [lost(A, "x.png"), lost(B, "y.png")]
        matched = match(missing, {A: ["q.png"]}, {A: ["r.png"], B: ["s.png"]})
        found = {pair.lost.asset: (pair.path, pair.reason) for pair in matched.pairs}
        assert found == {A: ("q.png", "fingerprint"), B: ("s.png", "lineage")}

    def test_no_file_is_two(self) -> None:
        """Whatever is asked, each file is given once."""
        files = ["q/x.png", "r/x.png", "x.png", "q/y.png"]
        missing = [lost(A, "p/x.png"), lost(B, "q/q/x.png"), lost(C, "p/y.png")]
        found = pairs(missing, {A: files, B: files, C: files})
        assert len(set(found.values())) == len(found)

    def test_many_alike_are_quick(self) -> None:
        """A hundred equal frames that were renamed together."""
        count = 100
        files = [f"new/f{n:03}.png" for n in range(count)]
        missing = [lost(AssetId(str(n)), f"old/f{n:03}.png") for n in range(count)]
        found = pairs(missing, {each.asset: files for each in missing})
        assert found == {each.asset: f"new/{each.path[4:]}" for each in missing}


class TestUndecided:
    @pytest.mark.parametrize(
        ("missing", "prints"),
        [
            ([lost(A, "x.png")], {A: ["y.png", "z.png"]}),
            ([lost(A, "x.png"), lost(B, "y.png")], {A: ["q.png"], B: ["q.png"]}),
            ([lost(A, "p/x.png")], {A: ["q/x.png", "r/x.png"]}),
            ([lost(A, "p/x.png"), lost(B, "q/x.png")], {A: ["r/x.png"], B: ["r/x.png"]}),
            ([lost(A, "x.png")], {}),
        ],
    )
    def test_what_is_not_certain(
        self, missing: list[Lost], prints: dict[AssetId, list[str]]
    ) -> None:
        """Waits for a person, with all that it may be."""
        matched = match(missing, prints, {})
        assert matched.pairs == ()
        found = {each.lost.asset: list(each.candidates) for each in matched.undecided}
        assert found == {each.asset: prints.get(each.asset, []) for each in missing}
        reasons = {each.reason for each in matched.undecided}
        assert reasons == ({"fingerprint"} if prints else {None})

    def test_what_a_person_took_back(self) -> None:
        """Is not done again by itself, however certain it is."""
        (undecided,) = match([lost(A, "x.png", held=True)], {A: ["y.png"]}, {}).undecided
        assert undecided.candidates == ("y.png",)

    def test_an_older_copy(self) -> None:
        """It is told, and never taken; a new one beside it is certain."""
        (undecided,) = match([lost(A, "x.png")], {A: ["y.png"]}, {}, {A: {"y.png"}}).undecided
        assert undecided.candidates == ("y.png",)
        both = {A: ["y.png", "z.png"]}
        assert pairs([lost(A, "x.png")], both, older={A: ["y.png"]}) == {A: "z.png"}

    def test_its_own_place(self) -> None:
        """Another asset is said to lie there: that was somebody's decision."""
        matched = match([lost(A, "x.png")], {A: ["x.png"]}, {})
        assert (matched.pairs, len(matched.undecided)) == ((), 1)
