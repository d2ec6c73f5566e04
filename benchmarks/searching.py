"""Searching 100 k prompts of 2 KB, and the memory that it takes."""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure, seconds
from benchmarks.made_projects import Wording
from orchestrator.gallery.index.model import Search, Seen
from orchestrator.gallery.index.reading import Entry
from orchestrator.gallery.index.rows import Row
from orchestrator.gallery.index.store import Index
from orchestrator.gallery.recipe import Recipe

PROMPTS, LETTERS, BATCH, QUESTIONS = 100_000, 2_000, 500, 300


def fill(folder: Path, prompts: int = PROMPTS) -> int:
    """An index of so many files, each with its own prompt; returns the letters of all prompts."""
    index = Index(folder)
    wording = Wording(random.Random(1))
    letters = 0
    for begin in range(0, prompts, BATCH):
        rows = []
        for number in range(begin, begin + BATCH):
            prompt = wording.prompt(LETTERS)
            letters += len(prompt)
            recipe = Recipe(prompt=prompt, negative_prompt="blurry", seed=number)
            seen = Seen(f"Panel_{number // 100:04d}", f"shot_{number:06d}.png", 1, number, number)
            rows.append(Row(number + 1, seen, Entry(1216, 832, None, None, recipe)))
        index.put(rows).result()
    while index.tidy():
        pass
    index.close()
    return letters


def questions() -> list[str]:
    """One to three words: half of them as common as they come in prompts, half any word."""
    chance = random.Random(2)
    wording = Wording(random.Random(1))
    made = []
    for _ in range(QUESTIONS):
        words = [
            wording.prompt(12).split()[0].strip(",")
            if chance.random() < 0.5
            else chance.choice(wording.words)
            for _ in range(chance.choice((1, 2, 3)))
        ]
        made.append(" ".join(words))
    return made


def ask(folder: Path) -> dict[str, float]:
    """Milliseconds of each question, and by how many MB this process grew."""
    asked = questions()
    before = resident()
    index = Index(folder)
    times = [1000 * seconds(partial(index.search, Search(text=text))) for text in asked]
    grown = resident() - before
    index.close()
    return {
        "p50": statistics.median(times),
        "p99": statistics.quantiles(times, n=100)[98],
        "worst": max(times),
        "grown": grown,
    }


def resident() -> float:
    """MB that this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def run(folder: Path) -> list[Figure]:
    """All figures of this module."""
    letters = fill(folder / "index")
    code = (
        "import sys, json, pathlib; from benchmarks.searching import ask;"
        "print(json.dumps(ask(pathlib.Path(sys.argv[1]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder / "index")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    about = f"search {PROMPTS:,} prompts of 2 KB, 1 to 3 words"
    return [
        Figure(name=f"{about}, p50", value=told["p50"], unit="ms", goal="<= 15"),
        Figure(name=f"{about}, p99", value=told["p99"], unit="ms", goal="<= 50"),
        Figure(name="memory of that", value=told["grown"], unit="MB",
               reference=letters / 1e6, reference_name="the text", goal="<= 1.6"),
    ]  # fmt: skip
