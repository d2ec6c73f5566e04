"""A prompt as a graph: which node runs next, and which results of earlier runs still fit.

Order and cache follow ComfyUI's comfy_execution (graph.py, caching.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any

from attrs import define, field, frozen

from tools.simulator.nodes import NODE_CLASSES
from tools.simulator.store import Store

#: A workflow in API format: node id to `class_type` and `inputs`.
Graph = dict[str, dict[str, Any]]


def is_link(value: object) -> bool:
    """Whether an input's value points at the output of another node."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], (int, float))
        and not isinstance(value[1], bool)
    )


def links(graph: Graph, node_id: str) -> list[str]:
    """The nodes whose outputs this one takes, in the order of its inputs."""
    return [value[0] for value in graph[node_id]["inputs"].values() if is_link(value)]


@define
class RunOrder:
    """The nodes that are still to run for some outputs, and the choice of the next one."""

    graph: Graph
    is_cached: Callable[[str], bool]
    #: Node id to the nodes that it still waits for.
    waiting: dict[str, set[str]] = field(factory=dict)

    def add(self, output: str) -> None:
        """Plan a node and all that it needs; cached results are not traced further."""
        todo = [output]
        while todo:
            node_id = todo.pop()
            if node_id in self.waiting:
                continue
            needs = [other for other in links(self.graph, node_id) if not self.is_cached(other)]
            self.waiting[node_id] = set(needs)
            todo.extend(needs)

    def next(self) -> str | None:
        """Take the next node: outputs first, then what an output waits for, then any ready one."""
        ready = [node_id for node_id, needs in self.waiting.items() if not needs]
        if not ready:
            return None
        chosen = (
            self._first(ready, self._is_output)
            or self._first(ready, lambda n: any(map(self._is_output, self._after(n))))
            or self._first(ready, lambda n: any(map(self._is_output, self._second_after(n))))
            or ready[0]
        )
        del self.waiting[chosen]
        return chosen

    def done(self, node_id: str) -> None:
        """A node has run: those that waited for it may run now."""
        for needs in self.waiting.values():
            needs.discard(node_id)

    def _is_output(self, node_id: str) -> bool:
        return NODE_CLASSES[self.graph[node_id]["class_type"]].output_node

    def _after(self, node_id: str) -> Iterable[str]:
        return (other for other, needs in self.waiting.items() if node_id in needs)

    def _second_after(self, node_id: str) -> Iterable[str]:
        return (second for first in self._after(node_id) for second in self._after(first))

    @staticmethod
    def _first(nodes: list[str], test: Callable[[str], bool]) -> str | None:
        return next((node_id for node_id in nodes if test(node_id)), None)


@frozen
class Cached:
    """What a node gave when it ran: its values, and its `ui` with the `meta` of the history."""

    values: tuple[Any, ...]
    ui: dict[str, list[Any]] | None
    meta: dict[str, Any]


@define
class NodeCache:
    """Results by signature; only those of the prompt that ran last are kept."""

    _entries: dict[str, Cached] = field(factory=dict)
    _keys: dict[str, str] = field(factory=dict)

    def prepare(self, keys: dict[str, str]) -> None:
        """Turn to another prompt, and forget what it does not use."""
        self._keys = keys
        wanted = set(keys.values())
        self._entries = {k: entry for k, entry in self._entries.items() if k in wanted}

    def get(self, node_id: str) -> Cached | None:
        """The result of a node of this prompt, if it is known."""
        return self._entries.get(self._keys[node_id])

    def put(self, node_id: str, entry: Cached) -> None:
        """Remember a result."""
        self._entries[self._keys[node_id]] = entry

    def forget(self, node_id: str) -> None:
        """Forget the result of one node."""
        self._entries.pop(self._keys[node_id], None)

    def clear(self) -> None:
        """Forget everything, as POST /free with free_memory asks."""
        self._entries.clear()


def signatures(graph: Graph, store: Store) -> dict[str, str]:
    """A digest per node over all that its result depends on; reads the files of LoadImage."""
    known: dict[str, str] = {}

    def sign(node_id: str) -> str:
        if node_id in known:
            return known[node_id]
        if node_id not in graph or graph[node_id].get("class_type") not in NODE_CLASSES:
            return f"missing {node_id}"
        known[node_id] = f"cycle at {node_id}"
        node = graph[node_id]
        parts: list[Any] = [node["class_type"], _file_digest(node, store)]
        for name, value in sorted(node.get("inputs", {}).items()):
            parts.append([name, [sign(value[0]), value[1]] if is_link(value) else ["", value]])
        known[node_id] = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        return known[node_id]

    return {node_id: sign(node_id) for node_id in graph}


def _file_digest(node: dict[str, Any], store: Store) -> str:
    loads = NODE_CLASSES[node["class_type"]].loads
    name = node.get("inputs", {}).get(loads) if loads else None
    path = store.input_path(name) if isinstance(name, str) else None
    return hashlib.sha256(path.read_bytes()).hexdigest() if path else ""
