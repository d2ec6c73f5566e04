from __future__ import annotations

import pytest

from orchestrator.comfyui.needs import Missing, Needs, missing, models_of, needs_of
from orchestrator.comfyui.object_info import Abilities
from tests.comfyui import graphs
from tests.comfyui.graphs import node

CKPT = ("CheckpointLoaderSimple", "ckpt_name")
SD15 = "v1-5-pruned-emaonly-fp16.safetensors"


def backend(*models: str, without: str | None = None) -> Abilities:
    """A backend with all classes of the default workflow but one, and these checkpoints."""
    classes = needs_of(graphs.sd15()).classes - {without}
    return Abilities(frozenset(classes), {CKPT: frozenset(models)})


class TestMissing:
    def test_a_backend_with_all_of_it_lacks_nothing(self) -> None:
        """Values of inputs that choose among no models are not looked at."""
        assert not missing(needs_of(graphs.sd15()), backend(SD15, "other.ckpt"))

    def test_a_class_that_is_not_installed(self) -> None:
        """Named as ComfyUI names it."""
        lacks = missing(needs_of(graphs.sd15()), backend(SD15, without="KSampler"))
        assert lacks == Missing(classes=("KSampler",))
        assert str(lacks) == "node class KSampler"

    def test_a_model_that_is_not_there(self) -> None:
        """Named with the input that asks for it."""
        lacks = missing(needs_of(graphs.sd15()), backend("other.ckpt"))
        assert lacks.files == ((*CKPT, SD15),)
        assert str(lacks) == f"'{SD15}' for CheckpointLoaderSimple.ckpt_name"

    @pytest.mark.parametrize("wanted", ["flux\\dev\\a.sft", "flux/dev/a.sft", "flux\\dev/a.sft"])
    def test_separators_make_no_difference(self, wanted: str) -> None:
        """A workflow made on Windows runs on Linux, if it has the model."""
        graph = graphs.sd15()
        graph["4"]["inputs"]["ckpt_name"] = wanted
        assert not missing(needs_of(graph), backend("flux/dev/a.sft"))
        assert missing(needs_of(graph), backend("flux/dev/A.sft"))

    def test_models_of_a_missing_class_are_not_told_as_well(self) -> None:
        """A backend without the loader says nothing about what it could load."""
        found = Abilities(needs_of(graphs.sd15()).classes - {CKPT[0]})
        assert missing(needs_of(graphs.sd15()), found) == Missing(classes=(CKPT[0],))

    def test_a_long_list_is_cut_for_people(self) -> None:
        """A sentence, not a dump."""
        said = str(Missing(("A", "B", "C", "D", "E"), (("L", "x", "1.pt"), ("L", "y", "1.pt"))))
        assert said == "node classes A, B, C and 2 more; '1.pt' for L.x, '1.pt' for L.y"

    def test_nothing_has_a_word_as_well(self) -> None:
        """For whoever prints it unasked."""
        assert str(Missing()) == "nothing"


class TestNeeds:
    def test_linked_values_are_no_names(self) -> None:
        """Only what stands in the workflow can be looked up."""
        graph = graphs.sd15()
        graph["4"]["inputs"]["ckpt_name"] = ["6", 0]
        assert not any(need[:2] == CKPT for need in needs_of(graph).files)

    def test_texts_of_people_are_no_names(self) -> None:
        """Long ones, and those of several lines."""
        graph = graphs.sd15()
        graph["6"]["inputs"]["text"] = "a\nbottle"
        graph["7"]["inputs"]["text"] = "x" * 2000
        assert not any(cls == "CLIPTextEncode" for cls, _, _ in needs_of(graph).files)

    def test_a_forgotten_loader_needs_its_class_only(self) -> None:
        """ComfyUI looks at the class of every node, but loads only what leads to an output."""
        graph = graphs.sd15()
        graph["99"] = node(*CKPT[:1], ckpt_name="long gone.ckpt")
        graph["98"] = node("NotInstalled", x=1)
        lacks = missing(needs_of(graph), backend(SD15))
        assert lacks == Missing(classes=("NotInstalled",))
        assert "long gone.ckpt" not in models_of(graph)

    def test_a_workflow_of_one_node_counts(self) -> None:
        """It is tied to nothing because there is nothing else."""
        assert needs_of({"1": node("TestText", text="hi")}).files == {("TestText", "text", "hi")}

    def test_equal_workflows_have_equal_needs(self) -> None:
        """So that whoever decides can remember by them."""
        assert needs_of(graphs.flux()) == needs_of(graphs.flux())
        assert len({needs_of(graphs.flux()), needs_of(graphs.flux()), Needs()}) == 2


class TestModels:
    def test_all_models_of_a_workflow(self) -> None:
        """By suffix, wherever they stand."""
        assert models_of(graphs.flux()) == {"ae.safetensors", "flux1-dev.safetensors"}

    def test_a_stack_in_one_input(self) -> None:
        """Some loaders keep many models in one value."""
        graph = graphs.sd15()
        stack = {"on": True, "lora": "film\\grain.SAFETENSORS", "strength": 1}
        graph["6"]["inputs"]["clip"] = ["10", 1]
        graph["10"] = node("Power Lora Loader", lora_1=stack, more=["a.pt"], clip=["4", 1])
        assert models_of(graph) == {SD15, "film/grain.SAFETENSORS", "a.pt"}

    def test_prompts_are_no_models(self) -> None:
        """Not even if they end like one."""
        graph = graphs.sd15()
        graph["6"]["inputs"]["text"] = "first line\nname it x.ckpt"
        assert models_of(graph) == {SD15}
