"""The answer of GET /object_info: every node class with its inputs, as ComfyUI describes it."""

from __future__ import annotations

from typing import Any

from tools.simulator.nodes import NODE_CLASSES
from tools.simulator.nodes.base import Choices, Input, NodeClass
from tools.simulator.store import Store


def input_type(declared: Input, store: Store, *, pretend: bool) -> str | list[str]:
    """A type's name, or the list of what may be chosen; lists of files are read from disk."""
    match declared.kind:
        case str(name):
            return name
        case Choices(source=source):
            return store.choices(source, pretend=pretend)
        case options:
            return list(options)


def describe(node: NodeClass, store: Store, *, pretend: bool) -> dict[str, Any]:
    """One class as in GET /object_info/{class} (transcript s12)."""

    def told(inputs: dict[str, Input]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for name, declared in inputs.items():
            kind = input_type(declared, store, pretend=pretend)
            out[name] = [kind] if declared.config is None else [kind, declared.config]
        return out

    groups: dict[str, Any] = {"required": told(dict(node.required))}
    if node.optional:
        groups["optional"] = told(dict(node.optional))
    if node.hidden:
        groups["hidden"] = dict(node.hidden)
    count = len(node.returns)
    info: dict[str, Any] = {
        "input": groups,
        "input_order": {group: list(inputs) for group, inputs in groups.items()},
        "output": list(node.returns),
        "output_is_list": [False] * count,
        "output_name": list(node.return_names or node.returns),
    }
    if node.new_style:
        info["output_tooltips"] = [None] * count
    info |= {
        "name": node.name,
        "display_name": node.display_name,
        "description": node.description,
        "python_module": node.module,
        "category": node.category,
        "output_node": node.output_node,
    }
    if node.new_style:
        info |= {"deprecated": False, "experimental": False, "api_node": False}
    return info


def all_classes(store: Store, *, pretend: bool) -> dict[str, Any]:
    """Every class that the simulator knows."""
    return {n: describe(node, store, pretend=pretend) for n, node in NODE_CLASSES.items()}


def one_class(name: str, store: Store, *, pretend: bool) -> dict[str, Any]:
    """One class by name; empty for an unknown one, as in ComfyUI."""
    node = NODE_CLASSES.get(name)
    return {} if node is None else {name: describe(node, store, pretend=pretend)}
