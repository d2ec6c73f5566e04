"""Scans run in the background, again while somebody looks, and end when they are told to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from orchestrator.errors import IndexDamaged, IndexUnusable
from orchestrator.gallery.index import scanner, service
from orchestrator.gallery.index.model import Progress, ScanReport, Search
from orchestrator.gallery.index.reading import Entry
from orchestrator.gallery.index.service import RESCAN_EVERY, WATCHED_FOR, Indexer, ProjectIndex
from orchestrator.gallery.index.store import Index
from orchestrator.gallery.listing import list_folder
from tests.gallery_files.pngs import png, text
from tests.gallery_index.project import graph


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The indexer's clock."""
    return Clock()


@pytest.fixture
async def indexer(clock: Clock) -> AsyncIterator[Indexer]:
    """An indexer without projects."""
    indexer = Indexer(clock=clock)
    yield indexer
    await indexer.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one picture."""
    root = tmp_path / "Eliot"
    root.mkdir()
    add(root, "a.png", "a castle")
    return root


@pytest.fixture
async def project(indexer: Indexer, root: Path, tmp_path: Path) -> ProjectIndex:
    """That project's index, scanned once."""
    project = indexer.of(root, tmp_path / "cache")
    await project.rescan()
    return project


def add(root: Path, name: str, prompt: str) -> None:
    """A picture."""
    (root / name).write_bytes(png(text("prompt", graph(prompt))))


async def found(project: ProjectIndex, query: str) -> list[str]:
    """The paths that a search finds."""
    return [hit.path for hit in (await project.search(Search(text=query))).hits]


async def ended(indexer: Indexer) -> ScanReport:
    """The report of the next scan that ends."""
    report: asyncio.Future[ScanReport] = asyncio.get_running_loop().create_future()

    def listen(_: Path, ended: ScanReport) -> None:
        if not report.done():
            report.set_result(ended)

    indexer.enders.append(listen)
    return await asyncio.wait_for(report, 10)


class TestScans:
    async def test_the_first_question_starts_the_first_scan(
        self, indexer: Indexer, root: Path, tmp_path: Path
    ) -> None:
        """And those who listen are told how far it is."""
        told: list[tuple[Path, Progress]] = []
        indexer.listeners.append(lambda root, progress: told.append((root, progress)))
        project = indexer.of(root, tmp_path / "cache")
        assert indexer.of(root, tmp_path / "cache") is project

        report = await ended(indexer)

        assert (report.files, report.read) == (1, 1)
        assert project.report == report
        assert project.progress.phase == "done"
        assert told[-1] == (root, project.progress)
        assert await found(project, "castle") == ["a.png"]

    async def test_on_demand(self, project: ProjectIndex, root: Path) -> None:
        """A scan that is asked for begins after the question: it sees what was there then."""
        reports = asyncio.gather(project.rescan(), project.rescan())
        add(root, "b.png", "a submarine")
        assert (await project.rescan()).files == 2
        assert len(await reports) == 2
        assert await found(project, "submarine") == ["b.png"]

    async def test_again_while_somebody_looks(
        self, indexer: Indexer, project: ProjectIndex, clock: Clock, root: Path
    ) -> None:
        """Every minute, until nobody has asked for five."""
        await found(project, "castle")
        assert not project.is_due(clock.now)
        clock.now += RESCAN_EVERY
        add(root, "b.png", "a submarine")

        indexer.tick()
        assert (await ended(indexer)).files == 2
        assert not project.is_due(clock.now)

        clock.now += WATCHED_FOR
        assert not project.is_due(clock.now)
        await found(project, "castle")
        assert project.is_due(clock.now)

    async def test_a_listed_folder_is_read_at_once(
        self, indexer: Indexer, project: ProjectIndex, root: Path
    ) -> None:
        """Without a scan of the whole project."""
        add(root, "b.png", "a submarine")
        listing = await asyncio.to_thread(list_folder, root)

        assert await project.refresh(".", listing) == 1
        assert (await ended(indexer)).read == 1
        assert await found(project, "submarine") == ["b.png"]
        assert await project.refresh(".", listing) == 0

    async def test_moves_are_told(self, project: ProjectIndex) -> None:
        """By those who made them."""
        await project.moved([("a.png", "b/c.png")])
        assert await found(project, "castle") == ["b/c.png"]
        await project.moved_folder("b", "d")
        assert await found(project, "castle") == ["d/c.png"]
        await project.forget(["d/c.png"])
        assert await found(project, "castle") == []

    async def test_an_absent_share_is_in_the_report(
        self, project: ProjectIndex, root: Path
    ) -> None:
        """And what is known can still be searched."""
        await asyncio.to_thread(root.rename, root.with_name("away"))
        assert (await project.rescan()).offline
        assert await found(project, "castle") == ["a.png"]


class TestFaults:
    async def test_a_damaged_index_is_made_anew(
        self, indexer: Indexer, project: ProjectIndex, tmp_path: Path
    ) -> None:
        """Whoever notices is told; soon after all is as it was."""

        def damaged(_: Index) -> None:
            raise IndexDamaged(str(tmp_path), "database disk image is malformed")

        with pytest.raises(IndexDamaged):
            await project.ask(damaged)
        report = await ended(indexer)

        assert report.read == 1
        assert await found(project, "castle") == ["a.png"]

    async def test_a_disk_that_refuses(self, indexer: Indexer, root: Path, tmp_path: Path) -> None:
        """Is told to whoever asks, every time."""
        (tmp_path / "cache").write_bytes(b"")
        project = indexer.of(root, tmp_path / "cache")
        with pytest.raises(IndexUnusable):
            await project.rescan()
        with pytest.raises(IndexUnusable):
            await found(project, "castle")
        await asyncio.to_thread((tmp_path / "cache").unlink)
        assert (await project.rescan()).files == 1

    async def test_closing_does_not_wait_for_a_dead_share(
        self, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The thread that hangs is left behind; whoever waited is told."""
        monkeypatch.setattr(service, "CLOSE_WITHIN", 0.05)
        hangs, let_go = threading.Event(), threading.Event()

        def hang(_: str) -> Entry:
            hangs.set()
            let_go.wait(10)
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(service, "Scan", partial(scanner.Scan, read=hang))
        indexer = Indexer()
        project = indexer.of(root, tmp_path / "cache")
        waiting = asyncio.ensure_future(project.rescan())
        await asyncio.to_thread(hangs.wait, 10)
        thread = project._running  # the thread that hangs, to be waited for at the end
        assert thread is not None

        await indexer.close()

        with pytest.raises(IndexUnusable, match="closed"):
            await waiting
        with pytest.raises(IndexUnusable, match="closed"):
            await found(project, "castle")
        let_go.set()
        await asyncio.to_thread(thread.join)
