"""Text around a match, short enough to be read."""

from __future__ import annotations

from orchestrator.gallery.index.excerpts import LENGTH, Text, excerpt
from orchestrator.gallery.index.model import Field
from orchestrator.gallery.index.query import parse
from orchestrator.gallery.index.words import Haystack


def shown(query: str, **texts: str) -> tuple[Field | None, str, str]:
    """Field, context, and the match in it."""
    names: dict[str, Field] = {"filename": "filename", "prompt": "prompt"}
    given = [Text(names[name], Haystack(text)) for name, text in texts.items()]
    found = excerpt(given, parse(query).wanted)
    return found.field, found.context, found.context[found.start : found.end]


class TestExcerpt:
    def test_a_short_text_is_whole(self) -> None:
        """Lines become spaces, so that it stays one line."""
        assert shown("castle", prompt="an old\ncastle") == ("prompt", "an old castle", "castle")

    def test_a_long_one_is_cut_between_words(self) -> None:
        """And says with an ellipsis that it goes on."""
        text = "many words before it " * 20 + "CASTLE" + " and many after" * 20
        field, context, match = shown("castle", prompt=text)

        assert (field, match) == ("prompt", "CASTLE")
        assert len(context) <= LENGTH + 2
        assert context.startswith("…")
        assert context.endswith("…")
        assert set(context.strip("…").split()) <= set(text.split())

    def test_the_text_that_has_most_words_is_shown(self) -> None:
        """Of equals the first."""
        assert shown("old castle", filename="castle.png", prompt="an old castle")[0] == "prompt"
        assert shown("castle", filename="castle.png", prompt="an old castle")[0] == "filename"

    def test_without_words_the_beginning(self) -> None:
        """An empty query still shows what a file is."""
        assert shown("", filename="", prompt="an old castle") == ("prompt", "an old castle", "")
        assert shown("castle") == (None, "", "")
