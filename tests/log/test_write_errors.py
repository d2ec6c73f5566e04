"""Every call to the share may fail: nothing acknowledged is lost, and nothing false is read."""

from __future__ import annotations

import errno
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import define, field

from events.codec import draft
from events.log import segments
from events.log.frame import Header
from events.log.port import LogReadOnlyError, Tail
from events.log.writer import FAILURE_WINDOW, SegmentWriter
from events.record import Record
from events.stamp import HybridClock
from tests.log.builders import (
    MS,
    PROJECT,
    drafts,
    flat,
    make_gallery,
    open_log,
    rated,
    steady,
    writer_name,
)
from tests.log.disks import ERRNOS, FAILURES, FaultyDisk, RecordingDisk


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments are full after two lines."""
    monkeypatch.setattr(segments, "ROLL_BYTES", 600)


@define
class Story:
    """A writer that meets errors, a reader that watches, and a reader that comes late."""

    gallery: Path
    disk: FaultyDisk
    acknowledged: list[Record] = field(factory=list)
    refused: int = 0
    watched: list[Record] = field(factory=list)

    def run(self, count: int) -> None:
        """Append one by one, reading on another host after each, then close."""
        log = open_log(self.gallery, disk=self.disk, number=1, wall_ms=steady(MS))
        watcher = open_log(self.gallery, "host-b", disk=RecordingDisk())
        for item in drafts(count):
            try:
                self.acknowledged += log.append(item).result(timeout=10)
            except LogReadOnlyError:
                self.refused += 1
            self.watched += flat(watcher.read())
        log.close()
        self.watched += flat(watcher.read())
        for descriptor in self.disk.broken:
            os.close(descriptor)

        assert [f for f in watcher.findings() if f.kind is not Tail.IN_FLIGHT] == []

    def judge(self) -> None:
        """Nothing acknowledged is lost, nothing is read twice, nothing false, by either reader."""
        late = open_log(self.gallery, "host-c", disk=RecordingDisk())
        read = flat(late.read())
        told = {item.events[0] for item in drafts(20)}

        assert self.disk.touched_again == []
        assert [r for r in read if r in self.acknowledged] == self.acknowledged
        assert [record.sequence for record in read] == list(range(1, len(read) + 1))
        assert {record.event for record in read} <= told
        assert len(read) == len({record.event for record in read})
        assert self.watched == read
        assert len(read) <= len(self.acknowledged) + self.refused
        assert [f for f in late.findings() if f.kind is not Tail.IN_FLIGHT] == []


def calls_of_a_healthy_run(tmp_path: Path) -> int:
    """How many calls to the disk the story takes when none fails."""
    story = Story(make_gallery(tmp_path / "healthy"), FaultyDisk(lambda _: False, errno.EIO))
    story.run(6)
    story.judge()
    assert story.refused == 0
    return len(story.disk.calls)


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.usefixtures("small_segments")
def test_any_one_call_fails(tmp_path: Path, failure: str) -> None:
    """Whichever call of a writer fails, and whatever it did, while another host reads: all is
    acknowledged, and read (FORMAT.md W4). `test_every_call.py` has all calls and all errors.
    """  # noqa: D205  # the summary needs both halves
    total = calls_of_a_healthy_run(tmp_path)
    assert total > 30
    for place in range(total):
        story = Story(
            make_gallery(tmp_path / str(place)),
            FaultyDisk(place.__eq__, ERRNOS[place % len(ERRNOS)], failure),
        )
        story.run(6)
        story.judge()
        assert story.refused == 0, f"call {place}"
        assert len(story.acknowledged) == 6


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.usefixtures("small_segments")
def test_the_share_goes_away_at_any_call_and_stays_away(tmp_path: Path, failure: str) -> None:
    """From any call on nothing works: what was acknowledged is there, no more is (FORMAT.md W5)."""
    total = calls_of_a_healthy_run(tmp_path)
    for place in range(total):
        story = Story(
            make_gallery(tmp_path / str(place)),
            FaultyDisk(place.__le__, errno.EIO, failure),
        )
        story.run(6)
        story.judge()
        assert len(story.acknowledged) + story.refused == 6


def flaky(seed: int, rate: float) -> Callable[[int], bool]:
    """Fails now and then, the same way each time."""
    dice = random.Random(seed)
    return lambda _: dice.random() < rate


def _flaky_stories(tmp_path: Path, seeds: range) -> None:
    for seed in seeds:
        disk = FaultyDisk(flaky(seed, 0.04), ERRNOS[seed % len(ERRNOS)], FAILURES[seed % 3])
        story = Story(make_gallery(tmp_path / str(seed)), disk)
        story.run(12)
        story.judge()


@pytest.mark.usefixtures("small_segments")
def test_a_flaky_share(tmp_path: Path) -> None:
    """Errors at random, often several within one write (FORMAT.md W4)."""
    _flaky_stories(tmp_path, range(100))


@pytest.mark.campaign
@pytest.mark.usefixtures("small_segments")
def test_a_flaky_share_for_long(tmp_path: Path) -> None:
    """The same, many more times (FORMAT.md W4)."""
    _flaky_stories(tmp_path, range(100, 5_000))


class TestAfterAnError:
    def test_lines_in_doubt_are_written_again_byte_for_byte(self, tmp_path: Path) -> None:
        """The next segment repeats them; readers take them once (FORMAT.md W4, R4)."""
        gallery = make_gallery(tmp_path)
        disk = FaultyDisk(lambda made: made == 9, errno.EIO)
        log = open_log(gallery, disk=disk, number=1)
        for item in drafts(3):
            log.append(item).result(timeout=10)
        log.close()

        one, two = (path.read_bytes() for path in sorted((gallery / "log").iterdir()))
        first, second = one.split(b"\n"), two.split(b"\n")
        assert disk.calls[9] == ("write", f"{writer_name(1)}.host-a.000001.jsonl")
        assert Header.decode(second[0]).base == 2
        assert len(first) == 3
        assert len(flat(open_log(gallery, "host-b").read())) == 3

    def test_a_line_that_landed_all_the_same_is_not_read_twice(self, tmp_path: Path) -> None:
        """The fsync failed, yet the bytes are there: the same line stands twice (FORMAT.md R4)."""
        gallery = make_gallery(tmp_path)
        disk = FaultyDisk(lambda made: made == 10, errno.EIO)
        log = open_log(gallery, disk=disk, number=1)
        written = [r for item in drafts(3) for r in log.append(item).result(timeout=10)]
        log.close()

        one, two = (path.read_bytes() for path in sorted((gallery / "log").iterdir()))
        assert disk.calls[10][0] == "sync"
        assert one.split(b"\n")[2] == two.split(b"\n")[1]
        assert flat(open_log(gallery, "host-b").read()) == written

    def test_the_descriptor_is_never_touched_again(self, tmp_path: Path) -> None:
        """Not even closed: the kernel may have dropped what it could not write (FORMAT.md W4)."""
        disk = FaultyDisk(lambda made: made == 10, errno.EIO)
        log = open_log(make_gallery(tmp_path), disk=disk, number=1)
        for item in drafts(3):
            log.append(item).result(timeout=10)
        log.close()

        assert len(disk.broken) == 1
        assert disk.touched_again == []


class TestGivingUp:
    def test_three_errors_in_a_minute_end_writing_for_all_who_wait(self, tmp_path: Path) -> None:
        """Nobody is told that it is well; the reason names the error (FORMAT.md W5)."""
        gallery = make_gallery(tmp_path)
        all_wait = threading.Event()
        disk = FaultyDisk(lambda _: all_wait.wait(10), errno.ENOSPC)
        log = open_log(gallery, disk=disk, number=1)
        futures = [log.append(item) for item in drafts(4)]
        all_wait.set()

        for future in futures:
            with pytest.raises(LogReadOnlyError, match="No space left"):
                future.result(timeout=10)
        assert "No space left" in (log.read_only or "")
        with pytest.raises(LogReadOnlyError, match="No space left"):
            log.append(drafts(1)[0])
        log.close()

    def test_errors_far_apart_are_borne(self, tmp_path: Path) -> None:
        """An error now and then, never three in a minute, ends nothing (FORMAT.md W5)."""
        gallery = make_gallery(tmp_path)
        now, fail_once = [0.0], [False]

        def failing(_: int) -> bool:
            once, fail_once[0] = fail_once[0], False
            return once

        writer = SegmentWriter(
            gallery / "log",
            PROJECT,
            "host-a",
            clock=HybridClock(lambda: MS),
            new_writer=lambda: writer_name(1),
            disk=FaultyDisk(failing, errno.EIO),
            monotonic=lambda: now[0],
        )
        for round_ in range(6):
            now[0] = round_ * (FAILURE_WINDOW / 2 + 1)
            fail_once[0] = True
            writer.append(draft([rated(round_ % 6)], "mara")).result(timeout=10)
        writer.close()

        assert writer.read_only is None
        assert len(flat(open_log(gallery, "host-b").read())) == 6
