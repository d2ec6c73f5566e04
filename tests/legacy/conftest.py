"""An old project, and hosts that open it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from attrs import define, field

from orchestrator.gallery.legacy.importer import Importer
from orchestrator.gallery.legacy.report import Report
from orchestrator.host import load_host
from orchestrator.project import Project
from orchestrator.projects import Projects
from tests.legacy.old_project import OldProject


@define
class Studio:
    """Hosts that share one old project."""

    old: OldProject
    base: Path
    hosts: dict[str, Projects] = field(factory=dict)

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.old.root

    async def open(self, host: str = "a") -> Project:
        """The project as one host has it open."""
        if host not in self.hosts:
            data = self.base / host
            self.hosts[host] = Projects(load_host(data), data)
        return await self.hosts[host].get(self.root)

    def crash(self, host: str = "a") -> None:
        """Forget a host without a word, as kill -9 would."""
        self.hosts.pop(host)

    async def imported(self, host: str = "a", *, dry_run: bool = False) -> tuple[Project, Report]:
        """The project after somebody has asked for its import."""
        project = await self.open(host)
        return project, await Importer().run(project, "mara", dry_run=dry_run)


@pytest.fixture
def old(tmp_path: Path) -> OldProject:
    """A project folder with nothing in it."""
    root = tmp_path / "share" / "Eliot"
    root.mkdir(parents=True)
    return OldProject(root)


@pytest.fixture
async def studio(old: OldProject, tmp_path: Path) -> AsyncIterator[Studio]:
    """Hosts on local disks beside the share."""
    made = Studio(old, tmp_path)
    yield made
    for projects in made.hosts.values():
        await projects.close()
