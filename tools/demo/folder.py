"""Where the demo lives: a temporary folder that goes, or one that is kept. Functions block."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import yaml
from attrs import frozen

from tools.demo.errors import FolderNotOursError
from tools.demo.sample import PROJECT, WORKFLOWS

#: Marks a folder as one of ours, which may be used again.
_MARK = "orchestrator-demo.txt"
_MARK_TEXT = "Made by `orchestrator demo --keep`; it may be deleted while no demo runs.\n"


@frozen
class Folder:
    """The places in the demo's folder."""

    root: Path
    keep: bool

    @property
    def project(self) -> Path:
        """The sample project."""
        return self.root / "projects" / PROJECT

    @property
    def data(self) -> Path:
        """The service's own data."""
        return self.root / "data"

    @property
    def config(self) -> Path:
        """The service's configuration."""
        return self.root / "config.yaml"

    @property
    def workflows(self) -> Path:
        """The example workflows, to be looked at and changed."""
        return self.root / "workflows"

    def errors_of(self, name: str) -> Path:
        """Where a process writes its stderr."""
        return self.root / "logs" / f"{name}.txt"

    def write_config(self, backends: list[dict[str, Any]]) -> None:
        """Write config.yaml for these backends, and put the workflows in place.

        Raises:
            OSError: the disk refuses.
        """
        if not self.workflows.exists():
            shutil.copytree(WORKFLOWS, self.workflows)
        settings = {
            "host": "127.0.0.1",
            "data_dir": str(self.data),
            "log_dir": str(self.root / "logs"),
            "workflows_dir": str(self.workflows),
            "roots": [str(self.root / "projects")],
            "backends": backends,
        }
        text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
        self.config.write_text(text, encoding="utf-8")

    def remove(self) -> None:
        """Delete everything, unless it is to be kept."""
        if not self.keep:
            # A file that Windows still holds for a moment must not spoil the end.
            shutil.rmtree(self.root, ignore_errors=True)


def make_folder(keep: Path | None) -> Folder:
    """A new temporary folder, or the one named, which may be of an earlier demo.

    Raises:
        FolderNotOursError: the named one holds other things.
        OSError: it cannot be made.
    """
    if keep is None:
        made = Path(tempfile.mkdtemp(prefix="orchestrator-demo-"))
        return Folder(made.resolve(), keep=False)
    keep.mkdir(parents=True, exist_ok=True)
    mark = keep / _MARK
    if not mark.exists() and any(keep.iterdir()):
        raise FolderNotOursError(str(keep))
    mark.write_text(_MARK_TEXT, encoding="utf-8")
    return Folder(keep.resolve(), keep=True)
