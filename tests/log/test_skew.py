"""How far our clock is from the share's."""

from __future__ import annotations

import errno
import itertools
import os
import time
from pathlib import Path

import pytest

from events.log.disk_io import DiskIO
from events.log.folder import FolderLog
from events.log.format_file import Format
from events.log.port import ShareSilentError
from events.log.skew import LIMIT_MS, Look, Skew, judge, measure
from tests.log.builders import PROJECT, drafts, make_gallery, open_log

SECOND = 1_000_000_000
NOW = 1_800_000_000 * SECOND


class TestJudge:
    def test_the_narrowest_look_counts(self) -> None:
        """A slow answer says little; a quick one says it exactly."""
        slow = Look(NOW, NOW + 40 * SECOND, NOW + 39 * SECOND)
        quick = Look(NOW, NOW + SECOND // 100, NOW - 5 * SECOND)

        found = judge([slow, quick])

        assert found.ahead_ms == 5005.0
        assert found.doubt_ms == 5.0

    def test_a_clock_that_was_set_back_meanwhile_says_nothing(self) -> None:
        """A look with a negative span is not the narrowest."""
        odd, good = Look(NOW, NOW - 3600 * SECOND, NOW), Look(NOW, NOW + SECOND, NOW)

        assert abs(judge([odd, good]).ahead_ms) < 1000

    @pytest.mark.parametrize("side", [1, -1])
    def test_beyond_is_what_is_certain(self, side: int) -> None:
        """A share that answers slowly makes nobody read-only (FORMAT.md S5)."""
        assert not Skew(side * (LIMIT_MS + 400.0), 500.0).is_beyond
        assert not Skew(side * float(LIMIT_MS), 0.0).is_beyond
        assert Skew(side * (LIMIT_MS + 600.0), 500.0).is_beyond

    def test_it_tells_people_which_side(self) -> None:
        """In seconds."""
        assert str(Skew(90_000.0, 1.0)) == "90.0 s ahead of the share's clock"
        assert str(Skew(-61_500.0, 1.0)) == "61.5 s behind the share's clock"


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class _ServerTime(DiskIO):
    """A share whose clock is off; a client that writes sees its own time of the file."""

    def __init__(self, off: int) -> None:
        self.off = off
        self.written: set[int] = set()

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        self.written.add(os.fstat(descriptor).st_ino)
        super().write(descriptor, data, offset)

    def modified(self, path: Path) -> int:
        own = path.stat().st_ino in self.written
        return super().modified(path) + (0 if own else self.off)


class TestMeasure:
    @pytest.mark.parametrize("off", [-3600 * SECOND, 0, 3600 * SECOND])
    def test_the_server_is_the_reference(self, tmp_path: Path, off: int) -> None:
        """Also for an SMB client, which sees its own time once it has written."""
        found = measure(tmp_path, "w", "ada", _ServerTime(off), time.time_ns)

        assert abs(found.ahead_ms + off / 1e6) <= 60_000
        assert _names(tmp_path) == []

    def test_what_a_crash_left_is_swept_by_its_host(self, tmp_path: Path) -> None:
        """And by nobody else."""
        (tmp_path / ".clock.old-1-0.ada").touch()
        (tmp_path / ".clock.old-1-0.bob").touch()

        measure(tmp_path, "w", "ada", DiskIO(), time.time_ns)

        assert _names(tmp_path) == [".clock.old-1-0.bob"]

    def test_a_file_that_cannot_be_removed_does_no_harm(self, tmp_path: Path) -> None:
        """It is empty and hidden."""

        class Sticky(DiskIO):
            def remove(self, path: Path) -> None:
                raise PermissionError(errno.EACCES, "no")

        ticks = itertools.count(time.time_ns(), 1000)
        found = measure(tmp_path, "w", "ada", Sticky(), lambda: next(ticks))

        assert not found.is_beyond
        assert all(name.startswith(".clock.") for name in _names(tmp_path))


class TestOfALog:
    def test_nothing_stays_in_the_project(self, tmp_path: Path) -> None:
        """But for the folder, which heartbeats use too."""
        gallery = make_gallery(tmp_path)
        log = open_log(gallery, wall_ms=lambda: time.time_ns() // 1_000_000)

        measured = log.measure_clock()

        assert log.skew == measured
        assert sorted(path.name for path in gallery.rglob("*")) == ["live", "log"]

    def test_a_share_that_refuses_says_nothing_of_clocks(self, tmp_path: Path) -> None:
        """Then the last measure counts on."""

        class Away(DiskIO):
            def create(self, path: Path) -> int:
                raise OSError(errno.EHOSTDOWN, "host is down")

        log = open_log(make_gallery(tmp_path), disk=Away())

        with pytest.raises(ShareSilentError, match="host is down"):
            log.measure_clock()
        assert log.skew is None

    def test_silence_is_told_by_the_shares_clock(self, tmp_path: Path) -> None:
        """Ours may be off: it is corrected by what was measured."""
        gallery = make_gallery(tmp_path)
        ada = open_log(gallery, "ada", number=1)
        ada.append(*drafts(1)).result(10)
        ada.close()
        file = next((gallery / "log").iterdir())
        made = int(time.time()) - 600
        os.utime(file, (made, made))
        off = FolderLog(
            gallery, Format(PROJECT, "2024"), "bob",
            wall_ms=lambda: time.time_ns() // 1_000_000 + 1_800_000,
        )  # fmt: skip
        off.measure_clock()

        silent = off.silence("ada")

        assert silent is not None
        assert 590 <= silent <= 660
        (gallery / "live" / "0000000000000001.ada.json").write_bytes(b"x")
        assert (off.silence("ada") or 0.0) < 60
        off.close()
