"""The judge of the load tests sees what is wrong: a test of the tests."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from tests.hosts.judging import verdict
from tests.hosts.ledger import Edit, Ledger, prepare
from tests.hosts.load import Host, edits, running


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ledger]:
    """A project after some edits, and what was asked for."""
    folder = tmp_path_factory.mktemp("judging")
    project = folder / "share" / "Eliot"
    ledger = prepare(project)

    async def run() -> None:
        host = Host("north", folder / "north", project)
        async with running(host):
            await edits([host.url], [str(project)], 150, seed=3, ledger=ledger, moving=40)
            await host.stop()

    asyncio.run(run())
    return project, ledger


@pytest.fixture
def project(ran: tuple[Path, Ledger], tmp_path: Path) -> Path:
    """A copy of it, to be harmed."""
    return Path(shutil.copytree(ran[0], tmp_path / "Eliot"))


@pytest.fixture
def ledger(ran: tuple[Path, Ledger]) -> Ledger:
    """A copy of what was asked for, to be changed."""
    return Ledger(dict(ran[1].files), dict(ran[1].edits))


def acknowledged(ledger: Ledger, endpoint: str) -> Edit:
    """The last edit of a kind that was acknowledged and told something."""
    return [e for e in ledger.acknowledged if e.endpoint == endpoint and "ratings" not in e.body][
        -1
    ]


def segment(project: Path) -> Path:
    """The log's only file."""
    (found,) = (project / ".gallery" / "log").iterdir()
    return found


def test_an_honest_log(project: Path, ledger: Ledger) -> None:
    """Nothing is wrong with it."""
    assert verdict(project, ledger) == []
    kinds = {edit.endpoint for edit in ledger.acknowledged}
    assert kinds >= {"ratings", "notes", "views", "tags", "trash", "move-files", "rename-file"}


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.9])
def test_a_log_that_lost_its_end(project: Path, ledger: Ledger, cut: float) -> None:
    """Edits that were acknowledged are missing."""
    lines = segment(project).read_bytes().splitlines(keepends=True)
    segment(project).write_bytes(b"".join(lines[: int(len(lines) * cut)]))
    assert any(fault.startswith("lost") for fault in verdict(project, ledger))


@pytest.mark.parametrize("endpoint", ["notes", "views", "tags", "trash", "move-files", "restore"])
def test_each_kind_of_edit(project: Path, ledger: Ledger, endpoint: str) -> None:
    """One that the log does not hold is missed, whatever it was."""
    edit = acknowledged(ledger, endpoint)
    if endpoint in {"trash", "move-files", "restore"}:
        edit = [e for e in ledger.acknowledged if e.endpoint == endpoint and moved(e)][-1]
    ledger.edits["load-x"] = evolve(edit, actor="load-x")
    assert [fault.split(" ")[:3] for fault in verdict(project, ledger)] == [
        ["lost:", "load-x", endpoint]
    ] * max(1, moved(edit))


def moved(edit: Edit) -> int:
    """How many files an edit says that it moved."""
    kinds = ("moved", "replaced", "trashed", "restored", "notes")
    return sum(len(edit.answer.get(kind) or ()) for kind in kinds)


def forget(ledger: Ledger) -> None:
    """Nobody asked for it."""
    del ledger.edits[acknowledged(ledger, "notes").actor]


def refuse(ledger: Ledger) -> None:
    """It was refused."""
    edit = acknowledged(ledger, "notes")
    ledger.edits[edit.actor] = evolve(edit, status=404)


def change(ledger: Ledger) -> None:
    """Something else was asked for."""
    edit = acknowledged(ledger, "notes")
    body = {**edit.body, "note": "something else"}
    ledger.edits[edit.actor] = evolve(edit, body=body)


@pytest.mark.parametrize("tamper", [forget, refuse, change])
def test_false_events(project: Path, ledger: Ledger, tamper: Callable[[Ledger], None]) -> None:
    """What nobody asked for, what was refused, and what was asked for otherwise."""
    tamper(ledger)
    assert any(fault.startswith("false") for fault in verdict(project, ledger))


def user_file(project: Path) -> Path:
    """Some file that is in no trash."""
    return next(path for path in project.rglob("*.png") if ".gallery" not in path.parts)


def test_files_that_were_harmed(project: Path, ledger: Ledger) -> None:
    """Gone, doubled, changed."""
    file = user_file(project)
    shutil.copy(file, project / "twice.png")
    assert "lies at [" in "".join(verdict(project, ledger))
    (project / "twice.png").unlink()
    file.write_bytes(b"other")
    told = verdict(project, ledger)
    assert [fault.split(" ")[0] for fault in told] == ["harmed:", "harmed:"]
    file.unlink()
    assert "lies at no place" in "".join(verdict(project, ledger))
