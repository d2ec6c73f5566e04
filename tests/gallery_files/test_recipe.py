"""Recipes: what a picture was made with, from graphs as people build them and as they break."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.comfyui.workflow import Workflow
from orchestrator.gallery.metadata import Generation
from orchestrator.gallery.plan import MAX_NODES, MAX_SAMPLERS, plan, plan_of
from orchestrator.gallery.recipe import Recipe, recipe
from orchestrator.gallery.shape import bare, shape_of
from tests.comfyui import graphs
from tests.comfyui.graphs import node

GRAPHS = [
    graphs.sd15,
    graphs.two_pass,
    graphs.image_to_image,
    graphs.sdxl_two_stage,
    graphs.flux,
    graphs.flux_with_ksampler,
    graphs.controlnet,
    graphs.no_sampler,
]


def made_with(graph: Any) -> Recipe:
    """The recipe of a graph, which goes the way that it goes in a file."""
    return recipe(Generation(json.dumps(graph)))


class TestGraphs:
    def test_stable_diffusion(self) -> None:
        """One sampler says nearly everything."""
        assert made_with(graphs.sd15()) == Recipe(
            prompt="a bottle",
            negative_prompt="text, watermark",
            models=("v1-5-pruned-emaonly-fp16.safetensors",),
            sampler="euler",
            scheduler="normal",
            steps=20,
            cfg=8.0,
            seed=156680208700286,
        )

    def test_flux(self) -> None:
        """Noise, sigmas, guidance and a text behind a primitive node; the model is a UNET."""
        assert made_with(graphs.flux()) == Recipe(
            prompt="cute anime girl",
            models=("flux1-dev.safetensors",),
            sampler="euler",
            scheduler="simple",
            steps=20,
            cfg=3.5,
            seed=219670278747233,
        )

    def test_base_and_refiner(self) -> None:
        """All texts and all models, the numbers of the first stage; an empty text is none."""
        found = made_with(graphs.sdxl_two_stage())

        assert found.prompt == "a galaxy\na jar\na galaxy in a jar"
        assert found.negative_prompt == "blurry\ntext"
        assert found.models == ("sd_xl_base_1.0.safetensors", "sd_xl_refiner_1.0.safetensors")
        assert found.seed == 721897303308196

    def test_the_first_stage_is_the_one_that_starts(self) -> None:
        """Not the one with the smallest id: nodes are numbered as they were put down."""
        graph = graphs.two_pass()
        graph["99"], graph["3"] = graph.pop("3"), graph.pop("11")
        graph["10"]["inputs"]["samples"] = ["99", 0]
        graph["8"]["inputs"]["samples"] = ["3", 0]

        found = made_with(graph)

        assert (found.seed, found.steps) == (156680208700286, 20)
        assert found.sampler == "euler"

    def test_a_picture_that_no_model_made(self) -> None:
        """There is a seed, of a node that isn't a sampler; nothing else."""
        assert made_with(graphs.no_sampler()) == Recipe(seed=1)

    def test_one_text_twice_is_said_once(self) -> None:
        """SDXL and Flux encoders get the same text in two inputs."""
        assert made_with(graphs.flux_with_ksampler()).prompt == "a fox"

    def test_it_says_whether_it_is_empty(self) -> None:
        """Any part makes it say something."""
        assert Recipe().empty
        assert made_with({}).empty
        assert not made_with(graphs.no_sampler()).empty


class TestUnused:
    def test_nodes_that_feed_nothing_do_not_count(self) -> None:
        """A prompt that hangs loose made nothing, nor did the LoRA beside it."""
        graph = graphs.sd15()
        graph["20"] = node("CLIPTextEncode", text="a dragon", clip=["4", 1])
        graph["21"] = node("LoraLoader", lora_name="ink.safetensors", model=["4", 0])
        graph["22"] = node("CheckpointLoaderSimple", ckpt_name="other.safetensors")
        graph["23"] = node("KSampler", seed=9, model=["22", 0], latent_image=["5", 0])

        assert made_with(graph) == made_with(graphs.sd15())

    def test_a_preview_beside_an_unknown_saver(self) -> None:
        """What saves is an output, even if it isn't ComfyUI's own and something else is."""
        graph = graphs.sd15()
        graph["9"] = node("Image Saver", filename="%seed", images=["8", 0])
        graph["20"] = node("EmptyImage", width=8, height=8)
        graph["21"] = node("PreviewImage", images=["20", 0])

        assert made_with(graph).prompt == "a bottle"

    def test_without_outputs_the_last_nodes_count(self) -> None:
        """A saver of an unknown name is the end of a graph."""
        graph = graphs.sd15()
        graph["9"] = node("ToTheCloud", images=["8", 0])

        assert made_with(graph).prompt == "a bottle"


class TestTexts:
    def test_a_text_that_is_put_together(self) -> None:
        """Its parts count, in order, through reroutes and more nodes of that kind."""
        graph = graphs.sd15()
        graph["6"]["inputs"]["text"] = ["20", 0]
        graph["20"] = node(
            "StringConcatenate", string_a=["21", 0], string_b=["22", 0], delimiter=", "
        )
        graph["21"] = node("PrimitiveString", value="a castle")
        graph["22"] = node("Text Concatenate", text_a="in mist", text_b=["23", 0])
        graph["23"] = node("Reroute", **{"": ["24", 0]})
        graph["24"] = node("String Literal", string="at dawn")

        found = made_with(graph)

        assert found.prompt == "a castle\nin mist\nat dawn"
        assert found.negative_prompt == "text, watermark"

    def test_texts_that_go_round_in_a_circle(self) -> None:
        """Come to an end."""
        graph = graphs.sd15()
        graph["6"]["inputs"]["text"] = ["20", 0]
        graph["20"] = node("StringConcatenate", string_a="a castle", string_b=["20", 0])

        assert made_with(graph).prompt == "a castle"

    def test_a_loader_that_holds_both_prompts(self) -> None:
        """As the Efficient Loader does; `None` is its word for no LoRA."""
        graph = graphs.sd15()
        graph["4"] = node(
            "Efficient Loader",
            ckpt_name="dream.safetensors",
            lora_name="None",
            positive="a fox",
            negative="ugly",
        )
        graph["3"]["inputs"] |= {"positive": ["4", 1], "negative": ["4", 2]}

        found = made_with(graph)

        assert (found.prompt, found.negative_prompt) == ("a fox", "ugly")
        assert (found.models, found.loras) == (("dream.safetensors",), ())

    def test_a_sampler_of_its_own_kind(self) -> None:
        """WanVideo's nodes have other links; the names of their inputs tell."""
        graph = {
            "1": node("WanVideoModelLoader", model="wan\\wan2.1_14B.safetensors", lora=["6", 0]),
            "2": node("WanVideoTextEncode", positive_prompt="a wave", negative_prompt="static"),
            "3": node(
                "WanVideoSampler",
                model=["1", 0],
                text_embeds=["2", 0],
                image_embeds=["4", 0],
                steps=30,
                cfg=6.0,
                seed=5,
                scheduler="unipc",
            ),
            "4": node("WanVideoEmptyEmbeds", width=832, height=480, num_frames=81),
            "5": node("VHS_VideoCombine", filename_prefix="wan", images=["3", 0]),
            "6": node("WanVideoLoraSelect", lora="slow.safetensors", strength=1.0),
        }

        assert made_with(graph) == Recipe(
            prompt="a wave",
            negative_prompt="static",
            models=("wan/wan2.1_14B.safetensors",),
            loras=("slow.safetensors",),
            scheduler="unipc",
            steps=30,
            cfg=6.0,
            seed=5,
        )

    def test_a_service_that_makes_the_picture(self) -> None:
        """Nodes that call one name its model beside the prompt."""
        graph = {
            "1": node("KlingTextToVideoNode", prompt="a wave", model_name="kling-v2", seed=3),
            "2": node("SaveVideo", filename_prefix="v", video=["1", 0]),
        }

        assert made_with(graph) == Recipe(prompt="a wave", models=("kling-v2",), seed=3)


class TestNames:
    def test_folders_are_told_with_slashes(self) -> None:
        """Graphs made on Windows name them with backslashes."""
        graph = graphs.sd15()
        graph["4"]["inputs"]["ckpt_name"] = "SDXL\\dream.safetensors"

        assert made_with(graph).models == ("SDXL/dream.safetensors",)

    def test_other_models_are_not_the_model(self) -> None:
        """An upscaler has a `model_name` too, but nobody takes it as `model`."""
        graph = graphs.sd15()
        graph["20"] = node("UpscaleModelLoader", model_name="4x-UltraSharp.pth")
        graph["21"] = node("ImageUpscaleWithModel", upscale_model=["20", 0], image=["8", 0])
        graph["9"]["inputs"]["images"] = ["21", 0]
        graph["22"] = node("DiffusionModelLoaderKJ", model_name="flux.safetensors")
        graph["3"]["inputs"]["model"] = ["22", 0]

        assert made_with(graph).models == (
            "v1-5-pruned-emaonly-fp16.safetensors",
            "flux.safetensors",
        )

    @pytest.mark.parametrize(
        ("inputs", "expected"),
        [
            ({"lora_name": "a", "strength_model": 0.8, "strength_clip": 1}, ["a"]),
            ({"lora_name": "a", "strength_model": ["5", 0]}, ["a"]),
            ({"lora_name": "a", "strength_model": 0, "strength_clip": 0}, []),
            ({"lora_name": "a", "strength_model": 0.0}, []),
            ({"lora_01": "x\\a", "lora_02": "b", "lora_03": "None"}, ["x/a", "b"]),
            ({"lora_count": 1, "lora_name_1": "a", "lora_name_2": "b"}, ["a"]),
            ({"num_loras": 1, "toggle": True, "lora_1_name": "a", "lora_2_name": "b"}, ["a"]),
            ({"num_loras": 1, "toggle": False, "lora_1_name": "a"}, []),
            (
                {"switch_1": "On", "lora_name_1": "a", "switch_2": "Off", "lora_name_2": "b"},
                ["a"],
            ),
            (
                {
                    "lora_1": {"on": True, "lora": "a", "strength": 1},
                    "lora_2": {"on": False, "lora": "b", "strength": 1},
                    "lora_3": {"on": True, "lora": "c", "strength": 0},
                    "lora_4": {"on": True, "lora": "None", "strength": 1},
                    "lora_5": {"on": True, "lora": 7},
                    "lora_6": {},
                    "➕ Add Lora": "",
                },
                ["a"],
            ),
            ({"text": "<lora:a:1> <lora:b:0>", "loras": [{"name": "z"}]}, ["a"]),
        ],
    )
    def test_loras_that_have_a_part(self, inputs: dict[str, Any], expected: list[str]) -> None:
        """Whatever way they are named; those switched off or without strength have none."""
        graph = graphs.sd15()
        graph["20"] = node("SomeLoraLoader", model=["4", 0], clip=["4", 1], **inputs)
        graph["3"]["inputs"]["model"] = ["20", 0]

        assert list(made_with(graph).loras) == expected


class TestNumbers:
    @pytest.mark.parametrize(
        ("seed", "expected"),
        [
            (2**53 + 1, 2**53 + 1),
            (2**64 - 1, 2**64 - 1),
            (-1, -1),
            ("7", None),
            (1.5, None),
            (True, None),
            (None, None),
            ({}, None),
            ([], None),
        ],
    )
    def test_seeds(self, seed: object, expected: int | None) -> None:
        """Any whole number of 64 bits stays as it is; what is none is none."""
        graph = graphs.sd15()
        graph["3"]["inputs"]["seed"] = seed

        assert made_with(graph).seed == expected

    @pytest.mark.parametrize("seed", ["18446744073709551616", "1" + "0" * 400])
    def test_seeds_beyond_64_bits(self, seed: str) -> None:
        """No sampler takes them."""
        text = json.dumps(graphs.sd15()).replace("156680208700286", seed)

        assert recipe(Generation(text)).seed is None

    def test_a_later_graph_of_the_same_shape_has_its_own_values(self) -> None:
        """The plan is remembered, what stands there is not; also if a type changes."""
        graph = graphs.sd15()
        made_with(graph)
        graph["3"]["inputs"] |= {"seed": 5, "cfg": 2.5}
        graph["6"]["inputs"]["text"] = "another"

        found = made_with(graph)

        assert (found.seed, found.cfg, found.prompt) == (5, 2.5, "another")
        graph["3"]["inputs"]["steps"] = "many"
        assert made_with(graph).steps is None


class TestHostile:
    @pytest.mark.parametrize(
        "broken",
        [
            {"6": 5},
            {"6": []},
            {"6": {}},
            {"6": {"class_type": "A"}},
            {"6": {"class_type": 5, "inputs": {}}},
            {"6": {"class_type": ["A"], "inputs": {}}},
            {"6": {"class_type": "A", "inputs": []}},
            {"6": {"class_type": "A", "inputs": {"text": ["404", 0]}}},
            {"6": {"class_type": "A", "inputs": {"text": [[], {}]}}},
            {"6": {"class_type": "A", "inputs": {"text": ["3", None]}}},
            {"6": {"class_type": "A", "inputs": {"text": ["3", 1.5]}}},
            {"6": {"class_type": "A", "inputs": {"text": ["3", True], "t": [1, 2]}}},
            {"6": {"class_type": "A", "inputs": {"text": [1] * 1000}}},
            {"6": {"class_type": "A", "inputs": {"text": ["6", 0], "conditioning": ["6", 0]}}},
            {"1" * 5000: node("A", x=["4", 0])},
            {"": node("", **{"": ""})},
        ],
    )
    def test_a_node_that_is_none(self, broken: Workflow) -> None:
        """The rest of the graph still says what it says."""
        graph = graphs.sd15() | broken

        found = made_with(graph)

        assert found.seed == 156680208700286
        assert found.negative_prompt == "text, watermark"

    @pytest.mark.parametrize(
        "graph", [{}, [], {"nodes": []}, {"a": None}, {"a": {"inputs": {}}}, {"a": node("B")}]
    )
    def test_what_is_no_graph(self, graph: object) -> None:
        """Says nothing."""
        assert made_with(graph).empty

    def test_circles(self) -> None:
        """Samplers that feed each other end somewhere."""
        graph = graphs.two_pass()
        graph["3"]["inputs"]["latent_image"] = ["10", 0]

        assert made_with(graph).prompt == "a bottle"

    def test_more_samplers_than_anybody_draws(self) -> None:
        """Names are found; following every link would take a minute."""
        graph = graphs.sd15()
        for number in range(1000, 1000 + MAX_SAMPLERS):
            graph[str(number)] = graph["3"]
            graph[f"{number}save"] = node("SaveImage", images=[str(number), 0], filename_prefix="")

        assert made_with(graph).models == ("v1-5-pruned-emaonly-fp16.safetensors",)

    def test_ten_thousand_nodes(self) -> None:
        """A chain, all of which feeds the output: the same."""
        graph = graphs.sd15()
        for number in range(1000, 1000 + 10 * MAX_NODES):
            graph[str(number)] = node("ImageInvert", image=[str(number - 1), 0])
        graph["1000"]["inputs"]["image"] = ["8", 0]
        graph["9"]["inputs"]["images"] = [str(999 + 10 * MAX_NODES), 0]

        assert made_with(graph).models == ("v1-5-pruned-emaonly-fp16.safetensors",)

    @settings(max_examples=60)
    @given(st.data())
    def test_any_change_to_a_graph_is_survived(self, data: st.DataObject) -> None:
        """Values, links and nodes replaced by anything that JSON has."""
        graph = data.draw(st.sampled_from(GRAPHS))()
        anything = st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text(max_size=5)
            | st.tuples(st.sampled_from(sorted(graph)), st.integers(0, 2)).map(list),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
            max_leaves=4,
        )
        for _ in range(data.draw(st.integers(1, 3))):
            name = data.draw(st.sampled_from(sorted(graph)))
            inputs = graph[name].get("inputs") if isinstance(graph[name], dict) else None
            if isinstance(inputs, dict) and inputs and data.draw(st.booleans()):
                inputs[data.draw(st.sampled_from(sorted(inputs)))] = data.draw(anything)
            else:
                graph[name] = data.draw(anything)

        assert isinstance(made_with(graph), Recipe)


class TestShape:
    @pytest.mark.parametrize("make", GRAPHS)
    def test_a_plan_is_made_from_the_shape_alone(self, make: Any) -> None:
        """Graphs of one shape share a plan, so no value may have a say in it."""
        graph = make()
        empty = bare(shape_of(graph))

        assert empty.keys() == graph.keys()
        assert shape_of(empty) == shape_of(graph)
        assert plan(graph)[0] == plan_of(shape_of(empty))

    def test_values_have_no_part_in_it_but_types_links_and_names_have(self) -> None:
        """Which of two inputs a text comes from may depend on what they hold."""
        graph, other = graphs.sd15(), graphs.sd15()
        other["3"]["inputs"]["seed"] = 1
        other["6"]["inputs"]["text"] = "x"
        assert shape_of(graph) == shape_of(other)

        for change in ({"seed": 1.5}, {"model": ["5", 0]}, {"more": 1}):
            other = graphs.sd15()
            other["3"]["inputs"] |= change
            assert shape_of(graph) != shape_of(other)


class TestOtherSources:
    def test_settings_as_text(self) -> None:
        """Without a graph, what A1111 wrote counts."""
        found = recipe(
            Generation(
                parameters="a cat <lora:ink:0.8>\nNegative prompt: ugly\n"
                "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Model: sub\\dream"
            )
        )

        assert found == Recipe(
            prompt="a cat <lora:ink:0.8>",
            negative_prompt="ugly",
            models=("sub/dream",),
            loras=("ink",),
            sampler="Euler a",
            steps=20,
            cfg=7.0,
            seed=1,
        )

    def test_the_graph_goes_first(self) -> None:
        """Savers that write both derive the text from the graph."""
        made = Generation(json.dumps(graphs.sd15()), None, "a cat\nSteps: 5, Seed: 3")

        assert recipe(made).prompt == "a bottle"

    def test_a_graph_that_says_nothing_does_not_hide_the_text(self) -> None:
        """A picture that was only scaled keeps what it had."""
        made = Generation("{}", None, "a cat\nSteps: 5, Seed: 3")

        assert recipe(made) == Recipe(prompt="a cat", steps=5, seed=3)

    def test_a_seed_beyond_64_bits(self) -> None:
        """Is none here either."""
        made = Generation(parameters=f"a cat\nSteps: 5, Seed: {2**64}")

        assert recipe(made).seed is None

    def test_nothing(self) -> None:
        """A photograph."""
        assert recipe(Generation()).empty
