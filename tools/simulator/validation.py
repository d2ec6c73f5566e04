"""Which prompts are accepted: ComfyUI's checks, with its error types, texts and odd corners.

Follows validate_prompt and validate_inputs of ComfyUI 0.3.75 (transcripts s05, s06). Whatever is
shaped so badly that ComfyUI itself stumbles (a prompt that is a list, a node that is a number)
raises here too, and becomes a 500 as there.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field, frozen

from tools.simulator.nodes import NODE_CLASSES
from tools.simulator.nodes.base import Choices, Input, NodeClass
from tools.simulator.object_info import input_type
from tools.simulator.store import Store

#: Lists longer than this are not sent back in an error.
_LONG_LIST = 20

_CONVERTERS: dict[str, Any] = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}


@frozen
class Verdict:
    """What became of a prompt: outputs that will run, or the error of the 400 answer."""

    outputs: list[str]
    error: dict[str, Any] | None
    node_errors: dict[str, Any]


@frozen
class _Checked:
    valid: bool
    errors: list[dict[str, Any]]


def validate(
    graph: Any, only: Any, store: Store, *, pretend: bool, accept_any_model: bool
) -> Verdict:
    """Check a prompt. Values are converted in place (2 becomes 2.0 for a FLOAT), as in ComfyUI.

    Args:
        graph: the value of `prompt`, whatever it is.
        only: the value of `partial_execution_targets`, or None.
        store: the folders in which models and input files are looked for.
        pretend: whether the pretended models count as installed.
        accept_any_model: whether unknown model names are taken too.

    Raises:
        TypeError, KeyError, IndexError: the prompt is no graph at all; ComfyUI answers 500.
    """
    outputs = []
    for node_id in graph:
        node = graph[node_id]
        if "class_type" not in node:
            text = "Cannot execute because a node is missing the class_type property."
            return _refused(_error("invalid_prompt", text, f"Node ID '#{node_id}'"))
        name = node["class_type"]
        if name not in NODE_CLASSES:
            text = f"Cannot execute because node {name} does not exist."
            return _refused(_error("invalid_prompt", text, f"Node ID '#{node_id}'"))
        if NODE_CLASSES[name].output_node and (only is None or node_id in only):
            outputs.append(node_id)
    if not outputs:
        return _refused(_error("prompt_no_outputs", "Prompt has no outputs", ""))
    return _Check(graph, store, pretend, accept_any_model).outputs(outputs)


def _error(kind: str, message: str, details: str, **extra: Any) -> dict[str, Any]:
    return {"type": kind, "message": message, "details": details, "extra_info": extra}


def _refused(error: dict[str, Any]) -> Verdict:
    return Verdict([], error, {})


@define
class _Check:
    """One prompt under validation; `checked` remembers the nodes already seen."""

    graph: dict[str, Any]
    store: Store
    pretend: bool
    accept_any_model: bool
    checked: dict[str, _Checked] = field(factory=dict)
    _open: set[str] = field(factory=set)

    def outputs(self, outputs: list[str]) -> Verdict:
        good: list[str] = []
        reasons: list[dict[str, Any]] = []
        node_errors: dict[str, Any] = {}
        for output in outputs:
            try:
                result = self.node(output)
            except (KeyError, IndexError, TypeError, AttributeError, ValueError) as exc:
                result = _Checked(False, [_exception("exception_during_validation", exc)])
                self.checked[output] = result
            if result.valid:
                good.append(output)
                continue
            reasons += result.errors
            self._collect(output, node_errors)
        if good:
            return Verdict(good, None, node_errors)
        details = "\n".join(f"{reason['message']}: {reason['details']}" for reason in reasons)
        error = _error(
            "prompt_outputs_failed_validation", "Prompt outputs failed validation", details
        )
        return Verdict([], error, node_errors)

    def _collect(self, output: str, node_errors: dict[str, Any]) -> None:
        """Nodes that are bad only because of others carry no errors, and are not named."""
        for node_id, result in self.checked.items():
            if result.valid or not result.errors:
                continue
            told = node_errors.setdefault(
                node_id,
                {
                    "errors": result.errors,
                    "dependent_outputs": [],
                    "class_type": self.graph[node_id]["class_type"],
                },
            )
            told["dependent_outputs"].append(output)

    def node(self, node_id: str) -> _Checked:
        """Check one node and all that it depends on."""
        if node_id in self.checked:
            return self.checked[node_id]
        self._open.add(node_id)
        inputs = self.graph[node_id]["inputs"]
        node = NODE_CLASSES[self.graph[node_id]["class_type"]]
        errors: list[dict[str, Any]] = []
        valid = True
        for name, declared in node.inputs.items():
            if name not in inputs:
                if name in node.required:
                    text = "Required input is missing"
                    errors.append(_error("required_input_missing", text, name, input_name=name))
            elif isinstance(inputs[name], list):
                valid &= self._link(name, declared, inputs[name], errors)
            else:
                self._value(name, declared, inputs, errors, checked_by_class=name == node.loads)
        errors += self._file(node, inputs)
        result = _Checked(valid and not errors, errors)
        self._open.discard(node_id)
        self.checked[node_id] = result
        return result

    def _link(
        self, name: str, declared: Input, value: list[Any], errors: list[dict[str, Any]]
    ) -> bool:
        """Check a link and the node behind it; False if that one is bad."""
        config = self._config(declared)
        if len(value) != 2:
            text = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            extra = {"input_name": name, "input_config": config, "received_value": value}
            errors.append(_error("bad_linked_input", text, name, **extra))
            return True
        other, slot = value
        received = NODE_CLASSES[self.graph[other]["class_type"]].returns[slot]
        wanted = config[0]
        if not _fits(received, wanted):
            extra = {
                "input_name": name,
                "input_config": config,
                "received_type": received,
                "linked_node": value,
            }
            text = "Return type mismatch between linked nodes"
            details = f"{name}, received_type({received}) mismatch input_type({wanted})"
            errors.append(_error("return_type_mismatch", text, details, **extra))
            return True
        if other in self._open:
            return False  # a cycle: ComfyUI ends in a RecursionError that names no node
        try:
            return self.node(other).valid
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as exc:
            self._open.discard(other)
            extra = {"input_name": name, "input_config": config}
            reason = _exception("exception_during_inner_validation", exc, **extra)
            reason["extra_info"]["linked_node"] = value
            self.checked[other] = _Checked(False, [reason])
            return False

    def _value(
        self,
        name: str,
        declared: Input,
        inputs: dict[str, Any],
        errors: list[dict[str, Any]],
        *,
        checked_by_class: bool,
    ) -> None:
        config = self._config(declared)
        kind, limits = config
        value = inputs[name]
        if isinstance(value, dict) and "__value__" in value:
            value = inputs[name] = value["__value__"]
        extra = {"input_name": name, "input_config": config, "received_value": value}
        if isinstance(kind, str) and kind in _CONVERTERS:
            try:
                value = inputs[name] = extra["received_value"] = _CONVERTERS[kind](value)
            except (ValueError, TypeError, OverflowError) as exc:
                text = f"Failed to convert an input value to a {kind} value"
                details = f"{name}, {value}, {exc}"
                extra["exception_message"] = str(exc)
                errors.append(_error("invalid_input_type", text, details, **extra))
                return
        if checked_by_class:
            return
        if "min" in limits and value < limits["min"]:
            text = f"Value {value} smaller than min of {limits['min']}"
            errors.append(_error("value_smaller_than_min", text, name, **extra))
        elif "max" in limits and value > limits["max"]:
            text = f"Value {value} bigger than max of {limits['max']}"
            errors.append(_error("value_bigger_than_max", text, name, **extra))
        elif isinstance(kind, list) and value not in kind and not self._any(declared):
            listed = str(kind)
            if len(kind) > _LONG_LIST:
                listed = f"(list of length {len(kind)})"
                extra["input_config"] = None
            details = f"{name}: '{value}' not in {listed}"
            errors.append(_error("value_not_in_list", "Value not in list", details, **extra))

    def _any(self, declared: Input) -> bool:
        return self.accept_any_model and isinstance(declared.kind, Choices)

    def _file(self, node: NodeClass, inputs: dict[str, Any]) -> list[dict[str, Any]]:
        """LoadImage's own check: the file must be there."""
        name = node.loads
        if name is None or not isinstance(inputs.get(name), str):
            return []
        if self.store.input_path(inputs[name]) is not None:
            return []
        details = f"{name} - Invalid image file: {inputs[name]}"
        text = "Custom validation failed for node"
        return [_error("custom_validation_failed", text, details, input_name=name)]

    def _config(self, declared: Input) -> tuple[str | list[str], dict[str, Any]]:
        return input_type(declared, self.store, pretend=self.pretend), declared.config or {}


def _fits(received: str, wanted: str | list[str]) -> bool:
    """Whether a link's type fits: equal, a wildcard, or one of several joined by commas."""
    if received == wanted or "*" in (received, wanted):
        return True
    if not isinstance(wanted, str):
        return False
    return set(received.split(",")) <= set(wanted.split(","))


def _exception(kind: str, exc: Exception, **extra: Any) -> dict[str, Any]:
    message = str(exc)
    where = "inner node" if kind == "exception_during_inner_validation" else "node"
    if where == "inner node":
        extra["exception_message"] = message
    extra["exception_type"] = type(exc).__name__
    extra["traceback"] = ['  File "execution.py", line 1, in validate_inputs\n']
    return _error(kind, f"Exception when validating {where}", message, **extra)
