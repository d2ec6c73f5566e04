"""An old project becomes events: once, whole, and with the old files left as they are."""

from __future__ import annotations

import asyncio
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from events.codec import MAX_EVENTS
from orchestrator import claiming
from orchestrator.commands.curation import CurateAsset, DeleteTag
from orchestrator.commands.importing import WelcomeFile, tag_id
from orchestrator.errors import ClaimHeld, ImportUnfinished, ProjectReadOnly, ShareMissing
from orchestrator.gallery.intake import sight
from orchestrator.gallery.legacy import import_run, importer
from orchestrator.gallery.legacy.importer import Importer
from orchestrator.gallery.legacy.old_gallery import OldGallery, read_gallery
from orchestrator.gallery.legacy.sources import GALLERY, present
from orchestrator.project import Project
from projections.fold import state_hash
from projections.imports import awaited, imported
from projections.trash import trash_place
from tests.legacy.conftest import Studio
from tests.legacy.old_project import OldProject, record, view

HERO = tag_id("hero")
CAT, DOG = "P/cat.png", "P/dog.png"


def furnish(old: OldProject) -> None:
    """A small old project with something of everything."""
    old.file(CAT, b"cat")
    old.file(DOG, b"dog")
    old.keep(
        files={CAT: record(4, "hands", (1,)), DOG: record(), "P/gone.png": record(2, "", (1,))},
        tags={"1": {"name": "hero", "color": "#ff0000"}},
        views={"default": view(filters_json='{"rating": 3}')},
    )
    old.trash({"P/a.png": "P/a.png", "P/a_1.png": "P/a.png"})


def curation(project: Project, path: str) -> tuple[int, tuple[str, ...], str]:
    """Stars, tags and note of a file."""
    seen = project.view
    asset = seen.asset_at(path)
    assert asset is not None
    rating = seen.rating(asset)
    tags = tuple(tag.name for t in seen.tags_of(asset) if (tag := seen.tag(t)))
    return rating.stars if rating else 0, tags, seen.note(asset)


async def rate(project: Project, path: str, stars: int, actor: str = "mara") -> None:
    """A person gives a file stars."""
    command = CurateAsset(sighting=sight(project.root, path), stars=stars)
    await project.change(command, actor)


class TestImport:
    async def test_everything_is_taken_over(self, studio: Studio) -> None:
        furnish(studio.old)
        project, report = await studio.imported()

        assert curation(project, CAT) == (4, ("hero",), "hands")
        assert project.view.asset_at(DOG) is None
        known = project.view.view("default")
        assert known is not None
        assert known.settings["filters"] == {"rating": 3}
        assert [s.counts for s in report.sources] == [
            {"tags": 1, "views": 1, "ratings": 1, "file_tags": 1, "notes": 1, "awaited": 1},
            {"trashed": 2},
        ]
        assert report.sources[0].silent == 1
        assert report.left.total == 0

    async def test_old_files_are_left_as_they_are(self, studio: Studio) -> None:
        furnish(studio.old)
        before = studio.old.prints()
        await studio.imported()

        assert studio.old.prints() == before

    async def test_missing_files_are_awaited(self, studio: Studio) -> None:
        """What was said of a file that is not there waits for it."""
        furnish(studio.old)
        project, _ = await studio.imported()

        waiting = awaited(project.tables)["P/gone.png"]
        assert (waiting.stars, waiting.tags) == (2, (HERO,))

        studio.old.file("Q/found.png")
        found = sight(studio.root, "Q/found.png")
        await project.change(WelcomeFile(path="P/gone.png", sighting=found), "mara")
        assert curation(project, "Q/found.png") == (2, ("hero",), "")
        assert awaited(project.tables) == {}

    async def test_old_trash_is_in_the_trash_where_it_lies(self, studio: Studio) -> None:
        furnish(studio.old)
        project, _ = await studio.imported()

        lying = {trash_place(trash, told): told.path for trash, told in project.view.trash()}
        assert lying == {".trash/P/a.png": "P/a.png", ".trash/P/a_1.png": "P/a.png"}
        assert all((studio.root / place).is_file() for place in lying)

    async def test_the_log_tells_who_and_that_it_was_done(self, studio: Studio) -> None:
        """Nobody knows who once gave the stars, so nobody is named for them."""
        furnish(studio.old)
        project, _ = await studio.imported()

        asset = project.view.asset_at(CAT)
        assert asset is not None
        rating = project.view.rating(asset)
        assert rating is not None
        assert rating.actor == "import"
        done = imported(project.tables, GALLERY)
        assert done is not None
        assert done.actor == "mara"
        assert done.size == studio.old.store.stat().st_size
        assert done.counts["ratings"] == 1

    async def test_dry_run_tells_the_same_and_does_nothing(self, studio: Studio) -> None:
        furnish(studio.old)
        project, rehearsed = await studio.imported(dry_run=True)

        assert project.log is None
        assert not (studio.root / ".gallery" / "log").exists()
        _, real = await studio.imported()
        assert rehearsed.plain() == {**real.plain(), "dry_run": True}

    async def test_nothing_to_import(self, studio: Studio) -> None:
        project, report = await studio.imported()

        assert report.sources == []
        assert project.log is None

    async def test_spellings_of_one_file_become_one(self, studio: Studio) -> None:
        """The record with the right spelling counts; others fill what it does not say."""
        studio.old.file(CAT)
        studio.old.keep(
            files={"P/CAT.png": record(1, "loud"), CAT: record(5), "p/cat.PNG": record(2)}
        )
        project, _ = await studio.imported()

        assert curation(project, CAT) == (5, (), "loud")

    async def test_many_files(self, studio: Studio) -> None:
        """More than one transaction or one chunk of looks can hold."""
        count = 1_200
        files = {f"P/{number:04}.png": record(1 + number % 5) for number in range(count)}
        (studio.root / "P").mkdir()
        for path in files:
            (studio.root / path).write_bytes(path.encode())
        studio.old.keep(files=files)
        seen: list[tuple[int, int]] = []
        project = await studio.open()

        await Importer().run(project, "mara", progress=lambda *now: seen.append(now))

        assert len(list(project.view.ratings())) == count
        assert seen == [(0, count), (512, count), (1024, count), (count, count)]
        assert count > MAX_EVENTS


class TestOnce:
    async def test_a_second_import_has_nothing_to_do(self, studio: Studio) -> None:
        furnish(studio.old)
        project, _ = await studio.imported()
        before = project.tables.pack()
        _, report = await studio.imported()

        assert report.sources == []
        assert len(report.earlier) == 2
        assert project.tables.pack() == before

    async def test_a_store_written_to_since_adds_what_is_new(self, studio: Studio) -> None:
        """What people said here meanwhile is newer, whatever the old program says."""
        furnish(studio.old)
        project, _ = await studio.imported()
        await rate(project, CAT, 0)
        await project.change(DeleteTag(tag=HERO), "mara")
        studio.old.keep(
            files={CAT: record(3, "", (1,)), DOG: record(2, "", (1,))},
            tags={"1": {"name": "hero", "color": "#ff0000"}},
        )
        _, report = await studio.imported()

        assert curation(project, CAT) == (0, (), "hands")
        assert curation(project, DOG) == (2, (), "")
        assert project.view.tag(HERO) is None
        assert [source.counts for source in report.sources] == [{"ratings": 1}]

    async def test_of_two_hosts_at_once_one_imports(self, studio: Studio) -> None:
        """The other one is told which host does it; afterwards it finds nothing to do."""
        furnish(studio.old)
        one, other = await studio.open("a"), await studio.open("b")
        claim = await one.claim(claiming.IMPORT, claiming.ALL)
        assert claim is not None

        with pytest.raises(ClaimHeld, match=one.host.id):
            await Importer().run(other, "tom")
        assert imported(other.tables, GALLERY) is None
        claim.release()
        await Importer().run(one, "mara")
        await Importer().run(other, "tom")

        assert imported(other.tables, GALLERY) is not None
        assert not list((studio.root / ".gallery" / "log").glob(f"*{other.host.id}*"))

    async def test_edits_do_not_wait_for_another_hosts_import(self, studio: Studio) -> None:
        """What people say comes before what is imported, also if that comes later."""
        furnish(studio.old)
        one, other = await studio.open("a"), await studio.open("b")
        assert await one.claim(claiming.IMPORT, claiming.ALL) is not None

        await Importer().ensure(other, "tom")

        assert imported(other.tables, GALLERY) is None

    async def test_two_hosts_at_once_in_spite_of_the_claim(
        self, studio: Studio, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One slept and was taken for dead. Ids follow from what is imported, so both tell the
        same, and nothing is there twice."""  # noqa: D205, D209  # one thought
        furnish(studio.old)
        one, other = await studio.open("a"), await studio.open("b")
        monkeypatch.setattr(importer, "claimed", lambda *_: nullcontext())
        await asyncio.gather(Importer().run(one, "mara"), Importer().run(other, "tom"))
        await asyncio.gather(one.follow(), other.follow())

        assert state_hash(one.tables.pack()) == state_hash(other.tables.pack())
        assert [tag.name for tag in one.view.tags().values()] == ["hero"]
        assert curation(one, CAT) == (4, ("hero",), "hands")
        assert len(one.view.trash()) == 2

    async def test_another_host_that_comes_later_has_nothing_to_do(self, studio: Studio) -> None:
        furnish(studio.old)
        other = await studio.open("b")
        await studio.imported("a")
        await Importer().ensure(other, "tom")

        assert other.log is not None
        assert not list((studio.root / ".gallery" / "log").glob(f"*{other.host.id}*"))


class TestCrash:
    @pytest.mark.parametrize("steps", range(7))
    async def test_it_goes_on_where_it_was_cut_short(
        self, studio: Studio, monkeypatch: pytest.MonkeyPatch, steps: int
    ) -> None:
        """However far it came: the second run makes it whole, and a person's edit stays."""
        furnish(studio.old)
        project = await studio.open()
        real, made = Project.change, 0

        async def change(self: Project, *arguments: Any) -> Any:
            nonlocal made
            made += 1
            if made > steps:
                raise ShareMissing("killed")
            return await real(self, *arguments)

        with monkeypatch.context() as cut:
            cut.setattr(Project, "change", change)
            if steps < 6:
                with pytest.raises(ShareMissing):
                    await Importer().run(project, "mara")
            else:
                await Importer().run(project, "mara")
        await project.drain()
        studio.crash()
        again = await studio.open()
        await rate(again, CAT, 1)
        await Importer().ensure(again, "mara")

        assert curation(again, CAT) == (1, ("hero",), "hands")
        assert set(awaited(again.tables)) == {"P/gone.png"}
        assert len(again.view.trash()) == 2
        assert imported(again.tables, GALLERY) is not None

    async def test_a_share_that_goes_away_is_not_missing_files(
        self, studio: Studio, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Files and store vanish together: nothing is told of the files, and it is tried again."""
        furnish(studio.old)
        project = await studio.open()

        def read(*arguments: Any) -> OldGallery:
            found = read_gallery(*arguments)
            studio.root.rename(studio.root.with_name("unmounted"))
            studio.root.mkdir()
            return found

        with monkeypatch.context() as cut:
            cut.setattr(import_run, "read_gallery", read)
            with pytest.raises((ShareMissing, ProjectReadOnly)):
                await Importer().run(project, "mara")
        assert awaited(project.tables) == {}


class TestDamage:
    async def test_what_stands_beside_a_torn_store_is_read(self, studio: Studio) -> None:
        """The predecessor wrote to `.tmp` first; a power cut may leave that one whole."""
        furnish(studio.old)
        store = studio.old.store
        whole = store.read_bytes()
        store.write_bytes(whole[:50])
        store.with_name("gallery.json.bak").write_bytes(b"{}")
        store.with_name("gallery.json.tmp").write_bytes(whole)
        project, report = await studio.imported()

        assert curation(project, CAT) == (4, ("hero",), "hands")
        assert not report.whole
        assert "gallery.json.tmp was read instead" in str(report.sources[0].fault)

    async def test_a_torn_store_is_taken_over_when_it_was_mended(self, studio: Studio) -> None:
        """It is not taken to be done; what could be saved of it is there at once."""
        furnish(studio.old)
        whole = studio.old.store.read_bytes()
        studio.old.store.write_bytes(whole[: whole.index(b"P/dog.png")])
        project = await studio.open()
        await Importer().ensure(project, "mara")
        assert curation(project, CAT) == (4, (), "hands")

        studio.old.store.write_bytes(whole)
        await Importer().ensure(project, "mara")

        assert curation(project, CAT) == (4, ("hero",), "hands")
        assert imported(project.tables, GALLERY) is not None

    @pytest.mark.parametrize("data", [b"", b"[]", b"\0" * 99, b"{" * 9_999, b'{"files": 7}'])
    async def test_any_bytes(self, studio: Studio, data: bytes) -> None:
        """Whatever stands in the stores, the project can be worked on."""
        studio.old.file(CAT)
        studio.old.file(".gallery/gallery.json", data)
        studio.old.file(".trash/.manifest.json", data)
        studio.old.file(".gallery/.trash/.manifest.json", data)
        project = await studio.open()
        await Importer().ensure(project, "mara")
        await rate(project, CAT, 3)

        assert curation(project, CAT) == (3, (), "")

    async def test_stores_that_are_no_files(self, studio: Studio) -> None:
        studio.old.store.mkdir(parents=True)
        (studio.root / ".trash").write_bytes(b"")
        _, report = await studio.imported()

        assert report.sources == []


class TestEnsure:
    async def test_edits_wait_for_the_import(self, studio: Studio) -> None:
        """Many edits at once wait for one import."""
        furnish(studio.old)
        project, one = await studio.open(), Importer()
        await asyncio.gather(*(one.ensure(project, "mara") for _ in range(5)))

        assert curation(project, CAT) == (4, ("hero",), "hands")
        assert len(project.view.trash()) == 2

    async def test_it_looks_once(self, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
        """After that, an edit pays nothing for it."""
        looked: list[Path] = []

        def look(root: Path) -> tuple[str, ...]:
            looked.append(root)
            return present(root)

        monkeypatch.setattr(importer, "present", look)
        project, one = await studio.open(), Importer()
        for _ in range(3):
            await one.ensure(project, "mara")

        assert looked == [studio.root]
        assert project.log is None

    async def test_a_long_import_is_said_to_be_under_way(
        self, studio: Studio, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The edit is refused for now; the import goes on, and the next edit finds it done."""
        furnish(studio.old)
        monkeypatch.setattr(importer, "PATIENCE", 0.0)
        project, one = await studio.open(), Importer()
        with pytest.raises(ImportUnfinished) as refused:
            await one.ensure(project, "mara")
        assert refused.value.code == "project.importing"
        monkeypatch.setattr(importer, "PATIENCE", 20.0)
        await one.ensure(project, "mara")

        assert curation(project, CAT) == (4, ("hero",), "hands")

    async def test_a_client_that_hangs_up_stops_nothing(self, studio: Studio) -> None:
        furnish(studio.old)
        project, one = await studio.open(), Importer()
        first = asyncio.create_task(one.ensure(project, "mara"))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await one.ensure(project, "mara")

        assert curation(project, CAT) == (4, ("hero",), "hands")

    @pytest.mark.parametrize("fault", [OSError(5, "Input/output error"), RuntimeError("a bug")])
    async def test_an_import_that_fails_does_not_stop_people(
        self, studio: Studio, monkeypatch: pytest.MonkeyPatch, fault: Exception
    ) -> None:
        """It is tried again later; what was said meanwhile stays."""
        furnish(studio.old)
        now = 1_000.0
        project, one = await studio.open(), Importer(clock=lambda: now)

        def fail(*_arguments: object) -> object:
            raise fault

        with monkeypatch.context() as broken:
            broken.setattr(import_run, "read_store", fail)
            await one.ensure(project, "mara")
        await rate(project, CAT, 1)
        await one.ensure(project, "mara")
        assert curation(project, CAT) == (1, (), "")

        now += importer.RETRY_SECONDS
        await one.ensure(project, "mara")

        assert curation(project, CAT) == (1, ("hero",), "hands")

    async def test_it_is_stopped_with_the_service(self, studio: Studio) -> None:
        """And done by the next one."""
        furnish(studio.old)
        project, one = await studio.open(), Importer()
        waiting = asyncio.create_task(one.ensure(project, "mara"))
        await asyncio.sleep(0)
        await one.close()
        await waiting
        await Importer().ensure(project, "mara")

        assert curation(project, CAT) == (4, ("hero",), "hands")


class TestHostile:
    async def test_bad_things_are_counted_and_named(self, studio: Studio) -> None:
        studio.old.file(CAT)
        studio.old.keep(
            files={
                "/etc/a.png": record(5),
                "../a.png": record(5),
                "P\\cat.png": record("5"),  # type: ignore[arg-type]  # as a broken client sent it
                CAT: record(3),
            }
        )
        project, report = await studio.imported()

        assert curation(project, CAT) == (3, (), "")
        assert report.left.total == 3
        done = imported(project.tables, GALLERY)
        assert done is not None
        assert done.left_out == 3

    async def test_the_list_of_bad_things_has_an_end(self, studio: Studio) -> None:
        """All are counted; as many are named as somebody could read."""
        studio.old.keep(files={f"../{number}.png": record(1) for number in range(3_000)})
        _, report = await studio.imported()

        assert report.left.total == 3_000
        assert len(report.left.named) == 1_000

    async def test_views_from_the_wild_are_plain_json(self, studio: Studio) -> None:
        """What was saved is sent to clients as it is."""
        studio.old.keep(views={"default": view(filters_json=json.dumps({"a": [1, None, "é"]}))})
        project, _ = await studio.imported()

        known = project.view.view("default")
        assert known is not None
        assert known.settings["filters"] == {"a": [1, None, "é"]}
