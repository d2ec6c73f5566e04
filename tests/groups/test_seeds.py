"""Seeds: how they are dealt out, and where they go."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.comfyui.parameters import SEED_END, Exposed, Rule
from orchestrator.groups.seeds import (
    SMALL_END,
    SeedStrategy,
    draw_base,
    open_places,
    seed_of,
    seed_places,
    seeds,
    with_seed,
)
from tests.http.studio import graph, node

#: Flux: the seed stands on a noise node, and the second stage has one behind a primitive.
FLUX = {
    **graph(),
    "20": node("RandomNoise", noise_seed=5),
    "21": node("SamplerCustomAdvanced", noise=["20", 0], guider=["22", 0], sigmas=["23", 0]),
    "22": node("BasicGuider", model=["4", 0]),
    "23": node("BasicScheduler", model=["4", 0], steps=4),
    "30": node("PrimitiveInt", value=9),
    "31": node("SomeUpscaler", image=["8", 0], seed=["30", 0]),
    "32": node("WordMixer", seed="as a text"),
    "33": node("Math", a=1, b=2),
    "34": node("SomeUpscaler", image=["8", 0], seed=["33", 0]),
}
PLACES = ["3:seed", "20:noise_seed", "30:value"]


class TestStrategies:
    @pytest.mark.parametrize(
        ("strategy", "dealt"),
        [
            (SeedStrategy.SEQUENTIAL, [42, 43, 44, 45, 46]),
            (SeedStrategy.FIBONACCI, [42, 1042, 2042, 4042, 7042]),
            (SeedStrategy.GOLDEN_RATIO, [42, 67, 109, 177, 287]),
        ],
    )
    def test_the_rules(self, strategy: SeedStrategy, dealt: list[int]) -> None:
        """From a base of 42, as the predecessor did."""
        assert seeds(strategy, 42, 5) == dealt

    def test_random_ones_can_be_had_again(self) -> None:
        """The base seed comes first, and draws the others: the same ones in every Python."""
        assert seeds(SeedStrategy.RANDOM, 42, 3) == [42, 2746317187, 107420375]
        assert seeds(SeedStrategy.RANDOM, 43, 3)[1:] != seeds(SeedStrategy.RANDOM, 42, 3)[1:]

    @given(
        strategy=st.sampled_from(SeedStrategy),
        base=st.integers(0, SEED_END - 1)
        | st.sampled_from([0, 1, SMALL_END - 1, SMALL_END, SEED_END - 1]),
        count=st.integers(1, 500),
    )
    def test_what_always_holds(self, strategy: SeedStrategy, base: int, count: int) -> None:
        """So many, the base first, no two alike, below 2**53; below 2**32 if the base is."""
        dealt = seeds(strategy, base, count)
        assert len(set(dealt)) == len(dealt) == count
        assert dealt[0] == base
        assert min(dealt) >= 0
        assert max(dealt) < (SMALL_END if base < SMALL_END else SEED_END)

    def test_at_the_end_of_the_range(self) -> None:
        """It goes on from 0; what has been given makes way to the next."""
        assert seeds(SeedStrategy.SEQUENTIAL, SEED_END - 2, 4) == [SEED_END - 2, SEED_END - 1, 0, 1]
        assert seeds(SeedStrategy.SEQUENTIAL, SMALL_END - 1, 2) == [SMALL_END - 1, 0]
        assert seeds(SeedStrategy.FIBONACCI, SEED_END - 1000, 3) == [SEED_END - 1000, 0, 1000]
        assert seeds(SeedStrategy.GOLDEN_RATIO, 0, 4) == [0, 1, 2, 3]

    def test_a_drawn_base(self) -> None:
        """Is one that every node takes."""
        drawn = {draw_base() for _ in range(20)}
        assert len(drawn) > 1
        assert max(drawn) < SMALL_END


class TestPlaces:
    def test_all_of_them(self) -> None:
        """`seed` and `noise_seed` of every node, behind links too; no texts, nothing computed."""
        assert [str(place) for place in seed_places(FLUX)] == PLACES

    def test_a_seed_goes_to_all(self) -> None:
        """Into a copy: the workflow itself is not changed."""
        made = with_seed(FLUX, seed_places(FLUX), 77)
        assert (made["20"]["inputs"]["noise_seed"], made["3"]["inputs"]["seed"]) == (77, 77)
        assert made["30"]["inputs"]["value"] == 77
        assert (made["31"], made["32"]) == (FLUX["31"], FLUX["32"])
        assert FLUX["20"]["inputs"]["noise_seed"] == 5

    @pytest.mark.parametrize(
        ("parameters", "left"),
        [
            ({}, PLACES),
            ({"seed": 1, "prompt": "x", "steps": 3}, PLACES),
            ({"3:seed": 1}, ["20:noise_seed", "30:value"]),
            ({"30:value": 1}, ["3:seed", "20:noise_seed"]),
            ({"grain": 1}, ["3:seed", "30:value"]),
            ({"grain": 1, "3:seed": 2, "30:value": 3}, []),
        ],
    )
    def test_what_a_parameter_sets_is_left_alone(
        self, parameters: dict[str, Any], left: list[str]
    ) -> None:
        """By `node:input` or by an exposed name; `seed` itself means the base seed."""
        grain = Exposed(name="grain", node="20", input="noise_seed", rule=Rule(kind="int"))
        found = open_places(FLUX, parameters, [grain])
        assert [str(place) for place in found] == left

    def test_an_exposed_seed(self) -> None:
        """A parameter that is called `seed` is the base seed, also if the YAML exposes it."""
        seed = Exposed(name="seed", node="3", input="seed", rule=Rule(kind="int"))
        found = open_places(FLUX, {"seed": 4}, [seed])
        assert [str(place) for place in found] == PLACES

    def test_the_seed_of_a_workflow(self) -> None:
        """For a job that brings its own; None if it has none."""
        assert seed_of(graph()) == 1
        assert seed_of({"1": node("LoadImage", image="x.png")}) is None
