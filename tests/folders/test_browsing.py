"""Browsing: what is shown of a folder, where one begins, and new folders."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import (
    FileCollides,
    FileMissing,
    FileUnreadable,
    FolderNotMade,
    PathInvalid,
    PathNotPermitted,
    ShareSilent,
)
from orchestrator.folders import browsing, lookouts, places, service
from orchestrator.folders.lookouts import Lookouts
from orchestrator.folders.places import local
from orchestrator.folders.service import Folders
from orchestrator.paths.mappings import PathMapping
from orchestrator.paths.roots import Roots
from tests.folders.conftest import Fill


@pytest.fixture
def folders(roots: Roots) -> Folders:
    """The share can be browsed; home is elsewhere."""
    return Folders(roots, Lookouts(roots), Path("/home/nobody"))


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Set at the end, so that whoever hangs on it goes on."""
    event = threading.Event()
    yield event
    event.set()


async def shown(folders: Folders, path: Path | str, *suffixes: str) -> list[tuple[str, str]]:
    """Names and kinds of what is shown."""
    found = await folders.browse(str(path), frozenset(suffixes))
    return [(place.name, place.kind) for place in found.places]


class TestAFolder:
    async def test_folders_in_natural_order(
        self, folders: Folders, project: Path, fill: Fill
    ) -> None:
        """Nothing hidden, no files, and the way up."""
        fill("Panel_10/a.png", "panel_2/b.png", "🎬/c.png", ".gallery/x", "@eaDir/y", "f.json")
        found = await folders.browse(str(project))
        assert [place.name for place in found.places] == ["panel_2", "Panel_10", "🎬"]
        assert found.places[0].path == f"{project}/panel_2"
        assert (found.current, found.parent) == (str(project), str(project.parent))

    async def test_no_way_up_from_a_permitted_folder(self, folders: Folders, project: Path) -> None:
        """What lies above is not permitted."""
        assert (await folders.browse(str(project.parent))).parent is None

    async def test_files_if_wanted(self, folders: Folders, project: Path, fill: Fill) -> None:
        """Those with the endings that were asked for, after the folders."""
        fill("z/a.png", "b.JSON", "a.json", "c.txt", ".h.json")
        assert await shown(folders, project, ".json") == [
            ("z", "folder"), ("a.json", "file"), ("b.JSON", "file"),
        ]  # fmt: skip

    async def test_links(self, folders: Folders, project: Path, tmp_path: Path) -> None:
        """Shown as what they lead to, if that may be touched and is there."""
        (project / "real").mkdir()
        (project / "a.json").write_text("{}")
        (tmp_path / "private").mkdir()
        for name, target in {
            "folder": project / "real",
            "file.json": project / "a.json",
            "up": project,
            "out": tmp_path / "private",
            "gone": project / "none",
            "loop": project / "loop",
        }.items():
            (project / name).symlink_to(target)
        assert await shown(folders, project, ".json") == [
            ("folder", "folder"), ("real", "folder"), ("up", "folder"),
            ("a.json", "file"), ("file.json", "file"),
        ]  # fmt: skip

    async def test_names_that_are_no_unicode(self, folders: Folders, project: Path) -> None:
        """They could not be sent; the others can."""
        (project / os.fsdecode(b"\xff")).mkdir()
        (project / "b").mkdir()
        assert await shown(folders, project) == [("b", "folder")]

    async def test_more_than_an_answer_holds(
        self, folders: Folders, project: Path, fill: Fill, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first ones, and how many more there are."""
        monkeypatch.setattr(browsing, "MAX_PLACES", 2)
        fill("a/x", "b/x", "c/x")
        found = await folders.browse(str(project))
        assert [place.name for place in found.places] == ["a", "b"]
        assert found.left_out == 1

    async def test_what_cannot_be_browsed(
        self, folders: Folders, project: Path, fill: Fill
    ) -> None:
        """Each with its own reason."""
        fill("a.png", ".gallery/x")
        for path, refusal in {
            "relative": PathInvalid,
            f"{project}/..": PathInvalid,
            "/etc": PathNotPermitted,
            f"{project}/.gallery": PathNotPermitted,
            f"{project}/none": FileMissing,
            f"{project}/a.png": FileMissing,
        }.items():
            with pytest.raises(refusal):
                await folders.browse(path)

    async def test_a_folder_that_cannot_be_read(
        self, folders: Folders, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The share's own words."""

        def scandir(_: object) -> Any:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "scandir", scandir)
        with pytest.raises(FileUnreadable, match="Permission denied"):
            await folders.browse(str(project))


class TestDeadShares:
    async def test_a_folder_on_one(
        self,
        folders: Folders,
        project: Path,
        release: threading.Event,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """It is refused in time; the others can be browsed meanwhile."""
        real = os.scandir
        (project.parent / "well" / "a").mkdir(parents=True)

        def scandir(path: Path) -> Any:
            if Path(path) == project:
                assert release.wait(30)
            return real(path)

        monkeypatch.setattr(os, "scandir", scandir)
        folders.lookouts.patience = 0.05
        for _ in range(2 * lookouts.PER_FOLDER):
            with pytest.raises(ShareSilent):
                await folders.browse(str(project))
        assert await shown(folders, project.parent / "well") == [("a", "folder")]

    async def test_links_to_one(
        self,
        folders: Folders,
        project: Path,
        release: threading.Event,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """They are shown as folders: whoever opens one is told."""
        (project / "dead").symlink_to("/nowhere")
        (project / "here").mkdir()

        def hang(*_: object) -> str:
            assert release.wait(30)
            return "folder"

        monkeypatch.setattr(service, "leads_to", hang)
        monkeypatch.setattr(service, "BRIEF", 0.02)
        for _ in range(3 * lookouts.PER_FOLDER):
            assert await shown(folders, project) == [("dead", "folder"), ("here", "folder")]


class TestBeginnings:
    async def test_permitted_folders_that_are_there(self, project: Path) -> None:
        """As drives; home only if it is permitted."""
        roots = Roots((project.parent, Path("/not/mounted")))
        for home, expected in {
            Path("/home/nobody"): [str(project.parent)],
            project: [str(project), str(project.parent)],
        }.items():
            found = await Folders(roots, Lookouts(roots), home).browse("  ")
            assert [place.path for place in found.places] == expected
            assert {place.kind for place in found.places} == {"drive"}
            assert (found.current, found.parent) == ("", None)

    async def test_shares_where_shares_are_mounted(
        self, folders: Folders, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each is a place to begin at."""
        monkeypatch.setattr(browsing, "MOUNTS", (project.parent,))
        found = await folders.browse("")
        assert [place.path for place in found.places] == [str(project.parent), str(project)]

    async def test_one_that_hangs_is_shown_all_the_same(
        self,
        project: Path,
        folders: Folders,
        release: threading.Event,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """It is permitted; whoever enters it is told."""
        monkeypatch.setattr(Path, "is_dir", lambda _: release.wait(30))
        monkeypatch.setattr(service, "BRIEF", 0.02)
        assert await shown(folders, "") == [(str(project.parent), "drive")]


class TestNames:
    def test_paths_of_other_systems(self, project: Path) -> None:
        """Mapped, and with the slashes that some client turned around."""
        roots = Roots((), (PathMapping("p", windows="W:\\", linux=str(project)),))
        turned = str(project).replace("/", "\\")
        for text in ("W:\\Panel_1", "w:/Panel_1", f"{project}/Panel_1", f"{turned}\\Panel_1"):
            assert local(text, roots) == f"{project}/Panel_1"

    def test_what_is_no_path_stays_none(self, roots: Roots) -> None:
        """An empty one never means the working directory."""
        for text in ("", ".", "a\\b", "\\\\nas\\share"):
            assert local(text, roots) == text
            with pytest.raises(PathInvalid):
                places.existing_folder(text, roots)


class TestMaking:
    async def test_new_and_there_already(self, folders: Folders, project: Path) -> None:
        """Both times the folder is there afterwards."""
        for new in (True, False):
            assert await folders.make(str(project), "Panel 🎬") == (project / "Panel 🎬", new)
        assert (project / "Panel 🎬").is_dir()

    async def test_hidden_ones(self, folders: Folders, project: Path) -> None:
        """Reference pictures lie in one."""
        await folders.make(str(project), ".ref_images")
        assert (project / ".ref_images").is_dir()

    @pytest.mark.parametrize(
        "name", ["", " ", "..", "a/b", "a\\b", "CON", "a.", "a:b", "a\n", ".gallery", "x" * 256]
    )
    async def test_names_that_not_every_system_can_have(
        self, folders: Folders, project: Path, name: str
    ) -> None:
        """Nor those that lead elsewhere."""
        with pytest.raises(PathInvalid):
            await folders.make(str(project), name)
        assert os.listdir(project) == []  # noqa: PTH208  # names only

    async def test_where_no_folder_can_be(
        self, folders: Folders, project: Path, tmp_path: Path, fill: Fill
    ) -> None:
        """No parent, a file in its place, or a link that leads out."""
        fill("a.png", ".gallery/x")
        (project / "out").symlink_to(tmp_path)
        for parent, name, refusal in (
            (project / "none", "x", FileMissing),
            (project / "a.png", "x", FileMissing),
            (project / ".gallery", "x", PathNotPermitted),
            (tmp_path, "x", PathNotPermitted),
            (project, "a.png", FileCollides),
            (project, "out", PathNotPermitted),
        ):
            with pytest.raises(refusal):
                await folders.make(str(parent), name)

    async def test_a_full_share(
        self, folders: Folders, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its own words."""

        def mkdir(_: Path) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "mkdir", mkdir)
        with pytest.raises(FolderNotMade, match="No space left"):
            await folders.make(str(project), "x")

    async def test_the_parent_goes_meanwhile(
        self, folders: Folders, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is not made again."""

        def mkdir(_: Path) -> None:
            raise FileNotFoundError

        monkeypatch.setattr(Path, "mkdir", mkdir)
        with pytest.raises(FileMissing):
            await folders.make(str(project), "x")
