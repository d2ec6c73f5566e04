"""Folders as they are: files with their times, the tree with its counts, and what was skipped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.errors import FileMissing
from orchestrator.gallery import listing
from orchestrator.gallery.attributes import Attributes, Look
from orchestrator.gallery.listing import MAX_DEPTH, Skipped, TreeNode, list_folder, walk_tree


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two panels."""
    project = tmp_path / "Eliot"
    for name in ("Panel_10/a.png", "Panel_2/b.png", "Panel_2/c.mp4", "Panel_2/sub/d.wav", "e.jpg"):
        file = project / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return project


def names(folder: Path) -> list[str]:
    """The names listed in a folder."""
    return [file.name for file in list_folder(folder)]


def shape(node: TreeNode) -> dict[str, int]:
    """The counts by folder, in the order of the tree."""
    return {node.relative: node.file_count} | {
        relative: count for child in node.children for relative, count in shape(child).items()
    }


class TestListFolder:
    def test_media_in_natural_order(self, tmp_path: Path) -> None:
        """Nothing hidden, no folders, no other files."""
        for name in ("s10.png", "S2.PNG", "s1.mp4", ".h.png", "._s1.png", "a.txt", "Thumbs.db"):
            (tmp_path / name).write_bytes(b"")
        (tmp_path / "folder.png").mkdir()

        assert names(tmp_path) == ["s1.mp4", "S2.PNG", "s10.png"]

    def test_size_and_times(self, tmp_path: Path) -> None:
        """As the file server tells them, to the nanosecond where it can."""
        file = tmp_path / "a.png"
        file.write_bytes(b"12345")
        os.utime(file, ns=(1, 1_700_000_000_123_456_000))

        (found,) = list_folder(tmp_path)

        assert (found.name, found.size) == ("a.png", 5)
        assert found.mtime_ns == 1_700_000_000_123_456_000
        assert found.birth_ns > found.mtime_ns

    def test_links(self, tmp_path: Path) -> None:
        """A link to a file is that file; one that leads nowhere, or in a circle, is nothing."""
        (tmp_path / "a.png").write_bytes(b"123")
        (tmp_path / "b.png").symlink_to("a.png")
        (tmp_path / "c.png").symlink_to("gone")
        (tmp_path / "d.png").symlink_to("d.png")

        assert [(f.name, f.size) for f in list_folder(tmp_path)] == [("a.png", 3), ("b.png", 3)]

    def test_a_name_that_is_no_unicode_is_left_out(self, tmp_path: Path) -> None:
        """It could not be sent; the others can."""
        (tmp_path / "é.png").write_bytes(b"")
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")).write_bytes(b"")

        assert names(tmp_path) == ["é.png"]

    @pytest.mark.parametrize("name", ["none", "file.txt"])
    def test_a_folder_that_is_none_is_told(self, tmp_path: Path, name: str) -> None:
        """Missing, or a file."""
        (tmp_path / "file.txt").write_bytes(b"")
        with pytest.raises(FileMissing):
            list_folder(tmp_path / name)

    def test_a_share_that_fails_half_way_is_no_shorter_listing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Files that could not be read must not look deleted."""
        (tmp_path / "a.png").write_bytes(b"")

        @contextmanager
        def broken(_: str) -> Iterator[tuple[list[str], Look]]:
            def look(_: str) -> Attributes:
                raise OSError(5, "Input/output error")

            yield ["a.png"], look

        monkeypatch.setattr(listing, "looking_into", broken)
        with pytest.raises(OSError, match="Input/output"):
            list_folder(tmp_path)


class TestWalkTree:
    def test_counts_in_natural_order(self, project: Path) -> None:
        """Media directly in each folder; paths with `/` below the project."""
        tree = walk_tree(project)

        assert tree.root.name == "Eliot"
        assert tree.skipped == ()
        assert list(shape(tree.root).items()) == [
            (".", 1),
            ("Panel_2", 2),
            ("Panel_2/sub", 1),
            ("Panel_10", 1),
        ]

    def test_hidden_and_foreign_folders_are_not_mentioned(self, project: Path) -> None:
        """The service's own, the system's, the NAS's."""
        for name in (".gallery/log", ".trash", "@eaDir", "#recycle", "Panel_2/.ref_images"):
            (project / name).mkdir(parents=True)

        assert set(shape(walk_tree(project).root)) == {".", "Panel_2", "Panel_2/sub", "Panel_10"}

    def test_links_to_folders_are_skipped_with_reason(self, project: Path, tmp_path: Path) -> None:
        """Unless somebody says that they may be followed."""
        (tmp_path / "shared").mkdir()
        (tmp_path / "shared/x.png").write_bytes(b"")
        (project / "linked").symlink_to(tmp_path / "shared")

        alone = walk_tree(project)
        followed = walk_tree(project, follow=lambda link: link.name == "linked")

        assert alone.skipped == (Skipped("linked", "it is a link, which is not followed"),)
        assert shape(followed.root)["linked"] == 1
        assert followed.skipped == ()

    def test_circles_come_to_an_end(self, project: Path, tmp_path: Path) -> None:
        """Straight, through another folder, and two links to one folder."""
        other = tmp_path / "other"
        other.mkdir()
        (project / "self").symlink_to(project)
        (project / "above").symlink_to(tmp_path)
        (project / "other").symlink_to(other)
        (project / "twice").symlink_to(other)
        (other / "back").symlink_to(project / "Panel_2")
        (project / "loop").symlink_to("loop")

        tree = walk_tree(project, follow=lambda _: True)

        assert set(shape(tree.root)) == {".", "Panel_2", "Panel_2/sub", "Panel_10", "other"}
        assert [s.relative for s in tree.skipped] == ["above", "other/back", "self", "twice"]

    def test_a_folder_that_cannot_be_read_is_reported(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The rest of the tree is there."""
        real = os.scandir

        def scandir(path: str | Path) -> object:
            if Path(path).name == "Panel_2":
                raise PermissionError(13, "Permission denied")
            return real(path)

        monkeypatch.setattr(os, "scandir", scandir)
        tree = walk_tree(project)

        assert tree.skipped == (Skipped("Panel_2", "Permission denied"),)
        assert set(shape(tree.root)) == {".", "Panel_10"}

    def test_a_name_that_is_no_unicode_is_reported(self, project: Path) -> None:
        """With a mark in place of what cannot be shown."""
        Path(os.fsdecode(os.fsencode(project) + b"/\xff")).mkdir()

        (skipped,) = walk_tree(project).skipped

        assert skipped == Skipped("\ufffd", "its name is not valid Unicode")

    def test_too_deep_is_reported(self, project: Path) -> None:
        """A tree that no reply could hold."""
        deep = project / "/".join(["d"] * (MAX_DEPTH + 5))
        deep.mkdir(parents=True)
        (skipped,) = walk_tree(project).skipped

        assert skipped.relative == "/".join(["d"] * (MAX_DEPTH + 1))
        assert "deeper than 100" in skipped.reason

    def test_counts_agree_with_the_listing(self, project: Path) -> None:
        """Links that lead nowhere are neither counted nor listed."""
        folder = project / "Panel_2"
        (folder / "gone.png").symlink_to("nowhere")
        (folder / "same.png").symlink_to("b.png")
        Path(os.fsdecode(os.fsencode(folder) + b"/\xff.png")).write_bytes(b"")

        assert shape(walk_tree(project).root)["Panel_2"] == len(list_folder(folder)) == 3

    def test_a_missing_project_is_told(self, tmp_path: Path) -> None:
        """It is not an empty one."""
        with pytest.raises(FileMissing):
            walk_tree(tmp_path / "none")
