"""Names, renaming and times: measured on shares that do wrong, and judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doctor.shares import (
    CaselessShare,
    FailingShare,
    NormalizingShare,
    OtherClock,
    PlainShare,
    QuickShare,
    ReplacingShare,
)
from tools.doctor.checks import Check, Verdict
from tools.doctor.judge.naming import judge_clock, judge_file_times, judge_names, judge_renames
from tools.doctor.measure.names import Fate, measure_names
from tools.doctor.measure.renames import Means, measure_renames
from tools.doctor.measure.times import Clocks, measure_clock, measure_file_times
from tools.doctor.share import Share


def names(folder: Path, share: Share) -> dict[str, Check]:
    """The checks of names, by name."""
    return {check.name: check for check in judge_names(measure_names(folder / "n", share))}


def renames(folder: Path, share: Share) -> dict[str, Check]:
    """The checks of renaming, by name."""
    return {check.name: check for check in judge_renames(measure_renames(folder / "r", share))}


class TestNames:
    def test_local_folder(self, tmp_path: Path) -> None:
        found = measure_names(tmp_path / "n", QuickShare())

        assert {named.fate for named in found.ordinary} == {Fate.KEPT}
        assert {check.verdict for check in judge_names(found)} == {Verdict.OK}

    def test_no_case(self, tmp_path: Path) -> None:
        """Both are fine; which it is, is told."""
        check = names(tmp_path, CaselessShare())["names.case"]

        assert check.verdict is Verdict.OK
        assert check.figures["case_sensitive"] is False
        assert "one and the same" in check.measured

    def test_rewritten_names(self, tmp_path: Path) -> None:
        """A server that decomposes letters: paths that we write down are not those it lists."""
        found = names(tmp_path, NormalizingShare())

        assert found["names.unicode"].verdict is Verdict.WARN
        assert found["names.unicode"].figures == {"kept": False, "differ": False}
        assert found["names.ordinary"].verdict is Verdict.WARN
        assert "umlaut changed" in found["names.ordinary"].measured

    def test_names_that_cannot_be(self, tmp_path: Path) -> None:
        """Odd names may be refused or changed: told, and no fault."""
        check = names(tmp_path, NormalizingShare())["names.odd"]

        assert check.verdict is Verdict.OK
        assert check.figures["trailing dot"] == "changed"
        assert check.figures["long in Asian letters"] == "kept"


class TestRenames:
    def test_local_folder(self, tmp_path: Path) -> None:
        assert {c.verdict for c in renames(tmp_path, QuickShare()).values()} == {Verdict.OK}

    def test_what_replaces(self, tmp_path: Path) -> None:
        """The one thing that must never happen."""
        check = renames(tmp_path, ReplacingShare())["rename.no_replace"]

        assert check.verdict is Verdict.BAD
        assert "a file was replaced" in check.measured

    def test_what_cannot_move(self, tmp_path: Path) -> None:
        check = renames(tmp_path, FailingShare("move", 5))["rename.no_replace"]

        assert check.verdict is Verdict.BAD
        assert "could not be moved" in check.measured

    def test_neither_call_nor_links(self, tmp_path: Path) -> None:
        """Then names are kept by small files, and that is told."""
        found = measure_renames(tmp_path / "r", PlainShare())

        assert found.means is Means.KEEPING
        assert "small file" in next(judge_renames(found)).measured

    def test_replacing_that_fails(self, tmp_path: Path) -> None:
        """Worth a warning; where every move ends in it, worse."""
        share = FailingShare("replace", 13)
        assert renames(tmp_path, share)["rename.replace"].verdict is Verdict.WARN

        plain = PlainShare()
        plain.replace = share.replace  # type: ignore[method-assign]  # it fails here as well
        (tmp_path / "again").mkdir()
        assert renames(tmp_path / "again", plain)["rename.replace"].verdict is Verdict.BAD


class TestClock:
    @pytest.mark.parametrize(
        ("ahead", "verdict"),
        [(0, Verdict.OK), (4, Verdict.OK), (-30, Verdict.WARN), (90, Verdict.BAD)],
    )
    def test_skew(self, tmp_path: Path, ahead: float, verdict: Verdict) -> None:
        """Beyond a minute this host serves projects read-only."""
        check = judge_clock(measure_clock(tmp_path / "c", OtherClock(ahead=ahead)))

        assert check.verdict is verdict
        told = check.figures["ahead_ms"]
        assert isinstance(told, float)
        assert abs(told / 1000 - ahead) < 2

    def test_doubt_speaks_for_it(self) -> None:
        """A slow share cannot tell precisely: nobody is blamed for that."""
        assert judge_clock(Clocks(61.0, 2.0)).verdict is Verdict.WARN
        assert judge_clock(Clocks(-63.0, 2.0)).verdict is Verdict.BAD

    @pytest.mark.parametrize(
        ("grain", "verdict"),
        [(1, Verdict.OK), (100, Verdict.OK), (10**6, Verdict.OK), (2 * 10**9, Verdict.WARN)],
    )
    def test_grain(self, tmp_path: Path, grain: int, verdict: Verdict) -> None:
        """Two seconds, as on FAT, make files look edited."""
        share = OtherClock(grain_ns=grain)
        check = judge_file_times(measure_file_times(tmp_path, share))

        assert check.verdict is verdict
        assert check.figures["lost_ns"] == 1_500_000_001_123_456_789 % grain
