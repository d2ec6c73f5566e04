"""What people type into a search box, taken apart. Pure; any text is a query, none is an error.

Words may come in any order and all must be there, each at least as the beginning of a word;
"quoted words" stand side by side; `-word` and `-"quoted words"` must not be there. Everything else,
brackets and `AND` and stars, is punctuation or a plain word.
"""

from __future__ import annotations

import re

from attrs import frozen

from orchestrator.gallery.index.words import words_of

#: A word as short as this is looked for as it is: that many beginnings would match nearly all.
MIN_PREFIX = 3
#: Terms beyond are left out: nobody types so many, and each one costs.
MAX_TERMS = 32
#: Letters of a query that are read.
MAX_LETTERS = 2_000

#: Quotation marks that keyboards and word processors make.
_QUOTES = str.maketrans(dict.fromkeys("“”„«»″＂", '"'))
#: An optional minus, then a phrase (to the end if its quote is never closed) or a word.
_TERM = re.compile(r'(?P<minus>(?<!\S)[-−–])?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')


@frozen
class Term:
    """Words that stand side by side, and whether they must or must not be there."""

    #: Folded; never empty.
    words: tuple[str, ...]
    #: Whether the last word may be the beginning of a longer one.
    prefix: bool
    negated: bool = False

    @property
    def match(self) -> str:
        """As SQLite's full text search has it: always quoted, so nothing in it is an operator."""
        # A folded word has no quotes.
        return f'"{" ".join(self.words)}"' + ("*" if self.prefix else "")


@frozen
class Query:
    """A query taken apart."""

    wanted: tuple[Term, ...] = ()
    unwanted: tuple[Term, ...] = ()


def parse(text: str) -> Query:
    """Take a query apart. What has no letters or digits in it is left out."""
    terms: dict[Term, None] = {}
    for found in _TERM.finditer(text[:MAX_LETTERS].translate(_QUOTES)):
        phrase = found["phrase"]
        words = words_of(found["word"] if phrase is None else phrase)
        if words and len(terms) < MAX_TERMS:
            prefix = phrase is None and _may_be_beginning(words[-1])
            terms[Term(words, prefix, found["minus"] is not None)] = None
    return Query(
        tuple(term for term in terms if not term.negated),
        tuple(term for term in terms if term.negated),
    )


def _may_be_beginning(word: str) -> bool:
    # Two letters of a script other than Latin say more than two Latin ones.
    return len(word) >= MIN_PREFIX or not word.isascii()
