"""Runs seeds: `python -m tests.simulation --seeds 2000 [--from N]`, or one: `--seed N`."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.builds import BUILDS, Build
from tests.simulation.judge import Verdict
from tests.simulation.runner import Failure, laboratory, observe, several, shrink


def command(failure: Failure, build: Build) -> str:
    """How to see it again."""
    steps = "" if failure.steps is None else f" --steps {','.join(map(str, failure.steps))}"
    chosen = "" if build.name == "sound" else f" --build '{build.name}'"
    return f"python -m tests.simulation --seed {failure.seed}{steps}{chosen}"


def report(failure: Failure, build: Build) -> str:
    """What a person wants to see of a failing seed: its steps, what broke, and how to replay it."""
    with laboratory(build):
        small = shrink(failure, build)
    lines = [*small.trace, "", f"seed {small.seed} breaks {small.told}", "Replay it with:",
             f"  {command(small, build)}"]  # fmt: skip
    return "\n".join(lines)


def run_one(seed: int, build: Build, steps: Iterable[int] | None) -> int:
    """Run one seed with a trace."""
    with laboratory(build):
        found, trace = observe(seed, build, steps)
    print(*trace, sep="\n")
    if isinstance(found, Failure):
        print(f"\nseed {seed} breaks {found.told}")
        return 1
    print(f"seed {seed} keeps all promises: {found}")
    return 0


def run_many(begin: int, count: int, build: Build, jobs: int, most: int) -> int:
    """Run many seeds on several processes; show the first failures."""
    chunk = max(10, min(200, count // (jobs * 4) or 1))
    ends = [(build.name, at, min(at + chunk, begin + count))
            for at in range(begin, begin + count, chunk)]  # fmt: skip
    started = time.perf_counter()
    totals, failures = Verdict(), list[Failure]()
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for part in pool.map(several, ends):
            totals.acknowledged += part.acknowledged
            totals.noticed += part.noticed
            totals.unknowable += part.unknowable
            failures += part.failures
    took = time.perf_counter() - started
    for failure in failures[:most]:
        print(report(failure, build), end="\n\n")
    counts: dict[str, int] = {}
    for failure in failures:
        counts[failure.promise] = counts.get(failure.promise, 0) + 1
    print(f"{count} seeds from {begin} in {took:.1f} s ({count / took:.0f} a second)")
    print(f"{totals.acknowledged} records acknowledged; destroyed and noticed: {totals.noticed}; "
          f"destroyed with nobody left to know: {totals.unknowable}")  # fmt: skip
    print(f"{len(failures)} seeds break a promise: {counts}"
          f" {[failure.seed for failure in failures[:20]]}")  # fmt: skip
    return 1 if failures else 0


def main(arguments: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser("python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2_000, help="how many seeds")
    parser.add_argument("--from", type=int, default=0, dest="begin", help="the first seed")
    parser.add_argument("--seed", type=int, help="run this one only, and show what happens")
    parser.add_argument("--steps", help="of that seed, only these steps: 3,4,17")
    parser.add_argument("--build", choices=BUILDS, default="sound", help="a broken build")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--show", type=int, default=1, help="failures to show in full")
    given = parser.parse_args(arguments)
    build = BUILDS[given.build]
    if given.seed is None:
        return run_many(given.begin, given.seeds, build, given.jobs, given.show)
    steps = None if given.steps is None else [int(step) for step in given.steps.split(",") if step]
    return run_one(given.seed, build, steps)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
