"""Graphs as drawn: what a picture that holds nothing else says of its making."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.gallery.drawn import as_run
from orchestrator.gallery.metadata import Generation
from orchestrator.gallery.recipe import Recipe, recipe


def drawn(**changes: Any) -> dict[str, Any]:
    """The default graph with a LoRA, as the editor saves it; `changes` go to the LoRA's node."""
    link = {
        name: {"name": name, "type": kind, "link": number}
        for name, kind, number in [
            ("lora", "MODEL", 1),
            ("model", "MODEL", 2),
            ("positive", "CONDITIONING", 3),
            ("negative", "CONDITIONING", 4),
            ("samples", "LATENT", 5),
            ("images", "IMAGE", 6),
        ]
    }
    sampler = [link["model"], link["positive"], link["negative"]]
    return {
        "nodes": [
            {"id": 1, "type": "CheckpointLoaderSimple", "widgets_values": ["dream.safetensors"]},
            {
                "id": 2,
                "type": "LoraLoaderModelOnly",
                "inputs": [link["lora"] | {"name": "model"}],
                "widgets_values": ["ink.safetensors", 0.8],
            }
            | changes,
            {"id": 3, "type": "CLIPTextEncode", "widgets_values": ["a fox"]},
            {"id": 4, "type": "CLIPTextEncode", "widgets_values": ["ugly"]},
            {
                "id": 5,
                "type": "KSampler",
                "inputs": sampler,
                "widgets_values": [7, "randomize", 20, 8, "euler", "normal", 1],
            },
            {"id": 6, "type": "VAEDecode", "inputs": [link["samples"]], "widgets_values": []},
            {
                "id": 7,
                "type": "SaveImage",
                "inputs": [link["images"]],
                "widgets_values": ["ComfyUI"],
            },
            {"id": 8, "type": "Note", "widgets_values": ["a dragon"]},
            {"id": 9, "type": "CLIPTextEncode", "widgets_values": ["loose"]},
        ],
        "links": [
            [1, 1, 0, 2, 0, "MODEL"],
            [2, 2, 0, 5, 0, "MODEL"],
            [3, 3, 0, 5, 1, "CONDITIONING"],
            [4, 4, 0, 5, 2, "CONDITIONING"],
            [5, 5, 0, 6, 0, "LATENT"],
            [6, 6, 0, 7, 0, "IMAGE"],
        ],
    }


def made_with(graph: object) -> Recipe:
    """The recipe of a drawing, which goes the way that it goes in a file."""
    return recipe(Generation(None, json.dumps(graph)))


class TestDrawn:
    def test_values_get_their_names(self) -> None:
        """Those that the editor keeps for itself, as whether to draw a new seed, have none."""
        assert made_with(drawn()) == Recipe(
            prompt="a fox",
            negative_prompt="ugly",
            models=("dream.safetensors",),
            loras=("ink.safetensors",),
            sampler="euler",
            scheduler="normal",
            steps=20,
            cfg=8.0,
            seed=7,
        )

    def test_bypassed_nodes_give_on_what_they_get(self) -> None:
        """The LoRA had no part, and the model is found behind it."""
        found = made_with(drawn(mode=4))

        assert (found.models, found.loras) == (("dream.safetensors",), ())

    def test_muted_nodes_are_not_there(self) -> None:
        """Nor is what is behind them."""
        found = made_with(drawn(mode=2))

        assert (found.models, found.loras, found.seed) == ((), (), 7)

    def test_bypassed_nodes_in_a_circle(self) -> None:
        """Come to an end."""
        graph = drawn(mode=4)
        graph["links"][0] = [1, 2, 0, 2, 0, "MODEL"]

        assert made_with(graph).models == ()

    def test_values_with_names_of_their_own(self) -> None:
        """Some nodes save an object."""
        graph = as_run(
            {"nodes": [{"id": 1, "type": "V", "widgets_values": {"crf": 19, "list": [1]}}]}
        )

        assert graph == {"1": {"class_type": "V", "inputs": {"crf": 19}}}

    @pytest.mark.parametrize(
        "graph",
        [
            {},
            {"nodes": None},
            {"nodes": [None, 5, {}, {"id": 1}, {"id": [], "type": "A"}]},
            {"nodes": [{"id": 1, "type": "KSampler", "inputs": [None, {"name": 5, "link": []}]}]},
            {"nodes": [{"id": 1, "type": "A", "inputs": [{"name": "x", "link": 404}]}]},
            {"nodes": [], "links": [None, [], [1, 2], [[], 1, [], 1, 1, 1], {"id": 5}]},
        ],
    )
    def test_what_is_no_drawing(self, graph: dict[str, Any]) -> None:
        """Says nothing."""
        assert made_with(graph).empty

    @settings(max_examples=60)
    @given(
        st.recursive(
            st.none() | st.integers(0, 9) | st.text(max_size=3),
            lambda inner: (
                st.lists(inner, max_size=6)
                | st.dictionaries(
                    st.sampled_from(["nodes", "links", "id", "type", "inputs", "link", "mode"]),
                    inner,
                )
            ),
        )
    )
    def test_anything(self, value: object) -> None:
        """Whatever stands there is survived."""
        graph = value if isinstance(value, dict) else {"nodes": value, "links": value}

        assert isinstance(made_with(graph), Recipe)
