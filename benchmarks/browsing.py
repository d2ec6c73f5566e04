"""Browsing: one folder, the tree, a project of 100 k assets; each beside the bare system calls."""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import orjson
import structlog
from aiohttp.test_utils import TestClient, TestServer

from benchmarks.figures import Figure
from benchmarks.made_logs import make as make_log
from benchmarks.made_projects import make
from orchestrator.app import build
from orchestrator.config import Config
from orchestrator.gallery.curating import Say
from orchestrator.gallery.listing import walk_tree
from orchestrator.gallery.media import suffix
from orchestrator.http.dialects import DOCUMENTED
from orchestrator.http.replies import dump
from orchestrator.http.rows import row_writer
from orchestrator.serve import GC_THRESHOLDS
from orchestrator.services import CURATOR, FINDER, GALLERY, INDEXES, THUMBNAILS

FILES, RATED, TREE_FILES, TREE_FOLDERS, ASSETS, ROUNDS = 500, 100, 100_000, 1_000, 100_000, 25


def bare_folder(folder: str) -> bytes:
    """The same fields, without anything that the log or the index says."""
    rows = []
    with os.scandir(folder) as entries:
        for entry in entries:
            info = entry.stat()
            rows.append(
                {
                    "name": entry.name,
                    "path": entry.path,
                    "relPath": entry.path,
                    "size": info.st_size,
                    "modified": info.st_mtime,
                    "created": info.st_ctime,
                    "type": "image",
                    "extension": suffix(entry.name),
                    "width": None,
                    "height": None,
                    "rating": 0,
                    "tags": [],
                    "note": "",
                }
            )
    return orjson.dumps({"files": rows})


def bare_tree(folder: str) -> int:
    """Every entry looked at, nothing kept but the number of files."""
    files, below = 0, []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                below.append(entry.path)
            else:
                files += 1
    return files + sum(map(bare_tree, below))


def alternating(ours: Callable[[], object], bare: Callable[[], object]) -> tuple[float, float]:
    """Median seconds of both, measured in turns: a shared machine has bad moments."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for work, kept in zip((ours, bare), times, strict=True):
            begin = perf_counter()
            work()
            kept.append(perf_counter() - begin)
    return statistics.median(times[0]), statistics.median(times[1])


async def scan_folder(folder: Path) -> Figure:
    """A folder of 500 files, a fifth of them rated, from the request to the JSON of the answer."""
    project = folder / "Eliot"
    paths = make(project, FILES, 1)
    app = await build(Config(data_dir=folder / "data", roots=(folder,)))
    gallery, where = app[GALLERY], str(project)
    for path in paths[:RATED]:
        await app[CURATOR].say(where, Say(file_path=path, stars=3), "bench")
    panel = paths[0].rpartition("/")[0]
    await app[INDEXES].of(await app[FINDER].project(where)).rescan()
    write = row_writer(DOCUMENTED)

    async def look() -> int:
        return len(dump({"files": write(await gallery.folder(where, panel))}))

    await look()
    gc.set_threshold(*GC_THRESHOLDS)  # as the service does; it holds for the reference, too
    await app[THUMBNAILS].close()  # what is made ahead is another figure
    ours, bare = [], []
    for _ in range(ROUNDS * 4):
        begin = perf_counter()
        await look()
        middle = perf_counter()
        bare_folder(f"{project}/{panel}")
        bare.append(perf_counter() - middle)
        ours.append(middle - begin)
    await app[INDEXES].close()
    return Figure(
        name=f"scan-folder of {FILES} files",
        value=1000 * statistics.median(ours),
        unit="ms",
        reference=1000 * statistics.median(bare),
        reference_name="scandir + stat + orjson of the same fields",
        goal="<= 2",
    )


async def dialects(folder: Path) -> Figure:
    """The same folder over HTTP: what the frontend's dialect costs.

    Both questions are asked in turns: a shared machine has bad moments.
    """
    project = folder / "Dialects"
    panel = make(project, FILES, 1)[0].rpartition("/")[0]
    app = await build(Config(data_dir=folder / "data of dialects", roots=(folder,)))
    await app[INDEXES].of(await app[FINDER].project(str(project))).rescan()
    await app[THUMBNAILS].close()
    questions = (
        {"project_path": str(project), "folder_path": f"{project}/{panel}"},
        {"projectPath": str(project), "folderPath": panel},
    )
    taken: tuple[list[float], list[float]] = ([], [])
    async with TestClient(TestServer(app)) as client:
        for _ in range(ROUNDS * 4):
            for question, kept in zip(questions, taken, strict=True):
                begin = perf_counter()
                async with client.post("/api/gallery/scan-folder", json=question) as answer:
                    await answer.read()
                kept.append(perf_counter() - begin)
    return Figure(
        name=f"scan-folder of {FILES} files, as the frontend asks",
        value=1000 * statistics.median(taken[0]),
        unit="ms",
        reference=1000 * statistics.median(taken[1]),
        reference_name="the same in the document's dialect",
        goal="<= 1.1",
    )


def scan_tree(folder: Path) -> Figure:
    """The tree of 100 k files in 1,000 folders."""
    project = folder / "Tree"
    for number in range(TREE_FOLDERS):
        panel = project / f"Panel_{number:04d}"
        panel.mkdir(parents=True)
        for shot in range(TREE_FILES // TREE_FOLDERS):
            (panel / f"Eliot_Panel_{number:04d}_v{shot:03d}.png").touch()
    ours, bare = alternating(lambda: walk_tree(project), lambda: bare_tree(str(project)))
    return Figure(
        name=f"scan-tree of {TREE_FILES:,} files in {TREE_FOLDERS:,} folders",
        value=1000 * ours,
        unit="ms",
        reference=1000 * bare,
        reference_name="bare scandir",
        goal="<= 1.5",
    )


def memory_of_opened(folder: Path) -> Figure:
    """Peak resident memory of a process that opens a project of 100 k rated assets."""
    project = folder / "assets"
    make_log(project, 2 * ASSETS, ASSETS).close()
    code = (
        "import sys, resource, pathlib; from orchestrator.host import Host;"
        "from orchestrator.project import code_version, open_project;"
        "p = pathlib.Path(sys.argv[1]);"
        "o = open_project(p, Host('memoryhost01', 'bench'), p / 'cache', code_version());"
        "assert len(o.tables.table('assets')) == int(sys.argv[2]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(project), str(ASSETS)],
        capture_output=True,
        text=True,
        check=True,
    )
    return Figure(
        name=f"memory of an open project of {ASSETS:,} assets",
        value=float(done.stdout),
        unit="MB",
        goal="<= 500",
    )


def run(folder: Path) -> list[Figure]:
    """All figures of this module."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    return [
        asyncio.run(scan_folder(folder)),
        asyncio.run(dialects(folder)),
        scan_tree(folder),
        memory_of_opened(folder),
    ]
