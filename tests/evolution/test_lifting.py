"""Old shapes of events are lifted wherever records are read: at a start, live, after checkpoints.

A later program counts half stars: `asset.rated` is at version 2, and what version 1 says counts
double.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from attrs import define, evolve, field

from events.assets import AssetId
from events.codec import draft
from events.curation import AssetRated
from events.log.disk_io import DiskIO
from events.log.format_file import create
from events.registry import BY_CLASS, BY_NAME
from events.upcasting import UPCASTERS
from orchestrator.gallery.past.keeping import read_history
from orchestrator.host import load_host
from orchestrator.project import Project
from orchestrator.projects import Projects
from tests.log.builders import Builder
from tests.project.conftest import Farm, farm

__all__ = ["farm"]

ONE, TWO, THREE = (AssetId(letter * 32) for letter in "abc")


@define
class OldHost:
    """A host whose program is of the first release, and writes to the project of the farm."""

    gallery: Path
    log: Builder = field(init=False)

    def __attrs_post_init__(self) -> None:
        project = create(self.gallery, DiskIO()).project
        self.log = Builder(3, "host-old", project=project)

    def rate(self, *assets: AssetId, stars: int) -> None:
        """One line of version 1; several assets make it a transaction."""
        item = draft([AssetRated(asset=asset, stars=stars) for asset in assets], "mara")
        self.log.add(evolve(item, body=item.body.replace(b'"v":2', b'"v":1')))
        for name, data in self.log.files.items():
            (self.gallery / "log" / name).write_bytes(data)


@pytest.fixture
def old(farm: Farm) -> OldHost:
    """The old host; it has made the project."""
    return OldHost(farm.share / ".gallery")


Upgrade = Callable[[], None]


@pytest.fixture
def upgrade(monkeypatch: pytest.MonkeyPatch) -> Upgrade:
    """Make our program the later one."""

    def double(payload: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**payload, "stars": payload["stars"] * 2}

    def do() -> None:
        row = evolve(BY_CLASS[AssetRated], version=2)
        monkeypatch.setitem(BY_CLASS, AssetRated, row)
        monkeypatch.setitem(BY_NAME, row.name, row)
        monkeypatch.setitem(UPCASTERS, (row.name, 1), double)

    return do


def stars(project: Project) -> dict[str, int]:
    """What the project's state says; it must leave nothing out, and count nothing as unknown."""
    assert project.findings() == ()
    assert project.tables.unknown == {}
    return {asset: rating.stars for asset, rating in project.tables.table("ratings").items()}


class TestLifting:
    async def test_at_the_start(self, farm: Farm, old: OldHost, upgrade: Upgrade) -> None:
        """A replay lifts single events and transactions (FORMAT.md C2)."""
        old.rate(ONE, stars=2)
        old.rate(TWO, THREE, stars=1)
        upgrade()

        project = await farm.host("a").get(farm.share)

        assert stars(project) == {ONE: 4, TWO: 2, THREE: 2}

    async def test_live(self, farm: Farm, old: OldHost, upgrade: Upgrade) -> None:
        """A host that still runs the old program is understood (FORMAT.md C2)."""
        upgrade()
        old.rate(ONE, stars=2)
        project = await farm.host("a").get(farm.share)
        old.rate(ONE, stars=1)
        old.rate(TWO, THREE, stars=2)

        await project.follow()

        assert stars(project) == {ONE: 2, TWO: 4, THREE: 4}

    async def test_behind_a_checkpoint(self, farm: Farm, old: OldHost, upgrade: Upgrade) -> None:
        """What it holds is lifted already, what came since is not (FORMAT.md C2, K1)."""
        upgrade()
        old.rate(ONE, stars=2)
        assert stars(await farm.host("a").get(farm.share)) == {ONE: 4}
        again = await farm.restart("a")
        old.rate(TWO, THREE, stars=1)

        assert list((farm.base / "a").rglob("checkpoint-*.json"))
        assert stars(await again.get(farm.share)) == {ONE: 4, TWO: 2, THREE: 2}

    async def test_a_checkpoint_of_the_old_program(
        self, farm: Farm, old: OldHost, upgrade: Upgrade
    ) -> None:
        """Its state has the old meaning, so it is not used (FORMAT.md K1)."""
        old.rate(ONE, stars=2)
        data = farm.base / "a"
        before = farm.hosts["a"] = Projects(load_host(data), data, code="old")
        assert stars(await before.get(farm.share)) == {ONE: 2}
        upgrade()

        again = await farm.restart("a")

        assert list(data.rglob("checkpoint-*.json"))
        assert stars(await again.get(farm.share)) == {ONE: 4}

    async def test_in_the_history(self, farm: Farm, old: OldHost, upgrade: Upgrade) -> None:
        """It tells today's values of old edits, too (FORMAT.md C2)."""
        old.rate(ONE, stars=2)
        upgrade()
        project = await farm.host("a").get(farm.share)

        (edit,) = read_history(project).between(None, None)

        assert edit.event == AssetRated(asset=ONE, stars=4)

    async def test_what_we_write_is_of_todays_version(
        self, farm: Farm, old: OldHost, upgrade: Upgrade
    ) -> None:
        """It is never lifted; the old lines stay as they are, byte for byte (FORMAT.md C2)."""
        old.rate(ONE, stars=2)
        before = old.log.files
        upgrade()
        project = await farm.host("a").get(farm.share)
        assert project.log is not None
        item = draft([AssetRated(asset=TWO, stars=3)], "mara")
        project.apply(project.log.append(item).result(timeout=30))

        other = await farm.host("b").get(farm.share)

        assert stars(project) == stars(other) == {ONE: 4, TWO: 3}
        versions = {
            line["d"]["asset"]: line["v"]
            for path in (farm.share / ".gallery" / "log").iterdir()
            for line in map(orjson.loads, path.read_bytes().splitlines())
            if line.get("t") == "asset.rated"
        }
        assert versions == {ONE: 1, TWO: 2}
        for name, data in before.items():
            assert (farm.share / ".gallery" / "log" / name).read_bytes() == data
