"""Thumbnails on local disk: whole or not at all, never too many, never in the way."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from orchestrator.gallery.thumbnails.disk import DiskCache
from orchestrator.gallery.thumbnails.making import Made, Maker
from orchestrator.gallery.thumbnails.spec import MAKER, Format, Key, Spec
from tests.thumbnails.pictures import opened, scene, seen


def key(number: int = 0, spec: Spec | None = None) -> Key:
    """Which thumbnail: another number is another content."""
    return Key(1000 + number, f"{number:064x}"[::-1], spec or Spec())


def files(folder: Path) -> list[Path]:
    """All files below a folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def of_age(cache: DiskCache, number: int, seconds: float) -> None:
    """Let a kept thumbnail have been used so long ago."""
    then = time.time() - seconds
    os.utime(cache.folder / f"v{MAKER}" / key(number).head[:2] / key(number).name, (then, then))


@pytest.fixture
def cache(tmp_path: Path) -> DiskCache:
    """An empty cache."""
    return DiskCache(tmp_path / "cache")


class TestKeeping:
    @pytest.mark.parametrize("made", [Made(b"picture"), Made(b"part", whole=False)])
    def test_what_was_written_is_read(self, cache: DiskCache, made: Made) -> None:
        """With whether it is all of it; also by another process."""
        cache.write(key(), made)
        assert cache.read(key()) == made
        assert DiskCache(cache.folder).read(key()) == made

    def test_nothing_kept(self, cache: DiskCache) -> None:
        """Nothing found, and nothing created by looking."""
        assert cache.read(key()) is None
        assert not cache.folder.exists()

    def test_every_size_format_and_content_for_itself(self, cache: DiskCache) -> None:
        """None is taken for another."""
        keys = [
            key(), key(1), key(0, Spec(64)), key(0, Spec(256, Format.JPEG)),
            Key(999, key().head, Spec()),
        ]  # fmt: skip
        for number, each in enumerate(keys):
            cache.write(each, Made(b"%d" % number))
        assert [cache.read(each) for each in keys] == [Made(b"%d" % n) for n in range(len(keys))]

    def test_any_viewer_shows_them(self, cache: DiskCache, tmp_path: Path) -> None:
        """What stands behind the picture disturbs nobody."""
        scene().save(tmp_path / "a.png")
        for form in Format:
            spec = Spec(64, form)
            cache.write(key(0, spec), Maker().make(seen(tmp_path / "a.png"), spec))
        assert [opened(path.read_bytes()).size for path in files(cache.folder)] == [(64, 43)] * 2

    def test_no_drafts_are_left(self, cache: DiskCache) -> None:
        """One file for each."""
        for _ in range(3):
            cache.write(key(), Made(b"picture"))
        assert len(files(cache.folder)) == 1


class TestDamage:
    @pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 14])
    def test_cut_off(self, cache: DiskCache, length: int) -> None:
        """As if there were nothing; and the next one replaces it."""
        cache.write(key(), Made(b"picture"))
        (path,) = files(cache.folder)
        path.write_bytes(path.read_bytes()[:length])
        assert cache.read(key()) is None
        cache.write(key(), Made(b"picture"))
        assert cache.read(key()) == Made(b"picture")

    def test_any_byte(self, cache: DiskCache) -> None:
        """No damage passes for a picture."""
        cache.write(key(), Made(b"picture"))
        (path,) = files(cache.folder)
        good = path.read_bytes()
        for place in range(len(good)):
            bad = bytearray(good)
            bad[place] ^= 0x55
            path.write_bytes(bad)
            assert cache.read(key()) is None, place

    def test_a_full_disk(self, cache: DiskCache, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is said once, nothing is kept, nobody is hurt; later it works again."""

        def full(descriptor: int, data: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch, capture_logs() as logs:
            patch.setattr("orchestrator.gallery.thumbnails.disk._write_all", full)
            cache.write(key(1), Made(b"picture"))
            cache.write(key(2), Made(b"picture"))
        assert [line["event"] for line in logs] == ["thumbnails.cache_fails"]
        assert not files(cache.folder)
        cache.write(key(1), Made(b"picture"))
        assert cache.read(key(1)) == Made(b"picture")

    def test_a_file_where_the_folder_should_be(self, tmp_path: Path) -> None:
        """Nothing is kept, nobody is hurt."""
        (tmp_path / "cache").write_text("x")
        cache = DiskCache(tmp_path / "cache")
        cache.write(key(), Made(b"picture"))
        assert cache.read(key()) is None

    def test_deleted_under_us(self, cache: DiskCache) -> None:
        """It is disposable."""
        cache.write(key(1), Made(b"picture"))
        for path in files(cache.folder):
            path.unlink()
            path.parent.rmdir()
        assert cache.read(key(1)) is None
        cache.write(key(2), Made(b"picture"))
        assert cache.read(key(2)) == Made(b"picture")


class TestBounds:
    def test_the_oldest_go(self, tmp_path: Path) -> None:
        """What was not used for the longest, down to a little below the limit."""
        cache = DiskCache(tmp_path, limit=10 * 108)
        for number in range(10):
            cache.write(key(number), Made(bytes(100)))
            of_age(cache, number, seconds=1000 - number)
        assert len(files(tmp_path)) == 10
        cache.write(key(10), Made(bytes(100)))
        there = [number for number in range(11) if cache.read(key(number))]
        assert there == list(range(2, 11))

    def test_what_is_used_stays(self, tmp_path: Path) -> None:
        """Reading marks it, also for other processes and after a restart."""
        cache = DiskCache(tmp_path, limit=10 * 108)
        for number in range(10):
            cache.write(key(number), Made(bytes(100)))
            of_age(cache, number, seconds=100_000 - number)
        assert cache.read(key(0)) is not None
        again = DiskCache(tmp_path, limit=10 * 108)
        again.write(key(10), Made(bytes(100)))
        assert again.read(key(0)) is not None
        assert again.read(key(1)) is None

    def test_what_was_kept_before_counts(self, tmp_path: Path) -> None:
        """The limit is for the folder, not for one run of the service."""
        big = DiskCache(tmp_path)
        for number in range(20):
            big.write(key(number), Made(bytes(100)))
        DiskCache(tmp_path, limit=5 * 108).write(key(20), Made(bytes(100)))
        assert len(files(tmp_path)) == 4

    def test_a_mark_is_not_made_for_every_look(self, cache: DiskCache) -> None:
        """It would be a write for each read."""
        cache.write(key(), Made(b"picture"))
        (path,) = files(cache.folder)
        of_age(cache, 0, seconds=60)
        before = path.stat().st_mtime_ns
        cache.read(key())
        assert path.stat().st_mtime_ns == before

    def test_leftovers_are_cleared(self, cache: DiskCache) -> None:
        """Drafts whose writer died, and what programs of another version made; nothing else."""
        shelf = cache.folder / f"v{MAKER}" / "00"
        shelf.mkdir(parents=True)
        (shelf / "1-1.tmp").write_bytes(b"half")
        os.utime(shelf / "1-1.tmp", (1, 1))
        (shelf / "2-1.tmp").write_bytes(b"being written")
        old = cache.folder / f"v{MAKER + 1}" / "00"
        old.mkdir(parents=True)
        (old / "a.webp").write_bytes(b"x")
        (cache.folder / "notes").mkdir()
        cache.write(key(), Made(b"picture"))
        assert sorted(path.name for path in cache.folder.iterdir()) == ["notes", f"v{MAKER}"]
        assert [path.name for path in files(shelf)] == [key().name, "2-1.tmp"]
