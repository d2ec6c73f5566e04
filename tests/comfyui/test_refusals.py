"""Which node a refused submission names."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.comfyui.answers import refused_node


def refusal(error: Any, node_errors: Any = None) -> dict[str, Any]:
    """The body of a 400 to `POST /prompt`."""
    return {"error": error, "node_errors": {} if node_errors is None else node_errors}


def test_the_first_faulty_node_is_named() -> None:
    """`node_errors` lists them in the order in which ComfyUI met them."""
    answer = refusal({"type": "prompt_outputs_failed_validation"}, {"7": {}, "2": {}})

    assert refused_node(answer) == "7"


def test_a_node_of_an_unknown_class_is_named_in_the_details() -> None:
    """ComfyUI 0.3.75 leaves `node_errors` empty then."""
    said = "Cannot execute because node NoSuch does not exist."
    error = {"type": "invalid_prompt", "message": said, "details": "Node ID '#12'"}

    assert refused_node(refusal(error)) == "12"


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "Internal Server Error",
        refusal({"type": "prompt_no_outputs", "details": ""}),
        refusal({"type": "no_prompt"}),
        refusal("text"),
        refusal(None, ["not an object"]),
    ],
)
def test_an_answer_without_a_node_names_none(answer: Any) -> None:
    """Whatever a proxy or an odd server says."""
    assert refused_node(answer) is None
