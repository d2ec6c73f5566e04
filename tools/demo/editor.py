"""A graph as ComfyUI's editor saves it (litegraph, version 0.4), made from its API format. Pure.

A picture out of ComfyUI holds both: `prompt` is what ran, `workflow` is what opens again when
the picture is dropped onto the editor.
"""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson
from attrs import define, field

from tools.simulator.nodes import NODE_CLASSES
from tools.simulator.nodes.base import Input, NodeClass

#: Pixels between columns and rows of nodes.
_COLUMN, _ROW = 420, 260
_NODE_WIDTH = 340
#: What the editor adds behind a seed: whether it draws a new one for the next run.
_AFTER_GENERATE = "fixed"


def editor_workflow(graph: dict[str, Any]) -> dict[str, Any]:
    """The graph with slots, links and places on a canvas; equal graphs give equal workflows.

    Raises:
        KeyError: a node's class is not one that the simulator knows.
    """
    return _Drawing(graph).drawn()


@define
class _Drawing:
    graph: dict[str, Any]
    links: list[list[Any]] = field(factory=list)

    def drawn(self) -> dict[str, Any]:
        order = _in_order(self.graph)
        inputs = {node: self._inputs(node) for node in order}
        depths = _depths(self.graph, order)
        rows: dict[int, int] = {}
        nodes = []
        for place, node in enumerate(order):
            row = rows[depths[node]] = rows.get(depths[node], -1) + 1
            position = [depths[node] * _COLUMN, row * _ROW]
            nodes.append(self._node(node, place, position, inputs[node]))
        return {
            "id": str(uuid5(NAMESPACE_URL, orjson.dumps(self.graph).decode())),
            "revision": 0,
            "last_node_id": max(map(int, self.graph)),
            "last_link_id": len(self.links),
            "nodes": nodes,
            "links": self.links,
            "groups": [],
            "config": {},
            "extra": {"ds": {"scale": 0.8, "offset": [120, 80]}, "frontendVersion": "1.32.9"},
            "version": 0.4,
        }

    def _inputs(self, node: str) -> list[dict[str, Any]]:
        """The slots that take links, each with its link."""
        slots: list[dict[str, Any]] = []
        given = self.graph[node]["inputs"]
        for name, declared in _class(self.graph, node).inputs.items():
            value = given.get(name)
            if not isinstance(value, list):
                continue
            kind = declared.kind if isinstance(declared.kind, str) else "COMBO"
            number = len(self.links) + 1
            target = len(slots)
            self.links.append([number, int(value[0]), value[1], int(node), target, kind])
            slots.append({"name": name, "type": kind, "link": number})
        return slots

    def _node(
        self, node: str, place: int, position: list[int], inputs: list[dict[str, Any]]
    ) -> dict[str, Any]:
        known = _class(self.graph, node)
        widgets = _widgets(known, self.graph[node]["inputs"])
        return {
            "id": int(node),
            "type": known.name,
            "pos": position,
            "size": [_NODE_WIDTH, 60 + 24 * (len(widgets) + max(len(inputs), len(known.returns)))],
            "flags": {},
            "order": place,
            "mode": 0,
            "inputs": inputs,
            "outputs": [
                {"name": kind, "type": kind, "slot_index": slot, "links": self._out(node, slot)}
                for slot, kind in enumerate(known.returns)
            ],
            "properties": {"cnr_id": "comfy-core", "Node name for S&R": known.name},
            "widgets_values": widgets,
        }

    def _out(self, node: str, slot: int) -> list[int]:
        return [link[0] for link in self.links if (link[1], link[2]) == (int(node), slot)]


def _class(graph: dict[str, Any], node: str) -> NodeClass:
    return NODE_CLASSES[graph[node]["class_type"]]


def _widgets(known: NodeClass, given: dict[str, Any]) -> list[Any]:
    """The values that a node shows, in the order of its widgets."""
    values = []
    for name, declared in known.inputs.items():
        value = given.get(name)
        if value is None or isinstance(value, list):
            continue
        values.append(value)
        if _is_seed(declared):
            values.append(_AFTER_GENERATE)
    return values


def _is_seed(declared: Input) -> bool:
    return bool((declared.config or {}).get("control_after_generate"))


def _sources(graph: dict[str, Any], node: str) -> list[str]:
    return [value[0] for value in graph[node]["inputs"].values() if isinstance(value, list)]


def _in_order(graph: dict[str, Any]) -> list[str]:
    """Every node behind those that it needs."""
    done: dict[str, None] = {}

    def visit(node: str) -> None:
        if node in done:
            return
        for source in _sources(graph, node):
            visit(source)
        done[node] = None

    for node in sorted(graph, key=int):
        visit(node)
    return list(done)


def _depths(graph: dict[str, Any], order: list[str]) -> dict[str, int]:
    """The column of each node: one to the right of the last that it needs."""
    depths: dict[str, int] = {}
    for node in order:
        depths[node] = 1 + max((depths[source] for source in _sources(graph, node)), default=-1)
    return depths
