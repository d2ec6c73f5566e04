"""The first index of a project against reading the chunks by hand; looking again against stat."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.figures import Figure, seconds
from benchmarks.made_projects import make
from orchestrator.gallery.facts import read_facts
from orchestrator.gallery.index.model import Progress
from orchestrator.gallery.index.scanner import Scan
from orchestrator.gallery.index.store import Index

FILES, FOLDERS, ROUNDS = 20_000, 200, 3

_HEADER = struct.Struct(">I4s")


def by_hand(path: str) -> dict[bytes, bytes]:
    """The leading chunks of a PNG, and nothing else: no checksum, no JSON."""
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


def first(root: Path, cache: Path) -> tuple[float, float, float]:
    """Seconds of a first index until all is read, until all is searchable, and of looking again."""
    index = Index(cache)
    phases: dict[str, float] = {}

    def tell(progress: Progress) -> None:
        phases.setdefault(progress.phase, perf_counter())

    begin = perf_counter()
    Scan(root, index, tell=tell).run()
    whole = perf_counter() - begin
    again = median(seconds(Scan(root, index).run) for _ in range(3))
    index.close()
    return phases["words"] - begin, whole, again


def run(folder: Path) -> list[Figure]:
    """All figures of this module."""
    root = folder / "project"
    paths = [str(root / path) for path in make(root, FILES, FOLDERS)]
    rounds = [
        (
            seconds(lambda: [by_hand(path) for path in paths]),
            seconds(lambda: [read_facts(Path(path)) for path in paths]),
            seconds(lambda: bare(str(root))),
            *first(root, folder / f"cache{number}"),
        )
        for number in range(ROUNDS)
    ]
    hand, facts, stat, read, whole, again = (
        FILES / median(figures) for figures in zip(*rounds, strict=True)
    )
    by_hand_name = "leading chunks by hand, one thread"
    return [
        Figure(name=f"facts of {FILES:,} PNG, without an index", value=facts, unit="files/s",
               reference=hand, reference_name=by_hand_name, goal=">= 0.4"),
        Figure(name=f"first index of {FILES:,} PNG, all but the words", value=read,
               unit="files/s", reference=hand, reference_name=by_hand_name, goal=">= 0.4"),
        Figure(name="the same, until all is searchable", value=whole, unit="files/s",
               reference=hand, reference_name=by_hand_name, goal=">= 0.4"),
        Figure(name="looking again, nothing changed", value=again, unit="files/s",
               reference=stat, reference_name="scandir + stat", goal=">= 0.5"),
    ]  # fmt: skip
