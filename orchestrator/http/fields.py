"""What a field of a request or an answer says about itself: for the checks and for the documents.

    @frozen(kw_only=True)
    class Rate:
        rating: int = field(metadata=about("Stars; 0 removes them.", ge=0, le=5, example=4))

One place for both, so that `/docs` cannot promise a range that the service does not check.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import attrs
from attrs import frozen

_KEY: Final = "orchestrator.http.about"


@frozen(kw_only=True, repr=False)
class About:
    """Description and bounds of one field."""

    doc: str = ""
    #: Other names that a client may use for the field, exactly as they come on the wire.
    aliases: tuple[str, ...] = ()
    #: A sample value, as it stands in JSON.
    example: Any = None
    #: Bounds of a number.
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    #: Bounds of the characters of a string, or of the entries of a list or an object.
    min_length: int | None = None
    max_length: int | None = None
    #: A regular expression that a whole string must match.
    pattern: str | None = None

    def complaint(self, value: Any) -> str | None:
        """What is wrong with a value of the right kind; None if nothing is."""
        if isinstance(value, int | float):
            return self._number(value)
        if isinstance(value, str):
            if self.pattern is not None and re.fullmatch(self.pattern, value) is None:
                return f"must match {self.pattern}"
            return self._length(len(value), "character")
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            return self._length(len(value), "entry")
        return None

    @property
    def bounded(self) -> bool:
        """Whether there is anything to check."""
        numbers = (self.ge, self.gt, self.le, self.lt, self.min_length, self.max_length)
        return self.pattern is not None or any(bound is not None for bound in numbers)

    def _number(self, value: float) -> str | None:
        if self.ge is not None and value < self.ge:
            return f"must be at least {self.ge}"
        if self.gt is not None and value <= self.gt:
            return f"must be greater than {self.gt}"
        if self.le is not None and value > self.le:
            return f"must be at most {self.le}"
        if self.lt is not None and value >= self.lt:
            return f"must be less than {self.lt}"
        return None

    def _length(self, length: int, unit: str) -> str | None:
        if self.min_length is not None and length < self.min_length:
            return f"must have at least {_count(self.min_length, unit)}, has {length}"
        if self.max_length is not None and length > self.max_length:
            return f"must have at most {_count(self.max_length, unit)}, has {length}"
        return None


_NOTHING: Final = About()


def about(
    doc: str,
    *,
    aliases: tuple[str, ...] = (),
    example: Any = None,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    pattern: str | None = None,
) -> Mapping[str, About]:
    """The `metadata` of an attrs field: its description, other names and bounds.

    Args:
        doc: One sentence for the reader of `/docs`.
        aliases: Other names that are accepted for it, as they come on the wire.
        example: A sample value, as it stands in JSON.
        ge: Least number.
        gt: Number that it must exceed.
        le: Greatest number.
        lt: Number that it must stay below.
        min_length: Least characters of a string, entries of a list or object.
        max_length: Most characters of a string, entries of a list or object.
        pattern: Regular expression that the whole string must match.
    """
    return {
        _KEY: About(
            doc=doc,
            aliases=aliases,
            example=example,
            ge=ge,
            gt=gt,
            le=le,
            lt=lt,
            min_length=min_length,
            max_length=max_length,
            pattern=pattern,
        )
    }


def described(attribute: attrs.Attribute[Any]) -> About:
    """What a field says about itself; an empty description if it says nothing."""
    found: About = attribute.metadata.get(_KEY, _NOTHING)
    return found


def _count(number: int, unit: str) -> str:
    if number == 1:
        return f"1 {unit}"
    return f"{number} {'entries' if unit == 'entry' else unit + 's'}"
