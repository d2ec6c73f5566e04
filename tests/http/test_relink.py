"""Gallery: files that were renamed or moved outside of the service keep what was said of them."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from events.files import FilesIntended
from orchestrator.commands.curation import Sighting
from orchestrator.commands.jobs import FileStored
from orchestrator.gallery.fingerprint import head
from orchestrator.services import INDEXES, RELINKER
from tests.gallery_files.pngs import chunk, png, text
from tests.gallery_index.project import graph
from tests.http.studio import Service, Studio, events_of, faults, log_of, refused
from tests.legacy.old_project import OldProject, record

SHOT, OTHER, BEST = "p/shot.png", "p/other.png", "p/best.png"


def render(project: Path, path: str, prompt: str = "a castle", **graph_: Any) -> str:
    """A picture of its own."""
    file = project / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(png(text("prompt", graph(prompt, **graph_))))
    return path


def retouch(project: Path, path: str) -> None:
    """Another program saves the picture, and keeps what it says of itself."""
    file = project / path
    file.write_bytes(file.read_bytes() + chunk(b"tEXt", b"by\0a brush"))


def rename(project: Path, old: str, new: str) -> None:
    """As somebody does it with the file manager."""
    (project / new).parent.mkdir(parents=True, exist_ok=True)
    (project / old).rename(project / new)


def swap(project: Path) -> None:
    """Two pictures change places, by way of another disk, which sets their times anew."""
    first, second = (project / SHOT).read_bytes(), (project / OTHER).read_bytes()
    (project / SHOT).write_bytes(second)
    (project / OTHER).write_bytes(first)


@pytest.fixture
async def gallery(studio: Studio) -> Service:
    """A project with two pictures, known to the index."""
    studio.furnish_nothing()
    render(studio.project, SHOT)
    render(studio.project, OTHER, "a knight")
    service = await studio.host()
    await look(service)
    return service


async def look(service: Service) -> Any:
    """Look through the project; whatever that makes certain is relinked after it."""
    answer = await service.gallery("index")
    assert answer.status == 200, answer.body
    return answer.plain


async def lost(service: Service) -> list[tuple[str, list[str], str | None]]:
    """What waits for a decision: path, candidates, reason."""
    found = (await service.ask("relink"))["missing"]
    return [(each["path"], each["candidates"], each["reason"]) for each in found]


async def asset_at(service: Service, path: str) -> str | None:
    """The asset at a path."""
    return (await service.opened()).view.asset_at(path)


def relinks(project: Path) -> list[tuple[str, str, str]]:
    """What was relinked: from, to, why."""
    told = [event["d"] for event in events_of(project) if event["t"] == "asset.relinked"]
    return [(each["source"], each["path"], each["reason"]) for each in told]


class TestFound:
    async def test_renamed_and_moved(self, gallery: Service) -> None:
        """Stars, tags and notes are on the file under its new name; nothing is missing."""
        tag = await gallery.make_tag("Hero")
        await gallery.rate(SHOT, 5)
        await gallery.gallery("file-tags", filePath=SHOT, addTags=[tag])
        await gallery.gallery("notes", filePath=SHOT, note="approved")
        rename(gallery.project, SHOT, "final/best.png")

        assert (await look(gallery))["missing"] == []

        assert await gallery.ratings() == {"final/best.png": 5}
        assert (await gallery.ask("notes"))["notes"] == {"final/best.png": "approved"}
        assert (await gallery.ask("tags"))["tags"][tag]["fileCount"] == 1
        assert relinks(gallery.project) == [(SHOT, "final/best.png", "fingerprint")]
        assert await lost(gallery) == []

    async def test_it_stands_in_the_history(self, gallery: Service) -> None:
        """By whom: nobody's hand. The whole has one id."""
        await gallery.gallery("ratings", ratings={SHOT: 5, OTHER: 4})
        rename(gallery.project, "p", "q")
        await look(gallery)
        edits = (await gallery.ask("history"))["edits"]
        mine = [edit for edit in edits if edit["what"] == "asset.relinked"]
        assert {edit["actor"] for edit in mine} == {"relink"}
        assert len({edit["batch"] for edit in mine}) == 1
        assert len(mine) == 2

    async def test_a_whole_folder(self, gallery: Service) -> None:
        """However many lay in it: that is no share that is away."""
        files = [render(gallery.project, f"wall/w{n:02}.png", f"castle {n}") for n in range(40)]
        await gallery.gallery("ratings", files=files, rating=3)
        await look(gallery)
        rename(gallery.project, "wall", "room/wall_final")
        assert (await look(gallery))["offline"] is False
        moved = {file.replace("wall/", "room/wall_final/"): 3 for file in files}
        assert await gallery.ratings() == moved

    async def test_one_of_several_copies(self, gallery: Service) -> None:
        """Those that lay there all the time are not the one that has just come."""
        for name in ("copy1.png", "copy2.png"):
            shutil.copy2(gallery.project / SHOT, gallery.project / "p" / name)
        await look(gallery)
        await gallery.rate(SHOT, 5)
        rename(gallery.project, SHOT, BEST)
        await look(gallery)
        assert await gallery.ratings() == {BEST: 5}

    async def test_while_the_service_was_down(self, studio: Studio, gallery: Service) -> None:
        """The first look after a start finds it, also if the index was thrown away."""
        await gallery.rate(SHOT, 5)
        await gallery.close()
        rename(studio.project, SHOT, BEST)
        shutil.rmtree(studio.folder / "hosts" / "ada" / "cache" / "index")
        again = await studio.host()
        await look(again)
        assert await again.ratings() == {BEST: 5}

    async def test_a_look_that_was_cut_short_is_made_up_for(
        self, studio: Studio, gallery: Service
    ) -> None:
        """The index knew of the change already when the service stopped."""
        await gallery.rate(SHOT, 5)
        rename(studio.project, SHOT, BEST)
        gallery.app[RELINKER].indexes.indexer.enders.clear()  # as if it had been killed there
        await look(gallery)
        assert await gallery.ratings() == {SHOT: 5}
        await gallery.close()
        again = await studio.host()
        await look(again)
        assert await again.ratings() == {BEST: 5}

    async def test_two_that_were_swapped(self, gallery: Service) -> None:
        """Each keeps its own stars."""
        await gallery.gallery("ratings", ratings={SHOT: 5, OTHER: 1})
        swap(gallery.project)
        await look(gallery)
        assert await gallery.ratings() == {OTHER: 5, SHOT: 1}

    async def test_copies_that_moved_together(self, gallery: Service) -> None:
        """The same bytes twice: the one that kept more of its path is the one."""
        for path in ("d/x.png", "d/copy/x.png"):
            render(gallery.project, path, "twins")
        await gallery.gallery("ratings", ratings={"d/x.png": 5, "d/copy/x.png": 1})
        await look(gallery)
        rename(gallery.project, "d", "e")
        await look(gallery)
        assert await gallery.ratings() == {"e/x.png": 5, "e/copy/x.png": 1}


class TestNotFound:
    async def test_a_copy_is_no_move(self, gallery: Service) -> None:
        """The original is where it was."""
        await gallery.rate(SHOT, 5)
        shutil.copy2(gallery.project / SHOT, gallery.project / BEST)
        await look(gallery)
        assert await gallery.ratings() == {SHOT: 5}
        assert relinks(gallery.project) == []

    async def test_nor_is_a_copy_whose_original_was_deleted(self, gallery: Service) -> None:
        """It lay beside it for long: whether it takes its place, a person knows."""
        shutil.copy2(gallery.project / SHOT, gallery.project / BEST)
        await look(gallery)
        await gallery.rate(SHOT, 5)
        (gallery.project / SHOT).unlink()
        await look(gallery)
        assert await gallery.ratings() == {SHOT: 5}
        assert await lost(gallery) == [(SHOT, [BEST], "fingerprint")]

    async def test_a_file_edited_in_place_is_not_lost(self, gallery: Service) -> None:
        """Painted over and saved: the same shot."""
        await gallery.rate(SHOT, 5)
        retouch(gallery.project, SHOT)
        await look(gallery)
        assert await gallery.ratings() == {SHOT: 5}
        assert await lost(gallery) == []

    async def test_a_new_render_under_an_old_name(self, gallery: Service) -> None:
        """The old picture is known by its bytes; the new one does not inherit its stars."""
        await gallery.rate(SHOT, 5)
        rename(gallery.project, SHOT, BEST)
        render(gallery.project, SHOT, "something new")
        await look(gallery)
        assert await gallery.ratings() == {BEST: 5}
        await gallery.rate(SHOT, 1)
        assert await gallery.ratings() == {BEST: 5, SHOT: 1}
        assert await asset_at(gallery, SHOT) != await asset_at(gallery, BEST)

    async def test_a_new_render_under_the_name_of_a_trashed_one(self, gallery: Service) -> None:
        """Nor here; and what is restored has its own stars."""
        await gallery.rate(SHOT, 5)
        trashed = (await gallery.gallery("trash", files=[SHOT])).plain
        render(gallery.project, SHOT)
        await look(gallery)
        assert await gallery.ratings() == {}
        await gallery.rate(SHOT, 1)
        ids = [file["trashId"] for file in trashed["trashed"]]
        answer = await gallery.gallery("restore", trashIds=ids)
        assert answer.status == 200, answer.body
        assert sorted((await gallery.ratings()).values()) == [1, 5]

    async def test_a_deleted_file_is_lost(self, gallery: Service) -> None:
        """It is listed with what was said of it, and nothing is a candidate."""
        await gallery.rate(SHOT, 5)
        (gallery.project / SHOT).unlink()
        await look(gallery)
        (missing,) = (await gallery.ask("relink"))["missing"]
        assert (missing["path"], missing["rating"], missing["candidates"]) == (SHOT, 5, [])
        assert missing["reason"] is None

    async def test_many_lost_files_come_in_pages(self, gallery: Service) -> None:
        """With how many they are."""
        await gallery.gallery("ratings", ratings={SHOT: 5, OTHER: 4})
        shutil.rmtree(gallery.project / "p")
        render(gallery.project, "q/new.png", "new")
        await look(gallery)
        pages = [await gallery.ask("relink", limit=1, offset=n) for n in (0, 1, 2)]
        paths = [[each["path"] for each in page["missing"]] for page in pages]
        assert sorted(paths) == [[], [OTHER], [SHOT]]
        assert {page["total"] for page in pages} == {2}

    async def test_a_share_that_is_away_is_no_reason(self, gallery: Service) -> None:
        """Nothing is relinked, and nothing written, as long as it is."""
        await gallery.rate(SHOT, 5)
        before = log_of(gallery.project)
        away = gallery.project.parent / "away"
        gallery.project.rename(away)
        gallery.project.mkdir()
        assert (await look(gallery))["offline"] is True
        gallery.project.rmdir()
        away.rename(gallery.project)
        await look(gallery)
        assert log_of(gallery.project) == before

    async def test_our_own_moves_are_none_of_its_business(self, gallery: Service) -> None:
        """They tell themselves where their files went."""
        await gallery.gallery("ratings", ratings={SHOT: 5, OTHER: 1})
        await gallery.gallery("rename-file", filePath=SHOT, newName="best.png")
        await gallery.gallery("move-files", files=[OTHER], destination="elsewhere")
        await look(gallery)
        assert await gallery.ratings() == {BEST: 5, "elsewhere/other.png": 1}
        assert relinks(gallery.project) == []


class TestDecided:
    @pytest.fixture
    async def unclear(self, gallery: Service) -> Service:
        """A rated picture that is gone, and two copies of it under other names."""
        await gallery.rate(SHOT, 5)
        data = (gallery.project / SHOT).read_bytes()
        (gallery.project / SHOT).unlink()
        for name in ("one.png", "two.png"):
            (gallery.project / "p" / name).write_bytes(data)
        await look(gallery)
        return gallery

    async def test_it_waits_for_a_person(self, unclear: Service) -> None:
        """Both are named; then somebody says which one it is."""
        assert await lost(unclear) == [(SHOT, ["p/one.png", "p/two.png"], "fingerprint")]
        assert await unclear.ratings() == {SHOT: 5}
        (missing,) = (await unclear.ask("relink"))["missing"]

        answer = await unclear.gallery("relink", assetId=missing["assetId"], filePath="p/two.png")

        assert answer.plain == {
            "assetId": missing["assetId"],
            "path": "p/two.png",
            "rating": 5,
            "tags": [],
        }
        assert await unclear.ratings() == {"p/two.png": 5}
        assert relinks(unclear.project) == [(SHOT, "p/two.png", "person")]
        assert await lost(unclear) == []

    async def test_any_file_may_be_it(self, gallery: Service) -> None:
        """Also one of other bytes: people know more than fingerprints."""
        await gallery.rate(SHOT, 5)
        asset = await asset_at(gallery, SHOT)
        (gallery.project / SHOT).unlink()
        await look(gallery)
        answer = await gallery.gallery("relink", assetId=asset, filePath=OTHER)
        assert answer.status == 200, answer.body
        assert await gallery.ratings() == {OTHER: 5}
        assert (await look(gallery))["missing"] == []

    async def test_what_is_refused(self, gallery: Service) -> None:
        """Each with its reason, and nothing is changed."""
        await gallery.gallery("ratings", ratings={SHOT: 5, OTHER: 1})
        shot = await asset_at(gallery, SHOT)
        render(gallery.project, "p/new.png", "new")
        answer = await gallery.gallery("relink", assetId="none", filePath=OTHER)
        refused(answer, 404, "asset.unknown")
        answer = await gallery.gallery("relink", assetId=shot, filePath="p/none.png")
        refused(answer, 404, "file.missing")
        answer = await gallery.gallery("relink", assetId=shot, filePath="p/new.png")
        assert list(faults(answer)) == ["assetId"], "it is not lost"
        (gallery.project / SHOT).unlink()
        answer = await gallery.gallery("relink", assetId=shot, filePath=OTHER)
        refused(answer, 409, "asset.taken")
        assert await gallery.ratings() == {SHOT: 5, OTHER: 1}

    async def test_what_lies_in_the_trash_is_not_lost(self, gallery: Service) -> None:
        """It is to be restored instead."""
        await gallery.rate(SHOT, 5)
        asset = await asset_at(gallery, SHOT)
        await gallery.gallery("trash", files=[SHOT])
        answer = await gallery.gallery("relink", assetId=asset, filePath=OTHER)
        assert faults(answer) == {"assetId": "is in the trash"}


class TestUndone:
    async def test_it_is_not_redone_by_itself(self, gallery: Service) -> None:
        """A person took it back: from then on it waits for a person."""
        await gallery.rate(SHOT, 5)
        rename(gallery.project, SHOT, BEST)
        await look(gallery)
        edits = (await gallery.ask("history"))["edits"]
        (relinked,) = [edit for edit in edits if edit["what"] == "asset.relinked"]

        undone = (await gallery.gallery("undo", id=relinked["id"])).plain
        assert (len(undone["done"]), undone["conflicts"]) == (1, [])
        assert await gallery.ratings() == {SHOT: 5}
        render(gallery.project, "p/more.png", "so that there is something to look at")
        await look(gallery)

        assert await gallery.ratings() == {SHOT: 5}
        assert await lost(gallery) == [(SHOT, [BEST], "fingerprint")]
        await gallery.gallery("relink", assetId=relinked["assetId"], filePath=BEST)
        assert await gallery.ratings() == {BEST: 5}

    async def test_a_whole_look(self, gallery: Service) -> None:
        """All that one look relinked is taken back by its id; here, two that were swapped."""
        await gallery.gallery("ratings", ratings={SHOT: 5, OTHER: 1})
        swap(gallery.project)
        await look(gallery)
        edits = (await gallery.ask("history"))["edits"]
        assert edits[0]["what"] == "asset.relinked"
        undone = (await gallery.gallery("undo", batch=edits[0]["batch"])).plain
        assert (len(undone["done"]), undone["conflicts"]) == (2, [])
        assert await gallery.ratings() == {SHOT: 5, OTHER: 1}
        render(gallery.project, "p/more.png", "so that there is something to look at")
        await look(gallery)
        assert await gallery.ratings() == {SHOT: 5, OTHER: 1}

    async def test_a_person_s_decision(self, gallery: Service) -> None:
        """Is taken back likewise."""
        await gallery.rate(SHOT, 5)
        asset = await asset_at(gallery, SHOT)
        (gallery.project / SHOT).unlink()
        await gallery.gallery("relink", assetId=asset, filePath=OTHER)
        edits = (await gallery.ask("history"))["edits"]
        await gallery.gallery("undo", id=edits[0]["id"])
        assert await gallery.ratings() == {SHOT: 5}
        await look(gallery)
        assert [path for path, _, _ in await lost(gallery)] == [SHOT]


class TestLineage:
    JOB = "0199a1b2-0000-7000-8000-000000000001"

    async def stored(self, service: Service, path: str, *, seed: int = 1) -> str:
        """An output of a job, as the service has stored it; its asset."""
        prefix = f"job-{self.JOB}/a1/9"
        render(service.project, path, seed=seed, prefix=prefix)
        file = service.project / path
        size = file.stat().st_size
        sighting = Sighting(path, size, file.stat().st_mtime_ns, head(file, size))
        intent = FilesIntended(op=f"op-{path}", action="store", source="s", to=path, size=size,
                               sha256="", job=self.JOB, attempt=1, node="9", index=0,
                               kind="image", original="a.png")  # fmt: skip
        await (await service.opened()).change(FileStored(intent=intent, sighting=sighting), "ada")
        asset = await asset_at(service, path)
        assert asset is not None
        return asset

    def resave(self, project: Path, old: str, new: str) -> None:
        """Another program writes the picture anew: other bytes, its metadata kept."""
        data = (project / old).read_bytes()
        (project / old).unlink()
        (project / new).write_bytes(data + chunk(b"tEXt", b"by\0x"))

    async def test_a_picture_that_was_saved_anew(self, gallery: Service) -> None:
        """Its bytes are others, but the graph in it says which run made it."""
        asset = await self.stored(gallery, "p/out.png")
        await gallery.rate("p/out.png", 4)
        await look(gallery)
        self.resave(gallery.project, "p/out.png", "p/graded.png")
        await look(gallery)
        assert await gallery.ratings() == {"p/graded.png": 4}
        assert await asset_at(gallery, "p/graded.png") == asset
        assert relinks(gallery.project) == [("p/out.png", "p/graded.png", "lineage")]

    async def test_a_sister_that_was_edited_is_not_it(self, gallery: Service) -> None:
        """The other output of the run lies where it lay, with a name and stars of its own."""
        await self.stored(gallery, "p/out1.png")
        sister = await self.stored(gallery, "p/out2.png", seed=2)
        await gallery.rate("p/out1.png", 4)
        await look(gallery)
        (gallery.project / "p/out1.png").unlink()
        self.resave(gallery.project, "p/out2.png", "p/out2.png")
        await look(gallery)
        assert await gallery.ratings() == {"p/out1.png": 4}
        assert await asset_at(gallery, "p/out2.png") == sister
        assert relinks(gallery.project) == []

    async def test_a_new_picture_from_the_old_graph_is_not_it(self, gallery: Service) -> None:
        """Somebody dragged the picture into ComfyUI and drew another seed."""
        await self.stored(gallery, "p/out.png")
        await gallery.rate("p/out.png", 4)
        await look(gallery)
        (gallery.project / "p/out.png").unlink()
        render(gallery.project, "p/again.png", seed=77, prefix=f"job-{self.JOB}/a1/9")
        await look(gallery)
        assert await gallery.ratings() == {"p/out.png": 4}
        assert await lost(gallery) == [("p/out.png", [], None)]

    async def test_a_new_output_under_the_name_of_a_lost_one(self, gallery: Service) -> None:
        """The old one is found by its bytes, and both have stars of their own."""
        await gallery.rate(SHOT, 5)
        rename(gallery.project, SHOT, BEST)
        fresh = await self.stored(gallery, SHOT)
        await gallery.rate(SHOT, 1)
        await look(gallery)
        assert await gallery.ratings() == {BEST: 5, SHOT: 1}
        assert await asset_at(gallery, SHOT) == fresh


class TestAwaited:
    async def test_files_of_an_import_that_turn_up(self, studio: Studio) -> None:
        """What the predecessor knew of a file that was away is on it when it comes."""
        studio.furnish_nothing()
        render(studio.project, SHOT)
        old = OldProject(studio.project)
        old.keep(files={SHOT: record(2), "p/late.png": record(4, "from the farm")})
        service = await studio.host()
        await service.rate(SHOT, 3)
        await look(service)
        assert await service.ratings() == {SHOT: 3}
        render(service.project, "p/late.png", "late")
        await look(service)
        assert await service.ratings() == {SHOT: 3, "p/late.png": 4}
        assert (await service.ask("notes"))["notes"] == {"p/late.png": "from the farm"}


class TestManyHosts:
    async def test_two_hosts_find_the_same(self, studio: Studio, gallery: Service) -> None:
        """Whoever comes second has nothing left to say."""
        await gallery.rate(SHOT, 5)
        rename(gallery.project, SHOT, BEST)
        await look(gallery)
        other = await studio.host("bela")
        await look(other)
        assert await other.ratings() == {BEST: 5}
        assert len(relinks(gallery.project)) == 1

    async def test_two_requests_at_once(self, gallery: Service) -> None:
        """Relink once."""
        await gallery.rate(SHOT, 5)
        rename(gallery.project, SHOT, BEST)
        await asyncio.gather(look(gallery), look(gallery), lost(gallery))
        assert await gallery.ratings() == {BEST: 5}
        assert len(relinks(gallery.project)) == 1


class TestTheEnd:
    async def test_a_look_that_ends_after_the_stop_begins_nothing(self, service: Service) -> None:
        """Scans may end while the service stops: by then nobody relinks."""
        project = await service.opened()
        relinker, index = service.app[RELINKER], service.app[INDEXES].of(project)
        report = await index.rescan()
        await relinker.close()
        relinker.scanned(project.root, evolve(report, touched=("a.png",)))
        await relinker.settled(project)
        assert not relinker._rounds
