"""How a picture was made, from texts that programs write more or less well."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.gallery.metadata import Generation, generation

GRAPH = {"3": {"class_type": "KSampler", "inputs": {"seed": 7}}}


class TestGeneration:
    def test_all_three_parts(self) -> None:
        """The graph that ran, the graph as drawn, the settings as text."""
        found = generation(
            {"prompt": json.dumps(GRAPH), "workflow": '{"nodes": []}', "parameters": "a cat"}
        )

        assert found == Generation(GRAPH, {"nodes": []}, "a cat")
        assert not found.empty

    def test_no_texts_say_nothing(self) -> None:
        """A photograph has none."""
        assert generation({"Software": "GIMP"}).empty

    @pytest.mark.parametrize("text", ["", "{", "a cat", "[]", "5", "null", "NaN", "[" * 100_000])
    def test_what_is_no_object_counts_as_missing(self, text: str) -> None:
        """`prompt` of other programs is often plain text."""
        assert generation({"prompt": text}).prompt_graph is None

    def test_nan_becomes_none(self) -> None:
        """Python's JSON has NaN and Infinity, others do not."""
        text = '{"1": {"inputs": {"a": NaN, "b": [Infinity, -Infinity, 1.5]}}}'

        assert generation({"prompt": text}).prompt_graph == {
            "1": {"inputs": {"a": None, "b": [None, None, 1.5]}}
        }

    @pytest.mark.parametrize(
        "text",
        [
            '{"a": NaN, "half": "\\ud83d", "whole": "\\ud83d\\ude00"}',
            '{"a": NaN, "big": 123456789012345678901234567890}',
            '{"a": 1e999}',
            '{"a": NaN, "b": 1e999, "\\ud800": 1}',
        ],
    )
    def test_the_answer_can_be_sent_as_json(self, text: str) -> None:
        """Half characters and huge numbers would break the reply."""
        found = generation({"workflow": text}).workflow

        assert found is not None
        assert orjson.loads(orjson.dumps(found)) == found

    def test_a_number_of_endless_digits_is_no_fault(self) -> None:
        """Python refuses to read it; the picture still is one."""
        assert generation({"workflow": '{"a": NaN, "b": ' + "1" * 5000 + "}"}).workflow is None

    @given(
        st.dictionaries(
            st.text(max_size=5),
            st.recursive(
                st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
                lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
                max_leaves=8,
            ),
            max_size=5,
        )
    )
    def test_what_comfyui_writes_comes_back(self, graph: dict[str, object]) -> None:
        """ComfyUI writes with Python's json and escapes what is not ASCII."""
        assert generation({"prompt": json.dumps(graph)}).prompt_graph == graph


class TestRaw:
    def test_texts_stay_as_they_are_spelled(self) -> None:
        """So what a person reads in the file is what is found."""
        found = generation({"prompt": '{"a": 1}', "workflow": '{"nodes":  []}', "parameters": "p"})

        assert found.raw == '{"nodes":  []}\n{"a": 1}'
        assert generation({"parameters": "p"}).raw == ""

    @pytest.mark.parametrize(
        "value",
        [
            "日本語の城",
            "café 😀 naïve",
            'a\\b "quoted" \n\t\x00\x1f',
            "C:\\users\\übung",
            "\\日本",
            "\\\\u65e5",
            "",
        ],
    )
    def test_letters_beyond_ascii_are_readable(self, value: str) -> None:
        """ComfyUI escapes them; it stays JSON of the same meaning."""
        raw = generation({"prompt": json.dumps({"text": value})}).raw

        assert json.loads(raw) == {"text": value}
        assert raw == json.dumps({"text": value}, ensure_ascii=False)

    @given(st.text())
    def test_any_text_keeps_its_meaning(self, value: str) -> None:
        """Whatever is escaped, and however many backslashes stand before it."""
        raw = generation({"prompt": json.dumps({"text": value})}).raw

        assert json.loads(raw) == {"text": value}

    def test_half_a_character(self) -> None:
        """Cannot be stored anywhere, so it is replaced."""
        raw = generation({"workflow": '{"a": "\\ud83d", "b": "\\ud83d\\ude00"}'}).raw

        assert raw.encode().decode() == '{"a": "�", "b": "😀"}'

    def test_a_graph_that_was_never_text(self) -> None:
        """Is written as ComfyUI would, but readable."""
        assert Generation({"a": "日本"}).raw == '{"a": "日本"}'


class TestLazy:
    def test_equal_is_what_says_the_same(self) -> None:
        """However it is spelled, and whether it was read already."""
        read, unread = Generation('{"a": 1}'), Generation('{"a":1}')
        assert read.prompt_graph == {"a": 1}

        assert read == unread
        assert read == Generation({"a": 1})
        assert read != Generation({"a": 2})
        assert read != "{'a': 1}"
        assert repr(read) == "Generation(prompt_graph={'a': 1}, workflow=None, parameters=None)"
