"""Files that change while they are moved, links, odd spellings, and who is who afterwards."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from events.log.disk_io import DiskIO
from orchestrator.errors import FileMissing, FileNotMoved, PathInvalid
from orchestrator.gallery.fileops import effects, engine
from orchestrator.gallery.fileops.service import Conflict
from orchestrator.project import Project
from tests.fileops.desk import LONG_AGO, SYSTEMS, Desk, bytes_of, intact, listed

every_system = pytest.mark.parametrize("system", SYSTEMS, indirect=True)


@every_system
class TestFilesThatChange:
    async def test_one_vanishes_between_plan_and_move(
        self, desk: Desk, system: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is named as missing; the others go."""
        desk.put("P/a.png", "P/b.png")
        move = effects.move

        def gone(source: str, target: str, **named: Any) -> None:
            Path(source).with_name("a.png").unlink(missing_ok=True)
            move(source, target, **named)

        monkeypatch.setattr("orchestrator.gallery.fileops.carrying.move", gone)
        first, second = (await desk.move("P/a.png", "P/b.png", to="Q")).files
        assert isinstance(first.error, FileMissing)
        assert second.to == "Q/b.png"

    async def test_a_name_is_taken_between_plan_and_move(
        self, desk: Desk, system: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing is replaced, whoever was faster."""
        desk.put("P/a.png")
        move = effects.move

        def faster(source: str, target: str, **named: Any) -> None:
            Path(target).write_bytes(b"somebody else's")
            move(source, target, **named)

        monkeypatch.setattr("orchestrator.gallery.fileops.carrying.move", faster)
        (file,) = (await desk.move("P/a.png", to="Q")).files
        assert isinstance(file.error, FileNotMoved)
        assert file.error.error == "EEXIST"
        assert (desk.root / "Q/a.png").read_bytes() == b"somebody else's"
        assert (desk.root / "P/a.png").is_file()

    async def test_times_are_kept_where_the_share_changes_them(
        self, desk: Desk, system: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """SMB servers do."""
        desk.put("P/a.png", "P/b.png")
        await desk.rename({"P/a.png": "b.png", "P/b.png": "a.png"})
        await desk.move("P/a.png", to="Q")
        await desk.trash("Q/a.png")
        await desk.restore()
        assert (desk.root / "Q/a.png").stat().st_mtime_ns == LONG_AGO
        assert (desk.root / "P/b.png").stat().st_mtime_ns == LONG_AGO

    async def test_times_that_may_not_be_set(
        self, desk: Desk, system: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Who may rename a file need not own it; the file goes all the same."""
        desk.put("P/a.png")

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "utime", refuse)
        (file,) = (await desk.move("P/a.png", to="Q")).files
        assert (file.error, file.to) == (None, "Q/a.png")

    async def test_rated_while_it_moves(
        self, desk: Desk, system: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Somebody rates a file of which nothing was known when its move was planned."""
        desk.put("P/a.png")
        change = Project.change

        async def meanwhile(project: Project, command: Any, *rest: Any) -> Any:
            records = await change(project, command, *rest)
            if hasattr(command, "planned"):
                await desk.rate("P/a.png", 5)
            return records

        monkeypatch.setattr(Project, "change", meanwhile)
        await desk.move("P/a.png", to="Q")
        assert await desk.stars() == {"Q/a.png": 5}


class TestManyFiles:
    async def test_a_thousand_with_three_bad_ones(self, desk: Desk) -> None:
        """The others go, the three are named."""
        paths = [f"P/{number:04}.png" for number in range(1_000)]
        desk.put(*paths)
        before = bytes_of(desk.root)
        (desk.root / "outside.png").symlink_to("/etc/hostname")
        bad = ["P/nowhere.png", "../../secret.png", "outside.png"]
        asked = [*paths[:500], *bad, *paths[500:]]
        report = await desk.move(*asked, to="Q")
        assert [file.asked for file in report.files] == asked
        assert [file.asked for file in report.files if file.error is not None] == bad
        assert sum(file.to is not None for file in report.files) == 1_000
        intact(desk.root, before)


class TestLinks:
    async def test_a_link_is_not_moved(self, desk: Desk) -> None:
        """A relative link would lead nowhere from another folder."""
        desk.put("P/a.png")
        (desk.root / "P/link.png").symlink_to("a.png")
        (file,) = (await desk.move("P/link.png", to="Q")).files
        assert isinstance(file.error, PathInvalid)
        assert (desk.root / "P/link.png").is_symlink()

    async def test_a_loop_of_folders(self, desk: Desk) -> None:
        """It is refused, and nothing goes round for ever."""
        desk.put("P/a.png")
        (desk.root / "loop").symlink_to("loop")
        (desk.root / "round").symlink_to(".")
        report = await desk.move("loop/a.png", "loop", "round", "round/P/a.png", to="Q")
        assert [file.error is None for file in report.files] == [False, False, False, True]
        assert listed(desk.root) == {"Q/a.png"}

    async def test_a_folder_that_leads_out(self, desk: Desk, tmp_path: Path) -> None:
        """Neither from nor to it."""
        desk.put("P/a.png")
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere/b.png").write_bytes(b"secret")
        (desk.root / "out").symlink_to(tmp_path / "elsewhere")
        (file,) = (await desk.move("out/b.png", to="Q")).files
        assert file.error is not None
        with pytest.raises(Exception, match="out"):
            await desk.move("P/a.png", to="out")
        assert listed(desk.root) == {"P/a.png"}

    async def test_hard_links_that_swap_names_keep_both(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """They are one file to the disk, and two to people."""
        monkeypatch.setattr(engine, "PAUSES", (0.0,))
        desk.put("P/a.png", "other.png")
        await desk.rate("other.png", 1)
        os.link(desk.root / "P/a.png", desk.root / "P/b.png")
        before = bytes_of(desk.root)
        faults = [OSError(errno.EIO, "Input/output error")]
        sync = DiskIO.sync_folder

        def sometimes(disk: DiskIO, folder: Path) -> None:
            if faults:
                raise faults.pop()
            sync(disk, folder)

        monkeypatch.setattr(DiskIO, "sync_folder", sometimes)
        await desk.rename({"P/a.png": "b.png", "P/b.png": "a.png"})
        intact(desk.root, before)
        assert listed(desk.root) == {"P/a.png", "P/b.png", "other.png"}


class TestSpellings:
    async def test_one_file_asked_for_twice_goes_once(self, desk: Desk) -> None:
        """Both spellings are answered."""
        desk.put("P/a.png")
        absolute = str(desk.root / "P/a.png")
        report = await desk.move("P/a.png", absolute, to="Q")
        assert [(file.asked, file.to) for file in report.files] == [
            ("P/a.png", "Q/a.png"),
            (absolute, "Q/a.png"),
        ]

    async def test_two_names_for_one_file(self, desk: Desk) -> None:
        """The first counts, the second is refused."""
        desk.put("P/a.png")
        report = await desk.rename({"P/a.png": "b.png", "P//a.png": "c.png"})
        assert [file.error is None for file in report.files] == [True, False]
        assert listed(desk.root) == {"P/b.png"}

    async def test_what_cannot_come_replaces_nothing(self, desk: Desk) -> None:
        """A file whose sidecar has no room stays, and what it would have replaced stays, too."""
        desk.put("P/a.png", "P/a.txt", "Q/a.png", "Q/a.mp4", "Q/a.txt")
        before = listed(desk.root)
        report = await desk.move("P/a.png", to="Q", conflict=Conflict.OVERWRITE)
        assert report.files[0].error is not None
        assert report.replaced == ()
        assert listed(desk.root) == before


class TestWhoIsWho:
    async def test_a_newcomer_inherits_nothing(self, desk: Desk) -> None:
        """A file comes to where the log believes another one, which went without a word."""
        desk.put("P/star.png", "P/new.png")
        star = await desk.rate("P/star.png", 5)
        (desk.root / "P/star.png").rename(desk.root / "elsewhere.png")
        await desk.rename({"P/new.png": "star.png"})
        assert await desk.stars() == {}
        view = (await desk.project()).view
        assert view.asset_at("P/star.png") not in {None, star}

    async def test_nor_does_one_that_comes_from_the_trash(self, desk: Desk) -> None:
        """Restoring takes the same care."""
        desk.put("P/star.png")
        await desk.trash("P/star.png")
        desk.put("P/star.png", size=50)
        await desk.rate("P/star.png", 5)
        (desk.root / "P/star.png").rename(desk.root / "elsewhere.png")
        await desk.restore()
        assert await desk.stars() == {}

    async def test_the_same_bytes_again_are_another_asset(self, desk: Desk) -> None:
        """Rendered again after the first was moved away: a fresh id, and no stars."""
        desk.put("P/a.png")
        first = await desk.rate("P/a.png", 5)
        await desk.move("P/a.png", to="Q")
        desk.put("P/a.png")
        second = await desk.rate("P/a.png", 1)
        assert first != second
        assert await desk.stars() == {"Q/a.png": 5, "P/a.png": 1}
