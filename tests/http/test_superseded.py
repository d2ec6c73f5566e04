"""What another host takes away the moment it was recorded here was recorded all the same."""

from __future__ import annotations

from typing import Any

import pytest

from events.record import Record
from orchestrator.commands.deciders import Command
from orchestrator.project import Project
from tests.http.studio import Service, Studio


@pytest.fixture
async def hasty(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Service:
    """A host whose every tag and view another host deletes before the answer is made."""
    ada, bob = await studio.host("ada"), await studio.host("bob")
    mine, theirs = await ada.opened(), await bob.opened()
    changing = Project.change

    async def change(
        self: Project, command: Command, actor: str, correlation: str | None = None
    ) -> list[Record]:
        recorded = await changing(self, command, actor, correlation)
        if self is mine:
            await theirs.follow()
            for tag in theirs.view.tags():
                await bob.send("DELETE", f"/api/gallery/tags?projectPath={self.root}&tagId={tag}")
            for name in theirs.view.views():
                await bob.send("DELETE", f"/api/gallery/views?projectPath={self.root}&name={name}")
            await mine.follow()
        return recorded

    monkeypatch.setattr(Project, "change", change)
    return ada


async def shown(service: Service, endpoint: str) -> Any:
    """What is there now."""
    return (await service.ask(endpoint))[endpoint]


async def test_a_tag(hasty: Service) -> None:
    """The answer says what was defined; the tag is gone."""
    answer = await hasty.gallery("tags", name="Hero", color="#ff6b6b")
    assert answer.status == 200, answer.body
    assert answer.plain["tag"]["name"] == "Hero"
    assert await shown(hasty, "tags") == {}


async def test_a_view(hasty: Service) -> None:
    """The answer says what was saved; the view is gone."""
    answer = await hasty.gallery("views", name="mine", currentPath="Panel_01")
    assert answer.status == 200, answer.body
    assert answer.plain["view"]["currentPath"] == "Panel_01"
    assert await shown(hasty, "views") == {}
