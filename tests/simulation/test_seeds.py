"""Seeds of the simulator: the product keeps its promises, and broken builds of it are caught."""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.simulation.__main__ import main, report
from tests.simulation.builds import BROKEN, SOUND, Build
from tests.simulation.plan import make
from tests.simulation.runner import Failure, attempt, laboratory, observe, several, shrink

#: Seeds of the default run, and of the campaigns.
FEW, MANY = 50, 2_000


def _fail(failure: Failure, build: Build = SOUND) -> None:
    pytest.fail(report(failure, build), pytrace=False)


class TestThePromises:
    def test_a_few_seeds(self) -> None:
        """Whatever hosts, clocks and share do, P1 to P6 hold."""
        part = several((SOUND.name, 0, FEW))
        for failure in part.failures:
            _fail(failure)
        assert part.acknowledged > 10 * FEW

    @pytest.mark.campaign
    @pytest.mark.timeout(900)
    def test_many_seeds(self) -> None:
        """The same two thousand times, on two processes."""
        chunks = [(SOUND.name, begin, begin + 100) for begin in range(0, MANY, 100)]
        jobs = min(2, os.cpu_count() or 1)
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            parts = list(pool.map(several, chunks))
        for part in parts:
            for failure in part.failures:
                _fail(failure)
        assert sum(part.noticed for part in parts) > MANY  # destruction happens, and is noticed


class TestTheTests:
    @pytest.mark.parametrize("build", BROKEN, ids=lambda build: build.name)
    def test_a_broken_build_is_caught(self, build: Build) -> None:
        """Each breaks a promise within the number of seeds that it states."""
        suited = (seed for seed in itertools.count() if build.suits(make(seed)))
        with laboratory(build):
            seeds = itertools.islice(suited, build.within)
            assert any(isinstance(attempt(seed, build), Failure) for seed in seeds)

    def test_a_seed_is_the_same_each_time(self) -> None:
        """The same seed gives the same steps, errors and times, to the last line of the trace."""
        build = next(build for build in BROKEN if build.name == "no fsync")
        with laboratory(build):
            (one, trace), (other, again) = (observe(1, build) for _ in range(2))
        assert isinstance(one, Failure)
        assert one == other
        assert trace == again
        assert len(trace) > 20

    def test_a_failure_is_made_small_and_says_how_to_see_it_again(self) -> None:
        """Steps that are not needed are left out; what is left fails by the same promise."""
        build = next(build for build in BROKEN if build.name == "held handles")
        with laboratory(build):
            whole = attempt(1, build)
            assert isinstance(whole, Failure)
            small = shrink(whole, build)

        assert small.promise == whole.promise
        assert len(small.steps or ()) <= 3
        told = report(whole, build)
        steps = ",".join(map(str, small.steps or ()))
        assert f"python -m tests.simulation --seed 1 --steps {steps} --build 'held handles'" in told
        assert small.trace[-1] in told


class TestTheCommand:
    def test_one_seed_shows_what_happens(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Every step is told, and what came of it."""
        assert main(["--seed", "1", "--steps", "0,1,2,3"]) == 0
        told = capsys.readouterr().out
        assert told.count("-- step") == 4
        assert "seed 1 keeps all promises" in told

    def test_a_failing_seed_ends_with_an_error(self, capsys: pytest.CaptureFixture[str]) -> None:
        """For scripts: 1 is a broken promise."""
        assert main(["--seed", "1", "--build", "wall clock"]) == 1
        assert "seed 1 breaks S1" in capsys.readouterr().out
