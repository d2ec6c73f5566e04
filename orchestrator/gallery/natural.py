"""The order people expect of names: `shot2` before `shot10`, whatever the case."""

from __future__ import annotations

import re
from functools import lru_cache

_DIGITS = re.compile(r"[0-9]+")


@lru_cache(maxsize=1 << 16)
def natural_key(name: str) -> str:
    """A text to sort names by: numbers padded to 20 digits, as long as a 64-bit seed.

    Names that differ in case only keep a fixed order. One text compares faster than a list of
    parts, and a folder of thousands is sorted each time it is shown: so the last ones are kept.
    """
    return f"{_DIGITS.sub(_padded, name.lower())}\0{name}"


def _padded(number: re.Match[str]) -> str:
    return number[0].zfill(20)
