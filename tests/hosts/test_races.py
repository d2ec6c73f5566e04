"""What only several hosts on a bad share meet: races, lost answers, shares that look away."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from events.files import FilesPlanned
from events.record import Record
from orchestrator.errors import FileUnreadable
from orchestrator.gallery.fileops import effects
from orchestrator.gallery.fileops.requests import Conflict
from orchestrator.project import Project
from tests.fileops.desk import Desk, bytes_of, intact, listed


async def test_what_another_host_took_was_not_replaced(tmp_path: Path) -> None:
    """To make room, a file is trashed; if another host moved it away, nobody names its trash."""
    desk = Desk(tmp_path)
    desk.put("P/a.png", "P/b.png", "Q/a.png", "Q/b.png")
    project = await desk.project()

    def other_host(_project: Project, records: list[Record]) -> None:
        if any(isinstance(record.event, FilesPlanned) for record in records):
            (desk.root / "Q/b.png").rename(desk.root / "b.png")

    project.listeners.append(other_host)
    report = await desk.move("P/a.png", "P/b.png", to="Q", conflict=Conflict.OVERWRITE)
    project.listeners.remove(other_host)
    assert [(file.path, file.to) for file in report.files] == [
        ("P/a.png", "Q/a.png"),
        ("P/b.png", "Q/b.png"),
    ]
    assert [file.path for file in report.replaced] == ["Q/a.png"]
    assert [trash for trash, _ in project.view.trash()] == [report.replaced[0].trash]
    await desk.stop()


async def test_a_link_whose_answer_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was made: the file goes on to its new name, and does not keep two."""
    desk = Desk(tmp_path)
    desk.put("P/a.png", "P/a.txt")
    before, link = bytes_of(desk.root), os.link

    def lost(source: str, target: str) -> None:
        link(source, target)
        raise OSError(errno.EIO, os.strerror(errno.EIO), source)

    monkeypatch.setattr(effects, "RENAME", None)
    with monkeypatch.context() as patched:
        await desk.project()
        await desk.rate("P/a.png", 3)
        patched.setattr(os, "link", lost)
        report = await desk.move("P/a.png", to="Q")
    assert [file.error for file in report.files] == [None]
    assert listed(desk.root) == {"Q/a.png", "Q/a.txt"}
    intact(desk.root, before)
    await desk.stop()


async def test_a_share_that_cannot_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan is not made; whoever asked is told to try again, and where it went wrong."""
    desk = Desk(tmp_path)
    desk.put("P/a.png")
    await desk.rate("P/a.png", 3)
    lstat = Path.lstat

    def broken(path: Path) -> os.stat_result:
        if path.name == "a.png":
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return lstat(path)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "lstat", broken)
        with pytest.raises(FileUnreadable, match=r"a\.png"):
            await desk.trash("P/a.png")
    assert listed(desk.root) == {"P/a.png"}
    await desk.stop()
