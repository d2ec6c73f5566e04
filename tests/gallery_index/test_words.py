"""Text as it is compared, and where words stand in it."""

from __future__ import annotations

import pytest

from orchestrator.gallery.index.words import Haystack, fold, words_of


def place(text: str, query: str, *, prefix: bool = True) -> str | None:
    """The piece of a text where some words stand."""
    found = Haystack(text).find(words_of(query), prefix=prefix)
    return None if found is None else text[found[0] : found[1]]


class TestFold:
    def test_ascii_is_left_to_the_word_table(self) -> None:
        """It ignores case by itself; NUL alone is taken out."""
        assert fold("A Castle\0x") == "A Castle x"

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("Ægir CAFÉ", ("ægir", "cafe")),
            ("cafe\u0301", ("cafe",)),
            ("ﬁlm Ｗｉｄｅ", ("film", "wide")),
            ("Замок Ё", ("замок", "е")),
            ("東京の夜、雨", ("東", "京", "の", "夜", "雨")),
            ("금빛 노을", ("금", "빛", "노", "을")),
            ("हिन्दी शब्द", ("हिन्दी", "शब्द")),
            ("night🌙sky", ("night", "🌙", "sky")),
            ("half \ud800 letter", ("half", "letter")),
        ],
    )
    def test_words_of_the_world(self, text: str, words: tuple[str, ...]) -> None:
        """Letters and their marks make words; scripts without spaces one per character."""
        assert words_of(text) == words


class TestHaystack:
    @pytest.mark.parametrize(
        ("text", "query", "piece"),
        [
            ("An old Castle, at night", "castle", "Castle"),
            ("newcastle castles", "castle", "castle"),
            ("shot_010.png", "010", "010"),
            ("old, CASTLE", "old castle", "old, CASTLE"),
            ("un café noir", "cafe", "café"),
            ("un cafe\u0301 noir", "CAFÉ", "cafe\u0301"),
            ("die Straße hier", "strasse", "Straße"),
            ("雨の東京の夜", "東京", "東京"),
            ("İstanbul at café", "cafe", "café"),
        ],
    )
    def test_the_place_is_that_of_the_text_as_it_was(
        self, text: str, query: str, piece: str
    ) -> None:
        """Whatever folding did to its length."""
        assert place(text, query) == piece

    def test_only_whole_words_unless_beginnings_will_do(self) -> None:
        """The end of a word is where no letter follows."""
        assert place("castles", "castle", prefix=False) is None
        assert place("newcastle", "castle") is None
