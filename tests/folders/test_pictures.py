"""Pictures of a folder, of the panels in it, and the highest versions there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from orchestrator.errors import (
    FileMissing,
    FileUnreadable,
    PathInvalid,
    PathNotPermitted,
    PatternInvalid,
)
from orchestrator.folders import pictures
from orchestrator.folders.lookouts import Asker
from orchestrator.folders.pictures import latest_first, latest_versions, panels
from orchestrator.gallery.listing import FileStat, list_folder
from orchestrator.paths.roots import Roots
from tests.folders.conftest import Fill


def refuse_to_list(monkeypatch: pytest.MonkeyPatch, name: str, error: OSError) -> None:
    """A share that does not let us look into folders of a name."""

    def listed(folder: Path) -> list[FileStat]:
        if folder.name == name:
            raise error
        return list_folder(folder)

    monkeypatch.setattr(pictures, "list_folder", listed)


class TestOneFolder:
    def test_the_latest_first(self, project: Path, roots: Roots, fill: Fill) -> None:
        """Pictures and videos; no sounds, nothing hidden, nothing of other programs."""
        fill("b.png", "c🎬.MP4", "a.exr", "s.wav", ".h.png", "._b.png", "n.json", "sub/x.png")
        found = latest_first(str(project), roots)
        assert [each.name for each in found.found] == ["a.exr", "c🎬.MP4", "b.png"]
        assert found.left_out == 0
        video = found.found[1]
        assert (video.path, video.kind, video.size) == (f"{project}/c🎬.MP4", "video", 1)
        assert video.modified == 1_700_000_001.0

    def test_more_than_an_answer_holds(
        self, project: Path, roots: Roots, fill: Fill, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The oldest are left out, and counted."""
        monkeypatch.setattr(pictures, "MAX_IMAGES", 2)
        fill("1.png", "2.png", "3.png")
        found = latest_first(str(project), roots)
        assert ([each.name for each in found.found], found.left_out) == (["3.png", "2.png"], 1)

    def test_folders_that_are_none(self, project: Path, roots: Roots, fill: Fill) -> None:
        """Missing, a file, the service's own, not permitted, and no path at all."""
        fill("a.png", ".gallery/x.png")
        for path, refusal in {
            f"{project}/none": FileMissing,
            f"{project}/a.png": FileMissing,
            f"{project}/.gallery": PathNotPermitted,
            "/etc": PathNotPermitted,
            "": PathInvalid,
        }.items():
            with pytest.raises(refusal):
                latest_first(path, roots)


class TestPanels:
    def test_each_with_its_pictures(self, project: Path, roots: Roots, fill: Fill) -> None:
        """Panels in natural order, their pictures the oldest first; one level only."""
        fill("P10/a.png", "P2/z.png", "P2/a.png", "P2/sub/x.png", "root.png", ".ref_images/r.png")
        (project / "Empty").mkdir()
        found = panels(str(project), roots, Asker())
        assert [(p.name, [each.name for each in p.pictures]) for p in found.found] == [
            ("Empty", []),
            ("P2", ["z.png", "a.png"]),
            ("P10", ["a.png"]),
        ]
        assert found.found[1].path == f"{project}/P2"

    def test_links(self, project: Path, roots: Roots, fill: Fill, tmp_path: Path) -> None:
        """To permitted folders they are panels; circles and ways out are none."""
        fill("P1/a.png")
        (project / "same").symlink_to(project / "P1")
        (project / "loop").symlink_to(project / "loop")
        (project / "out").symlink_to(tmp_path)
        assert [panel.name for panel in panels(str(project), roots, Asker()).found] == [
            "P1",
            "same",
        ]

    def test_one_that_cannot_be_read(
        self, project: Path, roots: Roots, fill: Fill, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is named with the reason, and the others are there."""
        fill("P1/a.png", "P2/a.png")
        refuse_to_list(monkeypatch, "P1", PermissionError(13, "Permission denied"))
        found = panels(str(project), roots, Asker())
        assert [panel.name for panel in found.found] == ["P2"]
        assert found.unreadable == {"P1": "Permission denied"}

    def test_one_that_goes_meanwhile(
        self, project: Path, roots: Roots, fill: Fill, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Then there is no such panel."""
        fill("P1/a.png", "P2/a.png")
        refuse_to_list(monkeypatch, "P1", FileNotFoundError())
        found = panels(str(project), roots, Asker())
        assert [panel.name for panel in found.found] == ["P2"]
        assert found.unreadable == {}

    def test_more_than_an_answer_holds(
        self, project: Path, roots: Roots, fill: Fill, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is left out is counted."""
        monkeypatch.setattr(pictures, "MAX_IMAGES", 3)
        monkeypatch.setattr(pictures, "MAX_PANELS", 2)
        fill("P1/1.png", "P1/2.png", "P2/1.png", "P2/2.png", "P3/1.png")
        found = panels(str(project), roots, Asker())
        assert [len(panel.pictures) for panel in found.found] == [2, 1]
        assert (found.panels_left_out, found.images_left_out) == (1, 1)


class TestVersions:
    def test_the_highest_of_each_panel(self, project: Path, roots: Roots, fill: Fill) -> None:
        """As it is spelled, whatever the media and the number of digits."""
        fill(
            "P_01/E_P_01_v002.png", "P_01/E_P_01_v010.MP4", "P_01/E_P_01_v9.wav",
            "P_02/E_P_02_v00007.exr", "P_02/E_P_02_v6.png",
            "P_03/other.png", "P_04/sub/E_P_04_v003.png",
        )  # fmt: skip
        found = latest_versions(str(project), "{project}_{panel}_v{version}", roots, Asker())
        assert found == {"P_01": "010", "P_02": "00007"}

    @pytest.mark.parametrize(
        "pattern",
        [
            "",
            "{project}_{panel}_{version}",
            "{panel}/{project}_{panel}_v{version}",
            r"{panel}\{project}_{panel}_v{version}\.png",
            "*_v{version}",
        ],
    )
    def test_patterns(self, project: Path, roots: Roots, fill: Fill, pattern: str) -> None:
        """None is the service's own; only the last name counts."""
        fill("P_01/Old_Name_P_01_v003.png", "P_01/notes_v9.txt")
        assert latest_versions(str(project), pattern, roots, Asker()) == {"P_01": "003"}

    def test_files_of_another_panel(self, project: Path, roots: Roots, fill: Fill) -> None:
        """They lie in the wrong folder, and do not count."""
        fill("P_01/E_P_02_v9.png", "P_01/E_P_01_v1.png", "P_01/E_P_011_v8.png")
        assert latest_versions(str(project), "{project}_{panel}_v{version}", roots, Asker()) == {
            "P_01": "1"
        }

    def test_panels_by_number(self, project: Path, roots: Roots, fill: Fill) -> None:
        """As the naming template of old has them."""
        fill("Panel_03/E_Panel03_v004.png")
        found = latest_versions(str(project), "{project}_Panel{panel}_{version}", roots, Asker())
        assert found == {"Panel_03": "004"}

    def test_patterns_without_a_version(self, project: Path, roots: Roots) -> None:
        """They could find none."""
        for pattern in ("{project}_{panel}", "v{version}/{panel}", "{versoin}"):
            with pytest.raises(PatternInvalid):
                latest_versions(str(project), pattern, roots, Asker())

    def test_a_panel_that_cannot_be_read(
        self, project: Path, roots: Roots, fill: Fill, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Refused: a version that we do not see would be given twice."""
        fill("P_01/E_P_01_v003.png", "P_02/E_P_02_v003.png")
        refuse_to_list(monkeypatch, "P_01", PermissionError(13, "Permission denied"))
        with pytest.raises(FileUnreadable):
            latest_versions(str(project), "", roots, Asker())

    def test_a_panel_that_goes_meanwhile(
        self, project: Path, roots: Roots, fill: Fill, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its versions went with it."""
        fill("P_01/E_P_01_v003.png", "P_02/E_P_02_v003.png")
        refuse_to_list(monkeypatch, "P_01", FileNotFoundError())
        assert latest_versions(str(project), "", roots, Asker()) == {"P_02": "003"}

    def test_a_share_that_is_not_mounted(self, project: Path, roots: Roots) -> None:
        """It is not a project without versions."""
        shutil.rmtree(project.parent)
        with pytest.raises(FileMissing):
            latest_versions(str(project), "", roots, Asker())


def test_names_that_are_no_unicode(project: Path, roots: Roots, fill: Fill) -> None:
    """They are left out everywhere, and the others are there."""
    fill("P1/E_P1_v1.png")
    (project / "P1" / os.fsdecode(b"E_P1_v9\xff.png")).write_bytes(b"")
    (project / os.fsdecode(b"\xff")).mkdir()
    assert [each.name for each in latest_first(f"{project}/P1", roots).found] == ["E_P1_v1.png"]
    assert [panel.name for panel in panels(str(project), roots, Asker()).found] == ["P1"]
    assert latest_versions(str(project), "", roots, Asker()) == {"P1": "1"}
