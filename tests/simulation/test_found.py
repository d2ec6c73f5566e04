"""What the simulator found in the product, each as the small story that it came down to."""

from __future__ import annotations

from pathlib import Path

import pytest

from events.log import segments
from events.log.frame import Header
from events.log.lines import Head, place
from events.log.port import LogReadOnlyError, Tail
from events.log.segments import SegmentName
from events.stamp import HybridClock
from tests.log.builders import (
    MS,
    PROJECT,
    Builder,
    drafts,
    flat,
    make_gallery,
    open_log,
    read_all,
    steady,
    writer_name,
)
from tests.log.disks import FaultyDisk, RecordingDisk

FIRST = SegmentName(writer_name(1), "host-a", 1)
SECOND = SegmentName(writer_name(1), "host-a", 2)


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """An empty `.gallery`."""
    return make_gallery(tmp_path)


def clone_writes(path: Path, sequence: int, chain: bytes) -> None:
    """A clone of the machine adds a line to the file that both take for theirs."""
    head = Head(FIRST.writer, FIRST.host, sequence, chain)
    with path.open("ab") as file:
        file.write(place(drafts(1, "the clone")[0], head, HybridClock(steady(MS + 99))).data)


class TestClones:
    def test_what_the_other_wrote_to_our_file_is_read(self, gallery: Path) -> None:
        """A log that we left to somebody else is followed like any other (FORMAT.md W6)."""
        log = open_log(gallery, number=1)
        log.append(drafts(1)[0]).result(timeout=10)
        at = log.positions()[f"{FIRST.writer}.{FIRST.host}"]
        clone_writes(gallery / "log" / str(FIRST), 1, at.chain.encode())

        (record,) = log.append(drafts(1)[0]).result(timeout=10)
        read = flat(log.read())

        assert record.writer == writer_name(2)
        assert [(r.writer, r.sequence, r.actor) for r in read] == [(FIRST.writer, 2, "the clone")]
        assert log.positions()[f"{FIRST.writer}.{FIRST.host}"].sequence == 2
        log.close()

    def test_a_segment_of_ours_that_we_did_not_make(
        self, gallery: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """If the name of the next segment is taken, somebody else is us (FORMAT.md W6)."""
        monkeypatch.setattr(segments, "ROLL_BYTES", 1)
        log = open_log(gallery, number=1)
        log.append(drafts(1)[0]).result(timeout=10)
        (gallery / "log" / str(SECOND)).write_bytes(b"")

        (record,) = log.append(drafts(1)[0]).result(timeout=10)

        assert (record.writer, record.sequence) == (writer_name(2), 1)
        log.close()

    def test_a_segment_that_is_passed_over_is_told(self) -> None:
        """One that begins too far on, before one that fits, is another machine's (FORMAT.md R4)."""
        log = Builder()
        log.add(*drafts(2))
        fits = log.head
        log.open()
        too_far = Header(
            2, fits.writer, log.host, PROJECT, 9, b"f" * 32, "2024-01-01T00:00:00+00:00"
        )
        log.files[log.name(2)] = too_far.encode()
        log.open()
        log.add(*drafts(1))

        read, findings = read_all(log.files)

        assert read == log.records
        assert [(finding.kind, finding.file) for finding in findings] == [(Tail.GAP, log.name(1))]

    def test_a_fork_that_is_shorter_than_what_was_read(self) -> None:
        """A segment that repeats other lines than those read is a fork (FORMAT.md R4)."""
        ours, clone = Builder(), Builder()
        ours.add(*drafts(1))
        clone.add(*drafts(1))
        ours.add(*drafts(3))
        clone.open()
        clone.add(*drafts(1, "the clone"))
        files = {**ours.files, clone.name(2): clone.files[clone.name(2)]}

        read, findings = read_all(files)

        assert read == ours.records
        assert [finding.kind for finding in findings] == [Tail.CORRUPT]
        assert "two machines" in findings[0].message


class TestErrors:
    def test_half_a_header_hides_no_damage_behind_it(self) -> None:
        """What is only in flight does not silence an alarm about a later segment (FORMAT.md R2)."""
        log = Builder()
        log.files[log.name(1)] = b""
        log.open()
        log.add(*drafts(1))
        damaged = log.files[log.name(2)].replace(b"2024", b"2034", 1)

        _, findings = read_all({log.name(1): b"", log.name(2): damaged})

        assert [finding.kind for finding in findings] == [Tail.CORRUPT]

    def test_a_segment_that_lost_its_name_is_named_by_no_seal(
        self, gallery: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The share was restarted before the name was durable (FORMAT.md W7)."""
        monkeypatch.setattr(segments, "ROLL_BYTES", 1)

        class Forgets(RecordingDisk):
            def sync_folder(self, folder: Path) -> None:
                (folder / str(SECOND)).unlink(missing_ok=True)
                super().sync_folder(folder)

        log = open_log(gallery, disk=Forgets(), number=1)
        for item in drafts(2):
            log.append(item).result(timeout=10)

        assert b'{"seal":' not in (gallery / "log" / str(FIRST)).read_bytes()
        read = flat(open_log(gallery, "host-b").read())
        assert [record.sequence for record in read] == [1, 2]
        log.close()

    def test_a_writer_that_could_never_write_leaves_no_position(self, gallery: Path) -> None:
        """There is nothing of it that could ever be missing (FORMAT.md K1)."""
        log = open_log(gallery, disk=FaultyDisk(lambda _: True, 5), number=1)
        with pytest.raises(LogReadOnlyError):
            log.append(drafts(1)[0]).result(timeout=10)

        assert flat(log.read()) == []
        assert log.positions() == {}
        log.close()

    def test_lines_in_doubt_are_read_back_by_who_wrote_them(self, gallery: Path) -> None:
        """A writer that gave up reads what of its lines did arrive, as all others do."""
        header = 5  # create, write, sync, sync_folder, size
        disk = FaultyDisk(lambda calls: calls > header, 5, "done all the same")
        log = open_log(gallery, disk=disk, number=1)
        with pytest.raises(LogReadOnlyError):
            log.append(drafts(1)[0]).result(timeout=10)

        other = open_log(gallery, "host-b")
        assert flat(log.read()) == flat(other.read()) != []
        log.close()


class TestWithoutAThread:
    def test_nothing_is_written_until_asked(self, gallery: Path) -> None:
        """Whoever made the log drives it: what waits is written as one (FORMAT.md W3)."""
        log = open_log(gallery, number=1, threaded=False)
        one, two = log.append(drafts(1)[0]), log.append(drafts(1)[0])
        assert not (gallery / "log" / str(FIRST)).exists()

        assert log.write_some()
        assert [future.result(timeout=0)[0].sequence for future in (one, two)] == [1, 2]
        assert not log.write_some()

    def test_closing_writes_the_rest(self, gallery: Path) -> None:
        """What waits when it is closed is durable then, and the log is sealed."""
        log = open_log(gallery, number=1, threaded=False)
        future = log.append(drafts(1)[0])
        log.close()

        assert future.result(timeout=0)[0].sequence == 1
        assert (gallery / "log" / str(FIRST)).read_bytes().count(b'{"seal":') == 1
