"""Shares that are full, read-only, slow to answer or gone; files that vanish, lock or change."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from events.log.disk_io import DiskIO
from orchestrator.errors import ChangeUnsettled, FileNotMoved, FilesUnsettled, LogBusy
from orchestrator.gallery.fileops import effects, engine
from orchestrator.project import Project
from tests.fileops.desk import SYSTEMS, Desk, agreeing, bytes_of, intact, listed

every_system = pytest.mark.parametrize("system", SYSTEMS, indirect=True)

Refusal = Callable[[str, int], None]


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Refusal:
    """From now on the share refuses to rename what has a certain name."""

    def to_rename(name: str, number: int) -> None:
        asked = effects.move

        def move(source: str, target: str, **named: Any) -> None:
            if Path(source).name == name:
                raise OSError(number, os.strerror(number), source)
            asked(source, target, **named)

        monkeypatch.setattr("orchestrator.gallery.fileops.carrying.move", move)

    return to_rename


@every_system
class TestRefusals:
    @pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EBUSY])
    async def test_a_file_that_cannot_go_stays_and_is_named(
        self, desk: Desk, system: str, refuse: Refusal, number: int
    ) -> None:
        """The others go; what belongs to it stays with it."""
        desk.put("P/a.png", "P/a.txt", "P/b.png", "P/b.txt")
        before = bytes_of(desk.root)
        refuse("a.png", number)
        report = await desk.move("P/a.png", "P/b.png", to="Q")
        first, second = report.files
        assert isinstance(first.error, FileNotMoved)
        assert first.error.error == errno.errorcode[number]
        assert second.to == "Q/b.png"
        intact(desk.root, before)
        assert listed(desk.root) == {"P/a.png", "P/a.txt", "Q/b.png", "Q/b.txt"}
        await agreeing(desk)

    async def test_a_full_disk_makes_no_folders(
        self, desk: Desk, system: str, refuse: Refusal
    ) -> None:
        """A folder that was made for nothing is removed again."""
        desk.put("P/a.png")
        refuse("a.png", errno.ENOSPC)
        await desk.move("P/a.png", to="Q/R")
        await desk.trash("P/a.png")
        assert not (desk.root / "Q").exists()
        assert list((desk.root / ".gallery").glob(".trash/*")) == []

    async def test_no_room_for_a_folder(
        self, desk: Desk, system: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """All files are named with the error."""
        desk.put("P/a.png", "P/b.png")
        before = bytes_of(desk.root)
        await desk.rate("P/a.png", 3)

        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "mkdir", full)
        report = await desk.move("P/a.png", "P/b.png", to="Q")
        assert [str(file.error) for file in report.files] == [
            "'P/a.png' could not become 'Q/a.png': ENOSPC.",
            "'P/b.png' could not become 'Q/b.png': ENOSPC.",
        ]
        intact(desk.root, before)
        assert await desk.stars() == {"P/a.png": 3}

    async def test_a_cycle_that_breaks_brings_back_what_stepped_aside(
        self, desk: Desk, system: str, refuse: Refusal
    ) -> None:
        """No file stays hidden, and the log knows where each is."""
        desk.put("P/a.png", "P/b.png", "P/c.png", "P/a.txt", "P/b.txt", "P/c.txt")
        for stars, name in enumerate("abc", 1):
            await desk.rate(f"P/{name}.png", stars)
        before = bytes_of(desk.root)
        refuse("c.png", errno.EACCES)
        report = await desk.rename({"P/a.png": "b.png", "P/b.png": "c.png", "P/c.png": "a.png"})
        assert [file.error is None for file in report.files] == [False, False, False]
        intact(desk.root, before)
        await agreeing(desk)
        assert await desk.stars() == {"P/a.png": 1, "P/b.png": 2, "P/c.png": 3}

    async def test_a_sidecar_that_cannot_go(self, desk: Desk, system: str, refuse: Refusal) -> None:
        """The picture has gone by then; the sidecar is not lost."""
        desk.put("P/a.png", "P/a.txt")
        before = bytes_of(desk.root)
        refuse("a.txt", errno.EACCES)
        (file,) = (await desk.move("P/a.png", to="Q")).files
        assert (file.error, file.to) == (None, "Q/a.png")
        intact(desk.root, before)
        assert listed(desk.root) == {"P/a.txt", "Q/a.png"}


class TestAnswersThatAreLost:
    @pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT])
    async def test_a_rename_that_was_done_all_the_same(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        """The share says no, but the file has gone: the log says where it is."""
        desk.put("P/a.png")
        await desk.rate("P/a.png", 4)
        rename = effects.RENAME
        assert rename is not None

        def lose(source: bytes, target: bytes) -> int:
            return rename(source, target) or number

        monkeypatch.setattr(effects, "RENAME", lose)
        (file,) = (await desk.move("P/a.png", to="Q")).files
        assert (file.error, file.to) == (None, "Q/a.png")
        assert await desk.stars() == {"Q/a.png": 4}

    async def test_a_link_that_was_made_all_the_same(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """NFS repeats a request, and finds its own link."""
        desk.put("P/a.png")
        before = bytes_of(desk.root)
        monkeypatch.setattr(effects, "RENAME", None)
        link = os.link

        def twice(source: str, target: str) -> None:
            link(source, target)
            link(source, target)

        monkeypatch.setattr(os, "link", twice)
        (file,) = (await desk.move("P/a.png", to="Q")).files
        assert (file.error, file.to) == (None, "Q/a.png")
        intact(desk.root, before)

    async def test_an_old_name_that_stays(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A folder in which names can be made but not removed: the file keeps one name."""
        desk.put("P/a.png")
        before = bytes_of(desk.root)
        monkeypatch.setattr(effects, "RENAME", None)
        unlink = os.unlink

        def sticky(path: str, **named: Any) -> None:
            if Path(path).parent.name == "P":
                raise PermissionError(errno.EPERM, "Operation not permitted")
            unlink(path, **named)

        monkeypatch.setattr(os, "unlink", sticky)
        (file,) = (await desk.move("P/a.png", to="Q")).files
        assert isinstance(file.error, FileNotMoved)
        intact(desk.root, before)
        assert listed(desk.root) == {"P/a.png"}

    async def test_names_that_may_not_be_durable(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Asked again, the share says yes; nothing is done twice."""
        monkeypatch.setattr(engine, "PAUSES", (0.0,))
        desk.put("P/a.png", "P/b.png")
        before = bytes_of(desk.root)
        await desk.rate("P/a.png", 2)
        faults = [OSError(errno.EIO, "Input/output error")]
        sync = DiskIO.sync_folder

        def sometimes(disk: DiskIO, folder: Path) -> None:
            if faults:
                raise faults.pop()
            sync(disk, folder)

        monkeypatch.setattr(DiskIO, "sync_folder", sometimes)
        await desk.rename({"P/a.png": "b.png", "P/b.png": "a.png"})
        intact(desk.root, before)
        assert await desk.stars() == {"P/b.png": 2}

    async def test_a_share_that_never_says(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The request is told that nothing is certain; later it is settled by itself."""
        monkeypatch.setattr(engine, "PAUSES", (0.0,))
        monkeypatch.setattr(engine, "RETRY", 0.0)
        desk.put("P/a.png")
        await desk.rate("P/a.png", 2)
        with monkeypatch.context() as patch:

            def never(_disk: DiskIO, _folder: Path) -> None:
                raise OSError(errno.EHOSTDOWN, "Host is down")

            patch.setattr(DiskIO, "sync_folder", never)
            with pytest.raises(FilesUnsettled):
                await desk.move("P/a.png", to="Q")
        await desk.engine.settle(await desk.project())
        assert await desk.stars() == {"Q/a.png": 2}
        await agreeing(desk)

    async def test_a_share_that_is_unmounted_in_the_middle(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What lies under the mount point stays empty; when the share is back, it is done."""
        monkeypatch.setattr(engine, "PAUSES", (0.0,))
        desk.put("P/a.png")
        before = bytes_of(desk.root)
        await desk.rate("P/a.png", 2)
        away = desk.root.with_name("away")
        change = Project.change
        told: list[object] = []

        async def unmount(project: Project, command: Any, *rest: Any) -> Any:
            records = await change(project, command, *rest)
            if not told:
                told.append(command)
                desk.root.rename(away)
                desk.root.mkdir()
            return records

        monkeypatch.setattr(Project, "change", unmount)
        with pytest.raises(FilesUnsettled):
            await desk.move("P/a.png", to="Q")
        assert list(desk.root.iterdir()) == []
        desk.root.rmdir()
        away.rename(desk.root)
        await desk.engine.settle(await desk.project())
        intact(desk.root, before)
        assert await desk.stars() == {"Q/a.png": 2}

    async def test_a_log_that_takes_only_half_of_the_plan(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing is touched, now or later: what was announced is taken back."""
        monkeypatch.setattr("orchestrator.gallery.fileops.steps.MOST_BYTES", 100)
        desk.put("P/a.png", "P/b.png", "P/c.png")
        await desk.rate("P/a.png", 2)
        before = listed(desk.root)
        change = Project.change
        plans = []

        async def full(project: Project, command: Any, *rest: Any) -> Any:
            if hasattr(command, "planned"):
                plans.append(command)
                if len(plans) == 2:
                    raise LogBusy(1)
            return await change(project, command, *rest)

        monkeypatch.setattr(Project, "change", full)
        with pytest.raises(LogBusy):
            await desk.move("P/a.png", "P/b.png", "P/c.png", to="Q")
        assert len(plans) == 3
        await desk.restart()
        assert listed(desk.root) == before
        await agreeing(desk)

    async def test_a_plan_of_which_nobody_knows_whether_it_was_logged(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It was, as turned out later: it is carried out soon, and not at a start in a month."""
        monkeypatch.setattr(engine, "RETRY", 0.0)
        desk.put("P/a.png")
        await desk.rate("P/a.png", 2)
        change = Project.change

        async def late(project: Project, command: Any, *rest: Any) -> Any:
            records = await change(project, command, *rest)
            if hasattr(command, "planned"):
                raise ChangeUnsettled(str(project.root), 30.0)
            return records

        with monkeypatch.context() as patch:
            patch.setattr(Project, "change", late)
            with pytest.raises(ChangeUnsettled):
                await desk.move("P/a.png", to="Q")
        project = await desk.project()
        async with asyncio.timeout(5):
            while project.view.open_plans(project.host.id):  # noqa: ASYNC110  # as others see it
                await asyncio.sleep(0)
        assert await desk.stars() == {"Q/a.png": 2}
        await agreeing(desk)
