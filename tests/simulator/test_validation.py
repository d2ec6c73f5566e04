"""Corners of validation that no recording shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen

from tools.simulator.store import Store
from tools.simulator.validation import Verdict, validate

from .graphs import Graph, fast, node, text_to_image


@frozen
class Validator:
    """`validate` with the folders of a test."""

    store: Store
    pretend: bool = True
    accept_any_model: bool = False

    def __call__(self, graph: Any, only: Any = None) -> Verdict:
        return validate(
            graph,
            only,
            self.store,
            pretend=self.pretend,
            accept_any_model=self.accept_any_model,
        )


@pytest.fixture
def check(tmp_path: Path) -> Validator:
    """Validation in fresh folders."""
    store = Store(tmp_path)
    store.start()
    return Validator(store)


def _kinds(verdict: Verdict, node_id: str) -> list[str]:
    return [error["type"] for error in verdict.node_errors[node_id]["errors"]]


def test_values_are_converted_in_place(check: Validator) -> None:
    """2 becomes 2.0 for a FLOAT, "8" becomes 8 for an INT; the queue shows them so."""
    graph = text_to_image()
    graph["3"]["inputs"] |= {"cfg": 2, "steps": "8"}
    assert check(graph).error is None
    assert isinstance(graph["3"]["inputs"]["cfg"], float)
    assert graph["3"]["inputs"]["steps"] == 8


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"width": "wide"}, "invalid_input_type"),
        ({"width": 20000}, "value_bigger_than_max"),
        ({"width": ["1"]}, "bad_linked_input"),
    ],
)
def test_faulty_values_are_named(check: Validator, change: dict[str, Any], kind: str) -> None:
    """The error stands at the node, and names the output that depends on it."""
    graph = fast()
    graph["1"]["inputs"] |= change
    verdict = check(graph)
    assert _kinds(verdict, "1") == [kind]
    assert verdict.node_errors["1"]["dependent_outputs"] == ["2"]


def test_faults_of_the_output_itself_are_told_at_the_top(check: Validator) -> None:
    """The top error has details only if the output node is at fault."""
    graph = fast()
    del graph["2"]["inputs"]["images"]
    error = check(graph).error
    assert error is not None
    assert error["details"] == "Required input is missing: images"


def test_output_that_links_to_nowhere_is_an_exception(check: Validator) -> None:
    """ComfyUI stumbles over it, and tells its own KeyError."""
    graph: Graph = {"2": node("SaveImage", images=["9", 0], filename_prefix="x")}
    verdict = check(graph)
    assert _kinds(verdict, "2") == ["exception_during_validation"]


def test_unknown_model_is_refused_unless_any_is_taken(check: Validator) -> None:
    """`accept_any_model` lets a real workflow run without its models."""
    graph = text_to_image()
    graph["4"]["inputs"]["ckpt_name"] = "our-own.safetensors"
    assert _kinds(check(graph), "4") == ["value_not_in_list"]
    assert evolve(check, accept_any_model=True)(graph).error is None


def test_model_in_the_folder_is_installed(check: Validator) -> None:
    """An empty file in models/checkpoints is enough."""
    folder = check.store.root / "models" / "checkpoints" / "ours"
    folder.mkdir(parents=True)
    (folder / "own.safetensors").touch()
    graph = text_to_image()
    graph["4"]["inputs"]["ckpt_name"] = "ours/own.safetensors"
    assert check(graph).error is None


def test_long_lists_are_not_sent_back(check: Validator) -> None:
    """More than 20 choices are counted instead."""
    folder = check.store.root / "models" / "checkpoints"
    folder.mkdir(parents=True)
    for number in range(30):
        (folder / f"{number}.safetensors").touch()
    graph = text_to_image()
    graph["4"]["inputs"]["ckpt_name"] = "absent"
    (error,) = check(graph).node_errors["4"]["errors"]
    assert error["details"] == "ckpt_name: 'absent' not in (list of length 33)"
    assert error["extra_info"]["input_config"] is None


def test_files_outside_the_folders_are_not_loaded(check: Validator) -> None:
    """ComfyUI would read any file of its host; a simulator must not."""
    outside = check.store.root.parent / "secret.png"
    outside.write_bytes(b"x")
    for name in (str(outside), f"../../{outside.name}"):
        graph: Graph = {
            "1": node("LoadImage", image=name),
            "2": node("SaveImage", images=["1", 0], filename_prefix="x"),
        }
        assert _kinds(check(graph), "1") == ["custom_validation_failed"]


def test_cycle_beside_a_good_output_stops_only_its_own(check: Validator) -> None:
    """The good output runs; the other one is left out without a word."""
    graph = fast() | {
        "7": node("ImageInvert", image=["8", 0]),
        "8": node("ImageInvert", image=["7", 0]),
        "9": node("SaveImage", images=["8", 0], filename_prefix="x"),
    }
    verdict = check(graph)
    assert (verdict.outputs, verdict.error, verdict.node_errors) == (["2"], None, {})


@pytest.mark.parametrize("graph", [None, 5, [1], {"1": 5}, {"1": None}])
def test_what_is_no_graph_raises(check: Validator, graph: Any) -> None:
    """ComfyUI answers 500 to these."""
    with pytest.raises((TypeError, KeyError, IndexError)):
        check(graph)
