"""Searches on a share that is slow, stale or gone, among files that are broken or hostile."""

from __future__ import annotations

import os
import shutil
import struct
import threading
from pathlib import Path

import pytest
from PIL import Image

from orchestrator.errors import FileChanging, FileMissing
from orchestrator.gallery.duplicates import pixels
from orchestrator.gallery.duplicates.find import find
from orchestrator.gallery.duplicates.opening import opened
from orchestrator.gallery.duplicates.report import Candidate, Likeness, Link
from tests.duplicates.shelf import START, Shelf, names, scene
from tests.gallery_files.pngs import SIGNATURE, chunk

PICTURES = [Likeness.PIXELS, Likeness.LOOKS]


def pair(shelf: Shelf) -> None:
    """Two files that are the same in every way."""
    shelf.picture("good_1.png", scene(1))
    shelf.put("good_2.png", (shelf.root / "good_1.png").read_bytes())


class TestAgain:
    @pytest.mark.parametrize("kind", list(Likeness))
    def test_unchanged_files_are_not_read(self, shelf: Shelf, kind: Likeness) -> None:
        """The second search answers the same from the cache, faults included."""
        pair(shelf)
        shelf.picture("other_encoder.png", scene(1), compress_level=1)
        shelf.picture("jpeg.jpg", scene(1))
        shelf.put("broken_1.png", b"no picture at all")
        shelf.put("broken_2.png", SIGNATURE + b"torn")

        first = shelf.find(kind)
        second = shelf.find(kind)

        assert second == first
        assert first.groups
        assert shelf.reads[0] > 0
        assert shelf.reads[1] == 0

    def test_a_renamed_file_is_known_by_its_new_name(self, shelf: Shelf) -> None:
        """Once the cache was told."""
        pair(shelf)
        shelf.find(Likeness.LOOKS)
        (shelf.root / "good_2.png").rename(shelf.root / "hero.png")
        shelf.cache.moved([("good_2.png", "hero.png")])

        assert names(shelf.find(Likeness.LOOKS)) == [["good_1.png", "hero.png"]]
        assert shelf.reads[1] == 0

    def test_a_changed_file_is_read_again(self, shelf: Shelf) -> None:
        """It is told by its time."""
        pair(shelf)
        shelf.find(Likeness.CONTENT)
        size = (shelf.root / "good_1.png").stat().st_size
        shelf.put("good_1.png", b"x" * size)

        assert shelf.find(Likeness.CONTENT).groups == ()
        assert shelf.reads[1] == 1


class TestFilesThatMove:
    @pytest.mark.parametrize("kind", list(Likeness))
    def test_vanished_and_changed_files_are_named(self, shelf: Shelf, kind: Likeness) -> None:
        """A listing is older than the search; the other files go on."""
        pair(shelf)
        for name in ("gone.png", "changed.png", "touched.png", "folder.png"):
            shelf.put(name, (shelf.root / "good_1.png").read_bytes())
        listed = shelf.listed()
        (shelf.root / "gone.png").unlink()
        (shelf.root / "changed.png").write_bytes(b"shorter")
        os.utime(shelf.root / "touched.png", ns=(START, START))
        (shelf.root / "folder.png").unlink()
        (shelf.root / "folder.png").mkdir()

        report = shelf.find(kind, listed)

        assert names(report) == [["good_1.png", "good_2.png"]]
        reasons = dict(report.unreadable)
        assert sorted(reasons) == ["changed.png", "folder.png", "gone.png", "touched.png"]
        assert reasons["gone.png"] == "No such file or directory"
        assert reasons["changed.png"] == reasons["touched.png"] == "it changed while it was read"

    @pytest.mark.parametrize("kind", list(Likeness))
    def test_what_the_cache_knows_is_looked_at_again(self, shelf: Shelf, kind: Likeness) -> None:
        """Nobody is offered to trash the last file of a group."""
        pair(shelf)
        shelf.put("good_3.png", (shelf.root / "good_1.png").read_bytes())
        listed = shelf.listed()
        shelf.find(kind, listed)
        (shelf.root / "good_1.png").unlink()
        os.utime(shelf.root / "good_2.png", ns=(START, START))

        report = shelf.find(kind, listed)

        assert shelf.reads[1] == 0
        assert report.groups == ()
        assert dict(report.unreadable) == {
            "good_1.png": "No such file or directory",
            "good_2.png": "it changed since it was listed",
        }

    def test_written_to_while_it_is_read(self, shelf: Shelf) -> None:
        """The hash would be that of no version; whatever else was wrong with it meanwhile."""
        path = shelf.put("a.png", b"first")
        (listed,) = shelf.listed()

        def read_and_fail() -> None:
            with opened(shelf.root, listed, threading.Event()):
                path.write_bytes(b"second")
                raise OSError("torn")

        with pytest.raises(FileChanging):
            read_and_fail()

    def test_a_locked_file_is_named(self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
        """As Windows shares do while another program has it."""
        pair(shelf)
        shelf.put("locked.png", (shelf.root / "good_1.png").read_bytes())
        really = os.open

        def locked(path: Path, flags: int) -> int:
            if path.name == "locked.png":
                raise PermissionError(13, "Permission denied")
            return really(path, flags)

        monkeypatch.setattr(os, "open", locked)
        report = shelf.find(Likeness.CONTENT)

        assert names(report) == [["good_1.png", "good_2.png"]]
        assert report.unreadable == (("locked.png", "Permission denied"),)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes there")
    def test_a_pipe_does_not_hang(self, shelf: Shelf) -> None:
        """Something that was a file when it was listed."""
        pair(shelf)
        size = (shelf.root / "good_1.png").stat().st_size
        os.mkfifo(shelf.root / "pipe.png")
        pipe = Candidate("pipe.png", size, START)

        report = shelf.find(Likeness.CONTENT, [*shelf.listed(), pipe])

        assert names(report) == [["good_1.png", "good_2.png"]]
        assert [path for path, _ in report.unreadable] == ["pipe.png"]

    def test_a_share_that_is_gone(self, shelf: Shelf) -> None:
        """It is the share that is missing, not each of its files."""
        pair(shelf)
        listed = shelf.listed()
        shutil.rmtree(shelf.root)

        with pytest.raises(FileMissing):
            shelf.find(Likeness.CONTENT, listed)

    def test_a_share_that_goes_in_the_middle(
        self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Likewise."""
        pair(shelf)

        def gone(path: Path, flags: int) -> int:
            if shelf.root.exists():
                shelf.root.rename(shelf.root.with_name("elsewhere"))
            raise FileNotFoundError(2, "No such file or directory")

        monkeypatch.setattr(os, "open", gone)
        with pytest.raises(FileMissing):
            shelf.find(Likeness.CONTENT)


class TestHostileFiles:
    @pytest.mark.parametrize("kind", PICTURES)
    def test_each_is_named_and_the_others_go_on(self, shelf: Shelf, kind: Likeness) -> None:
        """Bombs, torn files, files that are not what they seem, and formats we cannot read."""
        pair(shelf)
        good = (shelf.root / "good_1.png").read_bytes()
        bomb = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
        shelf.put("bomb.png", SIGNATURE + chunk(b"IHDR", bomb) + chunk(b"IDAT") + chunk(b"IEND"))
        wide = struct.pack(">IIBBBBB", 2**31 - 1, 1, 8, 6, 0, 0, 0)
        shelf.put("wide.png", SIGNATURE + chunk(b"IHDR", wide) + chunk(b"IDAT") + chunk(b"IEND"))
        bitmap = bytearray(shelf.picture("bomb.bmp", Image.new("RGB", (8, 8))).read_bytes())
        bitmap[18:26] = struct.pack("<ii", 60_000, 60_000)
        shelf.put("bomb.bmp", bytes(bitmap))
        shelf.put("torn.png", good[:40])
        shelf.put("short.png", SIGNATURE)
        shelf.put("text.png", b"<html>not found</html>")
        shelf.put("script.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
        shelf.put("scene.exr", b"\x76\x2f\x31\x01")
        shelf.put("empty.jpg", b"")
        flipped = bytearray(good)
        flipped[good.index(b"IDAT") + 4 : good.index(b"IDAT") + 9] = b"\xff" * 5
        shelf.put("flipped.png", bytes(flipped))

        report = shelf.find(kind)

        assert names(report) == [["good_1.png", "good_2.png"]]
        reasons = dict(report.unreadable)
        assert len(reasons) == 10
        assert "pixels" in reasons["bomb.png"]
        assert "pixels" in reasons["wide.png"]
        assert "pixels" in reasons["bomb.bmp"]
        assert reasons["empty.jpg"] == "it is empty"
        assert reasons["text.png"] == reasons["script.png"] == "it is no picture that can be read"
        assert reasons["scene.exr"] == "pictures of its kind cannot be decoded here"
        assert not any(str(shelf.root) in reason for reason in reasons.values())

    def test_a_torn_end_shows_when_it_is_read(self, shelf: Shelf) -> None:
        """The beginning is that of the whole picture, so it comes to the test."""
        pair(shelf)
        good = (shelf.root / "good_1.png").read_bytes()
        shelf.put("torn.png", good[:-20])

        report = shelf.find(Likeness.PIXELS)

        assert names(report) == [["good_1.png", "good_2.png"]]
        ((path, reason),) = report.unreadable
        assert path == "torn.png"
        assert "ends" in reason

    def test_a_jpeg_called_png_is_a_jpeg(self, shelf: Shelf) -> None:
        """What a file is shows when it is opened."""
        shelf.picture("a.jpg", scene(1))
        shelf.put("b.png", (shelf.root / "a.jpg").read_bytes())

        assert names(shelf.find(Likeness.PIXELS)) == [["a.jpg", "b.png"]]

    def test_damaged_doubles_of_a_good_picture(self, shelf: Shelf) -> None:
        """Two copies that begin well and cannot be decoded: both are named."""
        image = scene(1, (400, 300))
        good = shelf.picture("good.png", image, compress_level=0).read_bytes()
        shelf.picture("same.png", image, compress_level=9)
        broken = bytearray(good)
        broken[-30:-20] = b"\xff" * 10
        shelf.put("broken_1.png", bytes(broken))
        shelf.put("broken_2.png", bytes(broken))

        report = shelf.find(Likeness.PIXELS)

        assert ["good.png", "same.png"] in names(report)
        assert not {"broken_1.png", "broken_2.png"} & set(names(report)[0])

    def test_a_lack_of_memory_is_not_remembered(
        self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is the moment's fault, not the file's."""
        pair(shelf)
        with monkeypatch.context() as patch:
            patch.setattr(Image.Image, "resize", lambda *_, **__: bytearray(1 << 62))
            short = shelf.find(Likeness.LOOKS)

        assert [reason for _, reason in short.unreadable] == ["Cannot allocate memory"] * 2
        assert names(shelf.find(Likeness.LOOKS)) == [["good_1.png", "good_2.png"]]

    def test_endless_animations_are_named(
        self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Frames cost as much as pictures do."""
        monkeypatch.setattr(pixels, "MAX_FRAMES", 64 * 48 * 3)
        frames = [scene(seed) for seed in range(4)]
        for name in ("a", "b"):
            shelf.picture(f"{name}.gif", frames[0], save_all=True, append_images=frames[1:])

        report = shelf.find(Likeness.PIXELS)

        assert report.groups == ()
        assert [path for path, _ in report.unreadable] == ["a.gif", "b.gif"]


class TestLinks:
    def test_hard_links_are_one_file(self, shelf: Shelf) -> None:
        """Removing one would free nothing."""
        pair(shelf)
        (shelf.root / "link.png").hardlink_to(shelf.root / "good_1.png")

        report = shelf.find(Likeness.CONTENT)

        assert names(report) == [["good_1.png", "good_2.png"]]
        assert report.links == (Link("link.png", of="good_1.png"),)

    @pytest.mark.parametrize("kind", list(Likeness))
    def test_a_file_is_no_duplicate_of_a_link_to_it(self, shelf: Shelf, kind: Likeness) -> None:
        """To keep the link and trash the file would lose the picture."""
        shelf.picture("z.png", scene(1))
        (shelf.root / "a.png").symlink_to(shelf.root / "z.png")

        report = shelf.find(kind)

        assert report.groups == ()
        assert report.links == (Link("a.png", of="z.png"),)

    def test_a_file_that_is_listed_twice_is_one(self, shelf: Shelf) -> None:
        """Whoever asks may ask carelessly."""
        shelf.put("a.png", b"frame")

        assert shelf.find(Likeness.CONTENT, shelf.listed() * 2).groups == ()


class TestStopping:
    @pytest.mark.parametrize("kind", list(Likeness))
    def test_stopped_before_it_began(self, shelf: Shelf, kind: Likeness) -> None:
        """Nothing is read, and the report says that it is not complete."""
        pair(shelf)
        stop = threading.Event()
        stop.set()

        report = shelf.find(kind, stop=stop)

        assert not report.complete
        assert report.groups == ()
        assert shelf.reads == [0]

    def test_the_next_search_goes_on(self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was read before the stop is in the cache."""
        for number in range(100):
            shelf.put(f"{number}.png", b"%3d" % (number // 2))
        stop = threading.Event()
        really, files = os.open, []

        def counted(path: Path, flags: int) -> int:
            files.append(path)
            if len(files) == 50:
                stop.set()
            return really(path, flags)

        monkeypatch.setattr(os, "open", counted)
        first = shelf.find(Likeness.CONTENT, stop=stop)
        second = shelf.find(Likeness.CONTENT)

        assert not first.complete
        assert second.complete
        assert len(second.groups) == 50
        assert 0 < shelf.reads[0] < 100
        assert shelf.reads[1] == 100 - shelf.reads[0]

    def test_a_fault_of_the_listener_ends_the_search(self, shelf: Shelf) -> None:
        """It is not ours to swallow, and no thread is left behind."""
        pair(shelf)

        def progress(read: int, to_read: int) -> None:
            raise RuntimeError("the listener failed")

        with pytest.raises(RuntimeError, match="listener"):
            find(shelf.root, shelf.listed(), Likeness.CONTENT, shelf.cache, progress=progress)
