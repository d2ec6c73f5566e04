"""Reads a workflow as a graph: nodes, links, and which nodes feed which. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeGuard

#: ComfyUI's API format: node id to `{"class_type": str, "inputs": {name: literal or link}}`.
Workflow = dict[str, Any]

#: Classes that end a graph without a `filename_prefix` (ComfyUI's own `OUTPUT_NODE = True`).
OUTPUT_CLASSES = frozenset(
    {
        "MaskPreview",
        "Preview3D",
        "Preview3DAnimation",
        "PreviewAny",
        "PreviewAudio",
        "PreviewImage",
        "SaveImageWebsocket",
    }
)

#: orjson writes at most 254 levels; ComfyUI's own front end never comes near a tenth of it.
MAX_DEPTH = 100

_NUMBERS = re.compile(r"\d+")


def is_link(value: object) -> TypeGuard[list[Any]]:
    """Whether an input's value is `[node id, slot]`, by the rule of ComfyUI's own `is_link`."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], int | float)
        and not isinstance(value[1], bool)
    )


def inputs_of(graph: Workflow, node: str) -> dict[str, Any]:
    """The inputs of a node, literals and links alike."""
    inputs: dict[str, Any] = graph[node]["inputs"]
    return inputs


def class_of(graph: Workflow, node: str) -> str:
    """The `class_type` of a node."""
    name: str = graph[node]["class_type"]
    return name


def links_of(graph: Workflow, node: str) -> Iterator[tuple[str, str, int]]:
    """Every link into a node, as (input, the node that feeds it, that node's slot)."""
    for name, value in inputs_of(graph, node).items():
        if is_link(value):
            yield name, value[0], int(value[1])


def in_order(nodes: Iterable[str]) -> list[str]:
    """Node ids in the order that people expect: 2 before 10, and 57:3 after 57."""
    return sorted(nodes, key=lambda node: ([int(n) for n in _NUMBERS.findall(node)], node))


def output_nodes(graph: Workflow) -> tuple[str, ...]:
    """The nodes that leave files or previews behind.

    These are the nodes with an input `filename_prefix`, and those of a known output class.
    A custom node may be an output without either: only the server's `/object_info` knows.
    """
    return tuple(
        in_order(
            node
            for node in graph
            if "filename_prefix" in inputs_of(graph, node)
            or class_of(graph, node) in OUTPUT_CLASSES
        )
    )


def feeding(graph: Workflow, ends: Iterable[str]) -> list[str]:
    """The nodes `ends`, and all that feed them directly or through others."""
    seen: set[str] = set()
    waiting = list(ends)
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting.extend(source for _, source, _ in links_of(graph, node))
    return in_order(seen)


def sinks(graph: Workflow) -> list[str]:
    """The nodes whose outputs nobody uses."""
    used = {source for node in graph for _, source, _ in links_of(graph, node)}
    return in_order(node for node in graph if node not in used)


def circle(graph: Workflow) -> list[str]:
    """The nodes of one circle of links, in the order of the links; empty if there is none."""
    open_sources = {
        node: {source for _, source, _ in links_of(graph, node) if source in graph}
        for node in graph
    }
    users: dict[str, list[str]] = {}
    for node, sources in open_sources.items():
        for source in sources:
            users.setdefault(source, []).append(node)
    ready = [node for node, sources in open_sources.items() if not sources]
    while ready:
        done = ready.pop()
        del open_sources[done]
        for user in users.get(done, ()):
            open_sources[user].discard(done)
            if not open_sources[user]:
                ready.append(user)
    if not open_sources:
        return []
    # Each node that is left waits for another one that is left, so this walk must come round.
    path = [in_order(open_sources)[0]]
    while path.count(path[-1]) == 1:
        path.append(in_order(open_sources[path[-1]])[0])
    return path[path.index(path[-1]) : -1]


def json_fault(value: object) -> str | None:
    """Why a value could not be sent as JSON and come back the same, or None if it could.

    NaN would silently become null, a number over 64 bits or half a surrogate pair cannot be
    written at all, and nesting is bounded by `MAX_DEPTH`.
    """
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        if isinstance(item, dict | list):
            if depth == MAX_DEPTH:
                return f"it is nested more than {MAX_DEPTH} levels deep"
            if isinstance(item, dict):
                waiting.extend((key, depth + 1) for key in item)
                if not all(isinstance(key, str) for key in item):
                    return "it has a key that is not a text"
            parts = item.values() if isinstance(item, dict) else item
            waiting.extend((part, depth + 1) for part in parts)
        elif (reason := _scalar_fault(item)) is not None:
            return reason
    return None


def _scalar_fault(value: object) -> str | None:
    match value:
        case None | bool():
            return None
        case str():
            half = any("\ud800" <= char <= "\udfff" for char in value)
            return "it holds a text with half a surrogate pair" if half else None
        case int():
            fits = -(2**63) <= value < 2**64
            return None if fits else f"it holds {value!s:.40}, which does not fit into 64 bits"
        case float():
            return None if math.isfinite(value) else f"it holds {value}, which JSON does not have"
        case _:
            return f"it holds a {type(value).__name__}, which JSON does not have"
