"""Whether two recipes are of two pictures."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from orchestrator.gallery.made_anew import made_otherwise
from orchestrator.gallery.recipe import Recipe

SHOT = Recipe(
    prompt="a castle",
    negative_prompt="blurry",
    models=("sdxl/base.safetensors",),
    loras=("film.safetensors",),
    sampler="euler",
    scheduler="karras",
    steps=20,
    cfg=7.0,
    seed=42,
)


class TestAnother:
    @pytest.mark.parametrize(
        "change",
        [
            {"seed": 43},
            {"seed": 0},
            {"prompt": "a better castle"},
            {"negative_prompt": "blurry, fog"},
            {"models": ("flux/dev.sft",)},
            {"models": ("sdxl/base.safetensors", "refiner.safetensors")},
            {"loras": ("film.safetensors", "noir.safetensors")},
            {"loras": ()},
            {"steps": 30},
            {"cfg": 1.0},
        ],
    )
    def test_one_thing_is_enough(self, change: dict[str, Any]) -> None:
        """Whichever it is, and in both directions."""
        other = evolve(SHOT, **change)
        assert made_otherwise(SHOT, other)
        assert made_otherwise(other, SHOT)


class TestTheSame:
    def test_the_same_recipe(self) -> None:
        """Retouched, upscaled, saved anew."""
        assert not made_otherwise(SHOT, evolve(SHOT))

    @pytest.mark.parametrize("said", [Recipe(), SHOT])
    def test_one_that_says_nothing(self, said: Recipe) -> None:
        """Its metadata were taken out, or never there: nobody knows."""
        assert not made_otherwise(said, Recipe())
        assert not made_otherwise(Recipe(), said)

    @pytest.mark.parametrize(
        "kept",
        [
            Recipe(prompt="a castle"),
            Recipe(seed=42, loras=("film",)),
            Recipe(models=("base",)),
            Recipe(prompt="a castle", negative_prompt="blurry", steps=20, cfg=7.0),
        ],
    )
    def test_what_another_program_kept(self, kept: Recipe) -> None:
        """What it left out is no difference."""
        assert not made_otherwise(SHOT, kept)

    def test_how_another_program_writes_it(self) -> None:
        """Names without folder and ending, its own names of samplers, other white space."""
        other = evolve(
            SHOT,
            prompt=" a\n castle",
            models=("Base",),
            loras=("film.pt",),
            sampler="Euler",
            scheduler=None,
        )
        assert not made_otherwise(SHOT, other)

    def test_a_version_in_a_name_is_no_ending(self) -> None:
        """`v1.5` and `v1.4` are two models."""
        assert made_otherwise(evolve(SHOT, models=("sd v1.5",)), evolve(SHOT, models=("sd v1.4",)))

    def test_prompts_beyond_all_measure(self) -> None:
        """Are compared as far as they are kept."""
        long = "word " * 30_000
        assert not made_otherwise(evolve(SHOT, prompt=long), evolve(SHOT, prompt=long[:100_000]))
