"""Times of files stay as they were, and are set again only where a share changes them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from orchestrator.gallery.fileops import effects, times
from tests.fileops.desk import LONG_AGO, Desk

EXT4, NFS, SMB = 0xEF53, 0x6969, 0xFF534D42
PATHS = [f"P/{number}.png" for number in range(5)]
NAMES = {path: f"new_{path[2:]}" for path in PATHS}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files whose time was set again."""
    found: list[str] = []
    utime = os.utime

    def set_again(path: Any, **named: Any) -> None:
        found.append(Path(path).name)
        utime(path, **named)

    monkeypatch.setattr(os, "utime", set_again)
    return found


def mount(patch: pytest.MonkeyPatch, kind: int | None, *, keeping: bool) -> None:
    """The project lies on such a file system, which keeps times or does not."""
    patch.setattr(times, "_file_system", lambda _folder: kind)
    if keeping:
        return

    def changing(source: str, target: str, **named: Any) -> None:
        effects.move(source, target, **named)
        Path(target).write_bytes(Path(target).read_bytes())

    patch.setattr("orchestrator.gallery.fileops.carrying.move", changing)


def times_in(folder: Path) -> set[int]:
    """Times of all files in a folder."""
    return {path.stat().st_mtime_ns for path in folder.iterdir()}


class TestWhereTheyAreKept:
    async def test_nothing_is_set(
        self, desk: Desk, asked: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A local disk keeps them."""
        desk.put(*PATHS)
        asked.clear()
        mount(monkeypatch, EXT4, keeping=True)
        await desk.rename(NAMES)
        assert asked == []
        assert times_in(desk.root / "P") == {LONG_AGO}

    async def test_not_believed_unseen(
        self, desk: Desk, asked: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first file of each folder shows that this one does not: then all are set."""
        desk.put(*PATHS, "Q/a.png", "R/b.png")
        asked.clear()
        mount(monkeypatch, EXT4, keeping=False)
        await desk.rename(NAMES)
        await desk.move("Q/a.png", "R/b.png", to="S/T")
        assert sorted(asked) == sorted([*NAMES.values(), "a.png", "b.png"])
        assert times_in(desk.root / "P") == times_in(desk.root / "S/T") == {LONG_AGO}

    async def test_a_folder(
        self, desk: Desk, asked: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Always: moving one into another changes an entry in it."""
        desk.put(*PATHS)
        (desk.root / "Q").mkdir()
        os.utime(desk.root / "P", ns=(LONG_AGO, LONG_AGO))
        asked.clear()
        mount(monkeypatch, EXT4, keeping=True)
        await desk.move("P", to="Q")
        assert asked == ["P"]
        assert (desk.root / "Q/P").stat().st_mtime_ns == LONG_AGO


class TestElsewhere:
    @pytest.mark.parametrize("kind", [NFS, SMB, None])
    async def test_they_are_set_again(
        self, desk: Desk, asked: list[str], monkeypatch: pytest.MonkeyPatch, kind: int | None
    ) -> None:
        """On shares, and where nobody can tell what it is."""
        desk.put(*PATHS)
        asked.clear()
        mount(monkeypatch, kind, keeping=False)
        await desk.rename(NAMES)
        assert sorted(asked) == sorted(NAMES.values())
        assert times_in(desk.root / "P") == {LONG_AGO}


class TestAsking:
    def test_the_file_system_is_told(self) -> None:
        """`/proc` is one whose type is the same everywhere, and keeps nothing."""
        if not Path("/proc/self").exists():
            pytest.skip("only Linux has /proc")
        assert times._file_system("/proc/self") == 0x9FA0

    def test_a_folder_that_is_gone(self, tmp_path: Path) -> None:
        """Nothing is known of it."""
        assert times._file_system(str(tmp_path / "nowhere")) is None
