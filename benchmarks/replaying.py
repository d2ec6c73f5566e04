"""Replay with chain check against orjson.loads and the same fold; starting with a checkpoint."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
from pathlib import Path

import orjson

from benchmarks import opening
from benchmarks.figures import Figure, best_of, seconds
from benchmarks.made_logs import make
from events import codec, vocabulary
from events.log.folder import FolderLog
from events.log.format_file import load
from events.log.segments import SegmentName
from orchestrator.host import Host
from orchestrator.project import code_version, gc_paused, open_project
from projections.catalogue import empty_tables

EVENTS, ASSETS = 1_000_000, 100_000


def replay(project: Path) -> int:
    """As the service does it: every line's chain is checked."""
    found = load(project / ".gallery")
    assert found is not None
    tables, count = empty_tables(), 0
    with gc_paused():
        for records in FolderLog(project / ".gallery", found, "readerhost01").read():
            tables.apply(records)
            count += len(records)
    return count


def reference(project: Path) -> int:
    """The same lines through orjson.loads, and through the same fold; nothing is checked."""
    tables, count = empty_tables(), 0
    with gc_paused():
        for path in sorted((project / ".gallery" / "log").iterdir()):
            name = SegmentName.parse(path.name)
            assert name is not None
            records = []
            for line in path.read_bytes().splitlines():
                document = orjson.loads(line)
                if "s" in document:
                    records += codec.decode_records(document, name.writer, name.host, document["s"])
            tables.apply(records)
            count += len(records)
    return count


def memory_of_replay(project: Path) -> float:
    """Peak resident MB of a process that does nothing but replay."""
    code = (
        "import sys, resource, pathlib; from benchmarks.replaying import replay;"
        "replay(pathlib.Path(sys.argv[1]));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(project)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def run(folder: Path) -> list[Figure]:
    """All figures of this module."""
    assert vocabulary.FAMILIES
    assert resource.RUSAGE_SELF == 0
    project = folder / "million"
    make(project, EVENTS, ASSETS).close()
    replay(project)  # once, so that both find the file in the page cache
    plain = best_of(3, lambda: seconds(lambda: reference(project)))
    checked = best_of(3, lambda: seconds(lambda: replay(project)))
    return [
        Figure(
            name=f"replay of {EVENTS:,} events, chain checked",
            value=EVENTS / checked,
            unit="events/s",
            reference=EVENTS / plain,
            reference_name="orjson.loads + the same fold",
            goal=">= 0.6",
        ),
        Figure(
            name="memory of that replay", value=memory_of_replay(project), unit="MB", goal="<= 600"
        ),
        *opening.figures(project, folder / "cache-million", EVENTS),
        *starting(folder),
    ]


def starting(folder: Path) -> list[Figure]:
    """Opening a project of 100 k assets, with a checkpoint and without."""
    project_folder, cache = folder / "assets", folder / "cache"
    make(project_folder, 2 * ASSETS, ASSETS).close()
    host = Host("starthost001", "bench")

    def opened() -> float:
        return seconds(lambda: open_project(project_folder, host, cache, code_version()))

    without = best_of(3, opened)
    project = open_project(project_folder, host, cache, code_version())

    async def save() -> None:
        assert await project.checkpoint(least=1)

    asyncio.run(save())
    return [
        Figure(name="start with a checkpoint of 100 k assets", value=best_of(3, opened),
               unit="s", goal="<= 1"),
        Figure(name="start without it (200 k events)", value=without, unit="s", goal="<= 2"),
    ]  # fmt: skip
