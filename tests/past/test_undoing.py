"""Undo on a real project, with real files: what the disk and the log say afterwards."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from events.assets import AssetRelinked
from events.codec import draft
from orchestrator.commands.curation import CurateAsset, Sighting
from orchestrator.errors import EditUnknown, FilesUnsettled, UndoTooLarge
from orchestrator.gallery.fileops.service import Conflict
from orchestrator.gallery.past import selecting
from orchestrator.gallery.past.filework import Landed
from orchestrator.gallery.past.service import ToldUndo
from orchestrator.gallery.past.undo_parts import FILES_BY_SERVICE, MISSING, PATH_TAKEN
from orchestrator.gallery.past.undoing import Undoing
from tests.past.conftest import Desk, Watched


def paths(told: ToldUndo) -> list[str | None]:
    """Which files were put back."""
    return sorted(edit.path or "" for edit in told.done)  # type: ignore[return-value]  # wider than str


class TestWhatWasSaid:
    async def test_one_star(self, desk: Desk) -> None:
        """The old stars are back, the history shows by what, and nothing is lost."""
        await desk.rate("P/a.png", 3)
        edit = await desk.rate("P/a.png", 5)
        told = await desk.undo(id=edit, who="tom")
        assert await desk.stars("P/a.png") == 3
        assert [(e.id, e.undone_by) for e in told.done] == [(edit, told.undo)]
        newest, *_ = (await desk.history()).edits
        assert (newest.what, newest.actor, newest.batch) == ("edits.undone", "tom", told.undo)

    async def test_redo(self, desk: Desk) -> None:
        """The undo of the undo."""
        edit = await desk.rate("P/a.png", 5)
        told = await desk.undo(id=edit)
        again = await desk.undo(batch=told.undo)
        assert await desk.stars("P/a.png") == 5
        (shown,) = [e for e in (await desk.history()).edits if e.id == edit]
        assert shown.undone_by is None
        await desk.undo(batch=again.undo)
        assert await desk.stars("P/a.png") == 0

    async def test_an_undo_by_its_own_id(self, desk: Desk) -> None:
        """Who clicks on the undo in the history means all of it."""
        one = await desk.rate("P/a.png", 5, batch="b-1")
        await desk.rate("P/b.png", 5, batch="b-1")
        await desk.undo(batch="b-1")
        mark = next(e for e in (await desk.history()).edits if e.what == "edits.undone")
        await desk.undo(id=mark.id)
        assert (await desk.stars("P/a.png"), await desk.stars("P/b.png")) == (5, 5)
        assert one

    async def test_everything_by_one_person(self, desk: Desk) -> None:
        """Between two moments; what others did stays."""
        await desk.rate("P/a.png", 1)
        await asyncio.sleep(0.005)
        since = datetime.now(UTC)
        await desk.rate("P/a.png", 5, who="tom")
        await desk.rate("P/b.png", 5, who="tom")
        await desk.rate("P/c.png", 5)
        told = await desk.undo(actor="tom", since=since, until=since + timedelta(hours=1))
        assert [await desk.stars(f"P/{name}.png") for name in "abc"] == [1, 0, 5]
        assert len(told.done) == 2

    async def test_everything_on_one_host(self, desk: Desk) -> None:
        """By whomever."""
        await desk.rate("P/a.png", 1)
        await desk.rate("P/b.png", 5, who="tom")
        host = (await desk.open()).host.id
        await desk.undo(host=host)
        assert [await desk.stars(f"P/{name}.png") for name in "ab"] == [0, 0]
        assert (await desk.undo(host="another")).done == ()

    async def test_a_dry_run_writes_nothing(self, desk: Desk) -> None:
        """And shows what the real one does."""
        edit = await desk.rate("P/a.png", 5)
        blocked = await desk.rate("P/b.png", 1)
        later = await desk.rate("P/b.png", 2, who="tom")
        count = len(await desk.edits())
        wanted = {"actor": "mara"}
        dry = await desk.undo(dry_run=True, **wanted)
        assert len(await desk.edits()) == count
        assert dry.undo is None
        assert [e.id for e in dry.done] == [edit]
        assert [(e.id, by.id) for e, by in dry.conflicts] == [(blocked, later)]
        real = await desk.undo(**wanted)
        assert [e.id for e in real.done] == [e.id for e in dry.done]
        assert [e.id for e, _ in real.conflicts] == [e.id for e, _ in dry.conflicts]

    async def test_thousands_at_once(self, desk: Desk) -> None:
        """More than a line of the log holds: several lines, one batch."""
        project = await desk.open()

        async def curate(number: int) -> None:
            seen = Sighting(f"P/{number}.png", 1, 1, f"{number}")
            first = CurateAsset(sighting=seen, stars=3, note="first")
            await project.change(first, "tom")
            then = CurateAsset(sighting=seen, stars=5, note=f"{number} {'x' * 2_000}")
            await project.change(then, "mara", "b-1")

        await asyncio.gather(*(curate(number) for number in range(600)))
        told = await desk.undo(batch="b-1")
        assert len(told.done) == 1_200
        assert {await desk.stars(f"P/{number}.png") for number in range(600)} == {3}
        again = await desk.undo(batch=told.undo)
        assert len(again.done) == 1_200
        assert {await desk.stars(f"P/{number}.png") for number in range(600)} == {5}

    async def test_unknown(self, desk: Desk) -> None:
        """Neither edit nor batch."""
        await desk.rate("P/a.png", 5)
        for wanted in ({"id": "x"}, {"batch": "x"}):
            with pytest.raises(EditUnknown):
                await desk.undo(**wanted)

    async def test_too_many(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        """Refused before anything is done."""
        monkeypatch.setattr(selecting, "MOST_EDITS", 1)
        await desk.rate("P/a.png", 5)
        await desk.rate("P/b.png", 5)
        with pytest.raises(UndoTooLarge):
            await desk.undo(actor="mara")

    async def test_a_project_without_a_log(self, desk: Desk) -> None:
        """Nothing was ever done here, and asking creates nothing."""
        assert (await desk.history()).edits == ()
        assert (await desk.undo(actor="mara")).done == ()
        assert not (desk.root / ".gallery").exists()


class TestWhatWasDoneToFiles:
    async def test_a_batch_rename(self, desk: Desk) -> None:
        """Rated or not, every file has its old name, and its stars."""
        await desk.rate("P/a.png", 5)
        batch = await desk.rename({f"P/{n}.png": f"shot_{n}.png" for n in "abc"})
        assert desk.names() == ["P/shot_a.png", "P/shot_b.png", "P/shot_c.png"]
        told = await desk.undo(batch=batch)
        assert desk.names() == ["P/a.png", "P/b.png", "P/c.png"]
        assert await desk.stars("P/a.png") == 5
        assert len(told.done) == 3
        await desk.undo(batch=told.undo)
        assert desk.names() == ["P/shot_a.png", "P/shot_b.png", "P/shot_c.png"]

    async def test_a_swap(self, desk: Desk) -> None:
        """Circles go back as they came."""
        await desk.rate("P/a.png", 1)
        batch = await desk.rename({"P/a.png": "b.png", "P/b.png": "a.png"})
        await desk.undo(batch=batch)
        assert (desk.root / "P/a.png").read_bytes().startswith(b"a")
        assert (desk.root / "P/b.png").read_bytes().startswith(b"b")
        assert await desk.stars("P/a.png") == 1

    async def test_trash_and_redo(self, desk: Desk) -> None:
        """What comes back has its stars; what goes again is in the trash again."""
        await desk.rate("P/a.png", 4)
        batch = await desk.trash("P/a.png", "P/b.png")
        assert desk.names() == ["P/c.png"]
        told = await desk.undo(batch=batch)
        assert desk.names() == ["P/a.png", "P/b.png", "P/c.png"]
        assert await desk.stars("P/a.png") == 4
        await desk.undo(batch=told.undo)
        assert desk.names() == ["P/c.png"]

    async def test_renamed_then_trashed(self, desk: Desk) -> None:
        """All that Mara did: out of the trash, and back to its first name."""
        await desk.rename({"P/a.png": "best.png"})
        await desk.trash("P/best.png")
        told = await desk.undo(actor="mara")
        assert desk.names() == ["P/a.png", "P/b.png", "P/c.png"]
        assert len(told.done) == 2

    async def test_a_folder(self, desk: Desk) -> None:
        """With what lies in it."""
        await desk.rate("P/a.png", 5)
        batch = await desk.rename({"P": "Panel"})
        assert await desk.stars("Panel/a.png") == 5
        told = await desk.undo(batch=batch)
        assert desk.names() == ["P/a.png", "P/b.png", "P/c.png"]
        assert await desk.stars("P/a.png") == 5
        assert told.conflicts == ()
        assert told.impossible == ()

    async def test_a_name_that_is_taken(self, desk: Desk) -> None:
        """Nothing is replaced: the dry run says so, and so does the real one."""
        batch = await desk.rename({"P/a.png": "x.png", "P/b.png": "y.png"})
        desk.picture("P/a.png", b"another")
        for dry_run in (True, False):
            told = await desk.undo(batch=batch, dry_run=dry_run)
            assert [(e.path, why) for e, why in told.impossible] == [("P/a.png", PATH_TAKEN)]
            assert paths(told) == ["P/b.png"]
        assert (desk.root / "P/a.png").read_bytes() == b"another"
        assert desk.names() == ["P/a.png", "P/b.png", "P/c.png", "P/x.png"]

    async def test_a_file_that_is_gone(self, desk: Desk) -> None:
        """Somebody deleted it outside: it is named, and the others go back."""
        batch = await desk.rename({"P/a.png": "x.png", "P/b.png": "y.png"})
        (desk.root / "P/x.png").unlink()
        told = await desk.undo(batch=batch)
        assert [(e.path, why) for e, why in told.impossible] == [("P/a.png", MISSING)]
        assert desk.names() == ["P/b.png", "P/c.png"]

    async def test_a_file_that_will_not_move(self, desk: Desk) -> None:
        """What the share refuses stays where it is, and still counts as renamed."""
        batch = await desk.rename({"P/a.png": "x.png", "P/b.png": "y.png"})
        desk.mover.refuses["P/x.png"] = "it is locked"
        told = await desk.undo(batch=batch)
        assert [(e.path, why) for e, why in told.impossible] == [("P/a.png", "it is locked")]
        undone = {e.path: e.undone_by for e in (await desk.history()).edits if e.batch == batch}
        assert undone == {"P/a.png": None, "P/b.png": told.undo}

    async def test_a_folder_that_will_not_move(self, desk: Desk) -> None:
        """Then what lies in it stays, too."""
        await desk.rate("P/a.png", 5)
        batch = await desk.rename({"P": "Panel"})
        desk.mover.refuses["Panel"] = "it is locked"
        told = await desk.undo(batch=batch)
        assert told.done == ()
        assert {why for _, why in told.impossible} == {"it is locked"}

    async def test_a_share_that_goes_away_in_the_middle(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was done by then is told; asking again does the rest."""
        await desk.rename({"P/a.png": "x.png"})
        await desk.rename({"P": "Panel"})
        last = await desk.rename({"Panel/c.png": "z.png"})
        move, calls = desk.mover.inner.move_pairs, 0

        async def once(_: Watched, *given: Any) -> list[Landed]:
            nonlocal calls
            calls += 1
            if calls > 1:
                raise FilesUnsettled("op", "the share is away")
            return await move(*given)

        with monkeypatch.context() as patch:
            patch.setattr(Watched, "move_pairs", once)
            with pytest.raises(FilesUnsettled):
                await desk.undo(actor="mara")
        assert desk.names() == ["Panel/b.png", "Panel/c.png", "Panel/x.png"]
        undone = [e.undone_by for e in (await desk.history()).edits if e.batch == last]
        assert undone[0] is not None
        await desk.undo(actor="mara")
        assert desk.names() == ["P/a.png", "P/b.png", "P/c.png"]

    async def test_trash_that_was_emptied(self, desk: Desk) -> None:
        """What was deleted for good is named."""
        batch = await desk.trash("P/a.png")
        await desk.bin.empty(await desk.open(), None, "tom")
        told = await desk.undo(batch=batch)
        assert told.done == ()
        assert len(told.impossible) == 1

    async def test_a_name_in_the_way_of_a_restore(self, desk: Desk) -> None:
        """What comes out of the trash takes a free name, as restore does."""
        batch = await desk.trash("P/a.png")
        desk.picture("P/a.png", b"another")
        told = await desk.undo(batch=batch)
        assert len(told.done) == 1
        assert len(desk.names()) == 4
        assert (desk.root / "P/a.png").read_bytes() == b"another"

    async def test_an_overwritten_file(self, desk: Desk) -> None:
        """A move that replaced a file: the one goes back, the other comes out of the trash."""
        desk.picture("Q/a.png", b"old")
        report = await desk.files.move(str(desk.root), ["P/a.png"], "Q", Conflict.OVERWRITE, "mara")
        await desk.undo(batch=report.batch)
        assert (desk.root / "Q/a.png").read_bytes() == b"old"
        assert (desk.root / "P/a.png").read_bytes().startswith(b"a")

    async def test_without_somebody_who_moves_files(self, desk: Desk) -> None:
        """What was said is undone, and files are left to the service."""
        await desk.rate("P/a.png", 5)
        await desk.rename({"P/b.png": "x.png"})
        undoing = Undoing(desk.past.histories, desk.past.moments, None)
        everything = selecting.Selection(actor="mara")
        told = await undoing.undo(await desk.open(), everything, "mara", dry_run=False, force=False)
        assert await desk.stars("P/a.png") == 0
        assert [each.why for each in told.impossible] == [FILES_BY_SERVICE]


class TestRelink:
    async def test_the_old_file_with_its_bytes(self, desk: Desk) -> None:
        """What the file was like before the relink is read from the log."""
        await desk.rate("P/a.png", 5)
        project = await desk.open()
        asset = project.view.asset_at("P/a.png")
        assert asset is not None
        before = project.view.asset(asset)
        await relink(desk, "P/b.png")
        assert project.view.asset_at("P/b.png") == asset
        told = await desk.undo(batch="relinking")
        assert len(told.done) == 1
        after = project.view.asset(asset)
        assert before is not None
        assert after is not None
        assert (after.path, after.size, after.mtime, after.head) == (
            *(before.path, before.size, before.mtime, before.head),
        )
        await desk.undo(batch=told.undo)
        assert project.view.asset_at("P/b.png") == asset


async def relink(desk: Desk, path: str) -> None:
    """Somebody decides that the asset of P/a.png is another file."""
    project = await desk.open()
    asset = project.view.asset_at("P/a.png")
    assert asset is not None
    assert project.log is not None
    event = AssetRelinked(
        asset=asset, source="P/a.png", path=path, size=7, mtime=8, head="x", reason="person"
    )
    records = await asyncio.wrap_future(project.log.append(draft([event], "tom", "relinking")))
    project.apply(records)


class TestHistoryOnDisk:
    async def test_it_survives_a_restart(self, desk: Desk, tmp_path: Path) -> None:
        """Another service, later, knows the same edits and undoes them."""
        edit = await desk.rate("P/a.png", 5)
        await desk.rename({"P/b.png": "x.png"})
        await desk.undo(id=edit)
        before = (await desk.history()).edits
        later = Desk(desk.root, tmp_path / "other")
        try:
            assert (await later.history()).edits == before
            await later.undo(actor="mara")
            assert later.names() == ["P/a.png", "P/b.png", "P/c.png"]
        finally:
            await later.close()
