"""What people type, taken apart; nothing that they type is an error."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.gallery.index.query import MAX_TERMS, Query, Term, parse
from orchestrator.gallery.index.words import TOKENIZER, fold


def wanted(text: str) -> list[tuple[str, ...]]:
    """The words of the terms that must be there."""
    return [term.words for term in parse(text).wanted]


class TestParse:
    def test_words_may_be_beginnings_if_they_are_long_enough(self) -> None:
        """Two letters begin nearly every text; they are looked for as a word."""
        assert parse("Castle of") == Query(
            (Term(("castle",), prefix=True), Term(("of",), prefix=False))
        )

    def test_phrases_are_whole_words(self) -> None:
        """In any quotation marks, even if the last one was forgotten."""
        phrase = Query((Term(("old", "castle"), prefix=False),))
        assert parse('"old castle"') == phrase
        assert parse("„Old castle“") == phrase
        assert parse('"old castle') == phrase

    def test_minus_is_a_refusal_before_a_word_only(self) -> None:
        """A hyphen inside of a word only parts it."""
        query = parse('well-lit -rain -"wet street"')
        assert query.wanted == (Term(("well", "lit"), prefix=True),)
        assert query.unwanted == (
            Term(("rain",), prefix=True, negated=True),
            Term(("wet", "street"), prefix=False, negated=True),
        )

    def test_file_names_and_numbers_are_their_parts_side_by_side(self) -> None:
        """So they are found where they stand together."""
        assert wanted("sd_xl-1.0") == [("sd", "xl", "1", "0")]

    def test_case_and_accents_do_not_count(self) -> None:
        """Nor how Unicode spells them."""
        assert wanted("CAFÉ Cafe\u0301 Straße") == [("cafe",), ("strasse",)]

    def test_scripts_without_spaces_are_cut_into_characters(self) -> None:
        """So that any part of a text is found, as a phrase."""
        assert parse("城堡") == Query((Term(("城", "堡"), prefix=True),))

    @pytest.mark.parametrize("text", ["", "  ", '"', '""', "-", '-"" - * ()', "…!?", "\0"])
    def test_nothing_to_look_for(self, text: str) -> None:
        """Punctuation alone asks for nothing."""
        assert parse(text) == Query()

    def test_operators_are_plain_words(self) -> None:
        """Of SQLite's own language nothing gets through."""
        assert wanted('AND OR NEAR(a, 2) prompt:x* ^y {z}') == [
            ("and",), ("or",), ("near", "a"), ("2",), ("prompt", "x"), ("y",), ("z",)
        ]  # fmt: skip

    def test_very_long_queries_are_cut(self) -> None:
        """A pasted novel is searched by its beginning."""
        assert len(parse(" ".join(f"w{n}" for n in range(900))).wanted) == MAX_TERMS

    @given(st.text(max_size=60))
    def test_no_text_is_an_error(self, text: str) -> None:
        """And SQLite takes every term, and finds it in the text it came from."""
        table = sqlite3.connect(":memory:")
        table.execute(f'CREATE VIRTUAL TABLE t USING fts5(a, tokenize="{TOKENIZER}")')
        table.execute("INSERT INTO t VALUES (?)", [fold(text)])
        try:
            for term in parse(text.replace("-", " ")).wanted:
                found = table.execute("SELECT count(*) FROM t WHERE t MATCH ?", [term.match])
                assert found.fetchone() == (1,), term
        finally:
            table.close()
