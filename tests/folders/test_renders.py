"""All pictures of a project, with what their names and sidecars say."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from orchestrator.errors import FileMissing, FileUnreadable, PatternInvalid, TookTooLong
from orchestrator.folders import renders as module
from orchestrator.folders.lookouts import Asker
from orchestrator.folders.renders import MAX_SIDECAR_BYTES, Renders, read_sidecar, renders
from orchestrator.gallery import listing
from orchestrator.http.replies import dump
from orchestrator.paths.roots import Roots
from tests.folders.conftest import Fill


def said(found: Renders) -> list[tuple[str, int | None, int | None]]:
    """Name, number of the panel, and version of each picture."""
    return [(r.picture.name, r.read.panel_number, r.read.version) for r in found.found]


class TestWithoutAPattern:
    def test_everything_is_shown(self, project: Path, roots: Roots, fill: Fill) -> None:
        """By panel, then version; what says nothing stands last."""
        fill(
            "Panel_10/E_Panel_10_v001.png", "Panel_2/E_Panel_2_v010.mp4",
            "Panel_2/E_Panel_2_v002.png", "Panel_2/hero_v004.png", "Panel_2/sketch.png",
            "Panel_2/sub/deep_v1.png", "loose_v3.png", "loose.png", "s.wav", "n.txt",
        )  # fmt: skip
        found = renders(str(project), "", "", roots, Asker())
        assert said(found) == [
            ("E_Panel_2_v002.png", 2, 2),
            ("hero_v004.png", 2, 4),
            ("E_Panel_2_v010.mp4", 2, 10),
            ("sketch.png", 2, None),
            ("E_Panel_10_v001.png", 10, 1),
            ("loose_v3.png", None, 3),
            ("loose.png", None, None),
            ("deep_v1.png", None, 1),
        ]
        assert (found.unfitting, found.unfitting_count, found.more) == ((), 0, False)

    def test_the_projects_own_folder_is_no_panel(
        self, project: Path, roots: Roots, fill: Fill
    ) -> None:
        """Whatever it is called."""
        fill("a_v1.png")
        (found,) = renders(str(project), "", "", roots, Asker()).found
        assert (found.read.panel, found.picture.path) == (None, f"{project}/a_v1.png")


class TestWithAPattern:
    def test_what_does_not_fit_is_named(self, project: Path, roots: Roots, fill: Fill) -> None:
        """Relative to the project."""
        fill("P1/E_P1_v001.png", "P1/🎬.png", "root.png", "P1/notes.txt", "P1/a/b/E_P2_v3.png")
        found = renders(str(project), "{project}_{panel}_v{version}", "E", roots, Asker())
        assert said(found) == [("E_P1_v001.png", 1, 1), ("E_P2_v3.png", 2, 3)]
        assert found.unfitting == ("root.png", "P1/🎬.png")
        assert found.unfitting_count == 2

    def test_folders_above(self, project: Path, roots: Roots, fill: Fill) -> None:
        """One panel's folder can be scanned by the pattern of the project."""
        fill("P1/E_P1_v001.png")
        for folder in (project, project / "P1"):
            found = renders(str(folder), "{panel}/{project}_{panel}_v{version}", "", roots, Asker())
            assert said(found) == [("E_P1_v001.png", 1, 1)]

    def test_many_that_do_not_fit(
        self, project: Path, roots: Roots, fill: Fill, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first are named, all are counted."""
        monkeypatch.setattr(module, "MAX_SKIPPED", 2)
        fill("a.png", "b.png", "c.png")
        found = renders(str(project), "v{version}", "", roots, Asker())
        assert (found.unfitting, found.unfitting_count) == (("a.png", "b.png"), 3)

    def test_a_bad_one(self, project: Path, roots: Roots) -> None:
        """Refused before any disk is asked."""
        with pytest.raises(PatternInvalid):
            renders(f"{project}/none", "{nothing}", "", roots, Asker())


class TestFolders:
    def test_circles_ways_out_and_hidden_ones(
        self, project: Path, roots: Roots, fill: Fill, tmp_path: Path
    ) -> None:
        """None is entered; links are told of."""
        fill("P1/a.png", ".gallery/.trash/t.png", ".ref_images/r.png", "@eaDir/e.png")
        (tmp_path / "private.png").write_bytes(b"")
        (project / "P1" / "loop").symlink_to(project)
        (project / "out").symlink_to(tmp_path)
        found = renders(str(project), "", "", roots, Asker())
        assert [name for name, _, _ in said(found)] == ["a.png"]
        assert sorted(each.relative for each in found.skipped) == ["P1/loop", "out"]

    def test_one_that_cannot_be_read(
        self, project: Path, roots: Roots, fill: Fill, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is told of, and the others are there."""
        fill("P1/a.png", "P2/b.png")
        real = os.scandir

        def scandir(path: Any) -> Any:
            if Path(path).name == "P1":
                raise PermissionError(13, "Permission denied")
            return real(path)

        monkeypatch.setattr(os, "scandir", scandir)
        found = renders(str(project), "", "", roots, Asker())
        assert [name for name, _, _ in said(found)] == ["b.png"]
        assert [(s.relative, s.reason) for s in found.skipped] == [("P1", "Permission denied")]

    def test_one_that_goes_meanwhile(
        self, project: Path, roots: Roots, fill: Fill, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its files went with it."""
        fill("P1/a.png", "P2/b.png")
        real = listing.walk_tree

        def walk_tree(*args: Any, **options: Any) -> listing.Tree:
            tree = real(*args, **options)
            shutil.rmtree(project / "P1")
            return tree

        monkeypatch.setattr(module, "walk_tree", walk_tree)
        assert [name for name, _, _ in said(renders(str(project), "", "", roots, Asker()))] == [
            "b.png"
        ]

    def test_more_files_than_are_looked_at(
        self, project: Path, roots: Roots, fill: Fill, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It says that there are more."""
        monkeypatch.setattr(module, "MAX_FILES", 2)
        fill("1.png", "2.png", "3.png")
        found = renders(str(project), "", "", roots, Asker())
        assert (len(found.found), found.more) == (2, True)

    def test_nobody_waits_any_more(self, project: Path, roots: Roots, fill: Fill) -> None:
        """Then it is given up."""
        fill("1.png")
        with pytest.raises(TookTooLong):
            renders(str(project), "", "", roots, Asker(gone=True))

    def test_none(self, project: Path, roots: Roots) -> None:
        """Refused."""
        with pytest.raises(FileMissing):
            renders(f"{project}/none", "", "", roots, Asker())

    def test_the_project_itself_cannot_be_read(
        self, project: Path, roots: Roots, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Refused: it is not an empty one."""

        def scandir(_: object) -> Any:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(os, "scandir", scandir)
        with pytest.raises(FileUnreadable):
            renders(str(project), "", "", roots, Asker())


class TestSidecars:
    def test_what_stands_beside_a_picture(self, project: Path, roots: Roots, fill: Fill) -> None:
        """Of the same stem, in any case."""
        fill("P1/a.png", "P1/b.png", "P1/c.mp4")
        (project / "P1/a.json").write_text('{"prompt": "ä 🎬", "seed": 7}', "utf-8")
        (project / "P1/C.JSON").write_text('{"take": 2}')
        found = renders(str(project), "", "", roots, Asker())
        assert {r.picture.name: r.metadata for r in found.found} == {
            "a.png": {"prompt": "ä 🎬", "seed": 7},
            "b.png": {},
            "c.mp4": {"take": 2},
        }

    def test_so_many_are_read(
        self, project: Path, roots: Roots, fill: Fill, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each is a question to the share."""
        monkeypatch.setattr(module, "MAX_SIDECARS", 1)
        fill("a.png", "b.png")
        for name in ("a", "b"):
            (project / f"{name}.json").write_text('{"x": 1}')
        found = renders(str(project), "", "", roots, Asker())
        assert [r.metadata for r in found.found] == [{"x": 1}, {}]

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"[1]",
            b"{",
            b'{"a": "' + b"x" * MAX_SIDECAR_BYTES + b'"}',
            b'{"a": NaN}',
            b'{"a": "\xff"}',
            b'{"a":' * 300 + b"1" + b"}" * 300,
            b"[" * 4000,
            b"\x89PNG",
        ],
    )
    def test_what_says_nothing(self, tmp_path: Path, data: bytes) -> None:
        """Broken, long, deep, or of another kind."""
        file = tmp_path / "a.json"
        file.write_bytes(data)
        assert read_sidecar(file) == {}

    def test_as_long_as_may_be(self, tmp_path: Path) -> None:
        """To the byte, and it can be sent."""
        file = tmp_path / "a.json"
        told = {"a": "x" * (MAX_SIDECAR_BYTES - len('{"a":""}'))}
        file.write_bytes(orjson.dumps(told))
        assert file.stat().st_size == MAX_SIDECAR_BYTES
        assert json.loads(dump(read_sidecar(file))) == told

    def test_what_is_no_file(self, tmp_path: Path) -> None:
        """A pipe would hang, a link might show what lies outside, a folder is none."""
        os.mkfifo(tmp_path / "pipe.json")
        (tmp_path / "real.json").write_text('{"secret": 1}')
        (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
        (tmp_path / "folder.json").mkdir()
        for name in ("pipe", "link", "folder", "none"):
            assert read_sidecar(tmp_path / f"{name}.json") == {}
