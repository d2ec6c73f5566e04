from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.comfyui.meanings import common_places
from orchestrator.comfyui.workflow import Workflow, apply_parameters, check
from tests.comfyui import graphs
from tests.comfyui.graphs import node


def places(graph: Workflow) -> dict[str, list[str]]:
    """Every common name of a graph, and where it goes."""
    check(graph)
    return {name: [str(place) for place in found] for name, found in common_places(graph).items()}


class TestSamplers:
    def test_stable_diffusion(self) -> None:
        """One KSampler says nearly everything itself."""
        assert places(graphs.sd15()) == {
            "prompt": ["6:text"],
            "negative_prompt": ["7:text"],
            "seed": ["3:seed"],
            "steps": ["3:steps"],
            "cfg": ["3:cfg"],
            "width": ["5:width"],
            "height": ["5:height"],
            "denoise": ["3:denoise"],
            "sampler": ["3:sampler_name"],
            "scheduler": ["3:scheduler"],
        }

    def test_base_and_refiner(self) -> None:
        """A seed goes to all stages; sizes behind links go to the primitive nodes."""
        found = places(graphs.sdxl_two_stage())
        assert found["seed"] == ["6:noise_seed", "10:noise_seed"]
        assert found["steps"] == ["6:steps", "10:steps"]
        assert found["prompt"] == ["4:text_g", "4:text_l", "7:text"]
        assert found["negative_prompt"] == ["5:text_g", "5:text_l", "8:text"]
        assert (found["width"], found["height"]) == (["20:value"], ["21:value"])
        assert "denoise" not in found

    def test_flux(self) -> None:
        """What SamplerCustomAdvanced lacks stands on noise, sigmas, sampler and guidance nodes."""
        assert places(graphs.flux()) == {
            "prompt": ["40:value"],
            "seed": ["25:noise_seed"],
            "steps": ["17:steps"],
            "cfg": ["26:guidance"],
            "width": ["27:width"],
            "height": ["27:height"],
            "denoise": ["17:denoise"],
            "sampler": ["16:sampler_name"],
            "scheduler": ["17:scheduler"],
        }

    def test_a_guider_with_cfg_goes_before_the_guidance(self) -> None:
        """Where a CFGGuider is, `cfg` means its cfg, and there is a negative side."""
        graph = graphs.flux()
        graph["22"] = node(
            "CFGGuider", cfg=4.0, model=["30", 0], positive=["26", 0], negative=["41", 0]
        )
        graph["41"] = node("CLIPTextEncode", text="ugly", clip=["11", 0])
        found = places(graph)
        assert (found["cfg"], found["negative_prompt"]) == (["22:cfg"], ["41:text"])

    def test_a_blanked_prompt_is_no_negative_prompt(self) -> None:
        """Setting it would overwrite the prompt, or do nothing."""
        found = places(graphs.flux_with_ksampler())
        assert found["prompt"] == ["6:clip_l", "6:t5xxl"]
        assert found["cfg"] == ["3:cfg"]
        assert "negative_prompt" not in found

    def test_one_text_on_both_sides_is_the_prompt(self) -> None:
        """Models without a negative side get the same conditioning twice."""
        graph = graphs.sd15()
        graph["3"]["inputs"]["negative"] = ["6", 0]
        found = places(graph)
        assert (found["prompt"], "negative_prompt" in found) == (["6:text"], False)

    def test_conditioning_is_followed_through_control_and_combination(self) -> None:
        """ControlNetApplyAdvanced gives both sides on; combined prompts are all set."""
        found = places(graphs.controlnet())
        assert found["prompt"] == ["6:text", "14:text"]
        assert found["negative_prompt"] == ["7:text"]

    def test_sides_are_told_apart_by_slot(self) -> None:
        """Slot 1 of a two-sided node is the negative one, wherever it is plugged in."""
        graph = graphs.controlnet()
        graph["3"]["inputs"] |= {"positive": ["17", 1], "negative": ["17", 0]}
        found = places(graph)
        assert (found["prompt"], found["negative_prompt"]) == (["7:text"], ["6:text", "14:text"])

    def test_a_loader_that_holds_both_prompts(self) -> None:
        """Efficient Loader has them as `positive` and `negative`, and sizes of other names."""
        graph = {
            "1": node(
                "Efficient Loader",
                ckpt_name="x",
                positive="a cat",
                negative="a dog",
                empty_latent_width=512,
                empty_latent_height=768,
            ),
            "2": node(
                "KSampler (Efficient)",
                seed=1,
                steps=20,
                cfg=7.0,
                sampler_name="euler",
                scheduler="normal",
                denoise=1.0,
                model=["1", 0],
                positive=["1", 1],
                negative=["1", 2],
                latent_image=["1", 3],
            ),
            "3": node("SaveImage", filename_prefix="x", images=["2", 5]),
        }
        found = places(graph)
        assert (found["prompt"], found["negative_prompt"]) == (["1:positive"], ["1:negative"])
        assert (found["width"], found["height"]) == (
            ["1:empty_latent_width"],
            ["1:empty_latent_height"],
        )


class TestStages:
    def test_an_enlargement_between_stages_keeps_its_size(self) -> None:
        """`width` is the size that the first stage starts with."""
        found = places(graphs.two_pass())
        assert (found["width"], found["height"]) == (["5:width"], ["5:height"])
        assert found["seed"] == ["3:seed", "11:seed"]

    def test_denoise_means_the_stage_that_refines(self) -> None:
        """The first pass starts from noise, and less than 1.0 would leave a grey picture."""
        assert places(graphs.two_pass())["denoise"] == ["11:denoise"]

    def test_an_encoded_picture_is_sized_where_it_is_scaled(self) -> None:
        """Image to image: the node that scales the plate has the size."""
        found = places(graphs.image_to_image())
        assert (found["width"], found["denoise"]) == (["12:width"], ["3:denoise"])

    def test_a_detailer_refines(self) -> None:
        """A sampler without a latent works on a picture, and `denoise` means it."""
        graph = graphs.sd15()
        graph["20"] = node(
            "FaceDetailer",
            image=["8", 0],
            seed=5,
            denoise=0.4,
            sampler_name="euler",
            positive=["6", 0],
            negative=["7", 0],
        )
        graph["9"]["inputs"]["images"] = ["20", 0]
        found = places(graph)
        assert (found["denoise"], found["width"]) == (["20:denoise"], ["5:width"])


class TestLinkedValues:
    def test_reroutes_are_followed(self) -> None:
        """Reroutes carry values and conditioning unchanged."""
        graph = graphs.sd15()
        graph["30"] = node("Reroute", **{"": ["31", 0]})
        graph["31"] = node("Seed (rgthree)", seed=4)
        graph["32"] = node("Reroute", value=["6", 0])
        graph["3"]["inputs"] |= {"seed": ["30", 0], "positive": ["32", 0]}
        found = places(graph)
        assert (found["seed"], found["prompt"]) == (["31:seed"], ["6:text"])

    def test_a_computed_value_is_not_touched(self) -> None:
        """The width is twice another one: setting either would be a guess."""
        graph = graphs.sd15()
        graph["30"] = node("SimpleMath+", value="a*2", a=["31", 0])
        graph["31"] = node("PrimitiveInt", value=512)
        graph["5"]["inputs"]["width"] = ["30", 0]
        assert "width" not in places(graph)

    def test_a_node_with_a_single_literal_gives_that(self) -> None:
        """Constants of custom nodes have names of all sorts."""
        graph = graphs.sd15()
        graph["30"] = node("Integer Input [Dream]", whole_number=25)
        graph["3"]["inputs"]["steps"] = ["30", 0]
        assert places(graph)["steps"] == ["30:whole_number"]

    def test_one_primitive_for_several_stages_is_set_once(self) -> None:
        """Each place stands in the list once."""
        graph = graphs.two_pass()
        graph["30"] = node("PrimitiveInt", value=7)
        graph["3"]["inputs"]["seed"] = ["30", 0]
        graph["11"]["inputs"]["seed"] = ["30", 0]
        assert places(graph)["seed"] == ["30:value"]


class TestWithoutSampler:
    def test_inputs_of_the_same_name_are_used(self) -> None:
        """Only those of nodes that feed an output; node 5 feeds none."""
        assert places(graphs.no_sampler()) == {
            "seed": ["3:seed"],
            "width": ["1:width"],
            "height": ["1:height"],
        }

    def test_where_nothing_is_saved_the_last_nodes_count(self) -> None:
        """A custom output node is not known as one; what nobody uses is then the end."""
        graph = {"1": node("EmptyImage", width=8, height=8), "2": node("Send", image=["1", 0])}
        assert places(graph)["width"] == ["1:width"]

    def test_a_service_node_has_prompt_and_seed(self) -> None:
        """Nodes that call a model elsewhere take the words themselves."""
        graph = {
            "1": node("VideoService", prompt="a boat", negative_prompt="", seed=1),
            "2": node("SaveVideo", filename_prefix="v", video=["1", 0]),
        }
        assert list(places(graph)) == ["prompt", "negative_prompt", "seed"]


class TestApplied:
    @pytest.mark.parametrize(
        "make", [graphs.sd15, graphs.sdxl_two_stage, graphs.flux, graphs.controlnet]
    )
    def test_common_names_reach_every_place(self, make: Callable[[], Workflow]) -> None:
        """One call sets them all."""
        graph = make()
        wanted = {"prompt": "a storm", "seed": 99, "steps": 12, "width": 640, "height": 360}
        changed = apply_parameters(graph, wanted, ())
        for name, value in wanted.items():
            found = common_places(graph)[name]
            assert found
            assert {changed[p.node]["inputs"][p.input] for p in found} == {value}
