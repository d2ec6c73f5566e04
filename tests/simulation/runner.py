"""Running seeds, one or many, and making a failing one small."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from attrs import define, field, frozen

from events import vocabulary
from events.log import segments
from tests.simulation.builds import BUILDS, SOUND, Build
from tests.simulation.judge import Verdict, judge
from tests.simulation.ledger import BrokenPromise
from tests.simulation.plan import make
from tests.simulation.world import Run

assert vocabulary.FAMILIES  # all event types are registered by that import

#: Segments are full after some lines, so that runs have many.
_ROLL_BYTES = 1_500


@frozen
class Failure:
    """A seed that broke a promise."""

    seed: int
    promise: str
    told: str
    #: The steps that are needed for it; None: nobody has tried.
    steps: tuple[int, ...] | None = None
    trace: tuple[str, ...] = ()


@define
class Part:
    """What several seeds gave, summed up."""

    acknowledged: int = 0
    noticed: int = 0
    unknowable: int = 0
    failures: list[Failure] = field(factory=list)


@contextmanager
def laboratory(build: Build) -> Iterator[None]:
    """Small segments, a build in place of the product, and no garbage collection."""
    before, was_on = segments.ROLL_BYTES, gc.isenabled()
    segments.ROLL_BYTES = _ROLL_BYTES
    gc.disable()
    try:
        with build.patched():
            yield
    finally:
        segments.ROLL_BYTES = before
        if was_on:
            gc.enable()


def attempt(
    seed: int, build: Build = SOUND, keep: Iterable[int] | None = None
) -> Verdict | Failure:
    """Run one seed, or some of its steps, in a `laboratory`."""
    return _judged(Run(make(seed), build), keep)


def observe(
    seed: int, build: Build = SOUND, keep: Iterable[int] | None = None
) -> tuple[Verdict | Failure, tuple[str, ...]]:
    """The same, and all that happened."""
    run = Run(make(seed), build, trace=True)
    return _judged(run, keep), tuple(run.trace or ())


def _judged(run: Run, keep: Iterable[int] | None) -> Verdict | Failure:
    steps = None if keep is None else tuple(keep)
    try:
        run.run(steps)
        return judge(run)
    except BrokenPromise as broken:
        promise, told = broken.promise, str(broken)
    except Exception as exc:  # noqa: BLE001  # a crash is a finding, and told in full
        promise, told = "P3", f"it crashed: {exc!r}"
    return Failure(run.plan.seed, promise, told, steps, tuple(run.trace or ()))


def shrink(failure: Failure, build: Build = SOUND) -> Failure:
    """Leave out steps as long as the same promise is still broken; with a trace of the rest."""
    steps = list(range(len(make(failure.seed).steps)))
    size = max(len(steps) // 2, 1)
    while size:
        begin = 0
        while begin < len(steps):
            fewer = steps[:begin] + steps[begin + size :]
            again = attempt(failure.seed, build, fewer)
            if isinstance(again, Failure) and again.promise == failure.promise:
                steps = fewer
            else:
                begin += size
        size //= 2
    final, _ = observe(failure.seed, build, steps)
    assert isinstance(final, Failure)  # it is deterministic
    return final


def several(work: tuple[str, int, int]) -> Part:
    """Run the seeds from one number to another with a build, given by its name."""
    name, begin, end = work
    part = Part()
    with laboratory(BUILDS[name]):
        for seed in range(begin, end):
            found = attempt(seed, BUILDS[name])
            if isinstance(found, Failure):
                part.failures.append(found)
            else:
                part.acknowledged += found.acknowledged
                part.noticed += found.noticed
                part.unknowable += found.unknowable
            if seed % 50 == 0:
                gc.collect()
    return part
