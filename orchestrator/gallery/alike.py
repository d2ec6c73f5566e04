"""Reads graphs that are like one that was read before, without parsing all of their JSON.

Pure, but for what it remembers. The pictures of a project come from a few workflows, and their
graphs differ in a seed and a text or two: 5 KB that are the same letter by letter, around a few
*holes*. Once two graphs of a shape were seen, the pieces between the holes are known. A text that
has the same pieces, and in each hole a plain value of the type that was there, is the same JSON
with those values. That is the whole argument, so nothing can be read wrong; at worst, a text is
not recognized and is parsed.
"""

from __future__ import annotations

import json
import math
from typing import Any

from attrs import define, evolve, frozen

from orchestrator.comfyui.graph import Workflow, inputs_of
from orchestrator.comfyui.places import Place
from orchestrator.gallery.metadata import whole
from orchestrator.gallery.plan import Plan

#: Kinds of graphs that are remembered; a text is compared with all of them, the latest first.
MAX_KINDS = 12
#: How often holes may be added to a kind: where ever more differs, nothing is gained.
MAX_LESSONS = 12
#: Letters of the longest text that is remembered.
MAX_TEXT = 100_000
#: Stands for a hole while a text is cut up; a graph that holds it is not like any other.
_HOLE = "\0hole\0"
_HOLE_TEXT = json.dumps(_HOLE)
_SCALARS = (str, int, float, bool, type(None))
_JSON = json.JSONDecoder()


@frozen
class _Kind:
    """Graphs that differ only in their holes."""

    plan: Plan
    graph: Workflow
    holes: tuple[Place, ...] = ()
    #: What stands before each hole, and behind the last one; empty if nothing is known yet.
    pieces: tuple[str, ...] = ()
    types: tuple[type, ...] = ()
    lessons: int = 0

    def values(self, text: str) -> list[Any] | None:
        """What stands in the holes of a text; None if it is not of this kind."""
        found: list[Any] = []
        at = 0
        for piece, kind in zip(self.pieces, self.types, strict=False):
            if not text.startswith(piece, at):
                return None
            try:
                value, at = _JSON.raw_decode(text, at + len(piece))
            except (ValueError, RecursionError):
                return None
            if type(value) is not kind or not _plain(value):
                return None
            found.append(value)
        return found if text[at:] == self.pieces[-1] else None

    def filled(self, values: list[Any]) -> Workflow:
        """The graph with other values in its holes; the rest is shared, not to be changed."""
        graph = self.graph.copy()
        for hole, value in zip(self.holes, values, strict=True):
            inputs = {**graph[hole.node]["inputs"], hole.input: value}
            graph[hole.node] = {**graph[hole.node], "inputs": inputs}
        return graph


@define
class Alike:
    """The kinds of graphs that were seen last. Threads may share it: a lesson may be lost."""

    _kinds: tuple[_Kind, ...] = ()

    def find(self, text: str) -> tuple[Plan, Workflow] | None:
        """The plan and the graph of a text that is like one before; None if it must be parsed."""
        for kind in self._kinds:
            if kind.pieces and (values := kind.values(text)) is not None:
                if kind is not self._kinds[0]:
                    self._put_first(kind, kind)
                return kind.plan, kind.filled(values)
        return None

    def learn(self, text: str, graph: Workflow, plan: Plan) -> None:
        """Remember a graph that was parsed. Graphs of one shape have one and the same plan."""
        if len(text) > MAX_TEXT:
            return
        known = next((kind for kind in self._kinds if kind.plan is plan), None)
        if known is None:
            self._put_first(None, _Kind(plan, graph))
        elif known.lessons < MAX_LESSONS:
            self._put_first(known, _taught(known, text, graph))

    def _put_first(self, old: _Kind | None, new: _Kind) -> None:
        others = tuple(kind for kind in self._kinds if kind is not old)
        self._kinds = (new, *others)[:MAX_KINDS]


def _taught(kind: _Kind, text: str, graph: Workflow) -> _Kind:
    """A kind that also has holes where this graph differs; it never matches if it cannot have."""
    holes = tuple(
        place
        for node in graph
        for key, value in inputs_of(graph, node).items()
        for place in (Place(node, key),)
        if place in kind.holes or value != inputs_of(kind.graph, node)[key]
    )
    lost = evolve(kind, pieces=(), lessons=MAX_LESSONS)
    types = tuple(type(inputs_of(graph, hole.node)[hole.input]) for hole in holes)
    # Cutting works on texts as Python writes them, and ComfyUI does.
    if not set(types) <= set(_SCALARS) or json.dumps(graph) != text or _HOLE_TEXT in text:
        return lost
    taught = evolve(kind, graph=graph, holes=holes, types=types, lessons=kind.lessons + 1)
    cut = json.dumps(taught.filled([_HOLE] * len(holes))).split(_HOLE_TEXT)
    return evolve(taught, pieces=tuple(cut))


def _plain(value: Any) -> bool:
    """Whether the parser for whole graphs would have read the same."""
    match value:
        case str():
            return value.isascii() or whole(value) is value
        case bool() | None:
            return True
        case int():
            return -(2**63) <= value < 2**64
        case _:
            return math.isfinite(value)
