"""Writing: durable before acknowledged, grouped, rolled, refused when too much waits."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import orjson
import pytest

from events.codec import Draft, draft
from events.log import segments, writer
from events.log.disk_io import DiskIO
from events.log.folder import FolderLog
from events.log.format_file import Format
from events.log.frame import Header, Seal, is_seal
from events.log.lines import Head, place
from events.log.port import LogBusyError, LogReadOnlyError, Tail
from events.log.segment_file import ForeignWriteError, SegmentFile
from events.log.segments import ROLL_BYTES, ROLL_SECONDS, SegmentName, is_full
from events.log.writer import SegmentWriter
from events.registry import Unknown
from events.stamp import HybridClock
from events.views import ViewSaved
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
from tests.log.disks import ForgetfulDisk, RecordingDisk, SlowDisk


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """An empty `.gallery`."""
    return make_gallery(tmp_path)


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments are full after two or three lines."""
    monkeypatch.setattr(segments, "ROLL_BYTES", 700)


def files(gallery: Path) -> dict[str, bytes]:
    """The segments, by name."""
    return {path.name: path.read_bytes() for path in sorted((gallery / "log").iterdir())}


class TestDurability:
    def test_an_acknowledged_line_survives_a_power_cut(self, gallery: Path) -> None:
        """When an append resolves, line, header and name are synced (FORMAT.md W3)."""
        disk = ForgetfulDisk()
        log = open_log(gallery, disk=disk, number=1)

        for item in drafts(5):
            (record,) = log.append(item).result(timeout=10)
            left = disk.left_after_power_cut()[str(SegmentName(writer_name(1), "host-a", 1))]
            assert left.count(b"\n") == record.sequence + 1

        log.close()

    def test_the_name_is_durable_before_the_first_line(self, gallery: Path) -> None:
        """A new file: header, its fsync, the folder's fsync, then lines and their fsync."""
        disk = RecordingDisk()
        log = open_log(gallery, disk=disk)
        log.append(drafts(1)[0]).result(timeout=10)

        calls = [call for call, _ in disk.calls]
        assert calls == ["create", "write", "sync", "sync_folder", "size", "size", "write", "sync"]
        log.close()

    def test_nothing_resolves_while_fsync_is_under_way(self, gallery: Path) -> None:
        """The future of an append is open until fsync has returned (FORMAT.md W3)."""
        disk = SlowDisk()
        log = open_log(gallery, disk=disk)
        future = log.append(drafts(1)[0])
        assert disk.syncing.wait(timeout=10)

        assert not future.done()
        disk.release.set()
        assert len(future.result(timeout=10)) == 1
        log.close()

    def test_reading_and_opening_create_nothing(self, gallery: Path) -> None:
        """The own file is made at the first append, not before (FORMAT.md W10)."""
        log = open_log(gallery)
        flat(log.read())
        assert files(gallery) == {}

        log.append(drafts(1)[0]).result(timeout=10)
        log.close()

        assert len(files(gallery)) == 1


class TestGroupCommit:
    def test_what_waits_during_an_fsync_shares_the_next(self, gallery: Path) -> None:
        """A hundred appends that come during one fsync cost one more (FORMAT.md W3)."""
        disk = SlowDisk()
        log = open_log(gallery, disk=disk)
        first = log.append(drafts(1)[0])
        assert disk.syncing.wait(timeout=10)
        rest = [log.append(item) for item in drafts(100)]
        disk.release.set()
        written = [record for future in (first, *rest) for record in future.result(timeout=10)]

        header, one, hundred = 1, 1, 1
        assert disk.count("sync") == header + one + hundred
        assert [record.sequence for record in written] == list(range(1, 102))
        log.close()

    def test_several_handed_over_at_once_are_durable_together(self, gallery: Path) -> None:
        """Whether they are one line or five, they cost one fsync (FORMAT.md W3)."""
        disk = SlowDisk()
        disk.release.set()
        log = open_log(gallery, disk=disk)

        written = log.append(*drafts(5)).result(timeout=10)

        header, five = 1, 1
        assert disk.count("sync") == header + five
        assert [record.sequence for record in written] == [1, 2, 3, 4, 5]
        log.close()

    def test_who_gives_up_is_written_all_the_same(self, gallery: Path) -> None:
        """What was taken has its number; later lines follow it (FORMAT.md W9)."""
        disk = SlowDisk()
        log = open_log(gallery, disk=disk)
        log.append(drafts(1)[0])
        assert disk.syncing.wait(timeout=10)
        given_up, kept = log.append(draft([rated(1)], "a")), log.append(draft([rated(2)], "b"))
        assert not given_up.cancel()
        disk.release.set()

        assert kept.result(timeout=10)[0].sequence == 3
        log.close()
        other = open_log(gallery, "host-b")
        assert [record.actor for record in flat(other.read())] == ["mara", "a", "b"]

    def test_close_writes_what_waits(self, gallery: Path) -> None:
        """Closing loses nothing that was accepted."""
        disk = SlowDisk()
        log = open_log(gallery, disk=disk)
        futures = [log.append(item) for item in drafts(5)]
        assert disk.syncing.wait(timeout=10)
        closing = threading.Thread(target=log.close)
        closing.start()
        disk.release.set()
        closing.join(timeout=10)

        assert [future.result(timeout=0)[0].sequence for future in futures] == [1, 2, 3, 4, 5]

    def test_a_batch_has_a_largest_size(
        self, gallery: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """More than one write's worth is written in several, all in order."""
        monkeypatch.setattr(writer, "MAX_BATCH_BYTES", 1_000)
        disk = SlowDisk()
        log = open_log(gallery, disk=disk)
        futures = [log.append(item) for item in drafts(20)]
        disk.release.set()

        assert [f.result(timeout=10)[0].sequence for f in futures] == list(range(1, 21))
        assert disk.count("sync") > 4
        log.close()


class TestQueue:
    @pytest.fixture
    def stuck(self, gallery: Path) -> Iterator[FolderLog]:
        """A log whose first append is being synced for as long as the test runs."""
        disk = SlowDisk()
        log = open_log(gallery, disk=disk)
        log.append(drafts(1)[0])
        assert disk.syncing.wait(timeout=10)
        yield log
        disk.release.set()
        log.close()

    def test_too_many_events_are_refused(self, stuck: FolderLog) -> None:
        """Ten thousand events may wait; then the client is told to come again (FORMAT.md W9)."""
        thousand = draft([rated(1)] * 1_000, "mara")
        for _ in range(10):
            stuck.append(thousand)

        with pytest.raises(LogBusyError) as refusal:
            stuck.append(drafts(1)[0])
        assert refusal.value.waiting == 10_000

    def test_too_many_bytes_are_refused(self, stuck: FolderLog) -> None:
        """16 MiB may wait (FORMAT.md W9)."""
        big = draft([ViewSaved(name="v", settings={"x": "y" * 1_000_000})], "mara")
        for _ in range(16):
            stuck.append(big)

        with pytest.raises(LogBusyError):
            stuck.append(big)

    def test_room_is_made_by_writing(self, gallery: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was written waits no more (FORMAT.md W9)."""
        monkeypatch.setattr(writer, "MAX_WAITING_EVENTS", 2)
        disk = SlowDisk()
        log = open_log(gallery, disk=disk)
        log.append(drafts(1)[0])
        assert disk.syncing.wait(timeout=10)
        waiting = [log.append(item) for item in drafts(2)]
        with pytest.raises(LogBusyError):
            log.append(drafts(1)[0])
        disk.release.set()
        waiting[1].result(timeout=10)

        assert log.append(drafts(1)[0]).result(timeout=10)
        log.close()


class TestRolling:
    def test_a_segment_is_full_at_8_mib_or_a_day(self) -> None:
        """Size and age decide, whichever comes first (FORMAT.md W7)."""
        assert (ROLL_BYTES, ROLL_SECONDS) == (8 * 1024 * 1024, 86_400)
        assert is_full(ROLL_BYTES, 0)
        assert is_full(1, ROLL_SECONDS)
        assert not is_full(ROLL_BYTES - 1, ROLL_SECONDS - 1)

    def test_the_next_segment_is_durable_before_the_seal(
        self, gallery: Path, small_segments: None
    ) -> None:
        """A seal names its successor only when that is on the disk (FORMAT.md W7)."""
        disk = RecordingDisk()
        log = open_log(gallery, disk=disk, number=1)
        for item in drafts(4):
            log.append(item).result(timeout=10)
        log.close()

        one, two = (str(SegmentName(writer_name(1), "host-a", n)) for n in (1, 2))
        roll = disk.calls[disk.calls.index(("create", two)) :]
        assert roll[:10] == [
            ("create", two),
            ("write", two),
            ("sync", two),
            ("sync_folder", "log"),
            ("size", two),
            ("size", one),
            ("write", one),
            ("sync", one),
            ("close", one),
            ("size", two),
        ]

    def test_header_and_seal_say_what_the_segment_holds(
        self, gallery: Path, small_segments: None
    ) -> None:
        """Numbers, sequences, sizes and hashes in them are those of the file (FORMAT.md L5, L6)."""
        log = open_log(gallery, disk=RecordingDisk(), number=1, wall_ms=steady())
        for item in drafts(8):
            log.append(item).result(timeout=10)
        log.close()

        made = files(gallery)
        assert len(made) > 2
        following = 1
        for number, (name, data) in enumerate(made.items(), 1):
            header_line, *lines, seal_line = data.splitlines()
            header, seal = Header.decode(header_line), Seal.decode(seal_line)
            before = data[: -len(seal_line) - 1]
            assert name == str(SegmentName(writer_name(1), "host-a", number))
            assert (header.segment, header.writer, header.host) == (
                number,
                writer_name(1),
                "host-a",
            )
            assert (header.project, header.base) == (PROJECT, following)
            assert (seal.segment, seal.count, seal.size) == (number, len(lines), len(before))
            assert seal.sha256 == sha256(before).hexdigest()
            following += len(lines)
            assert seal.last == following - 1
            assert seal.next == (number + 1 if number < len(made) else None)

    def test_what_is_written_never_changes(self, gallery: Path, small_segments: None) -> None:
        """Files only grow at their end, and none goes (FORMAT.md W1)."""
        log = open_log(gallery, disk=RecordingDisk())
        before: dict[str, bytes] = {}
        for item in drafts(12):
            log.append(item).result(timeout=10)
            now = files(gallery)
            assert all(now[name].startswith(data) for name, data in before.items())
            before = now
        log.close()

        assert all(files(gallery)[name].startswith(data) for name, data in before.items())

    def test_an_old_segment_is_rolled(self, gallery: Path) -> None:
        """The first write after a day goes to a new segment (FORMAT.md W7)."""
        now = [1_700_000_000.0]
        log = SegmentWriter(
            gallery / "log",
            PROJECT,
            "host-a",
            clock=HybridClock(lambda: MS),
            new_writer=lambda: writer_name(1),
            disk=RecordingDisk(),
            wall=lambda: now[0],
        )
        log.append(drafts(1)[0]).result(timeout=10)
        now[0] += ROLL_SECONDS
        log.append(drafts(1)[0]).result(timeout=10)
        log.close()

        one, two = files(gallery).values()
        assert is_seal(one.splitlines()[-1])
        assert Header.decode(two.splitlines()[0]).base == 2

    def test_a_reader_passes_from_segment_to_segment(
        self, gallery: Path, small_segments: None
    ) -> None:
        """Rolling shows in no record (FORMAT.md R8)."""
        mine = open_log(gallery, disk=RecordingDisk())
        other = open_log(gallery, "host-b")
        written, read = [], []
        for item in drafts(12):
            written += mine.append(item).result(timeout=10)
            read += flat(other.read())
            assert other.findings() == ()
        mine.close()

        assert read == written
        assert flat(other.read()) == []
        assert len(files(gallery)) > 3


class TestForeignWrite:
    def test_a_write_to_our_file_by_others_begins_a_new_log(self, gallery: Path) -> None:
        """If our file grew behind our back, we go where nobody else writes (FORMAT.md W6)."""
        log = open_log(gallery, disk=RecordingDisk(), number=1)
        (first,) = log.append(drafts(1)[0]).result(timeout=10)
        (path,) = (gallery / "log").iterdir()
        with path.open("ab") as file:
            file.write(b"who are you?\n")

        (second,) = log.append(draft([rated(2)], "mara")).result(timeout=10)
        (third,) = log.append(draft([rated(3)], "mara")).result(timeout=10)

        assert first.writer == writer_name(1)
        assert (second.writer, second.sequence) == (writer_name(2), 1)
        assert (third.writer, third.sequence) == (writer_name(2), 2)
        assert set(log.positions()) == {f"{writer_name(n)}.host-a" for n in (1, 2)}
        assert flat(log.read()) == []
        log.close()
        assert path.read_bytes().endswith(b"who are you?\n")

        other = open_log(gallery, "host-b")
        assert flat(other.read()) == [first, second, third]
        (finding,) = other.findings()
        assert (finding.kind, finding.file) == (Tail.CORRUPT, path.name)

    def test_a_truncated_file_begins_a_new_log(self, gallery: Path) -> None:
        """The same if it shrank: we write no hole (FORMAT.md W6)."""
        log = open_log(gallery, disk=RecordingDisk(), number=1)
        log.append(drafts(1)[0]).result(timeout=10)
        (path,) = (gallery / "log").iterdir()
        os.truncate(path, 50)

        (record,) = log.append(drafts(1)[0]).result(timeout=10)

        assert record.writer == writer_name(2)
        assert path.stat().st_size == 50
        log.close()

    def test_a_share_that_always_lies_about_sizes_ends_writing(self, gallery: Path) -> None:
        """Three times in a minute is no accident; nothing is acknowledged (FORMAT.md W5)."""

        class Lying(RecordingDisk):
            def size(self, descriptor: int) -> int:
                return super().size(descriptor) + 1

        log = open_log(gallery, disk=Lying(), number=1)

        with pytest.raises(LogReadOnlyError, match="somebody else wrote"):
            log.append(drafts(1)[0]).result(timeout=10)
        assert log.read_only is not None
        assert len(files(gallery)) == writer.MAX_FAILURES
        log.close()

    def test_the_descriptor_of_a_foreign_file_is_left(self, gallery: Path) -> None:
        """It is closed once, and never used again: its number may be somebody else's by then."""
        disk = RecordingDisk()
        descriptor = SegmentFile.create(
            gallery / "log",
            PROJECT,
            writer_head(),
            1,
            disk=disk,
            now=0,
        )
        (path,) = (gallery / "log").iterdir()
        path.write_bytes(b"")

        with pytest.raises(ForeignWriteError):
            descriptor.put(b"x", 1)
        assert [call for call, _ in disk.calls[-2:]] == ["size", "close"]


def writer_head() -> Head:
    """The head of a log without lines."""
    return Head.begin(PROJECT, writer_name(1), "host-a")


class TestRefusals:
    def test_a_host_that_cannot_stand_in_a_name_is_refused(self, gallery: Path) -> None:
        """Segments of such names would be read by nobody (FORMAT.md L1)."""
        for host in ("", "Host", "a.b", "a/b", "ü", "x" * 41):
            with pytest.raises(ValueError, match="no name of a segment"):
                open_log(gallery, host)

    def test_a_writer_id_that_cannot_stand_in_a_name_is_refused(self, gallery: Path) -> None:
        """The same of the writer's own id (FORMAT.md L1)."""
        with pytest.raises(ValueError, match="no name of a segment"):
            open_log(gallery, new_writer=lambda: "UPPER")

    def test_a_fault_of_ours_leaves_nobody_waiting(
        self, gallery: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """If the writer itself breaks, all who wait are told, and writing has ended."""
        disk = SlowDisk()
        log = open_log(gallery, disk=disk)
        log.append(drafts(1)[0])
        assert disk.syncing.wait(timeout=10)
        futures = [log.append(item) for item in drafts(3)]

        def broken(*_: object) -> None:
            raise RuntimeError("a fault of ours")

        noted: list[BaseException | None] = []
        monkeypatch.setattr(threading, "excepthook", lambda args: noted.append(args.exc_value))
        monkeypatch.setattr(writer, "Position", broken)
        disk.release.set()

        for future in futures:
            with pytest.raises(LogReadOnlyError, match="a fault of ours"):
                future.result(timeout=10)
        with pytest.raises(LogReadOnlyError):
            log.append(drafts(1)[0])
        log.close()
        assert [str(exc) for exc in noted] == ["a fault of ours"]

    def test_what_format_forbids_is_not_written(self, gallery: Path) -> None:
        """A project that needs a feature for writing which we lack is read only (FORMAT.md F3)."""
        log = FolderLog(gallery, Format(PROJECT, "2024", write=("compressed",)), "host-b")

        assert "compressed" in (log.read_only or "")
        with pytest.raises(LogReadOnlyError, match="compressed"):
            log.append(drafts(1)[0])
        log.close()


class TestThreads:
    def test_many_threads_append_at_once(self, gallery: Path) -> None:
        """Whoever appends, sequences stay gapless and stamps rise (FORMAT.md W2)."""
        log = open_log(gallery, disk=RecordingDisk())
        written: list[tuple[int, str]] = []

        def work(name: str) -> None:
            for item in drafts(50, name):
                written.extend((r.sequence, r.stamp) for r in log.append(item).result(timeout=10))

        threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        log.close()

        written.sort()
        assert [sequence for sequence, _ in written] == list(range(1, 401))
        assert [stamp for _, stamp in written] == sorted({stamp for _, stamp in written})

    def test_two_logs_of_one_host_do_not_disturb_each_other(self, gallery: Path) -> None:
        """Two processes of one host are two writers (FORMAT.md W1)."""
        one, two = open_log(gallery), open_log(gallery)
        written = one.append(drafts(1)[0]).result(10) + two.append(drafts(1)[0]).result(10)

        assert flat(one.read()) == written[1:]
        assert flat(two.read()) == written[:1]
        one.close()
        two.close()


def test_lines_are_plain_json(gallery: Path) -> None:
    """Any JSON tool reads a segment: UTF-8, one object a line, no NUL (FORMAT.md L3)."""
    told = ViewSaved(name="nul \0 and \u2028 and ü", settings={"a\nb": "\0"})
    log = open_log(gallery, disk=DiskIO(), number=1)
    (record,) = log.append(draft([told], "mara", "c")).result(timeout=10)
    log.close()

    (data,) = files(gallery).values()
    assert b"\0" not in data
    assert "ü".encode() in data
    header, line, seal = data.split(b"\n")[:-1]
    assert list(orjson.loads(header)) == [
        *("seg", "writer", "host", "project", "fmt", "base", "prev", "at", "k"),
    ]
    assert list(orjson.loads(line)) == ["s", "h", "t", "v", "a", "d", "c", "k"]
    assert list(orjson.loads(seal)) == ["seal", "last", "n", "bytes", "sha", "next", "k"]
    assert record.event == told
    assert not isinstance(record.event, Unknown)


def test_a_draft_knows_its_largest_size() -> None:
    """The bytes counted for a draft are never fewer than its line has."""
    item: Draft = draft([rated(1)], "mara", "c", beats=None)
    line = place(item, writer_head(), HybridClock(lambda: MS))
    assert len(line.data) <= item.size
