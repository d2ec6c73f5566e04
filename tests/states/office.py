"""An office: one host that saves the states of the project `share/Eliot`, and ways to break it."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from attrs import define, field

from events.log.disk_io import DiskIO
from orchestrator.gallery.finder import Finder
from orchestrator.host import load_host
from orchestrator.paths.roots import Roots
from orchestrator.project import Project
from orchestrator.projects import Projects
from orchestrator.states.service import ProjectStates, Saved
from projections.states import Saving
from tests.fileops.desk import Fuse


def state(name: str, panels: int = 1, **more: Any) -> dict[str, Any]:
    """A state that can be told from others by its name."""
    return {
        "project_settings": {"name": name, "created": "2026-01-01", "lastModified": "2026-01-02"},
        "panels": [{"id": number, "images": []} for number in range(panels)],
        "saved_at": "2026-01-02T03:04:05Z",
        **more,
    }


def name_in(data: bytes) -> str:
    """Which state some bytes hold."""
    return str(orjson.loads(data)["project_settings"]["name"])


async def _no_import(_project: Project, _actor: str) -> None:
    """Nothing is taken over from a predecessor."""


@define(eq=False)
class Office:
    """One host."""

    base: Path
    name: str = "ada"
    projects: Projects = field(init=False)
    states: ProjectStates = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Start the host."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._start()

    def _start(self) -> None:
        data = self.base / "hosts" / self.name
        self.projects = Projects(load_host(data), data, code="tests")
        finder = Finder(Roots((self.base / "share",)), self.projects, _no_import)
        self.states = ProjectStates(finder)

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.base / "share" / "Eliot"

    @property
    def file(self) -> Path:
        """The file of its state."""
        return self.root / "project.json"

    @property
    def backup(self) -> Path:
        """The file beside it."""
        return self.root / "project.json.bak"

    @property
    def vault(self) -> Path:
        """Where states are kept."""
        return self.root / ".gallery" / "states"

    async def save(self, name: str, panels: int = 1, **more: Any) -> Saved:
        """Save a state."""
        return await self.states.save(
            str(self.root), "project.json", state(name, panels, **more), "mara"
        )

    async def listed(self) -> list[Saving]:
        """All states, the newest first."""
        return await self.states.states(str(self.file))

    async def names(self) -> list[str]:
        """The names of all states, the newest first; each is loaded from where it is kept."""
        return [await self.name_of(saving.sha256) for saving in await self.listed()]

    async def name_of(self, sha256: str) -> str:
        """The name of a kept state."""
        loaded = await self.states.load_kept(str(self.file), sha256)
        assert loaded.document.sha256 == sha256
        return name_in(loaded.document.data)

    async def stop(self) -> None:
        """Stop the host."""
        await self.states.close()
        await self.projects.close()

    async def restart(self) -> None:
        """Stop the host, and start it again on the same data."""
        await self.stop()
        self._start()


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def drafts(root: Path) -> list[str]:
    """What is left of files that never got their names."""
    return [path.name for path in root.rglob(".draft-*")]


def install(fuse: Fuse | Breaker, patch: pytest.MonkeyPatch) -> None:
    """Fuse all that a save changes, the log before and after."""
    for name in ("link", "unlink", "rename", "replace", "mkdir"):
        fuse.wrap(patch, os, name)
    for name in ("create", "write", "sync", "close", "sync_folder"):
        fuse.wrap(patch, DiskIO, name)
    change = Project.change

    async def fused(project: Project, command: Any, actor: str) -> Any:
        fuse.pass_("change")
        records = await change(project, command, actor)
        fuse.pass_("changed")
        return records

    patch.setattr(Project, "change", fused)


@define(eq=False)
class Breaker:
    """Lets one call to the disk fail: the share is full at just that moment."""

    fail_at: int
    count: int = 0

    def pass_(self, name: str) -> None:
        """The disk is about to be changed.

        Raises:
            OSError: not now.
        """
        if threading.current_thread().name.startswith("log-") or name.startswith("change"):
            return
        self.count += 1
        if self.count == self.fail_at + 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def wrap(self, patch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        """Have a function pass from now on."""
        call: Callable[..., Any] = getattr(owner, name)

        def fused(*args: Any, **named: Any) -> Any:
            if name == "close":  # it is closed, and then fails
                call(*args, **named)
            self.pass_(name)
            return None if name == "close" else call(*args, **named)

        patch.setattr(owner, name, fused)
