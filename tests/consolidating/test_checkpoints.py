"""Checkpoints of projects whose old segments lie in cold files: proved, or passed by."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import orjson
import pytest

from events.log import cold
from events.log.consolidate import Consolidator
from events.log.disk_io import DiskIO
from orchestrator.host import Host
from orchestrator.project import Project, open_project
from projections.fold import state_hash
from tests.consolidating.test_tools import LAST_WRITER
from tests.project.conftest import Farm, Rate, anybody, farm, rate

__all__ = ["anybody", "farm", "rate"]

CODE = "code-1"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two segments are worth a file, which may replace them at once."""
    monkeypatch.setattr(cold, "ENOUGH", 2)
    monkeypatch.setattr(cold, "KEEP_SECONDS", 0.0)


@pytest.fixture
async def old(farm: Farm, rate: Rate) -> Farm:
    """A project of host a, which was restarted three times and has ended."""
    for stars in (1, 2, 3):
        project = await farm.host("a").get(farm.share)
        await rate(project, stars, f"P/{stars}.png")
        await farm.restart("a")
    return farm


def consolidate(farm: Farm) -> None:
    """Put all of host a's segments into a cold file, and remove them."""
    project = farm.host("a")
    gallery = farm.share / ".gallery"
    told = orjson.loads((gallery / "FORMAT").read_bytes())["project"]
    worker = Consolidator(gallery, told, project.host.id, DiskIO(), lambda: 10.0**9)
    while worker.step(LAST_WRITER, {}, ()) is not None:
        pass
    assert list((gallery / "log").iterdir()) == []


async def saved(farm: Farm, reader: Host, times: int = 1) -> Project:
    """Open the project as a reader, and save checkpoints."""
    project = open_project(farm.share, reader, farm.base / "cache", CODE)
    for _ in range(times):
        project._since_checkpoint = 1
        assert await project.checkpoint(least=1)
    return project


def opened(farm: Farm, reader: Host, code: str = CODE) -> tuple[str, int]:
    """Open it anew: hash of the state, and how many records were replayed."""
    project = open_project(farm.share, reader, farm.base / "cache", code)
    assert project.findings() == ()
    return state_hash(project.tables.pack()), project._since_checkpoint


def checkpoints(farm: Farm) -> list[Path]:
    """Oldest first."""
    return sorted((farm.base / "cache").rglob("checkpoint-*.json"))


class TestOpening:
    async def test_a_checkpoint_holds_over_consolidation(self, old: Farm, anybody: Host) -> None:
        """What was read from segments is proved by their copies (FORMAT.md K1, G4)."""
        project = await saved(old, anybody)
        state = state_hash(project.tables.pack())
        consolidate(old)

        assert opened(old, anybody) == (state, 0)

    async def test_so_does_one_that_is_made_after_it(self, old: Farm, anybody: Host) -> None:
        """Equal positions, equal state, wherever the lines were read (FORMAT.md K1, R8)."""
        before = open_project(old.share, anybody, old.base / "cache", CODE)
        consolidate(old)
        after = await saved(old, anybody)

        assert before.log is not None
        assert after.log is not None
        assert {w: (p.sequence, p.chain) for w, p in before.log.positions().items()} == {
            w: (p.sequence, p.chain) for w, p in after.log.positions().items()
        }
        assert state_hash(before.tables.pack()) == state_hash(after.tables.pack())
        assert opened(old, anybody) == (state_hash(after.tables.pack()), 0)

    async def test_a_damaged_one_gives_way_to_the_one_before(
        self, old: Farm, anybody: Host
    ) -> None:
        """And that to a replay (FORMAT.md K1)."""
        project = await saved(old, anybody, times=2)
        state, everything = state_hash(project.tables.pack()), opened(old, anybody, "code-2")[1]
        consolidate(old)
        older, newer = checkpoints(old)
        newer.write_bytes(newer.read_bytes()[:-7])
        assert opened(old, anybody) == (state, 0)
        older.write_bytes(b"")

        assert everything > 0
        assert opened(old, anybody) == (state, everything)

    async def test_one_of_other_code_or_of_another_log_is_passed_by(
        self, old: Farm, anybody: Host
    ) -> None:
        """Foreign ones mean something else (FORMAT.md K1)."""
        project = await saved(old, anybody)
        state = state_hash(project.tables.pack())
        consolidate(old)
        (path,) = checkpoints(old)
        everything = opened(old, anybody, "code-2")
        assert everything[0] == state
        assert everything[1] > 0

        text = path.read_bytes()
        head, _, body = text.partition(b"\n")
        document = orjson.loads(body)
        for at in document["positions"].values():
            at["chain"] = "0" * 32
        body = orjson.dumps(document)
        head = orjson.dumps({"code": CODE, "sha256": sha256(body).hexdigest()})
        path.write_bytes(head + b"\n" + body)
        assert opened(old, anybody) == everything

    async def test_one_that_knows_more_than_the_log_is_passed_by(
        self, old: Farm, anybody: Host
    ) -> None:
        """The share was rolled back to before: what is there now counts (FORMAT.md K1)."""
        await saved(old, anybody)
        consolidate(old)
        (file,) = (old.share / ".gallery" / "cold").iterdir()
        file.unlink()
        fresh = open_project(old.share, anybody, old.base / "cache", CODE)

        assert fresh._since_checkpoint == 0
        assert state_hash(fresh.tables.pack()) == state_hash(
            open_project(old.share, anybody, old.base / "none", CODE).tables.pack()
        )
