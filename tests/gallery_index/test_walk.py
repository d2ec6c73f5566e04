"""The walk shows just what listings show."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.gallery.index.walk import Walk, seen
from orchestrator.gallery.listing import TreeNode, list_folder, walk_tree
from tests.gallery_files.pngs import png


def listed(root: Path) -> dict[str, list[str]]:
    """The names that the tree and its listings have, by folder."""
    found: dict[str, list[str]] = {}

    def visit(node: TreeNode) -> None:
        names = sorted(file.name for file in list_folder(root / node.relative))
        found[node.relative] = names
        for child in node.children:
            visit(child)

    visit(walk_tree(root, follow=lambda _: True).root)
    return found


class TestWalk:
    @pytest.mark.parametrize("births", [True, False])
    def test_the_same_as_a_listing(self, tmp_path: Path, births: bool) -> None:
        """Links, loops, foreign folders, odd names and all."""
        for path in ("a/x.png", "a/b/y.MP4", "c.png/z.png", ".gallery/g.png", "@eaDir/t.png",
                     "é/ü.png", "n.txt", "Thumbs.db", "._a.png"):  # fmt: skip
            (tmp_path / "p" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "p" / path).write_bytes(png())
        (tmp_path / "p" / "a" / "link.png").symlink_to("x.png")
        (tmp_path / "p" / "a" / "dead.png").symlink_to("nowhere.png")
        (tmp_path / "p" / "a" / "loop").symlink_to("..")
        (tmp_path / "far").mkdir()
        (tmp_path / "far" / "f.png").write_bytes(png())
        (tmp_path / "p" / "near").symlink_to(tmp_path / "far")
        Path(os.fsdecode(os.fsencode(tmp_path / "p") + b"/\xff.png")).write_bytes(png())

        walk = Walk(tmp_path / "p", follow=lambda _: True, births=births)
        found = {folder.relative: sorted(folder.files) for folder in walk.folders()}

        assert found == listed(tmp_path / "p")
        assert "near" in found
        assert walk.unreadable == []

    def test_no_link_is_followed_unless_it_may_be(self, tmp_path: Path) -> None:
        """Without somebody to ask, none is."""
        (tmp_path / "p").mkdir()
        (tmp_path / "far").mkdir()
        (tmp_path / "p" / "near").symlink_to(tmp_path / "far")
        assert [folder.relative for folder in Walk(tmp_path / "p").folders()] == ["."]

    def test_files_are_as_listings_have_them(self, tmp_path: Path) -> None:
        """Size and time; when a file was created only if that is asked for."""
        (tmp_path / "a.png").write_bytes(png())
        (listing,) = list_folder(tmp_path)
        for births in (True, False):
            (folder,) = Walk(tmp_path, births=births).folders()
            assert seen(".", "a.png", folder.files["a.png"]) == (
                ".", "a.png", listing.size, listing.mtime_ns, listing.birth_ns if births else None
            )  # fmt: skip
