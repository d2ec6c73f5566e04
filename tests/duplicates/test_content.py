"""Files of the same bytes, and how little of them is read."""

from __future__ import annotations

import io
import threading
from hashlib import sha256

import pytest

from orchestrator.gallery.duplicates import content
from orchestrator.gallery.duplicates.opening import Opened, StoppedError
from orchestrator.gallery.duplicates.report import Likeness
from orchestrator.gallery.fingerprint import END
from tests.duplicates.shelf import Shelf, names

LARGE = bytes(i * 31 % 251 for i in range(2 * END + 1000))
#: As long, and the same at both ends.
OTHER_MIDDLE = LARGE[:END] + b"\1" + LARGE[END + 1 :]


class TestSameContent:
    def test_copies_are_a_group_oldest_first(self, shelf: Shelf) -> None:
        """Whatever their names and folders; the hash is the file's sha256."""
        shelf.put("z.png", b"frame")
        shelf.put("Panel_01/a.mp4", b"frame")
        shelf.put("other.png", b"other")

        report = shelf.find(Likeness.CONTENT)

        assert names(report) == [["z.png", "Panel_01/a.mp4"]]
        (group,) = report.groups
        assert group.hash == sha256(b"frame").hexdigest()
        assert (group.kind, group.distance, group.wasted) == (Likeness.CONTENT, 0, 5)
        assert report.wasted == 5
        assert report.complete
        assert report.unreadable == ()
        assert report.links == ()

    def test_the_same_ends_are_not_enough(self, shelf: Shelf) -> None:
        """Large files are read whole before they are called the same."""
        shelf.put("a.mov", LARGE)
        shelf.put("b.mov", OTHER_MIDDLE)
        shelf.put("c.mov", LARGE)

        report = shelf.find(Likeness.CONTENT)

        assert names(report) == [["a.mov", "c.mov"]]
        assert report.groups[0].hash == sha256(LARGE).hexdigest()
        assert shelf.reads == [6]

    def test_a_size_of_its_own_is_not_read(self, shelf: Shelf) -> None:
        """What nobody else is as large as has no double."""
        for size in range(1, 20):
            shelf.put(f"{size}.png", b"x" * size)

        assert shelf.find(Likeness.CONTENT).groups == ()
        assert shelf.reads == [0]

    def test_other_ends_are_not_read_whole(
        self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Uncompressed films of the same length have the same size, and other beginnings."""
        whole: list[int] = []

        def read_whole(opened: Opened) -> str:
            whole.append(opened.size)
            return "the same"

        monkeypatch.setattr(content, "read_whole", read_whole)
        for number in range(4):
            shelf.put(f"{number}.wav", bytes([number]) + LARGE)

        assert shelf.find(Likeness.CONTENT).groups == ()
        assert shelf.reads == [4]
        assert whole == []

    def test_largest_waste_first(self, shelf: Shelf) -> None:
        """Three small files may waste more than two large ones."""
        for name in ("a", "b"):
            shelf.put(f"{name}.png", b"12345")
        for name in ("c", "d", "e"):
            shelf.put(f"{name}.png", b"1234")

        report = shelf.find(Likeness.CONTENT)

        assert [group.wasted for group in report.groups] == [8, 5]
        assert report.wasted == 13

    def test_a_film_is_not_read_to_its_end_after_a_stop(self) -> None:
        """A film of many gigabytes takes minutes."""
        stop = threading.Event()
        pieces = Opened(io.BytesIO(LARGE), len(LARGE), stop).pieces(len(LARGE))
        stop.set()

        with pytest.raises(StoppedError):
            next(pieces)

    def test_empty_files_are_named(self, shelf: Shelf) -> None:
        """They hold nothing that could be the same."""
        shelf.put("a.png", b"")
        shelf.put("b.png", b"")

        report = shelf.find(Likeness.CONTENT)

        assert report.groups == ()
        assert report.unreadable == (("a.png", "it is empty"), ("b.png", "it is empty"))
