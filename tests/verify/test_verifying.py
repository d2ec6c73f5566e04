"""Verifying: whatever is missing or was changed is told, with what can be put back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import define

from events.codec import draft
from events.log.disk_io import DiskIO
from events.log.mirror import Mirror
from events.log.reader import LogReader
from events.log.repair import plan, restore
from events.witness import LogMarked
from tests.log.builders import PROJECT, Builder, drafts, flat, merged
from tools.verify.findings import Kind, LogReport, Report
from tools.verify.verifying import ALL, Subset, verify


@contextmanager
def unseen(_name: str, _total: int) -> Iterator[Callable[[int], None]]:
    """Nobody watches."""
    yield lambda _count: None


@define
class Share:
    """A project's `.gallery`, and a host's copy of its log."""

    gallery: Path
    mirror: Mirror

    @property
    def log(self) -> Path:
        """The folder of the segments."""
        return self.gallery / "log"

    def verify(self, *, copy: bool = False, subset: Subset = ALL) -> Report:
        """Verify it."""
        mirror = self.mirror if copy else None
        return verify(self.gallery, PROJECT, mirror=mirror, subset=subset, phase=unseen)

    def keep(self) -> None:
        """Have the host read everything."""
        reader = LogReader(self.log, PROJECT, disk=DiskIO())
        reader.sink = self.mirror.take
        flat(reader.read())

    def cut(self, name: str, lines: int) -> None:
        """Leave only the first lines of a file."""
        kept = (self.log / name).read_bytes().splitlines(keepends=True)[:lines]
        (self.log / name).write_bytes(b"".join(kept))


@pytest.fixture
def one() -> Builder:
    """A log of two closed segments, and an open one."""
    log = Builder(1)
    for _ in range(2):
        log.add(*drafts(4))
        log.roll()
    log.add(*drafts(4))
    return log


@pytest.fixture
def witness(one: Builder) -> Builder:
    """Another host's log, which marks the first at its line 10."""
    log = Builder(2, "host-b")
    key = one.lines[9][-35:-3]
    log.add(*drafts(2), draft([LogMarked(host="host-b", heads={one.who: [10, key.decode()]})], "o"))
    return log


@pytest.fixture
def share(tmp_path: Path, one: Builder, witness: Builder) -> Share:
    """Both logs on a share."""
    made = Share(tmp_path / ".gallery", Mirror(tmp_path / "mirror", PROJECT))
    made.log.mkdir(parents=True)
    for name, data in merged(one, witness).items():
        (made.log / name).write_bytes(data)
    return made


def report_of(report: Report, who: str) -> LogReport:
    """The report of one log."""
    (found,) = [log for log in report.logs if log.who == who]
    return found


def broken(report: Report) -> list[Kind]:
    """Kinds of what is broken."""
    return sorted({found.kind for found in report.found if found.broken})


class TestWhole:
    def test_everything_is_there(self, share: Share, one: Builder, witness: Builder) -> None:
        """Lines, seals and marks are counted, and nothing is told."""
        share.keep()
        report = share.verify(copy=True)

        assert report.found == []
        assert (report.seals, report.marks, report.marks_elsewhere) == (2, 1, 0)
        log = report_of(report, one.who)
        assert (log.lines, log.known, log.marked, log.copied, log.lost) == (12, 12, 10, 12, None)
        assert report_of(report, witness.who).lines == 3

    def test_half_a_line_is_normal(self, share: Share, one: Builder) -> None:
        """It was never acknowledged."""
        with (share.log / one.name()).open("ab") as file:
            file.write(b'{"s":13,"h"')
        report = share.verify()

        assert {found.kind for found in report.found} == {Kind.TAIL}
        assert not report.broken

    def test_foreign_names_are_told(self, share: Share) -> None:
        """A conflict copy may hold what somebody looks for."""
        (share.log / "segment (conflicted copy).jsonl").write_bytes(b"x")
        report = share.verify()

        assert [(found.kind, found.broken) for found in report.found] == [(Kind.FOREIGN, False)]

    def test_a_write_error_that_was_survived_is_normal(self, tmp_path: Path) -> None:
        """Lines that stand twice, and a torn segment with a continuation (FORMAT.md W4)."""
        log = Builder(1)
        log.add(*drafts(3))
        log.raw(b'{"s":4,"h":"018b')
        log.open()
        log.add(*drafts(3))
        made = Share(tmp_path / ".gallery", Mirror(tmp_path / "m", PROJECT))
        made.log.mkdir(parents=True)
        for name, data in log.files.items():
            (made.log / name).write_bytes(data)

        report = made.verify()

        assert not report.broken
        assert report_of(report, log.who).lines == 6


class TestLoss:
    def test_cut_off_behind_a_line_is_seen_by_a_mark(self, share: Share, one: Builder) -> None:
        """No seal, no later segment, no copy: but another host has read more (FORMAT.md M2, M3)."""
        share.cut(one.name(3), 2)
        report = share.verify()

        assert broken(report) == [Kind.CHAIN]
        assert report_of(report, one.who).lost == (10, 10)

    @pytest.mark.parametrize("lines", range(1, 5))
    def test_or_by_our_own_copy(self, share: Share, one: Builder, lines: int) -> None:
        """Which also says what can be put back."""
        share.keep()
        share.cut(one.name(3), lines)
        report = share.verify(copy=True)

        log = report_of(report, one.who)
        assert log.lost == (8 + lines, 12)
        assert log.restorable == (8 + lines, 12)
        assert report.broken

    def test_a_log_that_is_gone(self, share: Share, one: Builder) -> None:
        """All of it: the mark remembers."""
        for number in (1, 2, 3):
            (share.log / one.name(number)).unlink()
        report = share.verify()

        assert report_of(report, one.who).lost == (1, 10)

    def test_a_rewritten_log(self, share: Share, one: Builder) -> None:
        """A chain that holds in itself, and is not the one that was read (FORMAT.md M3)."""
        forged = Builder(1)
        forged.add(*drafts(12, "eve"))
        for number in (2, 3):
            (share.log / one.name(number)).unlink()
        (share.log / one.name(1)).write_bytes(forged.files[forged.name()])

        assert broken(share.verify()) == [Kind.MARK]

    def test_a_rewritten_log_and_our_copy(self, share: Share, one: Builder) -> None:
        """What this host has read is as good a witness."""
        share.keep()
        forged = Builder(1)
        forged.add(*drafts(12, "eve"))
        for number in (2, 3):
            (share.log / one.name(number)).unlink()
        (share.log / one.name(1)).write_bytes(forged.files[forged.name()])

        assert broken(share.verify(copy=True)) == [Kind.COPY, Kind.MARK]

    def test_any_flipped_bit_before_a_mark_is_seen(self, share: Share, one: Builder) -> None:
        """At any byte of all that is older than the last mark (FORMAT.md M3)."""
        for number in (1, 2):
            path = share.log / one.name(number)
            whole = path.read_bytes()
            for at in range(0, len(whole), 13):
                data = bytearray(whole)
                data[at] ^= 1 << at % 7
                path.write_bytes(data)
                assert share.verify().broken, at
            path.write_bytes(whole)

    def test_any_cut_before_a_mark_is_seen(self, share: Share, one: Builder) -> None:
        """At any byte (FORMAT.md M3)."""
        for number in (1, 2, 3):
            path = share.log / one.name(number)
            whole = path.read_bytes()
            last = one.lines[min(4 * number, 10) - 1]
            for end in range(0, whole.find(last) + len(last), 29):
                path.write_bytes(whole[:end])
                assert share.verify().broken, end
            path.write_bytes(whole)

    def test_a_fork(self, share: Share, one: Builder) -> None:
        """A second good line for the same place, in a segment that nobody reads."""
        twin = Builder(1)
        twin.add(*drafts(9))
        other = Builder(1)
        other.head, other._segment = one.head, 3
        other.head = type(one.head)(one.head.writer, one.host, 9, one.lines[8][-35:-3])
        other.open()
        other.add(*drafts(2, "eve"))
        (share.log / other.name(4)).write_bytes(other.files[other.name(4)])

        assert Kind.FORK in broken(share.verify())

    def test_a_segment_of_another_project(self, share: Share, one: Builder) -> None:
        """Copied into this one."""
        stray = Builder(7, project="01hzother00000000000000000")
        stray.add(*drafts(1))
        (share.log / stray.name()).write_bytes(stray.files[stray.name()])

        assert Kind.PLACE in broken(share.verify())

    def test_two_hosts_with_the_same_writer(self, share: Share) -> None:
        """A machine was cloned, or a file renamed (FORMAT.md L2)."""
        clone = Builder(1, "host-z")
        clone.add(*drafts(1))
        (share.log / clone.name()).write_bytes(clone.files[clone.name()])

        assert broken(share.verify()) == [Kind.FORK]


class TestRepaired:
    def test_what_was_mended_is_no_loss(self, share: Share, one: Builder) -> None:
        """The damage is still there to be looked at, and costs nothing (FORMAT.md H3)."""
        share.keep()
        path = share.log / one.name(2)
        data = bytearray(path.read_bytes())
        data[400] ^= 1
        path.write_bytes(data)
        assert share.verify(copy=True).broken

        for lost in plan(share.log, PROJECT, share.mirror, DiskIO()).restore:
            restore(share.log, PROJECT, share.mirror, lost, DiskIO())
        report = share.verify(copy=True)

        assert not report.broken
        assert "mended" in " ".join(found.what for found in report.found)
        assert report_of(report, one.who).lines == 12

    def test_a_change_that_was_put_back_is_not_hidden(self, share: Share, one: Builder) -> None:
        """Another line in a closed segment is a fork, mended or not."""
        share.keep()
        (share.log / one.name(2)).unlink()
        for lost in plan(share.log, PROJECT, share.mirror, DiskIO()).restore:
            restore(share.log, PROJECT, share.mirror, lost, DiskIO())
        forged = Builder(1)
        forged.head = type(one.head)(one.head.writer, one.host, 4, one.lines[3][-35:-3])
        forged._segment = 1
        forged.open()
        forged.add(*drafts(3, "eve"))
        (share.log / one.name(2)).write_bytes(forged.files[forged.name(2)])

        assert share.verify(copy=True).broken


class TestSubset:
    def test_every_log_is_in_one_part(self, share: Share) -> None:
        """N parts are the whole."""
        parts = [share.verify(subset=Subset(part, 3)) for part in (1, 2, 3)]

        seen = [log.who for report in parts for log in report.logs]
        assert sorted(seen) == sorted(log.who for log in share.verify().logs)

    def test_a_part_that_is_broken(self, share: Share, one: Builder) -> None:
        """Is told by that part only; marks about other parts are counted."""
        share.cut(one.name(2), 3)
        parts = [share.verify(subset=Subset(part, 4)) for part in range(1, 5)]

        assert sum(report.broken for report in parts) == 1


class TestWhileItIsWritten:
    def test_lines_that_came_meanwhile_are_no_loss(
        self, share: Share, one: Builder, witness: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A mark may tell of lines that came after the log was looked at."""
        path = share.log / one.name(3)
        later = path.read_bytes()
        os.truncate(path, len(later) - len(b"".join(one.lines[9:])))
        fresh = LogReader.findings

        def arrive(reader: LogReader) -> object:
            path.write_bytes(later)
            return fresh(reader)

        monkeypatch.setattr(LogReader, "findings", arrive)
        report = share.verify()

        assert not report.broken
        assert report_of(report, one.who).lines == 12
