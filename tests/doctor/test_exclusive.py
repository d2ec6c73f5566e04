"""Exclusive creation and durable appends: measured on shares that do wrong, and judged."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.doctor.shares import BothWinShare, FailingShare, NobodyWinsShare, QuickShare, in_a_thread
from tools.doctor.checks import Verdict
from tools.doctor.judge.writing import Between, judge_appends, judge_race
from tools.doctor.measure.appends import measure_appends
from tools.doctor.measure.racing import Race, measure_race
from tools.doctor.mountinfo import Kind
from tools.doctor.share import Share

HERE = Between(None)


def raced(folder: Path, share: Share) -> Race:
    """A short race in which both sides have such a share."""
    stop = threading.Event()
    with in_a_thread(lambda: share)(folder, share) as second:
        second.begin(stop)
        return measure_race(second, folder, share, stop, names=10)


class TestRace:
    def test_each_name_once(self, tmp_path: Path) -> None:
        found = raced(tmp_path, QuickShare())

        assert found.ours | found.theirs == set(range(10))
        assert not found.ours & found.theirs
        assert judge_race(found, HERE).verdict is Verdict.OK

    def test_both_win(self, tmp_path: Path) -> None:
        """As through some FUSE mounts, where each client asks only its own cache."""
        check = judge_race(raced(tmp_path, BothWinShare()), HERE)

        assert check.verdict is Verdict.BAD
        assert check.figures["both"] == 10
        assert "two hosts" in check.remedy

    def test_nobody_wins(self, tmp_path: Path) -> None:
        check = judge_race(raced(tmp_path, NobodyWinsShare()), HERE)

        assert check.verdict is Verdict.BAD
        assert check.figures["nobody"] == 10


class TestAppends:
    def test_local_folder(self, tmp_path: Path) -> None:
        took = measure_appends(tmp_path, QuickShare(), 0.05, threading.Event())

        assert len(took) > 1
        assert (tmp_path / "appends").stat().st_size == 300 * (len(took) + 1)

    def test_full_share(self, tmp_path: Path) -> None:
        """Sync is where a full share says so."""
        import errno

        with pytest.raises(OSError, match="No space"):
            measure_appends(tmp_path, FailingShare("sync", errno.ENOSPC), 0.05, threading.Event())

    @pytest.mark.parametrize(
        ("took", "kind", "verdict"),
        [
            ([0.001] * 100, Kind.SMB, Verdict.OK),
            ([0.06] * 100, Kind.SMB, Verdict.WARN),
            ([0.001] * 90 + [1.5] * 10, Kind.NFS, Verdict.WARN),
            ([0.001] * 90 + [11.0] * 10, Kind.NFS, Verdict.BAD),
            ([0.00001] * 100, Kind.LOCAL, Verdict.OK),
            ([0.00001] * 100, None, Verdict.OK),
            ([0.00001] * 100, Kind.FUSE, Verdict.WARN),
            ([], Kind.SMB, Verdict.BAD),
        ],
    )
    def test_judged(self, took: list[float], kind: Kind | None, verdict: Verdict) -> None:
        """Slow is told; so is a share that is quicker than any server: it does not sync."""
        check = judge_appends(took, kind)

        assert check.verdict is verdict
        assert bool(check.remedy) == (verdict is not Verdict.OK)
