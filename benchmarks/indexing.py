"""The first index of a project against reading the chunks by hand; looking again against stat."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from benchmarks.figures import Figure, seconds
from benchmarks.made_projects import make
from orchestrator.gallery.index.model import Progress
from orchestrator.gallery.index.scanner import Scan
from orchestrator.gallery.index.store import Index

FILES, FOLDERS, ROUNDS = 20_000, 200, 5

_HEADER = struct.Struct(">I4s")


def by_hand(path: str) -> dict[bytes, bytes]:
    """The leading texts of a PNG, and nothing else: no checksum, no JSON, not even decoded."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        data = os.read(descriptor, 65_536)
    finally:
        os.close(descriptor)
    texts: dict[bytes, bytes] = {}
    at = 8
    while at < len(data):
        length, kind = _HEADER.unpack_from(data, at)
        if kind == b"IDAT":
            break
        if kind == b"tEXt":
            keyword, _, text = data[at + 8 : at + 8 + length].partition(b"\0")
            texts[keyword] = text
        at += length + 12
    return texts


def all_by_hand(root: str) -> None:
    """Find all files with their stat, as a first index must, and read each; nothing is kept.

    Keeping all texts would cost the reference as much again for fresh memory.
    """
    left = [root]
    while left:
        with os.scandir(left.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    left.append(entry.path)
                else:
                    entry.stat()
                    by_hand(entry.path)


def bare(root: str) -> int:
    """All files of a folder with their stat, as plainly as it can be had."""
    count, left = 0, [root]
    while left:
        with os.scandir(left.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    left.append(entry.path)
                else:
                    entry.stat()
                    count += 1
    return count


def both(work: Callable[[], object]) -> tuple[float, float]:
    """How long something takes, and how many seconds of CPU time of this process."""
    begin = process_time()
    return seconds(work), process_time() - begin


def first(root: Path, cache: Path) -> tuple[float, float, float]:
    """Seconds of a first index until all is searchable, in CPU time too, and of looking again."""
    index = Index(cache)
    done: list[tuple[float, float]] = []

    def tell(progress: Progress) -> None:
        if progress.phase == "done":
            done.append((perf_counter(), process_time()))

    begin = perf_counter(), process_time()
    Scan(root, index, tell=tell).run()
    whole, busy = (after - before for before, after in zip(begin, done[0], strict=True))
    again = median(seconds(Scan(root, index).run) for _ in range(3))
    index.close()
    return whole, busy, again


def run(folder: Path) -> list[Figure]:
    """All figures of this module."""
    root = folder / "project"
    make(root, FILES, FOLDERS)
    bare(str(root))  # so that no round is the first to touch the files
    rounds = [
        (
            *both(lambda: all_by_hand(str(root))),
            seconds(lambda: bare(str(root))),
            *first(root, folder / f"cache{number}"),
        )
        for number in range(ROUNDS)
    ]
    hand, hand_busy, stat, whole, busy, again = (
        FILES / median(figures) for figures in zip(*rounds, strict=True)
    )
    by_hand_name = "scandir, stat, leading chunks by hand, one thread"
    return [
        Figure(name=f"first index of {FILES:,} PNG, until all is searchable", value=whole,
               unit="files/s", reference=hand, reference_name=by_hand_name, goal=">= 0.4"),
        # Two threads work side by side, if no other program keeps them from it.
        Figure(name="the same, in CPU time", value=busy, unit="files/s",
               reference=hand_busy, reference_name=by_hand_name, goal=">= 0.12"),
        Figure(name="looking again, nothing changed", value=again, unit="files/s",
               reference=stat, reference_name="scandir + stat", goal=">= 0.5"),
    ]  # fmt: skip
