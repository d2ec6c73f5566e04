"""A desk to work at: a project folder, the service's parts that move files, and ways to break them.

`Desk.cut_power` stops everything as a power cut would; `Desk.restart` is the next morning.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from events.assets import AssetId
from events.log.disk_io import DiskIO
from orchestrator.commands.curation import CurateAsset, Sighting
from orchestrator.gallery.fileops import effects, times
from orchestrator.gallery.fileops.bin import Bin
from orchestrator.gallery.fileops.engine import Engine
from orchestrator.gallery.fileops.service import Conflict, FileWork, Report
from orchestrator.gallery.finder import Finder
from orchestrator.gallery.fingerprint import head
from orchestrator.host import load_host
from orchestrator.paths.roots import Roots
from orchestrator.project import Project
from orchestrator.projects import Projects
from projections.assets import State
from projections.project import ProjectView
from projections.trash import trash_place

#: A time that no test happens at, in nanoseconds: files must keep it.
LONG_AGO = 1_600_000_000_123_456_789


async def _no_import(_project: Project, _actor: str) -> None:
    """Nothing is taken over from a predecessor."""


@define(eq=False)
class Desk:
    """One host that works on the project `share/Eliot`."""

    base: Path
    name: str = "ada"
    engine: Engine = field(init=False)
    projects: Projects = field(init=False)
    files: FileWork = field(init=False)
    bin: Bin = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Start the host."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._start()

    def _start(self) -> None:
        data = self.base / "hosts" / self.name
        self.engine = Engine()
        self.projects = Projects(load_host(data), data, code="tests")
        finder = Finder(Roots((self.base / "share",)), self.projects, _no_import)
        self.files = FileWork(finder, self.engine)
        self.bin = Bin(finder, self.engine)

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.base / "share" / "Eliot"

    def put(self, *paths: str, size: int = 40, mtime: int = LONG_AGO) -> None:
        """Make files; each has bytes of its own, all have the same size and time."""
        for path in paths:
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(path.encode().ljust(size, b"."))
            os.utime(file, ns=(mtime, mtime))

    async def project(self) -> Project:
        """The project as this host has it."""
        return await self.projects.get(self.root)

    async def rate(self, path: str, stars: int) -> AssetId:
        """Give a file stars; it is an asset from then on."""
        file = self.root / path
        info = file.stat()
        seen = Sighting(path, info.st_size, info.st_mtime_ns, head(file, info.st_size))
        project = await self.project()
        await project.change(CurateAsset(sighting=seen, stars=stars), "mara")
        asset = project.view.asset_at(path)
        assert asset is not None
        return asset

    async def stars(self) -> dict[str, int]:
        """Stars by path."""
        return {path: rating.stars for path, rating in (await self.project()).view.ratings()}

    async def move(
        self, *files: str, to: str, conflict: Conflict = Conflict.RENAME, actor: str = "mara"
    ) -> Report:
        """Move files into a folder."""
        return await self.files.move(str(self.root), files, to, conflict, actor)

    async def rename(self, names: dict[str, str]) -> Report:
        """Rename many files."""
        return await self.files.rename_all(str(self.root), names, "mara")

    async def trash(self, *files: str) -> Report:
        """Trash files."""
        return await self.files.trash(str(self.root), files, "mara")

    async def restore(self, *trash: str) -> Report:
        """Bring files back; all if none are named."""
        project = await self.project()
        ids = trash or [each for each, _ in project.view.trash()]
        return await self.bin.restore(project, ids, "mara")

    async def empty(self) -> Report:
        """Delete all that is in the trash."""
        return await self.bin.empty(await self.project(), None, "mara")

    async def stop(self) -> None:
        """Stop the host."""
        await self.engine.close()
        await self.projects.close()

    async def start_anew(self) -> None:
        """Stop the host, and start it again on the same data."""
        await self.stop()
        self._start()

    async def restart(self) -> Project:
        """Start anew, and settle what was left open."""
        await self.start_anew()
        project = await self.project()
        await self.engine.settle(project)
        return project


def bytes_of(root: Path) -> Counter[bytes]:
    """The content of every file of a project, in the trash and hidden ones too; not the log."""
    files = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    ours = root / ".gallery"
    trash = ours / ".trash"
    return Counter(
        path.read_bytes() for path in files if trash in path.parents or ours not in path.parents
    )


def intact(root: Path, before: Counter[bytes]) -> None:
    """Each file that was there is there exactly once, with its bytes; none is left hidden."""
    after = bytes_of(root)
    assert after == before, f"lost {before - after}, more than before {after - before}"
    assert [path.name for path in root.rglob(".moving-*")] == []


def listed(root: Path) -> set[str]:
    """Paths of all files outside of the service's folder."""
    files = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return {path.as_posix() for path in files if path.parts[0] != ".gallery"}


async def agreeing(desk: Desk) -> None:
    """What a host knows agrees with the disk, and nothing is left open."""
    project = await desk.project()
    assert project.view.open_plans(project.host.id) == []
    agree(desk.root, project.view)


def agree(root: Path, view: ProjectView) -> None:
    """Where the log says that an asset lies, there its bytes lie."""
    for asset, known in view.tables.table("assets").items():
        path = known.path
        if known.state is State.TRASHED:
            trashed = view.trashed(known.trash)
            assert trashed is not None
            path = trash_place(known.trash, trashed)
        else:
            assert known.state is State.PRESENT
            assert view.asset_at(path) == asset
        file = root / path
        assert file.is_file(), f"{known} has no file"
        assert head(file, file.stat().st_size) == known.head, f"{known} has other bytes"
    agree_on_trash(root, view)


def agree_on_trash(root: Path, view: ProjectView) -> None:
    """Everything in the folder of the trash is known to the log."""
    here = set()
    for trash, trashed in view.trash():
        place = trash_place(trash, trashed)
        here |= {place, *(f"{place.rpartition('/')[0]}/{name}" for name in trashed.sidecars)}
    folder = root / ".gallery" / ".trash"
    lying = {path.relative_to(root).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert lying == here


class PowerCut(BaseException):
    """Nothing more happens."""


@define(eq=False)
class Fuse:
    """Counts what changes the disk or the log, and cuts the power before one of these."""

    #: Which one fails, from 0; None lets all pass.
    cut_at: int | None = None
    count: int = 0
    calls: list[str] = field(factory=list)

    def pass_(self, name: str) -> None:
        """Something is about to change.

        Raises:
            PowerCut: it will not, and neither will anything after it.
        """
        if threading.current_thread().name.startswith("log-"):
            return  # how the log survives a power cut is tested with the log
        if self.cut_at is not None and self.count >= self.cut_at:
            raise PowerCut(name)
        self.count += 1
        self.calls.append(name)

    def wrap(self, patch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        """Have a function pass the fuse from now on."""
        call: Callable[..., Any] = getattr(owner, name)

        def fused(*args: Any, **named: Any) -> Any:
            self.pass_(name)
            return call(*args, **named)

        patch.setattr(owner, name, fused)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Fuse all that moves files, and the log before and after each change."""
        for name in ("link", "unlink", "rename", "replace", "mkdir", "rmdir", "utime"):
            self.wrap(patch, os, name)
        if effects.RENAME is not None:
            self.wrap(patch, effects, "RENAME")
        self.wrap(patch, DiskIO, "sync_folder")
        self.wrap(patch, DiskIO, "create")
        change = Project.change

        async def fused(
            project: Project, command: Any, actor: str, correlation: str | None = None
        ) -> Any:
            self.pass_("change")
            records = await change(project, command, actor, correlation)
            self.pass_("changed")
            return records

        patch.setattr(Project, "change", fused)


#: How a file system can rename: in one go, by linking and unlinking, or by neither.
SYSTEMS = ("noreplace", "links", "no links")


def mount(patch: pytest.MonkeyPatch, system: str) -> None:
    """Behave as some file system does."""
    if system == "noreplace":
        return
    patch.setattr(times, "_file_system", lambda _folder: None)  # which keeps times or does not
    patch.setattr(effects, "RENAME", lambda _source, _target: 22)  # EINVAL, as NFS says
    if system == "no links":

        def refuse(*_: Any, **__: Any) -> None:
            raise PermissionError(1, "Operation not permitted")

        patch.setattr(os, "link", refuse)
