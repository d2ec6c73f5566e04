"""Files in folders that were looked at a moment ago: found quickly, and refused all the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.errors import FileMissing, PathInvalid, PathNotPermitted
from orchestrator.paths.mappings import PathMapping
from orchestrator.paths.places import MOMENT
from orchestrator.paths.recent import RecentFolders
from orchestrator.paths.roots import Roots


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a folder and a file, beside a folder that is nobody's business."""
    (tmp_path / "P" / "Panel_01").mkdir(parents=True)
    (tmp_path / "P" / "Panel_01" / "a.png").write_bytes(b"aaa")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "s.png").write_bytes(b"s")
    return tmp_path / "P"


@pytest.fixture
def folders(project: Path) -> RecentFolders:
    """With the folder known from an earlier look."""
    made = RecentFolders(Roots((project,)))
    made.locate(project, "Panel_01/a.png")
    return made


def test_the_quick_way_finds_what_the_slow_way_finds(project: Path) -> None:
    """Path, relative path, size and time are the same."""
    folders = RecentFolders(Roots((project,)))
    slow = folders.locate(project, "Panel_01/a.png")
    quick = folders.locate(project, "Panel_01/a.png")
    assert quick == slow
    assert (quick.relative, quick.size) == ("Panel_01/a.png", 3)


def test_an_absolute_path_means_the_same_file(folders: RecentFolders, project: Path) -> None:
    """Clients send both."""
    for _ in range(2):
        found = folders.locate(project, str(project / "Panel_01" / "a.png"))
        assert found.relative == "Panel_01/a.png"


def test_the_root_of_all_is_not_the_project(project: Path) -> None:
    """`/a.png` does not mean `a.png`, however often that was asked for."""
    (project / "a.png").write_bytes(b"a")
    folders = RecentFolders(Roots((project,)))
    folders.locate(project, "a.png")
    with pytest.raises(PathNotPermitted):
        folders.locate(project, "/a.png")


def test_a_link_that_appeared_is_followed_and_judged(folders: RecentFolders, project: Path) -> None:
    """The folder is known, the file is a link out of the roots."""
    (project / "Panel_01" / "out.png").symlink_to(project.parent / "secret" / "s.png")
    with pytest.raises(PathNotPermitted):
        folders.locate(project, "Panel_01/out.png")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("Panel_01/..", PathInvalid),
        ("Panel_01/../../secret/s.png", PathInvalid),
        ("Panel_01/a\x00.png", PathInvalid),
        ("Panel_01/gone.png", FileMissing),
        ("Panel_01/" + "x" * 300 + ".png", PathInvalid),
        (".gallery/FORMAT", PathNotPermitted),
        ("Panel_01", FileMissing),
    ],
)
def test_what_is_refused_stays_refused(
    folders: RecentFolders, project: Path, name: str, error: type[Exception]
) -> None:
    """Knowing a folder makes nothing in it permitted that was not."""
    with pytest.raises(error):
        folders.locate(project, name)


def test_a_folder_is_looked_at_anew_after_a_change_of_mappings(tmp_path: Path) -> None:
    """It was permitted, and meant, by the old ones."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(name.encode())

    def leading_to(name: str) -> list[PathMapping]:
        side = str(tmp_path / name)
        return [PathMapping("m", windows="X:\\", linux=side, macos=side)]

    roots = Roots((tmp_path,))
    folders = RecentFolders(roots)
    for name in ("one", "two"):
        roots.use(leading_to(name))
        found = folders.locate(tmp_path, "X:/a.png")
        assert found.relative == f"{name}/a.png"


def test_a_folder_is_looked_at_anew_after_a_moment(project: Path) -> None:
    """It may have become a link out of the roots meanwhile."""
    now = [100.0]
    folders = RecentFolders(Roots((project,)), lambda: now[0])
    folders.locate(project, "Panel_01/a.png")
    os.rename(project / "Panel_01", project / "old")  # noqa: PTH104  # a plain rename is meant
    (project / "Panel_01").symlink_to(project.parent / "secret")
    now[0] += MOMENT + 0.1
    with pytest.raises(PathNotPermitted):
        folders.locate(project, "Panel_01/s.png")
