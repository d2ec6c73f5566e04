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
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from attrs import define, evolve, frozen

from orchestrator.comfyui.graph import Workflow, inputs_of
from orchestrator.comfyui.places import Place
from orchestrator.gallery.metadata import whole
from orchestrator.gallery.plan import Plan

A = TypeVar("A")

#: Kinds of graphs that are remembered; a text is compared with all of them, the latest first.
MAX_KINDS = 48
#: How often holes may be added to a kind: where ever more differs, nothing is gained.
MAX_LESSONS = 12
#: Letters of the longest text that is remembered.
MAX_TEXT = 100_000
#: Stands for a hole while a text is cut up; a graph that holds it is not like any other.
_HOLE = "\0hole\0"
_HOLE_TEXT = json.dumps(_HOLE)
_SCALARS = (str, int, float, bool, type(None))
#: What `raw_decode` calls, and the type does not know: a text and a place to a value and its end.
_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


@frozen(eq=False)
class Kind(Generic[A]):
    """Graphs that differ only in their holes. Each is one of a kind: compared by identity."""

    plan: Plan
    graph: Workflow
    #: What was worked out once, for all graphs of the kind; None if nothing is known yet.
    aid: A | None = None
    holes: tuple[Place, ...] = ()
    #: What stands before each hole, and behind the last one; empty if nothing is known yet.
    pieces: tuple[str, ...] = ()
    types: tuple[type, ...] = ()
    lessons: int = 0

    def match(self, text: str) -> Match[A] | None:
        """What stands in the holes of a text; None if it is not of this kind."""
        values: list[Any] = []
        spelled: list[str] = []
        at = 0
        for piece, kind in zip(self.pieces, self.types, strict=False):
            if not text.startswith(piece, at):
                return None
            begin = at + len(piece)
            try:
                value, at = _scan(text, begin)
            except (StopIteration, ValueError, RecursionError):
                return None
            if type(value) is not kind or not _plain(value):
                return None
            values.append(value)
            spelled.append(text[begin:at])
        last = self.pieces[-1]
        if self.aid is None or len(text) - at != len(last) or not text.endswith(last):
            return None
        return Match(self, self.aid, values, spelled)

    def filled(self, values: list[Any]) -> Workflow:
        """The graph with other values in its holes; the rest is shared, not to be changed."""
        graph = self.graph.copy()
        for hole, value in zip(self.holes, values, strict=True):
            inputs = {**graph[hole.node]["inputs"], hole.input: value}
            graph[hole.node] = {**graph[hole.node], "inputs": inputs}
        return graph


class Match(NamedTuple, Generic[A]):
    """A text that was recognized."""

    kind: Kind[A]
    #: What was worked out for its kind.
    aid: A
    #: What stands in the holes, and how it is written there.
    values: list[Any]
    spelled: list[str]

    @property
    def graph(self) -> Workflow:
        """The graph that the text is. Not to be changed."""
        return self.kind.filled(self.values)


@define
class Alike(Generic[A]):
    """The kinds of graphs that were seen last. Threads may share it: a lesson may be lost."""

    #: Works out what serves all graphs of a kind.
    aid: Callable[[Kind[A]], A]
    _kinds: tuple[Kind[A], ...] = ()

    def find(self, text: str) -> Match[A] | None:
        """What a text is that is like one before; None if it must be parsed."""
        for kind in self._kinds:
            if kind.pieces and (match := kind.match(text)) is not None:
                if kind is not self._kinds[0]:
                    self._put_first(kind, kind)
                return match
        return None

    def learn(self, text: str, graph: Workflow, plan: Plan) -> None:
        """Remember a graph that was parsed. Graphs of one shape have one and the same plan."""
        if len(text) > MAX_TEXT:
            return
        known = next((kind for kind in self._kinds if kind.plan is plan), None)
        if known is None:
            self._put_first(None, Kind(plan, graph))
        elif known.lessons < MAX_LESSONS:
            taught = _taught(known, text, graph)
            if taught.pieces:
                taught = evolve(taught, aid=self.aid(taught))
            self._put_first(known, taught)

    def _put_first(self, old: Kind[A] | None, new: Kind[A]) -> None:
        others = tuple(kind for kind in self._kinds if kind is not old)
        self._kinds = (new, *others)[:MAX_KINDS]


def _taught(kind: Kind[A], text: str, graph: Workflow) -> Kind[A]:
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
    kind = type(value)
    if kind is str:
        return bool(value.isascii()) or whole(value) is value
    if kind is int:
        return bool(-(2**63) <= value < 2**64)
    return kind is not float or math.isfinite(value)
