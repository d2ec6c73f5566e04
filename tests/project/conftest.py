"""Hosts with projects on one shared folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from orchestrator.commands.curation import CurateAsset, Sighting
from orchestrator.host import Host, load_host
from orchestrator.project import Project
from orchestrator.projects import Projects


@define
class Farm:
    """Several hosts, and the folder they share."""

    share: Path
    base: Path
    hosts: dict[str, Projects] = field(factory=dict)

    def host(self, name: str) -> Projects:
        """A host's projects; begun at the first call."""
        if name not in self.hosts:
            data = self.base / name
            self.hosts[name] = Projects(load_host(data), data)
        return self.hosts[name]

    async def restart(self, name: str) -> Projects:
        """Stop a host cleanly and start it again on the same data."""
        await self.hosts.pop(name).close()
        return self.host(name)

    def crash(self, name: str) -> None:
        """Forget a host without a word, as kill -9 would."""
        self.hosts.pop(name)


@pytest.fixture
async def farm(tmp_path: Path) -> AsyncIterator[Farm]:
    """An empty share with one project folder."""
    share = tmp_path / "share" / "Eliot"
    share.mkdir(parents=True)
    made = Farm(share, tmp_path)
    yield made
    for projects in made.hosts.values():
        await projects.close()


Rate = Callable[..., Coroutine[Any, Any, None]]


@pytest.fixture
def rate() -> Rate:
    """Give a file of a project stars; the file need not exist, since deciding looks at none."""

    async def give(project: Project, stars: int, path: str = "P/cat.png") -> None:
        await project.change(CurateAsset(sighting=Sighting(path, 1, 2, "h"), stars=stars), "mara")

    return give


@pytest.fixture
def anybody() -> Host:
    """Some host."""
    return Host("hosthosthost", "workstation")
