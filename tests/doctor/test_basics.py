"""Figures, limits, and the folder that goes away again."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest

from tools.doctor.checks import Check, Verdict, skipped, worst
from tools.doctor.failures import failed
from tools.doctor.figures import Spread, told
from tools.doctor.limits import OverranError, within
from tools.doctor.scratch import Scratch, is_scratch


def check(verdict: Verdict) -> Check:
    """A check that came to that."""
    return Check(name="x", verdict=verdict, measured="")


class TestVerdicts:
    def test_the_worst_counts(self) -> None:
        """What was skipped says nothing against a share."""
        ok, warn, bad = (check(v) for v in (Verdict.OK, Verdict.WARN, Verdict.BAD))

        assert worst([]) is Verdict.OK
        assert worst([ok, skipped("x", "why")]) is Verdict.OK
        assert worst([ok, warn]) is Verdict.WARN
        assert worst([bad, warn, ok]) is Verdict.BAD


class TestSpread:
    def test_percentiles(self) -> None:
        spread = Spread.of(number / 1000 for number in range(100, 0, -1))

        assert spread == Spread(100, 0.051, 0.1, 0.1)
        assert spread.figures()["p50_ms"] == 51.0

    def test_one(self) -> None:
        assert Spread.of([0.25]) == Spread(1, 0.25, 0.25, 0.25)

    def test_none(self) -> None:
        assert Spread.of([]) is None

    def test_before_it_was_written(self) -> None:
        """Two clocks differ by a little: nothing is seen before it is there."""
        assert Spread.of([-0.002]) == Spread(1, 0.0, 0.0, 0.0)

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [
            (0, "0 ms"),
            (8.9e-8, "89 ns"),
            (0.000007, "0.007 ms"),
            (0.00042, "0.42 ms"),
            (0.0021, "2.1 ms"),
            (0.0512, "51 ms"),
            (1.04, "1.0 s"),
            (60, "60.0 s"),
        ],
    )
    def test_told(self, seconds: float, text: str) -> None:
        assert told(seconds) == text


class TestWithin:
    def test_what_it_gives(self) -> None:
        assert within(5, lambda: 7, threading.Event()) == 7

    def test_what_it_raises(self) -> None:
        def work() -> None:
            raise OSError(errno.EIO, "lost")

        with pytest.raises(OSError, match="lost"):
            within(5, work, threading.Event())

    def test_what_hangs(self) -> None:
        """It is told to stop, and left behind."""
        stop, ended = threading.Event(), threading.Event()

        def work() -> None:
            stop.wait(20)
            ended.set()

        with pytest.raises(OverranError, match="no answer"):
            within(0.01, work, stop)
        assert ended.wait(5)


class TestScratch:
    def test_comes_and_goes(self, tmp_path: Path) -> None:
        """With all that is in it; `.gallery` stays if it was there."""
        gallery = tmp_path / ".gallery"
        gallery.mkdir()
        scratch = Scratch.make(gallery)
        (scratch.folder / "deep" / "er").mkdir(parents=True)
        (scratch.folder / "deep" / "file").write_bytes(b"x")

        assert is_scratch(scratch.folder.name)
        scratch.remove()
        assert list(tmp_path.rglob("*")) == [gallery]

    def test_gallery_goes_if_it_came(self, tmp_path: Path) -> None:
        """A folder that is no project does not look like one afterwards."""
        scratch = Scratch.make(tmp_path / ".gallery")
        scratch.remove()

        assert list(tmp_path.iterdir()) == []

    def test_gallery_that_is_used_meanwhile(self, tmp_path: Path) -> None:
        """A service made its first edit: then `.gallery` is a project's."""
        scratch = Scratch.make(tmp_path / ".gallery")
        (tmp_path / ".gallery" / "FORMAT").write_text("{}")
        scratch.remove()

        assert (tmp_path / ".gallery" / "FORMAT").exists()

    def test_two_at_once(self, tmp_path: Path) -> None:
        """The last of them takes `.gallery` along, whoever made it."""
        first = Scratch.make(tmp_path / ".gallery")
        second = Scratch.make(tmp_path / ".gallery")
        first.remove()
        assert second.folder.is_dir()
        second.remove()

        assert list(tmp_path.iterdir()) == []

    def test_gone_already(self, tmp_path: Path) -> None:
        scratch = Scratch.make(tmp_path / ".gallery")
        scratch.folder.rmdir()
        scratch.remove()

        assert list(tmp_path.iterdir()) == []

    def test_project_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            Scratch.make(tmp_path / "film" / ".gallery")

    @pytest.mark.parametrize("name", ["doctor-", "doctor-short", "log", "doctor-ILLEGAL000000000"])
    def test_other_names(self, name: str) -> None:
        assert not is_scratch(name)


class TestFailed:
    @pytest.mark.parametrize(
        ("number", "says"),
        [
            (errno.EROFS, "rw"),
            (errno.EACCES, "user"),
            (errno.ENOSPC, "Free"),
            (errno.EDQUOT, "quota"),
            (errno.EHOSTDOWN, "server"),
        ],
    )
    def test_remedy(self, number: int, says: str) -> None:
        """Each errno has a name for machines, and a remedy for people."""
        found = failed("fsync", OSError(number, "no"))

        assert found.verdict is Verdict.BAD
        assert found.figures["errno"] == errno.errorcode[number]
        assert says in found.remedy
