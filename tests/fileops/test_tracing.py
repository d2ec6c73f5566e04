"""Telling from the disk how far each file of a plan has come."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from orchestrator.gallery.fileops import tracing
from orchestrator.gallery.fileops.steps import Role, Step
from orchestrator.gallery.fileops.tracing import trace
from orchestrator.gallery.fingerprint import head

WHEN = 1_600_000_000_000_000_000


def put(root: Path, name: str, data: bytes = b"same size") -> Path:
    """A file of one time."""
    path = root / name
    path.write_bytes(data)
    os.utime(path, ns=(WHEN, WHEN))
    return path


def step(root: Path, name: str, to: str, **more: Any) -> Step:
    """The step of a file as it lies there now."""
    info = (root / name).stat()
    plain = Step(source=name, to=to, size=info.st_size, mtime=info.st_mtime_ns, ino=info.st_ino)
    return evolve(plain, **more)


def around(root: Path, name: str, aside: str, to: str) -> list[Step]:
    """The steps of a file that steps aside first."""
    last = step(root, name, to, source=aside, path=name)
    return [step(root, name, aside, role=Role.PARK), last]


def done(root: Path, steps: list[Step]) -> list[bool]:
    """Which steps are behind."""
    found = trace(root, steps)
    return [not found.is_next(index) for index in range(len(steps))]


class TestOneFile:
    def test_by_where_it_lies(self, tmp_path: Path) -> None:
        """At its old name nothing was done, at its new one all was."""
        put(tmp_path, "a.png")
        steps = [step(tmp_path, "a.png", "b.png")]
        assert done(tmp_path, steps) == [False]
        (tmp_path / "a.png").rename(tmp_path / "b.png")
        assert done(tmp_path, steps) == [True]

    def test_gone(self, tmp_path: Path) -> None:
        """Under none of its names."""
        steps = [step(tmp_path, put(tmp_path, "a.png").name, "b.png")]
        (tmp_path / "a.png").unlink()
        with pytest.raises(FileNotFoundError):
            trace(tmp_path, steps).is_next(0)

    def test_its_place_was_taken_by_another(self, tmp_path: Path) -> None:
        """What lies at its new name is not the file; at its old name it still is."""
        steps = [step(tmp_path, put(tmp_path, "a.png").name, "b.png")]
        put(tmp_path, "b.png", b"another one")
        assert done(tmp_path, steps) == [False]

    def test_written_to_meanwhile(self, tmp_path: Path) -> None:
        """Another size and time, but its inode: it is not left in the lurch."""
        put(tmp_path, "a.png")
        steps = [step(tmp_path, "a.png", "b.png")]
        (tmp_path / "a.png").rename(tmp_path / "b.png")
        with (tmp_path / "b.png").open("ab") as file:
            file.write(b"more")
        assert done(tmp_path, steps) == [True]

    def test_a_share_that_changes_time_and_inode(self, tmp_path: Path) -> None:
        """By size and bytes, where these are known."""
        path = put(tmp_path, "a.png")
        print_ = head(path, path.stat().st_size)
        path.rename(tmp_path / "b.png")
        path.write_bytes(b"same_size")
        steps = [Step(source="a.png", to="b.png", size=9, mtime=1, ino=1, head=print_)]
        assert done(tmp_path, steps) == [True]

    def test_two_that_look_alike(self, tmp_path: Path) -> None:
        """Nothing tells which it is: nothing is touched."""
        put(tmp_path, "a.png")
        put(tmp_path, "b.png", b"also nine")
        steps = [step(tmp_path, "a.png", "b.png", ino=None)]
        with pytest.raises(FileExistsError) as raised:
            trace(tmp_path, steps).is_next(0)
        assert raised.value.errno == errno.EEXIST
        assert len(list(tmp_path.iterdir())) == 2

    def test_no_file_but_a_folder_or_link(self, tmp_path: Path) -> None:
        """What lies there is something else."""
        steps = [step(tmp_path, put(tmp_path, "a.png").name, "b.png")]
        (tmp_path / "a.png").rename(tmp_path / "c.png")
        (tmp_path / "a.png").mkdir()
        (tmp_path / "b.png").symlink_to("c.png")
        with pytest.raises(FileNotFoundError):
            trace(tmp_path, steps).is_next(0)

    def test_a_folder(self, tmp_path: Path) -> None:
        """Folders change size and time by themselves."""
        (tmp_path / "P").mkdir()
        steps = [step(tmp_path, "P", "Q", role=Role.FOLDER)]
        assert done(tmp_path, steps) == [False]
        (tmp_path / "P").rename(tmp_path / "Q")
        put(tmp_path, "Q/a.png")
        assert done(tmp_path, steps) == [True]


class TestLookAlikes:
    @pytest.mark.parametrize("how_far", range(4))
    def test_a_swap(self, tmp_path: Path, how_far: int) -> None:
        """Equal size, equal time: the inode tells."""
        put(tmp_path, "a.png")
        put(tmp_path, "b.png", b"also nine")
        first, last = around(tmp_path, "a.png", "x.png", "b.png")
        steps = [first, step(tmp_path, "b.png", "a.png"), last]
        for each in steps[:how_far]:
            (tmp_path / each.source).rename(tmp_path / each.to)
        assert done(tmp_path, steps) == [index < how_far for index in range(3)]

    def test_one_that_is_known_helps_the_other(self, tmp_path: Path) -> None:
        """What is surely another file of the plan cannot be this one."""
        put(tmp_path, "a.png")
        put(tmp_path, "b.png", b"also nine")
        steps = [step(tmp_path, "b.png", "c.png"), step(tmp_path, "a.png", "b.png", ino=None)]
        assert done(tmp_path, steps) == [False, False]
        (tmp_path / "b.png").rename(tmp_path / "c.png")
        assert done(tmp_path, steps) == [True, False]


class TestTwoNames:
    def test_left_by_a_crash(self, tmp_path: Path) -> None:
        """Between linking and unlinking: the older one goes."""
        put(tmp_path, "a.png")
        steps = [step(tmp_path, "a.png", "b.png")]
        os.link(tmp_path / "a.png", tmp_path / "b.png")
        assert done(tmp_path, steps) == [True]
        assert [path.name for path in tmp_path.iterdir()] == ["b.png"]

    def test_somebodys_own_hard_links_stay(self, tmp_path: Path) -> None:
        """Both are in the plan: two files to people, and both keep a name."""
        put(tmp_path, "a.png")
        os.link(tmp_path / "a.png", tmp_path / "b.png")
        first, last = around(tmp_path, "a.png", "x.png", "b.png")
        trace(tmp_path, [first, step(tmp_path, "b.png", "a.png"), last])
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


class TestSharesThatDoNotHeedCase:
    @pytest.fixture
    def heedless(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Looking at `A.png` shows `a.png`, if that is there."""
        look = os.lstat

        def lstat(path: str | Path) -> os.stat_result:
            path = Path(path)
            for found in path.parent.iterdir():
                if found.name.lower() == path.name.lower():
                    return look(found)
            return look(path)

        monkeypatch.setattr(tracing.os, "lstat", lstat)  # type: ignore[attr-defined]

    @pytest.mark.parametrize("how_far", range(3))
    def test_the_only_name_is_never_removed(
        self, tmp_path: Path, heedless: None, how_far: int
    ) -> None:
        """The file answers to both names, and has one."""
        put(tmp_path, "a.png")
        steps = around(tmp_path, "a.png", "x.png", "A.png")
        for each in steps[:how_far]:
            (tmp_path / each.source).rename(tmp_path / each.to)
        assert done(tmp_path, steps) == [index < how_far for index in range(2)]
        assert len(list(tmp_path.iterdir())) == 1

    def test_nor_is_one_of_several(self, tmp_path: Path, heedless: None) -> None:
        """Somebody has a hard link to it elsewhere: still it has one name here."""
        put(tmp_path, "a.png")
        (tmp_path / "backup").mkdir()
        os.link(tmp_path / "a.png", tmp_path / "backup" / "a.png")
        assert done(tmp_path, around(tmp_path, "a.png", "x.png", "A.png")) == [False, False]
        assert (tmp_path / "a.png").is_file()

    def test_a_share_with_a_spelling_of_its_own(
        self, tmp_path: Path, heedless: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Neither name is listed as we wrote it: the file has its new name as well as can be."""
        put(tmp_path, "a.png")
        steps = around(tmp_path, "a.png", "x.png", "A.png")
        (tmp_path / "a.png").rename(tmp_path / "A.PNG")
        assert done(tmp_path, steps) == [True, True]


class TestDeleting:
    def test_gone_is_done(self, tmp_path: Path) -> None:
        """Whatever lies there is deleted; if nothing does, it was."""
        put(tmp_path, "a.png")
        steps = [step(tmp_path, "a.png", "", role=Role.PURGE)]
        assert done(tmp_path, steps) == [False]
        (tmp_path / "a.png").unlink()
        assert done(tmp_path, steps) == [True]


def test_a_share_that_does_not_let_us_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error, not an answer: nothing may be told then."""
    steps = [step(tmp_path, put(tmp_path, "a.png").name, "b.png")]

    def refuse(*_: object, **__: object) -> os.stat_result:
        raise OSError(errno.EHOSTDOWN, "Host is down")

    monkeypatch.setattr(tracing.os, "lstat", refuse)  # type: ignore[attr-defined]
    with pytest.raises(OSError, match="Host is down"):
        trace(tmp_path, steps)
