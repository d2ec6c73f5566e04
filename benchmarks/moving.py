"""Renaming and trashing many files, against bare calls to the file system.

The bare calls neither look, nor plan, nor write a log, nor wait until names are durable. The
second reference does what makes a crash harmless, by hand: it appends a line that says what will be
done, syncs it, renames, syncs the folders, and appends and syncs another line.
"""

from __future__ import annotations

import asyncio
import os
import statistics
from collections.abc import Callable
from pathlib import Path

import orjson
from attrs import define, field

from benchmarks.figures import Figure, seconds
from orchestrator.gallery.fileops.engine import Engine
from orchestrator.gallery.fileops.service import FileWork
from orchestrator.gallery.finder import Finder
from orchestrator.host import load_host
from orchestrator.paths.roots import Roots
from orchestrator.project import Project
from orchestrator.projects import Projects

RENAMED, TRASHED, ROUNDS = 1_000, 100, 15
WHEN = 1_600_000_000_000_000_000


def names(count: int) -> dict[str, str]:
    """What ComfyUI calls files, and what they are called then."""
    return {f"ComfyUI_{n:05}_.png": f"Eliot_Panel_01_v{n:04}.png" for n in range(1, count + 1)}


def fill(folder: Path, count: int) -> None:
    """A folder of small files."""
    folder.mkdir(parents=True)
    for name in names(count):
        (folder / name).write_bytes(b"\x89PNG" + name.encode())


def bare(folder: Path, to: Path, count: int) -> None:
    """Only what the disk cannot be spared."""
    prefix, target = f"{folder}/", f"{to}/"
    for old, new in names(count).items():
        os.rename(prefix + old, target + new)  # noqa: PTH104  # the reference
        os.utime(target + new, ns=(WHEN, WHEN))


def safe(folder: Path, to: Path, count: int, log: Path) -> None:
    """The same, so that a crash does not leave it half done and forgotten."""
    plan = [{"from": str(folder / old), "to": str(to / new)} for old, new in names(count).items()]
    append(log, plan)
    bare(folder, to, count)
    for each in {folder, to}:
        sync(each)
    append(log, ["done"])


def append(log: Path, plain: object) -> None:
    """A durable line."""
    with log.open("ab") as file:
        file.write(orjson.dumps(plain, option=orjson.OPT_APPEND_NEWLINE))
        file.flush()
        os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """Durable names."""
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


@define
class Times:
    """Seconds of several rounds, by what was done."""

    taken: dict[str, list[float]] = field(factory=dict)

    def add(self, what: str, taken: float) -> None:
        """One round."""
        self.taken.setdefault(what, []).append(taken)

    def clock(self, what: str, work: Callable[[], object]) -> None:
        """Do something, and remember how long it took."""
        self.add(what, seconds(work))

    def of(self, what: str) -> float:
        """The median, in milliseconds: a shared machine has bad moments."""
        return statistics.median(self.taken[what]) * 1e3


async def no_import(_project: Project, _actor: str) -> None:
    """Nothing is taken over from a predecessor."""


async def measure(base: Path, times: Times) -> None:
    """All ways in turn, each on files of its own."""
    root = base / "share" / "Eliot"
    projects = Projects(load_host(base / "host"), base / "host")
    work = FileWork(Finder(Roots((base / "share",)), projects, no_import), Engine())
    loop = asyncio.get_running_loop()
    for number in range(ROUNDS):
        for count, what in ((RENAMED, "rename"), (TRASHED, "trash")):
            for way in ("bare", "safe"):
                folder = base / f"{way}-{what}-{number}"
                fill(folder, count)
                to = folder if what == "rename" else folder / "trash"
                to.mkdir(exist_ok=True)
                if way == "bare":
                    times.clock(f"bare {what}", lambda: bare(folder, to, count))  # noqa: B023  # at once
                else:
                    times.clock(f"safe {what}", lambda: safe(folder, to, count, base / "log"))  # noqa: B023  # at once
            panel = f"{what}-{number}"
            fill(root / panel, count)
            new = {f"{panel}/{old}": name for old, name in names(count).items()}
            begun = loop.time()
            if what == "rename":
                report = await work.rename_all(str(root), new, "mara")
            else:
                report = await work.trash(str(root), list(new), "mara")
            times.add(f"our {what}", loop.time() - begun)
            assert all(file.error is None for file in report.files)
    await projects.close()


def run(folder: Path) -> list[Figure]:
    """Milliseconds for a batch of renames, and for trashing some files."""
    times = Times()
    asyncio.run(measure(folder, times))
    figures = []
    for what, many in (("rename", f"{RENAMED:,} files"), ("trash", f"{TRASHED} files")):
        for way, told in (
            ("bare", "os.rename + os.utime"),
            ("safe", "the same, announced and synced by hand"),
        ):
            figures.append(
                Figure(
                    name=f"{what} {many}",
                    value=times.of(f"our {what}"),
                    unit="ms",
                    reference=times.of(f"{way} {what}"),
                    reference_name=told,
                    goal="<= 2",
                )
            )
    return figures
