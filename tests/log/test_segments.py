"""Names of segments, and the calls to the disk that they are written and read with."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.ids import ALPHABET
from events.log.disk_io import DiskIO
from events.log.segments import SegmentName, sort_out

writers = st.text(ALPHABET, min_size=16, max_size=16)
hosts = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=40)


class TestNames:
    @given(writers, hosts, st.integers(1, 999_999))
    def test_a_name_comes_back(self, writer: str, host: str, number: int) -> None:
        """Writer, host and number can be read from a name (FORMAT.md L1)."""
        name = SegmentName(writer, host, number)

        assert SegmentName.parse(str(name)) == name
        assert set(str(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")

    @given(st.text())
    def test_any_other_name_is_foreign(self, text: str) -> None:
        """A name is one of ours or it is not; nothing raises (FORMAT.md L1)."""
        parsed = SegmentName.parse(text)

        assert parsed is None or str(parsed) == text

    def test_names_sort_as_their_numbers_do(self) -> None:
        """A listing of a folder shows segments in order."""
        names = [str(SegmentName("0" * 16, "h", n)) for n in (1, 2, 10, 100, 999_999)]

        assert names == sorted(names)

    def test_sorting_out(self) -> None:
        """Each writer's numbers, and the rest."""
        a, b = ("0" * 16, "h"), ("1" * 16, "h")
        names = [str(SegmentName(*a, 2)), "x", str(SegmentName(*b, 1)), str(SegmentName(*a, 1))]
        listing = sort_out(names)

        assert listing.segments == {a: (1, 2), b: (1,)}
        assert listing.foreign == ("x",)
        assert listing.newest_writers() == {"h": "1" * 16}


class TestDisk:
    def test_creating_what_exists_is_refused(self, tmp_path: Path) -> None:
        """A segment has one writer, from its first byte on (FORMAT.md W1)."""
        disk = DiskIO()
        disk.close(disk.create(tmp_path / "x"))

        with pytest.raises(FileExistsError):
            disk.create(tmp_path / "x")

    def test_what_is_written_is_read(self, tmp_path: Path) -> None:
        """At its place, with the size the file has."""
        disk = DiskIO()
        descriptor = disk.create(tmp_path / "x")
        disk.write(descriptor, b"hello ", 0)
        disk.write(descriptor, b"world", 6)
        disk.sync(descriptor)
        disk.sync_folder(tmp_path)

        assert disk.size(descriptor) == 11
        disk.close(descriptor)
        chunk = disk.read(tmp_path / "x", 6, 3)
        assert (chunk.data, chunk.size) == (b"wor", 11)
        assert disk.read(tmp_path / "x", 50, 3).data == b""

    def test_short_writes_are_completed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The system may take a part of the bytes only; the rest is written too."""
        real = os.pwrite
        monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real(fd, bytes(data)[:3], at))
        disk = DiskIO()
        descriptor = disk.create(tmp_path / "x")
        disk.write(descriptor, b"0123456789", 0)
        disk.close(descriptor)

        assert (tmp_path / "x").read_bytes() == b"0123456789"

    def test_a_write_that_writes_nothing_is_an_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Rather than trying for ever."""
        monkeypatch.setattr(os, "pwrite", lambda *_: 0)
        disk = DiskIO()
        descriptor = disk.create(tmp_path / "x")

        with pytest.raises(OSError, match="nothing was written"):
            disk.write(descriptor, b"x", 0)
        disk.close(descriptor)

    @pytest.mark.parametrize(("number", "matters"), [(errno.EINVAL, False), (errno.EIO, True)])
    def test_folders_that_cannot_be_synced(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, matters: bool
    ) -> None:
        """SMB says that it cannot: then there is nothing to sync. Real errors count."""

        def fsync(_: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fsync", fsync)
        if not matters:
            DiskIO().sync_folder(tmp_path)
            return
        with pytest.raises(OSError, match=os.strerror(number)):
            DiskIO().sync_folder(tmp_path)

    def test_no_folder_has_no_names(self, tmp_path: Path) -> None:
        """A log that was never written is empty; other errors rise."""
        assert DiskIO().names(tmp_path / "none") == []
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(NotADirectoryError):
            DiskIO().names(tmp_path / "file")
