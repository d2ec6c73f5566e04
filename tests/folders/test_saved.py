"""Saved projects in a folder: which files are some, and what they say of themselves."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from orchestrator.errors import FileMissing
from orchestrator.folders import saved as module
from orchestrator.folders.saved import saved_projects
from orchestrator.paths.roots import Roots

MODIFIED = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def save(project: Path, name: str, data: Any) -> Path:
    """Write a file as it was saved at a known moment."""
    file = project / name
    file.write_bytes(data if isinstance(data, bytes) else orjson.dumps(data))
    os.utime(file, (MODIFIED.timestamp(),) * 2)
    return file


def state(name: str = "Eliot", saved_at: Any = "2026-02-22T10:30:00Z", panels: int = 2) -> Any:
    """What the frontend saves."""
    return {"project_settings": {"name": name}, "panels": [{}] * panels, "saved_at": saved_at}


class TestWhatIsOne:
    def test_by_name(self, project: Path, roots: Roots) -> None:
        """`project*.json` and `*_project.json`, in any case; no backups, nothing hidden."""
        for name in (
            "project.json", "Project 2.JSON", "eliot_project.json", "eliot.json", "_project.txt",
            "project.json.bak", ".project.json", "my project.json",
        ):  # fmt: skip
            save(project, name, state())
        (project / "project_folder.json").mkdir()
        found = {Path(each.path).name for each in saved_projects(str(project), roots).found}
        assert found == {"project.json", "Project 2.JSON", "eliot_project.json"}

    def test_not_by_name_alone(self, project: Path, roots: Roots) -> None:
        """Other programs call their files so, too."""
        for number, data in enumerate(([1], {}, {"name": "x"}, 7, None)):
            save(project, f"project{number}.json", data)
        assert saved_projects(str(project), roots).found == ()

    def test_no_link(self, project: Path, roots: Roots, tmp_path: Path) -> None:
        """It may lead out of what is permitted."""
        (project / "project.json").symlink_to(save(tmp_path, "project.json", state()))
        assert saved_projects(str(project), roots).found == ()


class TestWhatItSays:
    def test_the_latest_first(self, project: Path, roots: Roots) -> None:
        """Name, time and number of panels."""
        save(project, "project_1.json", state("Old", "2026-02-21T10:30:00Z", 0))
        save(project, "project_2.json", state("Näme 🎬", "2026-02-22T11:30:00+01:00", 3))
        found = saved_projects(str(project), roots).found
        assert [(each.name, each.panel_count) for each in found] == [("Näme 🎬", 3), ("Old", 0)]
        assert found[0].saved_at == datetime(2026, 2, 22, 10, 30, tzinfo=UTC)
        assert found[0].path == f"{project}/project_2.json"

    @pytest.mark.parametrize("time", [None, 7, "", "yesterday", "0001-01-01T00:00:00+14:00"])
    def test_without_a_usable_time(self, project: Path, roots: Roots, time: Any) -> None:
        """That of the file."""
        save(project, "project.json", state(saved_at=time))
        (found,) = saved_projects(str(project), roots).found
        assert found.saved_at == MODIFIED

    def test_without_a_zone(self, project: Path, roots: Roots) -> None:
        """Taken as UTC, as it was saved by the server of old."""
        save(project, "project.json", state(saved_at="2026-02-22T10:30:00"))
        (found,) = saved_projects(str(project), roots).found
        assert found.saved_at == datetime(2026, 2, 22, 10, 30, tzinfo=UTC)

    @pytest.mark.parametrize("name", [None, 7, " "])
    def test_without_a_usable_name(self, project: Path, roots: Roots, name: Any) -> None:
        """That of the file."""
        save(project, "eliot_project.json", state(name))
        (found,) = saved_projects(str(project), roots).found
        assert found.name == "eliot_project"

    @pytest.mark.parametrize("data", [b"", b"{", b"\x00" * 100, b"[" * 10_000])
    def test_broken(self, project: Path, roots: Roots, data: bytes) -> None:
        """Listed all the same: an earlier state can be loaded in its place."""
        save(project, "project.json", data)
        (found,) = saved_projects(str(project), roots).found
        assert (found.name, found.saved_at, found.panel_count) == ("project", MODIFIED, None)


class TestLimits:
    def test_large_ones(self, project: Path, roots: Roots, monkeypatch: pytest.MonkeyPatch) -> None:
        """They are listed, but not looked into."""
        size = len(orjson.dumps(state()))
        monkeypatch.setattr(module, "MAX_STATE_BYTES", size)
        save(project, "project_1.json", state())
        save(project, "project_2.json", state("A longer name"))
        counts = {each.name: each.panel_count for each in saved_projects(str(project), roots).found}
        assert counts == {"Eliot": 2, "project_2": None}

    def test_many_bytes_in_all(
        self, project: Path, roots: Roots, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The rest is listed unread."""
        monkeypatch.setattr(module, "MAX_READ_BYTES", len(orjson.dumps(state())))
        for number in range(3):
            save(project, f"project_{number}.json", state())
        counts = [each.panel_count for each in saved_projects(str(project), roots).found]
        assert counts == [2, None, None]

    def test_many(self, project: Path, roots: Roots, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first ones, and how many more there are."""
        monkeypatch.setattr(module, "MAX_SAVED", 2)
        for number in range(3):
            save(project, f"project_{number}.json", state())
        found = saved_projects(str(project), roots)
        assert (len(found.found), found.left_out) == (2, 1)

    def test_one_that_goes_meanwhile(
        self, project: Path, roots: Roots, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The others are there."""
        save(project, "project_1.json", state())
        save(project, "project_2.json", state())
        real = Path.read_bytes

        def read_bytes(path: Path) -> bytes:
            if path.name == "project_1.json":
                raise FileNotFoundError
            return real(path)

        monkeypatch.setattr(Path, "read_bytes", read_bytes)
        (found,) = saved_projects(str(project), roots).found
        assert Path(found.path).name == "project_2.json"

    def test_no_folder(self, project: Path, roots: Roots) -> None:
        """Refused: that is not a folder without projects."""
        with pytest.raises(FileMissing):
            saved_projects(f"{project}/none", roots)
