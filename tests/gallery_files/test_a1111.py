"""Settings as text: every form that A1111 and its relatives are known to write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.gallery.a1111 import Settings, looks_like_settings, lora_tags, settings

LINE = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512"


class TestSettings:
    def test_all_parts(self) -> None:
        """Prompts over several lines; values with commas in quotes; LoRAs in tags and hashes."""
        found = settings(
            "a castle, <lora:ink:0.8>\nin the mist\nNegative prompt: blurry\nugly\n"
            "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, Seed: 12345, "
            'Size: 512x768, Model hash: abc, Model: dream_v8, Template: "a, b: c, \\"d\\"", '
            'Lora hashes: "ink: 123, sub/oil: 456", Version: v1.9.4'
        )

        assert found == Settings(
            prompt="a castle, <lora:ink:0.8>\nin the mist",
            negative_prompt="blurry\nugly",
            model="dream_v8",
            loras=("ink", "sub/oil"),
            sampler="DPM++ 2M",
            scheduler="Karras",
            steps=20,
            cfg=7.5,
            seed=12345,
        )

    @pytest.mark.parametrize(
        ("text", "prompt", "negative"),
        [
            ("", "", ""),
            ("a cat", "a cat", ""),
            ("portrait: a woman, light: soft", "portrait: a woman, light: soft", ""),
            (LINE, "", ""),
            (f"\n{LINE}", "", ""),
            (f"a cat\r\n{LINE}\r\n", "a cat", ""),
            (f"Negative prompt: ugly\n{LINE}", "", "ugly"),
            ("a cat\nNegative prompt: steps: 5", "a cat", "steps: 5"),
            (f"not a Negative prompt: at all\n{LINE}", "not a Negative prompt: at all", ""),
        ],
    )
    def test_missing_parts(self, text: str, prompt: str, negative: str) -> None:
        """Every part may be missing; what is not understood is prompt."""
        found = settings(text)

        assert (found.prompt, found.negative_prompt) == (prompt, negative)

    def test_old_names_of_samplers(self) -> None:
        """The scheduler stood at the end of the sampler's name."""
        found = settings("a\nSteps: 1, Sampler: DPM++ 2M Karras")

        assert (found.sampler, found.scheduler) == ("DPM++ 2M", "Karras")

    @pytest.mark.parametrize("value", ["", "many", "nan", "1e999", "9" * 5000, "٣"])
    def test_numbers_that_are_none(self, value: str) -> None:
        """Are missing."""
        found = settings(f"a\nModel: m, Steps: {value}, CFG scale: {value}, Seed: {value}")

        assert found.model == "m"
        assert (found.steps, found.seed) == (None, None)
        assert found.cfg is None or value == "٣" or value.startswith("9")

    @pytest.mark.parametrize(
        "text",
        [
            "a" * 100_000,
            'a: "' * 20_000,
            "a:" * 50_000,
            " " * 100_000 + "Steps: 5",
            "Steps: 5\n" * 9999,
        ],
    )
    def test_texts_made_to_keep_us_busy(self, text: str) -> None:
        """Come back at once."""
        assert isinstance(settings(text), Settings)

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """There is an answer for all of them."""
        assert isinstance(settings(text), Settings)
        assert isinstance(settings(f"{text}\n{LINE}, {text}"), Settings)


class TestLooks:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (f"a cat\n{LINE}", True),
            ("Created with GIMP", False),
            ("Camera: Leica, Lens: 50mm", False),
            ("", False),
        ],
    )
    def test_only_settings_look_like_settings(self, text: str, expected: bool) -> None:
        """A comment of a camera is no prompt."""
        assert looks_like_settings(text) is expected


def test_lora_tags() -> None:
    """With and without weights; a weight of 0 switches one off."""
    text = "<lora:a:0.8>, <LORA:b:1:0.5> <lora:c> <lora:d:0> <lora:e:0.0> <lora:> <lyco:f:1>"

    assert list(lora_tags(text)) == ["a", "b", "c"]
