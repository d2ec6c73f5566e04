"""Strict reading of single values, from JSON and from text, without any conversion between kinds.

A text value (of a query string or a path) arrives as the list of all values given under its name,
so that a name given twice can be told from a list.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from orchestrator.http.faulty import kind, refusal

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1

#: A cattrs hook: the value, and the type that is wanted.
Hook = Callable[[Any, Any], Any]


# --- scalars of JSON ---


def _read_str(value: Any, _: Any) -> str:
    if type(value) is not str:
        raise refusal(f"expected a string, got {kind(value)}", value)
    return value


def _read_bool(value: Any, _: Any) -> bool:
    if type(value) is not bool:
        raise refusal(f"expected true or false, got {kind(value)}", value)
    return value


def _read_int(value: Any, _: Any) -> int:
    # JSON has one kind of number: 3.0 and 3 are the same. But integers past 64 bits arrive from
    # orjson as floats, already rounded: to the bounds themselves, or to what lies outside.
    if type(value) is float and value.is_integer():
        value = int(value) if value != INT_MIN else INT_MIN - 1
    if type(value) is not int:
        raise refusal(f"expected a whole number, got {kind(value)}", value)
    if not INT_MIN <= value <= INT_MAX:
        raise refusal("must fit into 64 bits", float(value))
    return value


def _read_float(value: Any, _: Any) -> float:
    if type(value) is not float and type(value) is not int:
        raise refusal(f"expected a number, got {kind(value)}", value)
    return float(value)


def _read_time(value: Any, _: Any) -> datetime:
    if type(value) is not str:
        raise refusal(f"expected a time in ISO 8601, got {kind(value)}", value)
    return _parse_time(value)


def _parse_time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise refusal("expected a time in ISO 8601, such as 2026-02-22T10:30:00Z", text) from None
    raise refusal("needs a time zone; end it with Z for UTC", text)


# --- scalars of query strings and path parameters ---

_WHOLE: Final = re.compile(r"-?[0-9]{1,19}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,3})?")
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}


def single(values: Any) -> str:
    """The value of a name in a query, where a list of them is not wanted.

    Raises:
        Refused: If the name is given more than once.
    """
    if len(values) != 1:
        raise refusal(f"given {len(values)} times, expected once", values[0])
    text: str = values[0]
    return text


def _text_str(values: Any, _: Any) -> str:
    return single(values)


def _text_bool(values: Any, _: Any) -> bool:
    text = single(values)
    if text not in _BOOLEANS:
        raise refusal("expected true, false, 1 or 0", text)
    return _BOOLEANS[text]


def _text_int(values: Any, _: Any) -> int:
    text = single(values)
    if _WHOLE.fullmatch(text) is None:
        raise refusal("expected a whole number", text)
    return _read_int(int(text), int)


def _text_float(values: Any, _: Any) -> float:
    text = single(values)
    if _NUMBER.fullmatch(text) is None or not math.isfinite(float(text)):
        raise refusal("expected a number", text)
    return float(text)


def _text_time(values: Any, _: Any) -> datetime:
    return _parse_time(single(values))


JSON_SCALARS: Final[Mapping[Any, Hook]] = {
    str: _read_str,
    bool: _read_bool,
    int: _read_int,
    float: _read_float,
    datetime: _read_time,
}
TEXT_SCALARS: Final[Mapping[Any, Hook]] = {
    str: _text_str,
    bool: _text_bool,
    int: _text_int,
    float: _text_float,
    datetime: _text_time,
}
