"""Opening a project of a million events, as a service does it: with a checkpoint and without.

Each opening is a process of its own, so that memory is that of one opening, and nothing is warm but
the page cache.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from attrs import frozen

from benchmarks.figures import Figure
from orchestrator.host import Host
from orchestrator.project import code_version, open_project

ROUNDS = 3
_HOST = Host("starthost001", "bench")


@frozen
class Opened:
    """One opening: seconds, and the peak of resident MB."""

    seconds: float
    memory: float


def opening(project: Path, cache: Path) -> Opened:
    """Open a project in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.opening", str(project), str(cache)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, memory = done.stdout.split()
    return Opened(float(seconds), float(memory))


def save_checkpoint(project: Path, cache: Path) -> None:
    """As a service does once it has replayed."""

    async def save() -> None:
        opened = await asyncio.to_thread(open_project, project, _HOST, cache, code_version())
        assert await opened.checkpoint(least=1)
        await opened.close()

    asyncio.run(save())


def figures(project: Path, cache: Path, events: int) -> list[Figure]:
    """Figures of a project that was made before, and that nobody has opened with this cache."""
    without = [opening(project, cache) for _ in range(ROUNDS)]
    save_checkpoint(project, cache)
    with_one = [opening(project, cache) for _ in range(ROUNDS)]
    return [
        Figure(
            name=f"opening a project of {events:,} events without a checkpoint",
            value=statistics.median(each.seconds for each in without),
            unit="s",
            goal="<= 3",
        ),
        Figure(
            name="the same with one",
            value=statistics.median(each.seconds for each in with_one),
            unit="s",
            goal="<= 1",
        ),
        Figure(
            name="memory of that, whichever takes more",
            value=max(each.memory for each in (*without, *with_one)),
            unit="MB",
            goal="<= 600",
        ),
    ]


def _open_here(project: Path, cache: Path) -> Opened:
    """Open a project in this process."""
    code = code_version()
    start = perf_counter()
    open_project(project, _HOST, cache, code)
    took = perf_counter() - start
    return Opened(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    _measured = _open_here(Path(sys.argv[1]), Path(sys.argv[2]))
    print(_measured.seconds, _measured.memory)
