"""Graphs that are like one before: read without parsing, and never otherwise than by parsing."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.comfyui.workflow import Workflow
from orchestrator.gallery.alike import MAX_KINDS, MAX_LESSONS, MAX_TEXT, Alike
from orchestrator.gallery.plan import Plan, plan
from tests.comfyui import graphs
from tests.comfyui.graphs import node


def graph_with(text: Any = "a cat", seed: Any = 1, cfg: Any = 8.0) -> Workflow:
    """The default graph with other values."""
    graph = graphs.sd15()
    graph["3"]["inputs"] |= {"seed": seed, "cfg": cfg}
    graph["6"]["inputs"]["text"] = text
    return graph


Memory = Alike[Plan]


def memory() -> Memory:
    """Nothing seen yet; what serves a kind is its plan, which is as good as anything."""
    return Alike(lambda kind: kind.plan)


def find(alike: Memory, graph: Workflow | str) -> tuple[Plan, Workflow] | None:
    """What it finds of a graph, and what that is."""
    match = alike.find(graph if isinstance(graph, str) else json.dumps(graph))
    return None if match is None else (match.aid, match.graph)


def learn(alike: Memory, *those: Workflow) -> None:
    """Let it see graphs, as files have them."""
    for graph in those:
        alike.learn(json.dumps(graph), graph, plan(graph)[0])


@pytest.fixture
def alike() -> Memory:
    """It has seen graphs that differ in seed and text."""
    alike = memory()
    learn(alike, graph_with(), graph_with("a dog", 2))
    return alike


class TestFinding:
    def test_the_first_of_a_kind_is_not_enough(self) -> None:
        """What differs shows with the second."""
        alike = memory()
        learn(alike, graph_with())
        assert find(alike, graph_with("a dog", 2)) is None

        learn(alike, graph_with("a dog", 2))
        assert find(alike, graph_with("a hen", 3)) == plan(graph_with("a hen", 3))

    def test_what_differs_for_the_first_time_is_learned(self, alike: Memory) -> None:
        """It is parsed once, and then known to differ."""
        graph = graph_with("a hen", 3, cfg=5.5)
        assert find(alike, graph) is None

        learn(alike, graph)
        found = find(alike, graph_with("", 0, cfg=0.25))
        assert found is not None
        assert found[1] == graph_with("", 0, cfg=0.25)

    def test_several_kinds_side_by_side(self, alike: Memory) -> None:
        """A project has a few workflows."""
        other = graphs.flux()
        learn(alike, other, other)

        for _ in range(2):
            for graph in (graph_with("x"), other):
                found = find(alike, graph)
                assert found is not None
                assert found[1] == graph

    def test_the_graphs_of_other_files_are_left_alone(self, alike: Memory) -> None:
        """They share what is the same, and only that."""
        one = find(alike, graph_with("one", 1))
        two = find(alike, graph_with("two", 2))

        assert one is not None
        assert two is not None
        assert (one[1], two[1]) == (graph_with("one", 1), graph_with("two", 2))


class TestNeverWrong:
    @pytest.mark.parametrize(
        "change",
        [
            ('"seed": 2', '"seed": 2.5'),
            ('"seed": 2', '"seed": "2"'),
            ('"seed": 2', '"seed": true'),
            ('"seed": 2', '"seed": null'),
            ('"seed": 2', '"seed": ["4", 0]'),
            ('"seed": 2', '"seed": 02'),
            ('"seed": 2', '"seed": 18446744073709551616'),
            ('"seed": 2', '"seed": 2, "seed": 3'),
            ('"a dog"', '"a dog", "more": 1'),
            ('"a dog"', '"a \\ud83d dog"'),
            ('"a dog"', '"a \n dog"'),
            ('"a dog"', '"a dog'),
            ('"a dog"', "a dog"),
            ('"a dog"', ""),
            ('"a dog"', "[" * 100_000),
            ('"steps": 20', '"steps": 21'),
            ('"steps": 20', '"steps":20'),
            ('"SaveImage"', '"Saver"'),
            ("}}}", "}}} "),
            ("}}}", "}}"),
            ("{", " {"),
        ],
    )
    def test_what_is_not_quite_alike_is_parsed(
        self, alike: Memory, change: tuple[str, str]
    ) -> None:
        """Another type, another place, another spelling."""
        text = json.dumps(graph_with("a dog", 2))
        assert find(alike, text) is not None

        changed = text.replace(*change, 1)
        assert changed != text
        assert find(alike, changed) is None

    @settings(max_examples=60)
    @given(st.lists(st.tuples(st.text(), st.integers(0, 2**64 - 1)), min_size=3, max_size=3))
    def test_it_reads_what_a_parser_reads(self, values: list[tuple[str, int]]) -> None:
        """Whatever the texts and seeds are."""
        alike = memory()
        learn(alike, graph_with(), graph_with("a dog", 2))
        for value, seed in values:
            text = json.dumps(graph_with(value, seed))
            parsed = orjson.loads(text)
            found = find(alike, text)
            assert found == (plan(parsed)[0], parsed)


class TestGivingUp:
    def test_texts_that_python_did_not_write(self) -> None:
        """They can't be cut up, so they are parsed each time."""
        alike = memory()
        for graph in (graph_with(), graph_with("a dog"), graph_with("a hen")):
            alike.learn(json.dumps(graph, indent=1), graph, plan(graph)[0])

        assert find(alike, json.dumps(graph_with("a dog"), indent=1)) is None

    def test_graphs_in_which_ever_more_differs(self) -> None:
        """Learning ends, and what was learned stays."""
        alike = memory()
        wide = {str(n): node("A", value=0) for n in range(2 * MAX_LESSONS)}
        for n in range(2 * MAX_LESSONS):
            learn(alike, wide | {str(n): node("A", value=1)})

        assert find(alike, wide) is not None
        assert find(alike, wide | {str(n): node("A", value=1)}) is None

    def test_settings_that_are_objects(self) -> None:
        """Power loaders have them; where they differ, graphs are parsed."""
        alike = memory()
        for n in range(4):
            learn(alike, graph_with({"on": True, "lora": str(n)}))

        assert find(alike, graph_with({"on": True, "lora": "0"})) is None

    def test_many_kinds(self) -> None:
        """Only the latest are remembered."""
        alike = memory()
        kinds = [{str(n): node("A", value=0)} for n in range(MAX_KINDS + 1)]
        for graph in kinds:
            learn(alike, graph, graph)

        assert [find(alike, graph) is None for graph in kinds[:2]] == [True, False]

    def test_graphs_that_are_too_large(self) -> None:
        """Are not remembered."""
        alike = memory()
        learn(alike, graph_with("x" * MAX_TEXT), graph_with("x" * MAX_TEXT))

        assert find(alike, graph_with("x" * MAX_TEXT)) is None

    def test_a_graph_that_holds_what_marks_holes(self) -> None:
        """It could be cut up wrongly, so it is not."""
        alike = memory()
        learn(alike, graph_with("\0hole\0"), graph_with("\0hole\0", 2))

        assert find(alike, graph_with("\0hole\0", 3)) is None
