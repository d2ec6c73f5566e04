from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.comfyui.parameters import Exposed, Rule
from orchestrator.comfyui.workflow import (
    MAX_NODES,
    Workflow,
    apply_parameters,
    available_parameters,
    check,
    output_nodes,
    with_prefix,
)
from orchestrator.errors import ParametersInvalid, WorkflowInvalid
from tests.comfyui import graphs
from tests.comfyui.graphs import node


def refusal(graph: object) -> WorkflowInvalid:
    """Why a graph is refused."""
    with pytest.raises(WorkflowInvalid) as caught:
        check(graph)
    return caught.value


def is_accepted(graph: object) -> bool:
    """Whether a graph passes; a refusal is raised, so that a test shows its reason."""
    check(graph)
    return True


def faults(graph: dict[str, Any], parameters: dict[str, Any]) -> dict[str, str]:
    """What is wrong with parameters, by path."""
    with pytest.raises(ParametersInvalid) as caught:
        apply_parameters(graph, parameters, ())
    return {fault.path: fault.message for fault in caught.value.faults}


class TestCheck:
    @pytest.mark.parametrize(
        "make",
        [
            graphs.sd15,
            graphs.two_pass,
            graphs.image_to_image,
            graphs.sdxl_two_stage,
            graphs.flux,
            graphs.flux_with_ksampler,
            graphs.controlnet,
            graphs.no_sampler,
        ],
    )
    def test_realistic_graphs_pass(self, make: Callable[[], Workflow]) -> None:
        """Whatever ComfyUI exports in API format is accepted."""
        assert is_accepted(make())

    @pytest.mark.parametrize("graph", [None, [], "graph", 5])
    def test_only_an_object_is_a_workflow(self, graph: object) -> None:
        """Lists, texts and null are refused before anything else is looked at."""
        assert "not an object" in refusal(graph).reason

    def test_an_empty_graph_is_refused(self) -> None:
        """ComfyUI would answer that there are no outputs."""
        assert "no nodes" in refusal({}).reason

    def test_the_editors_own_format_is_named_as_such(self) -> None:
        """The usual mistake is to save instead of exporting in API format; the reason says so."""
        reason = refusal({"nodes": [{"id": 1}], "links": [], "version": 0.4}).reason
        assert "editor's format" in reason

    def test_a_whole_request_body_is_named_as_such(self) -> None:
        """Somebody who sends the body of POST /prompt is told to send what is inside."""
        assert "under `prompt`" in refusal({"prompt": graphs.sd15(), "client_id": "x"}).reason

    @pytest.mark.parametrize(
        ("broken", "said"),
        [
            ("KSampler", "not a node"),
            ({"inputs": {}}, "class_type"),
            ({"class_type": "", "inputs": {}}, "class_type"),
            ({"class_type": "KSampler"}, "inputs"),
            ({"class_type": "KSampler", "inputs": []}, "inputs"),
        ],
    )
    def test_a_broken_node_is_named(self, broken: object, said: str) -> None:
        """The error carries the node, so that people can find it."""
        caught = refusal({**graphs.sd15(), "77": broken})
        assert (caught.node, said in caught.reason) == ("77", True)

    def test_a_link_to_a_missing_node_is_refused(self) -> None:
        """ComfyUI would answer with a bare KeyError."""
        graph = graphs.sd15()
        del graph["4"]
        assert "'4'" in refusal(graph).reason

    def test_a_circle_is_refused(self) -> None:
        """ComfyUI would refuse it without saying why."""
        graph = graphs.no_sampler()
        graph["2"]["inputs"]["image"] = ["3", 0]
        caught = refusal(graph)
        assert ("circle" in caught.reason, caught.node) == (True, "2")

    @pytest.mark.parametrize("value", [math.nan, math.inf, 2**64, "\ud800", object()])
    def test_what_json_cannot_carry_is_refused(self, value: object) -> None:
        """NaN would silently arrive as null."""
        assert "it holds" in refusal({"1": node("X", value=value)}).reason

    def test_too_deep_is_refused(self) -> None:
        """The nesting is measured without recursion, so that it cannot exhaust the stack."""
        deep: list[Any] = []
        for _ in range(100_000):
            deep = [deep]
        assert "levels deep" in refusal({"1": node("X", value=deep)}).reason

    def test_too_many_nodes_are_refused(self) -> None:
        """The limit is told."""
        graph = {str(number): node("X") for number in range(MAX_NODES + 1)}
        assert str(MAX_NODES) in refusal(graph).reason

    def test_a_list_that_is_no_link_is_left_to_comfyui(self) -> None:
        """Some custom nodes take lists; only `[text, number]` is a link."""
        assert is_accepted({"1": node("X", points=[1, 2, 3], pair=[1, 2])})


class TestApply:
    def test_the_workflow_given_is_never_changed(self) -> None:
        """The same graph serves for many jobs."""
        graph = graphs.sd15()
        before = copy.deepcopy(graph)
        changed = apply_parameters(graph, {"seed": 1, "6:text": "a cat"}, ())
        assert (graph == before, changed == before) == (True, False)

    def test_a_literal_of_any_node_can_be_set(self) -> None:
        """`node:input` reaches everything that is there and is not a link."""
        changed = apply_parameters(graphs.sd15(), {"4:ckpt_name": "other.safetensors"}, ())
        assert changed["4"]["inputs"]["ckpt_name"] == "other.safetensors"

    def test_ids_of_nodes_in_subgraphs_hold_colons(self) -> None:
        """`57:3:text` means the input `text` of the node `57:3`."""
        changed = apply_parameters({"57:3": node("X", text="old")}, {"57:3:text": "new"}, ())
        assert changed["57:3"]["inputs"]["text"] == "new"

    def test_all_faults_are_told_at_once_with_the_known_names(self) -> None:
        """Nobody should have to send a job five times to find five mistakes."""
        parameters = {"sed": 1, "3:steps": "many", "99:text": "x", "6:txt": "x", "3:model": "x"}
        with pytest.raises(ParametersInvalid) as caught:
            apply_parameters(graphs.sd15(), parameters, ())
        error = caught.value
        assert [fault.path for fault in error.faults] == [
            f"parameters.{name}" for name in parameters
        ]
        assert {"seed", "prompt", "3:steps", "6:text"} <= set(error.known)
        assert "3:model" not in error.known

    def test_a_link_is_never_overwritten(self) -> None:
        """A text in place of a model would only fail on the backend; the fault says why."""
        said = faults(graphs.sd15(), {"3:model": "x"})
        assert "link to node 4" in said["parameters.3:model"]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("3:steps", True),
            ("3:steps", 20.5),
            ("3:steps", "20"),
            ("3:steps", None),
            ("3:steps", 2**63),
            ("3:cfg", math.nan),
            ("3:cfg", math.inf),
            ("3:cfg", False),
            ("3:seed", -1),
            ("3:seed", 2**53),
            ("seed", 2**53),
            ("seed", -1),
            ("seed", 1.0),
            ("6:text", 7),
            ("6:text", "\ud800"),
            ("6:text", ["4", 0]),
            ("denoise", 1.5),
            ("width", 0),
            ("steps", 0),
            ("prompt", ["a"]),
        ],
    )
    def test_a_value_of_the_wrong_kind_or_size_is_refused(self, name: str, value: Any) -> None:
        """The literal that stands there says the kind; a bool is never a number."""
        assert list(faults(graphs.sd15(), {name: value})) == [f"parameters.{name}"]

    @pytest.mark.parametrize(("name", "value"), [("3:seed", 2**53 - 1), ("3:seed", 0), ("seed", 0)])
    def test_seeds_may_be_all_that_a_browser_counts_exactly(self, name: str, value: Any) -> None:
        """From 0 up to, but not including, 2**53."""
        assert apply_parameters(graphs.sd15(), {name: value}, ())["3"]["inputs"]["seed"] == value

    def test_a_float_that_the_editor_wrote_as_an_int_stays_a_float(self) -> None:
        """An editor writes cfg 8.0 as 8; 7.5 must be possible all the same."""
        changed = apply_parameters(graphs.sd15(), {"3:cfg": 7.5, "denoise": 1}, ())
        assert (changed["3"]["inputs"]["cfg"], changed["3"]["inputs"]["denoise"]) == (7.5, 1.0)
        assert type(changed["3"]["inputs"]["denoise"]) is float

    def test_the_more_exact_name_wins(self) -> None:
        """`node:input` over an exposed name, that over a common one, in whatever order."""
        exposed = [Exposed(name="quality", node="3", input="steps", rule=Rule(kind="int"))]
        several = {"3:steps": 30, "quality": 40, "steps": 50}
        for count, expected in ((3, 30), (2, 40), (1, 50)):
            chosen = dict(list(several.items())[-count:])
            changed = apply_parameters(graphs.sd15(), chosen, exposed)
            assert changed["3"]["inputs"]["steps"] == expected

    def test_exposed_names_have_rules_of_their_own(self) -> None:
        """Range and choices of the YAML hold, and types are not mixed up: true is not 1."""
        exposed = [
            Exposed(
                name="q", node="3", input="steps", rule=Rule(kind="int", minimum=10, maximum=60)
            ),
            Exposed(
                name="n", node="5", input="batch_size", rule=Rule(kind="choice", choices=(1, 4))
            ),
        ]
        with pytest.raises(ParametersInvalid) as caught:
            apply_parameters(graphs.sd15(), {"q": 61, "n": True}, exposed)
        changed = apply_parameters(graphs.sd15(), {"q": 60, "n": 4}, exposed)
        assert [fault.path for fault in caught.value.faults] == ["parameters.q", "parameters.n"]
        assert (changed["3"]["inputs"]["steps"], changed["5"]["inputs"]["batch_size"]) == (60, 4)

    def test_values_are_copied(self) -> None:
        """A caller who changes his object later does not change the workflow."""
        value = {"lora": "a"}
        changed = apply_parameters({"1": node("X", lora={"lora": "b"})}, {"1:lora": value}, ())
        value["lora"] = "c"
        assert changed["1"]["inputs"]["lora"] == {"lora": "a"}


class TestAvailable:
    def test_exposed_then_common_then_every_literal(self) -> None:
        """The listing shows what a form would offer first; links are not in it."""
        exposed = [Exposed(name="seed", node="3", input="seed", rule=Rule(kind="int"))]
        listed = available_parameters(graphs.sd15(), exposed)
        names = [each.name for each in listed]
        assert names[:4] == ["seed", "prompt", "negative_prompt", "steps"]
        assert "3:cfg" in names
        assert "3:model" not in names
        prompt = listed[1]
        assert (prompt.origin, prompt.value, prompt.places) == ("common", "a bottle", ("6:text",))

    def test_every_listed_value_can_be_set_again(self) -> None:
        """A form that sends back what it was shown is never refused."""
        for graph in (graphs.no_sampler(), graphs.flux(), graphs.sdxl_two_stage()):
            shown = {each.name: each.value for each in available_parameters(graph)}
            assert is_accepted(apply_parameters(graph, shown))


class TestOutputs:
    def test_saving_and_previewing_nodes_are_outputs(self) -> None:
        """Known by `filename_prefix`, or by class."""
        graph = {**graphs.sd15(), "10": node("PreviewImage", images=["8", 0])}
        assert output_nodes(graph) == ("9", "10")

    def test_every_output_gets_a_prefix_of_its_own(self) -> None:
        """Neither attempts nor nodes share file names; a linked prefix would be the same again."""
        graph = graphs.sd15()
        graph["57:1"] = node("SaveImage", filename_prefix=["60", 0], images=["8", 0])
        graph["60"] = node("PrimitiveString", value="shot")
        changed = with_prefix(graph, "job-1/a2")
        prefixes = [changed[n]["inputs"]["filename_prefix"] for n in ("9", "57:1")]
        assert prefixes == ["job-1/a2/9", "job-1/a2/57-1"]
        assert graph["9"]["inputs"]["filename_prefix"] == "ComfyUI"

    @pytest.mark.parametrize("prefix", ["", "/a", "a/../b", "a\\b", "a//b", "a\0", ".", "a/"])
    def test_a_prefix_cannot_leave_the_output_folder(self, prefix: str) -> None:
        """It is ours to choose, so a bad one is a mistake in our own code."""
        with pytest.raises(ValueError, match="relative"):
            with_prefix(graphs.sd15(), prefix)
