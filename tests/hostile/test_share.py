"""The hostile share does what it says: a test of what the other tests stand on."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.gallery.fileops.effects import RENAME
from tests.hostile.mounting import Share, mounted


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    """On a good day."""
    with mounted(tmp_path, seed=1) as made:
        yield made


def two_views(share: Share, name: str) -> tuple[Path, Path]:
    """One file, as two hosts see it."""
    return share.seen_by("north") / name, share.seen_by("south") / name


def test_a_host_holds_its_writes_back(share: Share) -> None:
    """The other host and the server see them once they are synced; itself sees them at once."""
    north, south = two_views(share, "a")
    with north.open("wb", buffering=0) as file:
        file.write(b"told")
        assert (north.read_bytes(), south.read_bytes()) == (b"told", b"")
        os.fsync(file.fileno())
        assert south.read_bytes() == (share.back / "a").read_bytes() == b"told"


def test_a_name_is_seen_late_but_is_taken_at_once(share: Share) -> None:
    """O_EXCL is decided by the server."""
    share.control(weather={"lag": 1e6})
    north, south = two_views(share, "a")
    north.write_bytes(b"told")
    assert north.exists()
    assert not south.exists()
    assert list(share.seen_by("south").iterdir()) == []
    with pytest.raises(FileExistsError):
        south.open("xb")


def test_bytes_are_seen_late_as_nothing_or_as_nuls(share: Share) -> None:
    """Size before data is what SMB and NFS show now and then."""
    north, south = two_views(share, "a")
    north.write_bytes(b"old ")
    share.control(weather={"lag": 1e6})
    with north.open("ab") as file:
        file.write(b"new")
    assert south.read_bytes() == b"old "
    share.control(weather={"lag": 1e6, "nuls": True})
    assert south.read_bytes() == b"old \0\0\0"


def test_a_power_cut_takes_what_was_not_synced(share: Share) -> None:
    """And the handles of that host are dead; the other host's are not."""
    north, south = two_views(share, "a")
    with north.open("wb", buffering=0) as file, south.open("rb", buffering=0) as reader:
        file.write(b"synced")
        os.fsync(file.fileno())
        file.write(b" lost")
        share.control(power="north")
        with pytest.raises(OSError, match="Stale") as caught:
            os.fsync(file.fileno())
        assert caught.value.errno == errno.ESTALE
        assert reader.read() == b"synced"
        with pytest.raises(OSError, match="Stale"):
            file.close()
    assert north.read_bytes() == b"synced"


def test_nothing_is_replaced_that_is_not_seen_yet(share: Share) -> None:
    """Flags of rename are refused, as NFS and SMB refuse them: ignored, they would replace."""
    share.control(weather={"lag": 1e6})
    north, south = two_views(share, "a")
    north.write_bytes(b"one")
    other = share.seen_by("south") / "b"
    other.write_bytes(b"two")
    assert RENAME is not None
    assert RENAME(os.fsencode(north), os.fsencode(north.with_name("b"))) == errno.EINVAL
    with pytest.raises(FileExistsError):
        os.link(north, north.with_name("b"))
    assert (south.exists(), other.read_bytes()) == (False, b"two")


def test_calls_go_wrong(share: Share) -> None:
    """One in three: errors, short writes, and things that were done all the same."""
    share.control(weather={"one_in": 3})
    numbers = set()
    for number in range(200):
        try:
            (share.seen_by("north") / f"f{number}").write_bytes(b"x" * 100)
        except OSError as exc:
            numbers.add(exc.errno)
    assert numbers == {errno.EIO, errno.ENOSPC, errno.ESTALE}
