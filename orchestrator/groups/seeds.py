"""Seeds for the jobs of a group, and where they go in a workflow. Pure.

Some nodes take no seed above 2**32 - 1, and ComfyUI refuses a prompt with a larger one. So a base
seed below 2**32 gets only such companions; larger ones come only to who begins with a larger one.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import islice
from math import isqrt
from typing import Any

from orchestrator.comfyui.graph import Workflow, in_order, inputs_of
from orchestrator.comfyui.meanings import common_places
from orchestrator.comfyui.parameters import SEED_END, SEED_INPUTS, Exposed
from orchestrator.comfyui.places import Place, settle
from orchestrator.comfyui.workflow import available_parameters

#: Every node takes the seeds below this one.
SMALL_END = 2**32
#: Between neighbours of the strategy `fibonacci` lie so many times 1, 1, 2, 3, 5 ...
FIBONACCI_UNIT = 1_000


class SeedStrategy(StrEnum):
    """How the seeds of a group follow from its base seed, which is always the first."""

    #: Drawn; the same base seed draws the same ones again.
    RANDOM = "random"
    #: 42, 43, 44, 45 ...
    SEQUENTIAL = "sequential"
    #: 42, 1042, 2042, 4042, 7042 ...: ever further away.
    FIBONACCI = "fibonacci"
    #: 42, 67, 109, 177 ...: each about 1.618 times the one before.
    GOLDEN_RATIO = "golden_ratio"


def draw_base() -> int:
    """A base seed for a group that brings none."""
    return random.SystemRandom().randrange(SMALL_END)


def seeds(strategy: SeedStrategy, base: int, count: int) -> list[int]:
    """So many seeds, no two alike; the same arguments always give the same ones.

    What would go beyond the end of the range goes on from 0. A seed that has been given already
    makes way to the next one that is free.

    Args:
        strategy: The rule.
        base: The first seed, 0 to 2**53 - 1.
        count: How many are wanted; far fewer than the range has.
    """
    end = SMALL_END if base < SMALL_END else SEED_END
    given: dict[int, None] = {}
    for wanted in islice(_wanted(strategy, base, end), count):
        seed = wanted % end
        while seed in given:
            seed = (seed + 1) % end
        given[seed] = None
    return list(given)


def _wanted(strategy: SeedStrategy, base: int, end: int) -> Iterator[int]:
    match strategy:
        case SeedStrategy.RANDOM:
            yield base
            # Of all its methods, only `random` is promised to be the same in every Python.
            drawn = random.Random(base)  # noqa: S311  # pictures, not secrets
            while True:
                yield int(drawn.random() * end)
        case SeedStrategy.SEQUENTIAL:
            while True:
                yield base
                base += 1
        case SeedStrategy.FIBONACCI:
            step, following = 1, 1
            while True:
                yield base
                base += step * FIBONACCI_UNIT
                step, following = following, step + following
        case SeedStrategy.GOLDEN_RATIO:
            # The n-th power of the golden ratio is before + number times the ratio, where these
            # are neighbours among Fibonacci's numbers: whole numbers, however far it goes.
            before, number = 1, 0
            while True:
                yield base * before + _golden(base * number)
                before, number = number, before + number


def _golden(number: int) -> int:
    """A number times the golden ratio, rounded down."""
    return (number + isqrt(5 * number * number)) // 2


def seed_places(graph: Workflow) -> tuple[Place, ...]:
    """Where a workflow has its seeds: literals of all inputs of that name, or behind them.

    Those of its samplers come first.
    """
    found = dict.fromkeys(common_places(graph).get("seed", ()))
    for node in in_order(graph):
        for key in inputs_of(graph, node):
            place = settle(graph, Place(node, key), "int") if key in SEED_INPUTS else None
            if place is not None:
                found[place] = None
    return tuple(found)


def open_places(
    graph: Workflow, parameters: Mapping[str, Any], exposed: Iterable[Exposed]
) -> tuple[Place, ...]:
    """Those of the seeds that no parameter sets by its exact name.

    The parameter `seed` means the base seed of the group, and keeps no place for itself.
    """
    kept: set[str] = set()
    if parameters.keys() - {"seed"}:
        for known in available_parameters(graph, exposed):
            if known.name in parameters and known.name != "seed":
                kept.update(known.places)
    return tuple(place for place in seed_places(graph) if str(place) not in kept)


def with_seed(graph: Workflow, places: Iterable[Place], seed: int) -> Workflow:
    """The workflow with a seed at these places; nodes that do not change are shared with it."""
    changed = dict(graph)
    for place in places:
        node = changed[place.node]
        changed[place.node] = {**node, "inputs": {**node["inputs"], place.input: seed}}
    return changed


def seed_of(graph: Workflow) -> int | None:
    """The seed that a workflow will run with; the first if it has several, None if it has none."""
    place = next(iter(seed_places(graph)), None)
    if place is None:
        return None
    value: int = inputs_of(graph, place.node)[place.input]
    return value
