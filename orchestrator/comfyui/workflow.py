"""Checks a workflow, sets its parameters, and keeps its outputs apart. Pure; nothing is mutated.

A parameter is named in one of three ways; where two ways reach the same input, the more exact
one wins:

1. `node:input`: an input of a node that is there and is not a link.
2. A name that the YAML beside the workflow exposes (`Exposed`).
3. A common name (prompt, negative_prompt, seed, steps, cfg, width, height, denoise, sampler,
   scheduler), found by following the graph; see `meanings.py` for what each means.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from orchestrator.comfyui.graph import (
    Workflow,
    circle,
    class_of,
    in_order,
    inputs_of,
    is_link,
    json_fault,
    links_of,
    output_nodes,
)
from orchestrator.comfyui.meanings import common_places
from orchestrator.comfyui.parameters import (
    COMMON_RULES,
    Available,
    Exposed,
    Kind,
    Origin,
    Rule,
    adopt,
    fault,
    rule_for_literal,
)
from orchestrator.comfyui.places import Place, settle
from orchestrator.errors import Fault, ParametersInvalid, WorkflowInvalid

__all__ = [
    "Available",
    "Exposed",
    "Rule",
    "Workflow",
    "apply_parameters",
    "available_parameters",
    "check",
    "output_nodes",
    "place_of",
    "with_prefix",
]

MAX_NODES = 10_000
#: ComfyUI takes bodies up to 100 MB (`--max-upload-size`); the rest of the body needs room too.
MAX_BYTES = 64 * 1024 * 1024
#: Characters of a parameter's name. Trying every colon of a name costs the square of its length.
MAX_NAME = 1000


def check(graph: object) -> None:
    """Refuse what ComfyUI could not run, as far as the graph alone tells.

    Whether classes exist, values are allowed and an output node is there only the server knows.

    Raises:
        WorkflowInvalid: No object, empty, the editor's format, a node without class or inputs,
            a link to a missing node, links in a circle, too many nodes, too deep, too large.
    """
    if not isinstance(graph, dict):
        raise WorkflowInvalid(f"it is a {type(graph).__name__}, not an object of nodes")
    reason = _shape_fault(graph) or json_fault(graph)
    if reason is not None:
        raise WorkflowInvalid(reason)
    if len(orjson.dumps(graph)) > MAX_BYTES:
        raise WorkflowInvalid(f"it is larger than {MAX_BYTES} bytes")
    for node in graph:
        _check_node(graph, node)
    for node in graph:
        _check_links(graph, node)
    if nodes := circle(graph):
        raise WorkflowInvalid(f"its links form a circle: {' <- '.join(nodes[:20])}", nodes[0])


def _shape_fault(graph: Workflow) -> str | None:
    """Why an object is not API format, for the mistakes that people make."""
    if not graph:
        return "it has no nodes"
    if isinstance(graph.get("nodes"), list):
        return "it is in the editor's format (`nodes` and `links`), not in API format"
    if isinstance(graph.get("prompt"), dict) and "class_type" not in graph["prompt"]:
        return "the nodes stand under `prompt`; send what is in there"
    if len(graph) > MAX_NODES:
        return f"it has {len(graph)} nodes; the limit is {MAX_NODES}"
    return None


def _check_node(graph: Workflow, node: str) -> None:
    body = graph[node]
    if not isinstance(body, dict):
        raise WorkflowInvalid("this is not a node, which is an object", node)
    if not isinstance(body.get("class_type"), str) or not body["class_type"]:
        raise WorkflowInvalid("the node has no `class_type`", node)
    if not isinstance(body.get("inputs"), dict):
        raise WorkflowInvalid("the node has no `inputs`", node)


def _check_links(graph: Workflow, node: str) -> None:
    for name, source, slot in links_of(graph, node):
        if source not in graph:
            raise WorkflowInvalid(f"its input {name!r} links to a missing node {source!r}", node)
        if slot < 0:
            raise WorkflowInvalid(f"its input {name!r} links to the impossible slot {slot}", node)


def apply_parameters(
    graph: Workflow, parameters: Mapping[str, Any], exposed: Iterable[Exposed] = ()
) -> Workflow:
    """A copy of the workflow with the parameters set.

    A seed goes to every sampler, and other common names to every place that `meanings.py` finds.
    The kind of a value is checked: as exposed, as `COMMON_RULES` says, or for `node:input` as
    the literal that stands there now. Seeds are 0 to 2**53-1.

    Args:
        graph: A workflow that has passed `check`.
        parameters: Values by name.
        exposed: The names from the YAML beside the workflow.

    Raises:
        ParametersInvalid: Names that the workflow lacks and values that do not fit, all at once.
    """
    known = _Known(graph, exposed)
    faults: list[Fault] = []
    settings: list[tuple[int, Place, Any]] = []
    for name, value in parameters.items():
        target = known.find(name)
        if target is None:
            path = f"parameters.{name[:MAX_NAME]}"
            faults.append(Fault(path, known.why_not(name), _shortened(value)))
            continue
        rank, rule, places = target
        if (reason := fault(rule, value)) is not None:
            faults.append(Fault(f"parameters.{name}", reason, _shortened(value)))
            continue
        settings.extend((rank, place, adopt(rule, value)) for place in places)
    if faults:
        raise ParametersInvalid(faults, known=tuple(p.name for p in known.listing()))
    changed = copy.deepcopy(graph)
    for _, place, value in sorted(settings, key=lambda setting: setting[0]):
        inputs_of(changed, place.node)[place.input] = copy.deepcopy(value)
    return changed


def available_parameters(graph: Workflow, exposed: Iterable[Exposed] = ()) -> tuple[Available, ...]:
    """All parameters that a workflow has: exposed ones, common ones, then every `node:input`."""
    return tuple(_Known(graph, exposed).listing())


def place_of(graph: Workflow, node: str, name: str, kind: Kind) -> Place | None:
    """Where the value of an exposed input is set: there, or at the literal that it is linked to.

    None if there is no such input, or if its value is not a literal of the kind at its source.
    """
    if node not in graph or name not in inputs_of(graph, node):
        return None
    place = Place(node, name)
    return settle(graph, place, kind) if is_link(inputs_of(graph, node)[name]) else place


def with_prefix(graph: Workflow, prefix: str) -> Workflow:
    """A copy in which every output goes below `prefix`, each node to a name of its own.

    Each `filename_prefix` becomes `<prefix>/<node id>`, so that neither attempts nor nodes ever
    share a file name, and ComfyUI's cache cannot answer with the files of an earlier attempt
    (protocol section 4.10). A linked `filename_prefix` is replaced too: what it is linked to
    does not change between attempts.

    Args:
        graph: A workflow that has passed `check`.
        prefix: Unique for each attempt, such as `job-<id>/a1`: relative, with forward slashes.

    Raises:
        ValueError: The prefix is empty, absolute, or climbs out of ComfyUI's output folder.
    """
    parts = prefix.split("/")
    if "\\" in prefix or "\0" in prefix or any(part in {"", ".", ".."} for part in parts):
        raise ValueError(f"not a relative folder: {prefix!r}")
    changed = copy.deepcopy(graph)
    for node in changed:
        inputs = inputs_of(changed, node)
        if "filename_prefix" in inputs:
            inputs["filename_prefix"] = f"{prefix}/{_file_name(node)}"
    return changed


def _file_name(node: str) -> str:
    """A node id as a part of a file name on every system; ids in subgraphs hold a colon."""
    return "".join(char if char.isalnum() and char.isascii() else "-" for char in node) or "-"


class _Known:
    """The names that one workflow has."""

    def __init__(self, graph: Workflow, exposed: Iterable[Exposed]) -> None:
        self.graph = graph
        self.exposed = {parameter.name: parameter for parameter in exposed}
        self.common = common_places(graph)

    def find(self, name: str) -> tuple[int, Rule, tuple[Place, ...]] | None:
        """How exact a name is (higher wins), its rule and its places; None if unknown."""
        if name in self.exposed:
            parameter = self.exposed[name]
            place = place_of(self.graph, parameter.node, parameter.input, parameter.rule.kind)
            return None if place is None else (1, parameter.rule, (place,))
        if name in self.common:
            return 0, COMMON_RULES[name], self.common[name]
        place = self._node_input(name)
        if place is None or is_link(value := inputs_of(self.graph, place.node)[place.input]):
            return None
        return 2, rule_for_literal(place.input, value), (place,)

    def why_not(self, name: str) -> str:
        """Why a name is unknown."""
        place = self._node_input(name)
        if place is not None:
            source = inputs_of(self.graph, place.node)[place.input][0]
            return f"is a link to node {source}, and links stay as they are"
        node, colon, key = name.rpartition(":")
        if colon and node in self.graph:
            return f"node {node} ({class_of(self.graph, node)}) has no input {key!r}"
        if name in COMMON_RULES:
            return "this workflow has no place for it"
        return "there is no such parameter"

    def listing(self) -> Iterable[Available]:
        """Every name with its rule, its value and its places."""
        names: list[tuple[Origin, str]] = [("exposed", name) for name in self.exposed]
        names += [("common", name) for name in self.common if name not in self.exposed]
        names += [("node", str(place)) for place in self._literals()]
        for origin, name in names:
            target = self.find(name)
            if target is not None:
                _, rule, places = target
                value = inputs_of(self.graph, places[0].node)[places[0].input]
                yield Available(
                    name=name,
                    origin=origin,
                    rule=rule,
                    value=value,
                    places=tuple(str(place) for place in places),
                )

    def _literals(self) -> Iterable[Place]:
        for node in in_order(self.graph):
            for key, value in inputs_of(self.graph, node).items():
                if not is_link(value):
                    yield Place(node, key)

    def _node_input(self, name: str) -> Place | None:
        """`node:input` split at the colon that makes sense; ids in subgraphs hold colons too."""
        if len(name) > MAX_NAME:
            return None
        for at in range(len(name) - 1, -1, -1):
            node, key = name[:at], name[at + 1 :]
            if name[at] == ":" and node in self.graph and key in inputs_of(self.graph, node):
                return Place(node, key)
        return None


def _shortened(value: Any) -> Any:
    """A value as it may stand in an error message."""
    if isinstance(value, str):
        return value[:200].encode("utf-8", "replace").decode()
    return value if json_fault(value) is None and len(repr(value)) <= 200 else repr(value)[:200]
