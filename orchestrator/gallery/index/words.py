"""Text as it is compared: without case, accents or punctuation, and cut into words.

Pure. Two texts that fold alike are the same to a search. ASCII text is left as it is, for speed:
the word table ignores its case and cuts it at the same places as we do.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

#: The tokenizer of the word table. Whatever `fold` calls part of a word must be one here too, and
#: SQLite's Unicode is older than Python's: to it, new letters and emoji are unassigned (Cn).
TOKENIZER = "unicode61 remove_diacritics 0 categories 'L* N* M* So Co Cn'"

_ACCENTS = re.compile("[\u0300-\u036f]+")
_WORD = re.compile(r"[^\W_]+", re.ASCII)
#: Scripts written without spaces: Thai to Lao, Burmese, Khmer, kana, Han, Hangul (which glues its
#: particles on). Each character is a word of its own, so that any part of a text can be found.
_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7AF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


class _Spacing(dict[int, str]):
    """How each character is written in folded text; worked out when it is first seen."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if category == "So" or (category[0] in "LMN" and _is_unspaced(code)):
            written = f" {character} "
        elif category[0] in "LMN" or category == "Co":
            written = character
        else:
            written = " "
        self[code] = written
        return written


_SPACING = _Spacing()


def _is_unspaced(code: int) -> bool:
    return any(first <= code <= last for first, last in _UNSPACED)


def fold(text: str) -> str:
    """Text as the word table and queries have it."""
    if text.isascii():
        # SQLite ends a text at NUL in places; files may hold anything.
        return text.replace("\0", " ") if "\0" in text else text
    plain = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFC", _ACCENTS.sub("", plain)).translate(_SPACING)


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, folded, in order."""
    if text.isascii():
        return tuple(_WORD.findall(text.lower()))
    return tuple(fold(text).split())


class Haystack:
    """A text to look for words in, and to say where they stand; made ready as far as needed."""

    __slots__ = ("_folded", "_lower", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._lower: str | None = None
        self._folded: tuple[str, list[int]] | None = None

    def find(self, words: tuple[str, ...], *, prefix: bool) -> tuple[int, int] | None:
        """Where the words stand side by side first, as start and end in `text`.

        Args:
            words: Folded; never empty.
            prefix: Whether the last one may be the beginning of a word.
        """
        if self._lower is None:
            self._lower = self.text.lower()
        # Most words of most texts need no folding, which is slow, to be found.
        if len(self._lower) == len(self.text):
            found = _find(self._lower, words, prefix=prefix)
            if found is not None:
                return found[0], found[1] + _marks(self.text, found[1])
            if self.text.isascii():
                return None
        plain, origins = self._fold()
        found = _find(plain, words, prefix=prefix)
        if found is None:
            return None
        start, last = origins[found[0]], origins[found[1] - 1] + 1
        return start, last + _marks(self.text, last)

    def _fold(self) -> tuple[str, list[int]]:
        """The folded text, and for each of its letters the index of its origin in `text`."""
        if self._folded is None:
            letters: list[str] = []
            origins: list[int] = []
            begin = 0
            while begin < len(self.text):
                # A letter and the marks that follow it are folded together.
                end = begin + 1 + _marks(self.text, begin + 1)
                folded = _fold_letter(self.text[begin:end])
                letters.append(folded)
                origins += [begin] * len(folded)
                begin = end
            self._folded = "".join(letters), origins
        return self._folded


def _find(plain: str, words: tuple[str, ...], *, prefix: bool) -> tuple[int, int] | None:
    pattern = _pattern(words, prefix=prefix)
    found = pattern.search(plain)
    while found is not None:
        start, end = found.span()
        if start == 0 or not plain[start - 1].isalnum():
            return start, end
        found = pattern.search(plain, start + 1)
    return None


def _marks(text: str, at: int) -> int:
    """How many combining marks stand at a place."""
    count = 0
    while at + count < len(text) and unicodedata.combining(text[at + count]):
        count += 1
    return count


@lru_cache(maxsize=10_000)
def _fold_letter(letter: str) -> str:
    """A letter with its marks, folded; a space if it is no part of a word."""
    if letter.isascii():
        return letter.lower() if letter.isalnum() else " "
    return fold(letter)


@lru_cache(maxsize=256)
def _pattern(words: tuple[str, ...], *, prefix: bool) -> re.Pattern[str]:
    """Matches words side by side. It begins with a literal, which makes it fast to look for."""
    end = "" if prefix else r"(?![^\W_])"
    return re.compile(r"[\W_]+".join(map(re.escape, words)) + end)
