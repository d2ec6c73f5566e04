"""Some text around the place where a file matches a query best, to be read by people. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import frozen

from orchestrator.gallery.index.model import Field
from orchestrator.gallery.index.query import Term
from orchestrator.gallery.index.words import Haystack

#: Letters of an excerpt, about.
LENGTH = 160
#: Of these, before the match.
_BEFORE = 50
#: How far an end is moved to fall between two words.
_SLACK = 15

_SPACE = re.compile(r"\s")


@frozen
class Text:
    """One text of a file, made ready to be looked through."""

    field: Field
    haystack: Haystack


@frozen
class Excerpt:
    """A piece of a text with the place of the match in it."""

    field: Field | None
    context: str
    start: int
    end: int
    #: How many terms the whole text has.
    matched: int


def excerpt(texts: Iterable[Text], terms: tuple[Term, ...]) -> Excerpt:
    """From the text that has the most terms, around the first of them; of equals, the first text.

    Without terms, or if none is found, the beginning of the first text that is not empty.
    """
    best: Excerpt | None = None
    beginning = Excerpt(None, "", 0, 0, 0)
    for text in texts:
        haystack = text.haystack
        if not haystack.text:
            continue
        if not beginning.context:
            beginning = _cut(text, 0, 0, 0)
        if not terms:
            break
        places = [
            place
            for term in terms
            if (place := haystack.find(term.words, prefix=term.prefix)) is not None
        ]
        if places and (best is None or len(places) > best.matched):
            best = _cut(text, *min(places), len(places))
            if len(places) == len(terms):
                break
    return best or beginning


def _cut(text: Text, start: int, end: int, matched: int) -> Excerpt:
    """A piece of a text around a place."""
    whole = text.haystack.text
    first = max(0, start - _BEFORE)
    last = min(len(whole), max(first + LENGTH, end))
    if last == len(whole):
        first = max(0, min(first, last - LENGTH))
    if first > 0:
        gap = whole.find(" ", first, min(first + _SLACK, start))
        first = first if gap < 0 else gap + 1
    if last < len(whole):
        gap = whole.rfind(" ", max(last - _SLACK, end), last)
        last = last if gap < 0 else gap
    before, after = "…" if first > 0 else "", "…" if last < len(whole) else ""
    shift = len(before) - first
    # One letter for one: the place stays where it is.
    piece = _SPACE.sub(" ", whole[first:last])
    return Excerpt(text.field, before + piece + after, start + shift, end + shift, matched)
