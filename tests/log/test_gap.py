"""Lines that are given up: every reader passes over the same ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from events.log.disk_io import DiskIO
from events.log.gaps import Gaps
from events.log.port import HARMLESS
from events.log.reader import LogReader
from events.log.skip import Found, find_gap
from events.record import Position, Record
from tests.log.builders import PROJECT, Builder, by_writer, drafts, flat


@pytest.fixture
def log() -> Builder:
    """Two segments of five lines."""
    made = Builder()
    made.add(*drafts(5))
    made.roll()
    made.add(*drafts(5))
    return made


@pytest.fixture
def folder(tmp_path: Path, log: Builder) -> Path:
    """The log on disk, beside another one."""
    other = Builder(2, "host-b")
    other.add(*drafts(2))
    for name, data in (log.files | other.files).items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def damage(folder: Path, log: Builder, *lines: int) -> None:
    """Change a byte in the payload of some lines, by their numbers."""
    for path in sorted(folder.glob(f"*{log.host}*")):
        data = path.read_bytes()
        for line in lines:
            whole = log.lines[line - 1]
            data = data.replace(whole, whole.replace(b'"mara"', b'"sara"'))
        path.write_bytes(data)


def find(folder: Path, log: Builder, gaps: Gaps | None = None) -> Found | None:
    """What stops all readers."""
    return find_gap(folder, PROJECT, log.who, DiskIO(), gaps or Gaps())


def read(folder: Path, *found: Found) -> tuple[list[Record], list[str]]:
    """What a reader takes that knows of some gaps; and its alarms."""
    reader = LogReader(folder, PROJECT, disk=DiskIO())
    for each in found:
        reader.gaps.add(each.who, each.first, each.behind)
    records = flat(reader.read())
    return records, [f.message for f in reader.findings() if f.kind not in HARMLESS]


class TestFinding:
    def test_a_healthy_log_has_none(self, folder: Path, log: Builder) -> None:
        """Nothing to give up (FORMAT.md H5)."""
        assert find(folder, log) is None
        assert find_gap(folder, PROJECT, "0" * 16 + ".nobody", DiskIO(), Gaps()) is None

    @pytest.mark.parametrize("line", [1, 3, 4, 6, 8])
    def test_one_damaged_line(self, folder: Path, log: Builder, line: int) -> None:
        """Only that one is given up (FORMAT.md H5)."""
        damage(folder, log, line)
        found = find(folder, log)

        assert found is not None
        assert (found.first, found.behind.sequence) == (line, line)
        records, alarms = read(folder, found)
        expected = [r for r in log.records if r.sequence != line]
        assert by_writer(records)[log.who] == expected
        assert alarms == []

    def test_several_lines(self, folder: Path, log: Builder) -> None:
        """Up to the next line that follows from the one before it."""
        damage(folder, log, 2, 3, 4)
        found = find(folder, log)

        assert found is not None
        assert (found.first, found.behind.sequence) == (2, 4)

    def test_a_missing_segment(self, folder: Path, log: Builder) -> None:
        """All of its lines; reading goes on with the next segment."""
        (folder / log.name(1)).unlink()
        found = find(folder, log)

        assert found is not None
        assert (found.first, found.behind.sequence, found.behind.segment) == (1, 5, 2)
        assert by_writer(read(folder, found)[0])[log.who] == log.records[5:]

    def test_one_after_the_other(self, folder: Path, log: Builder) -> None:
        """Damage behind a gap is a gap of its own."""
        damage(folder, log, 2, 8)
        first = find(folder, log)
        assert first is not None
        known = Gaps()
        known.add(first.who, first.first, first.behind)
        second = find(folder, log, known)

        assert second is not None
        assert second.first == 8
        records, alarms = read(folder, first, second)
        assert [r.sequence for r in by_writer(records)[log.who]] == [1, 3, 4, 5, 6, 7, 9, 10]
        assert alarms == []

    def test_nothing_good_behind(self, folder: Path, log: Builder) -> None:
        """Where nobody could read on, there is nothing to skip to."""
        damage(folder, log, 10)
        assert find(folder, log) is None


class TestForEver:
    def test_lines_that_turn_up_again_do_not_count(self, folder: Path, log: Builder) -> None:
        """So who comes later has the same state as who passed over them (FORMAT.md H5)."""
        damage(folder, log, 3)
        found = find(folder, log)
        assert found is not None
        for name, data in log.files.items():
            (folder / name).write_bytes(data)

        records, alarms = read(folder, found)

        assert [r.sequence for r in by_writer(records)[log.who]] == [1, 2, 4, 5, 6, 7, 8, 9, 10]
        assert alarms == []

    def test_what_is_no_gap(self) -> None:
        """Nonsense in an event is passed by."""
        gaps = Gaps()
        assert not gaps.add("x", 0, Position(5, "k", 1, 9))
        assert not gaps.add("x", 6, Position(5, "k", 1, 9))
        assert gaps.add("x", 5, Position(5, "k", 1, 9))
        assert not gaps.add("x", 5, Position(5, "k", 1, 9))
        assert gaps.count == 1

    def test_a_false_place_takes_nothing_false(self, folder: Path, log: Builder) -> None:
        """A gap that leads into the middle of something stops there (FORMAT.md R6)."""
        damage(folder, log, 3)
        false = Found(log.who, 3, Position(7, "0" * 32, 2, 333))
        records, alarms = read(folder, false)

        assert by_writer(records)[log.who] == log.records[:2]
        assert alarms
