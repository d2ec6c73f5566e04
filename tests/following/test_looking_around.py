"""Reading on without a listing: cheaper, and never anything missed for good."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from events.log.disk_io import DiskIO
from events.log.foreign import explain
from events.log.port import LogReadOnlyError, Tail
from events.log.reader import LogReader
from tests.log.builders import PROJECT, Builder, drafts, flat, make_gallery, merged, open_log
from tests.log.disks import DictDisk


class CountingDisk(DictDisk):
    """Counts how often the log folder is listed."""

    listed = 0

    def names(self, folder: Path) -> list[str]:
        self.listed += folder.name == "log"
        return super().names(folder) if folder.name == "log" else []


def reading(files: dict[str, bytes]) -> tuple[LogReader, CountingDisk]:
    """A reader of files in memory, and what it read them from."""
    disk = CountingDisk(files)
    return LogReader(Path(".gallery/log"), PROJECT, disk=disk, monotonic=lambda: 0.0), disk


class TestReadingOn:
    def test_known_segments_need_no_listing(self) -> None:
        """What a known writer adds is read."""
        log = Builder()
        log.add(*drafts(2))
        reader, disk = reading(log.files)
        flat(reader.read())
        log.add(*drafts(3))
        assert flat(reader.read(look_around=False)) == log.records[2:]
        assert disk.listed == 1

    def test_the_first_read_always_looks_around(self) -> None:
        """Nothing is known yet."""
        log = Builder()
        log.add(*drafts(2))
        reader, _ = reading(log.files)
        assert flat(reader.read(look_around=False)) == log.records

    def test_a_new_writer_is_met_at_the_next_look(self) -> None:
        """Not before; and then with all that it wrote."""
        log, other = Builder(), Builder(2, "host-b")
        log.add(*drafts(1))
        other.add(*drafts(2))
        files = dict(log.files)
        reader, _ = reading(files)
        flat(reader.read())
        files.update(other.files)
        assert flat(reader.read(look_around=False)) == []
        assert flat(reader.read()) == other.records

    def test_a_segment_that_names_the_next_is_followed_at_once(self) -> None:
        """A full segment's seal says that there is another."""
        log = Builder()
        log.add(*drafts(2))
        reader, _ = reading(log.files)
        flat(reader.read())
        log.roll()
        log.add(*drafts(2))
        assert flat(reader.read(look_around=False)) == log.records[2:]

    def test_a_file_that_vanishes_is_looked_for(self) -> None:
        """It cannot be opened: the next read lists, and knows that it is gone (FORMAT.md R3)."""
        log = Builder()
        log.add(*drafts(2))
        reader, _ = reading(log.files)
        flat(reader.read())
        log.files.clear()
        flat(reader.read(look_around=False))
        flat(reader.read(look_around=False))
        assert reader.findings()[0].kind is Tail.ROLLED_BACK

    def test_a_failed_listing_is_made_up_for(self) -> None:
        """The next read lists, whatever it was asked for."""

        class Once(CountingDisk):
            failing = True

            def names(self, folder: Path) -> list[str]:
                if self.failing:
                    raise OSError(errno.EHOSTDOWN, os.strerror(errno.EHOSTDOWN))
                return super().names(folder)

        log = Builder()
        log.add(*drafts(2))
        disk = Once(log.files)
        reader = LogReader(Path(".gallery/log"), PROJECT, disk=disk)
        assert flat(reader.read()) == []
        assert reader.findings()[0].kind is Tail.UNREADABLE
        disk.failing = False
        assert flat(reader.read(look_around=False)) == log.records
        assert reader.findings() == ()


class TestHowWritersStand:
    def test_each_writer_has_its_class(self) -> None:
        """One stops, the others go on (FORMAT.md R2)."""
        good, bad, late = Builder(1), Builder(2, "host-b"), Builder(3, "host-c")
        for log in (good, bad, late):
            log.add(*drafts(3))
        bad.raw(b'{"s":4}\n')
        late.raw(b'{"s":4,"h')
        reader, _ = reading(merged(good, bad, late))
        flat(reader.read())
        stand = {seen.host: seen.tail for seen in reader.writers("host-a")}
        assert stand == {"host-a": None, "host-b": Tail.CORRUPT, "host-c": Tail.IN_FLIGHT}
        ours = {seen.host: seen.ours for seen in reader.writers("host-a")}
        assert ours == {"host-a": True, "host-b": False, "host-c": False}

    def test_what_was_abandoned_is_counted(self) -> None:
        """A writer met an error, and went on in another segment (FORMAT.md R4)."""
        log = Builder()
        log.add(*drafts(2))
        log.raw(b'{"s":3,"h"')
        log.open()
        log.add(*drafts(1))
        reader, _ = reading(log.files)
        assert flat(reader.read()) == log.records
        (seen,) = reader.writers("host-b")
        assert (seen.tail, seen.abandoned) == (None, 1)

    def test_a_segment_that_was_rolled_is_not_abandoned(self) -> None:
        """Its seal says that all is well."""
        log = Builder()
        log.add(*drafts(2))
        log.roll()
        log.add(*drafts(1))
        reader, _ = reading(log.files)
        flat(reader.read())
        assert reader.writers("host-b")[0].abandoned == 0

    def test_when_it_was_heard(self) -> None:
        """Seconds since something new came; nothing if only the checkpoint knows of it."""
        log = Builder()
        log.add(*drafts(1))
        first, _ = reading(log.files)
        flat(first.read())
        assert first.writers("x")[0].quiet == 0.0
        again = LogReader(
            Path(".gallery/log"), PROJECT, disk=DictDisk(log.files), start=first.positions()
        )
        flat(again.read())
        assert again.writers("x")[0].quiet is None


class TestForeignNames:
    @pytest.mark.parametrize(
        "name",
        [
            "0000000000000001.host-a.000001 (conflicted copy 2026-11-25).jsonl",
            "0000000000000001.host-a.000001.sync-conflict-20261125-101500-ABCDEFG.jsonl",
            "0000000000000001.host-a.000001 (1).jsonl",
            "Copy of 0000000000000001.host-a.000001.jsonl",
            "0000000000000001.host-a.000001 - Kopie.jsonl",
        ],
    )
    def test_copies_of_sync_tools_are_explained(self, name: str) -> None:
        """They are listed, never read, and what to do about them is said (FORMAT.md L1)."""
        log = Builder()
        log.add(*drafts(2))
        reader, _ = reading({**log.files, name: log.files[log.name()]})
        assert flat(reader.read()) == log.records
        (finding,) = reader.findings()
        assert (finding.kind, finding.file) == (Tail.FOREIGN, name)
        assert "sync tool" in finding.message

    def test_other_names(self) -> None:
        """A segment in capitals, and anything else."""
        assert "capital letters" in explain("0000000000000001.HOST-A.000001.JSONL")
        assert explain("readme.txt") == "not a segment; ignored"


class TestShareThatTakesNothing:
    def test_a_read_only_share_is_told_before_anything_is_tried(self, tmp_path: Path) -> None:
        """The notice says what to do; nothing is written, and once it is over, writing goes on."""

        class Mounted(DiskIO):
            why: str | None = "mounted read-only here; mount it for writing"

            def unwritable(self, folder: Path) -> str | None:
                return self.why

        gallery, disk = make_gallery(tmp_path), Mounted()
        log = open_log(gallery, disk=disk)
        flat(log.read())
        assert log.read_only == Mounted.why
        with pytest.raises(LogReadOnlyError, match="mount it for writing"):
            log.append(*drafts(1))
        assert not log.beat("a", None, "1")
        assert [path.name for path in gallery.rglob("*")] == ["log"]
        disk.why = None
        flat(log.read())
        assert len(log.append(*drafts(1)).result()) == 1
        log.close()

    def test_how_it_is_noticed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """By the mount's options, and by the rights of this user."""
        disk = DiskIO()
        assert disk.unwritable(tmp_path) is None
        with monkeypatch.context() as patch:
            patch.setattr(os, "access", lambda *_: False)
            assert "the right to create files" in str(disk.unwritable(tmp_path))
        real = os.statvfs(tmp_path)

        class Told:
            f_flag = real.f_flag | os.ST_RDONLY

        monkeypatch.setattr(os, "statvfs", lambda _: Told)
        assert "mounted read-only" in str(disk.unwritable(tmp_path))
