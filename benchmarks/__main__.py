"""`python3 tools/run.py bench [NAME ...]`: measures, prints a table, and writes JSON."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks import (
    appending,
    browsing,
    dispatching,
    fanning,
    farming,
    following,
    indexing,
    job_lists,
    moving,
    rating,
    replaying,
    restarting,
    searching,
    starting,
    thumbnailing,
    verifying,
)
from benchmarks.figures import Figure, machine, plain, table

BENCHMARKS = {
    "replay": replaying.run,
    "append": appending.run,
    "ratings": rating.run,
    "start": starting.run,
    "browse": browsing.run,
    "index": indexing.run,
    "search": searching.run,
    "thumbnails": thumbnailing.run,
    "moving": moving.run,
    "farm": farming.run,
    "dispatch": dispatching.run,
    "progress": fanning.run,
    "jobs": job_lists.run,
    "restart": restarting.run,
    "following": following.run,
    "verify": verifying.run,
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; 1 if a goal is missed."""
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        print(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
        return 2
    root = Path(__file__).resolve().parent.parent
    os.environ["PYTHONPATH"] = str(root)
    figures: list[Figure] = []
    for name in names or BENCHMARKS:
        with tempfile.TemporaryDirectory() as folder:
            figures += BENCHMARKS[name](Path(folder))
        print(f"{name}: done", file=sys.stderr)
    told = {"machine": machine(), "figures": plain(figures)}
    print(table(figures))
    print(json.dumps(told, indent=1))
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
