"""Opening projects: what is created when, what a missing share looks like, and coming back."""

from __future__ import annotations

import asyncio
import shutil
from concurrent.futures import Future

import orjson
import pytest
from attrs import frozen

from events import registry
from events.codec import Draft, draft
from events.log.port import LogReadOnlyError
from events.record import Record
from orchestrator.errors import FileMissing, ProjectReadOnly, ProjectUnreadable, ShareMissing
from orchestrator.projects import CurrentProject
from projections.fold import state_hash
from tests.project.conftest import Farm, Rate


class TestOpening:
    async def test_looking_creates_nothing(self, farm: Farm) -> None:
        """A project that nobody has edited is left as it is."""
        project = await farm.host("a").get(farm.share)
        await project.follow()
        assert list(farm.share.iterdir()) == []

    async def test_the_first_edit_makes_the_log(self, farm: Farm, rate: Rate) -> None:
        """And no project folder: that must be there already."""
        project = await farm.host("a").get(farm.share)
        await rate(project, 4)
        found = orjson.loads((farm.share / ".gallery" / "FORMAT").read_bytes())
        assert found["format"] == "gallery-log"
        assert len(list((farm.share / ".gallery" / "log").iterdir())) == 1

    async def test_a_folder_that_is_not_there_is_no_project(self, farm: Farm) -> None:
        """It is not made either."""
        with pytest.raises(FileMissing):
            await farm.host("a").get(farm.share / "nowhere")
        assert not (farm.share / "nowhere").exists()

    async def test_an_unmounted_share_is_not_an_empty_project(self, farm: Farm, rate: Rate) -> None:
        """The mount point is there, the log this host has seen is not: 503, and nothing written."""
        await rate(await farm.host("a").get(farm.share), 4)
        again = await farm.restart("a")
        shutil.move(farm.share / ".gallery", farm.base / "elsewhere")

        with pytest.raises(ShareMissing):
            await again.get(farm.share)
        assert list(farm.share.iterdir()) == []

        shutil.move(farm.base / "elsewhere", farm.share / ".gallery")
        assert (await again.get(farm.share)).view.stars_at("P/cat.png") == 4

    async def test_a_log_that_is_moved_away_takes_no_edits_with_it(
        self, farm: Farm, rate: Rate
    ) -> None:
        """The share went away under an open project: 503, and on again when it is back."""
        project = await farm.host("a").get(farm.share)
        await rate(project, 4)
        shutil.move(farm.share / ".gallery", farm.base / "elsewhere")
        await project.follow()
        with pytest.raises(ShareMissing):
            await rate(project, 5)
        assert project.read_only is not None
        shutil.move(farm.base / "elsewhere", farm.share / ".gallery")
        await project.follow()
        await rate(project, 5)
        assert project.view.stars_at("P/cat.png") == 5

    async def test_a_deleted_log_is_no_place_to_write(self, farm: Farm, rate: Rate) -> None:
        """Its file is still open, and would take lines that nobody can ever read."""
        project = await farm.host("a").get(farm.share)
        await rate(project, 4)
        shutil.rmtree(farm.share / ".gallery")
        with pytest.raises(ProjectReadOnly):
            await rate(project, 5)

    async def test_a_project_begun_by_another_host_is_remembered(
        self, farm: Farm, rate: Rate
    ) -> None:
        """So that its share can be missed after a restart."""
        one, two = [await farm.host(name).get(farm.share) for name in ("a", "b")]
        await rate(two, 4)
        await one.follow()
        again = await farm.restart("a")
        shutil.rmtree(farm.share / ".gallery")
        with pytest.raises(ShareMissing):
            await again.get(farm.share)

    async def test_a_newer_format_is_refused_whole(self, farm: Farm) -> None:
        """An older program must not read a log that it would misunderstand."""
        (farm.share / ".gallery").mkdir()
        document = {"format": "gallery-log", "fmt": 2, "project": "0" * 26, "created": "x"}
        (farm.share / ".gallery" / "FORMAT").write_bytes(orjson.dumps(document))
        with pytest.raises(ProjectUnreadable, match="format 2"):
            await farm.host("a").get(farm.share)

    async def test_two_first_edits_at_once_make_one_log(self, farm: Farm, rate: Rate) -> None:
        """On one host and on two."""
        one = await farm.host("a").get(farm.share)
        two = await farm.host("b").get(farm.share)
        await asyncio.gather(*(rate(p, 3, f"P/{i}.png") for i in range(10) for p in (one, two)))
        await one.follow()
        await two.follow()
        assert one.log is not None
        assert two.log is not None
        assert one.log.project == two.log.project
        assert one.tables.pack() == two.tables.pack()


class TestRestart:
    async def test_state_survives_a_clean_stop(self, farm: Farm, rate: Rate) -> None:
        """From the checkpoint, which is made at the stop."""
        project = await farm.host("a").get(farm.share)
        for stars in (1, 2, 5):
            await rate(project, stars)
        before = state_hash(project.tables.pack())
        project = await (await farm.restart("a")).get(farm.share)
        assert list(project.cache.rglob("checkpoint-*.json"))
        assert state_hash(project.tables.pack()) == before

    async def test_state_survives_a_crash(self, farm: Farm, rate: Rate) -> None:
        """From the log alone."""
        project = await farm.host("a").get(farm.share)
        await rate(project, 5)
        farm.crash("a")
        assert (await farm.host("a").get(farm.share)).view.stars_at("P/cat.png") == 5

    async def test_a_checkpoint_of_another_past_is_not_believed(
        self, farm: Farm, rate: Rate
    ) -> None:
        """The log was restored from a backup: what the checkpoint claims is not there any more."""
        project = await farm.host("a").get(farm.share)
        await rate(project, 1)
        await farm.restart("a")
        backup = farm.base / "backup"
        shutil.copytree(farm.share / ".gallery", backup)
        await rate(await farm.host("a").get(farm.share), 5)
        await farm.restart("a")
        shutil.rmtree(farm.share / ".gallery")
        shutil.copytree(backup, farm.share / ".gallery")

        project = await farm.host("a").get(farm.share)
        assert project.view.stars_at("P/cat.png") == 1

    async def test_damaged_checkpoints_cost_only_time(self, farm: Farm, rate: Rate) -> None:
        """They are a hint; without them everything is replayed."""
        project = await farm.host("a").get(farm.share)
        await rate(project, 4)
        cache = project.cache
        await farm.restart("a")
        for path in cache.rglob("checkpoint-*.json"):
            path.write_bytes(path.read_bytes()[:-20])
        assert (await farm.host("a").get(farm.share)).view.stars_at("P/cat.png") == 4

    async def test_checkpoints_during_edits_lose_nothing(self, farm: Farm, rate: Rate) -> None:
        """A checkpoint taken in the middle of many edits holds all that its positions claim."""
        project = await farm.host("a").get(farm.share)
        edits = asyncio.gather(*(rate(project, 1 + i % 5, f"P/{i}.png") for i in range(300)))
        made = 0
        while not edits.done():
            made += await project.checkpoint(least=1)
            await asyncio.sleep(0)
        await edits
        assert made
        live = state_hash(project.tables.pack())
        farm.crash("a")
        again = await farm.host("a").get(farm.share)
        assert state_hash(again.tables.pack()) == live


class TestUnknown:
    async def test_what_must_be_understood_forbids_writing_for_good(
        self, farm: Farm, rate: Rate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A newer program wrote a `!type`: no checkpoint may lead us past it at the next start."""
        one = await farm.host("a").get(farm.share)
        await rate(one, 2)

        @frozen(kw_only=True)
        class Merged:
            """From the future."""

            asset: str

        row = registry.EventType(
            "!asset.merged", 1, Merged, lambda _: Merged(asset=""), lambda e: {"asset": e.asset}
        )
        monkeypatch.setitem(registry.BY_CLASS, Merged, row)
        monkeypatch.setitem(registry.BY_NAME, row.name, row)
        assert one.log is not None
        one.log.append(draft([Merged(asset="x")], "mara")).result()
        monkeypatch.undo()

        for _ in range(2):
            two = await farm.host("b").get(farm.share)
            with pytest.raises(ProjectReadOnly, match=r"!asset\.merged"):
                await rate(two, 5)
            assert two.view.stars_at("P/cat.png") == 2
            await farm.restart("b")


class TestHosts:
    async def test_each_sees_what_the_other_wrote(self, farm: Farm, rate: Rate) -> None:
        """And both end in the same state."""
        one, two = [await farm.host(name).get(farm.share) for name in ("a", "b")]
        await rate(one, 2)
        assert await two.follow() > 0
        assert two.view.stars_at("P/cat.png") == 2
        await rate(two, 5)
        await one.follow()
        assert one.view.stars_at("P/cat.png") == 5
        assert state_hash(one.tables.pack()) == state_hash(two.tables.pack())

    async def test_reading_on_twice_brings_nothing_twice(self, farm: Farm, rate: Rate) -> None:
        """Nor one's own records."""
        one, two = [await farm.host(name).get(farm.share) for name in ("a", "b")]
        await rate(one, 2)
        assert await two.follow() > 0
        assert await two.follow() == 0
        assert await one.follow() == 0


class TestReadOnly:
    async def test_a_log_that_cannot_be_written_is_tried_anew_later(
        self, farm: Farm, rate: Rate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The share was full. Freed, the project works again without a restart of the service."""
        projects = farm.host("a")
        project = await projects.get(farm.share)
        await rate(project, 2)
        assert project.log is not None

        def refuse(*_: Draft) -> Future[list[Record]]:
            raise LogReadOnlyError("the disk is full")

        monkeypatch.setattr(project.log, "append", refuse)
        monkeypatch.setattr(type(project.log), "read_only", "the disk is full")
        with pytest.raises(ProjectReadOnly, match="disk is full"):
            await rate(project, 5)
        assert await projects.get(farm.share) is project

        monkeypatch.setattr("orchestrator.projects.REOPEN_SECONDS", 0.0)
        again = await projects.get(farm.share)
        monkeypatch.undo()
        assert again is not project
        await rate(again, 5)
        assert again.view.stars_at("P/cat.png") == 5


class TestCurrentProject:
    def test_it_is_kept(self, farm: Farm) -> None:
        """Over restarts of the service."""
        current = CurrentProject(farm.base / "current-project.json")
        assert current.load() is None
        current.save({"name": "Eliot", "path": "/x"})
        assert CurrentProject(current.path).load() == {"name": "Eliot", "path": "/x"}
