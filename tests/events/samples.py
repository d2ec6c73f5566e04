"""Events of every registered type, made from the fields that their classes declare."""

from __future__ import annotations

import types
import typing
from typing import Any

import attrs
from hypothesis import strategies as st

from events import vocabulary
from events.registry import BY_NAME, EventType

assert vocabulary.FAMILIES  # all event types are registered by that import

#: What a person may type; lone surrogates are no text.
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_STRATEGIES: dict[object, st.SearchStrategy[Any]] = {
    str: _TEXT,
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    dict: st.dictionaries(_TEXT, _JSON, max_size=3),
}
_EXAMPLES: dict[object, Any] = {
    int: 7,
    bool: True,
    float: 2.5,
    dict: {"3": {"class_type": "KSampler", "inputs": {"seed": 5, "model": ["4", 0]}}, "ü": None},
}


def event_types() -> list[EventType]:
    """All rows of the registry, by name."""
    return [BY_NAME[name] for name in sorted(BY_NAME)]


def _inner(annotation: Any) -> tuple[Any, bool]:
    """What an annotation stands for, and whether it may be None."""
    optional = typing.get_origin(annotation) in (types.UnionType, typing.Union)
    if optional:
        (annotation,) = (a for a in typing.get_args(annotation) if a is not types.NoneType)
    return getattr(annotation, "__supertype__", annotation), optional


def _values(annotation: Any) -> st.SearchStrategy[Any]:
    inner, optional = _inner(annotation)
    if typing.get_origin(inner) is tuple:
        items = _values(typing.get_args(inner)[0])
        values = st.lists(items, max_size=3).map(tuple)
    else:
        values = _STRATEGIES[typing.get_origin(inner) or inner]
    return values | st.none() if optional else values


def events_of(row: EventType) -> st.SearchStrategy[Any]:
    """Any event of one type."""
    fields = attrs.fields(row.cls)
    return st.builds(row.cls, **{field.name: _values(field.type) for field in fields})


def any_event() -> st.SearchStrategy[Any]:
    """Any event of any type."""
    return st.sampled_from(event_types()).flatmap(events_of)


def _example(field: attrs.Attribute[Any]) -> Any:
    inner, _ = _inner(field.type)
    if typing.get_origin(inner) is tuple:
        (item, _) = typing.get_args(inner)
        if typing.get_origin(item) is dict:
            return ({"step": 1, "from": "a"}, {})
        return (f"{field.name}-1", f"{field.name}-2")
    inner = typing.get_origin(inner) or inner
    return f"{field.name} é/1" if inner is str else _EXAMPLES[inner]


def full(row: EventType) -> Any:
    """An event with every field said."""
    return row.cls(**{field.name: _example(field) for field in attrs.fields(row.cls)})


def least(row: EventType) -> Any:
    """An event with only those fields said that have no default."""
    needed = [field for field in attrs.fields(row.cls) if field.default is attrs.NOTHING]
    return row.cls(**{field.name: _example(field) for field in needed})


def one_of_each() -> list[Any]:
    """Every type twice: with all fields, and with the fewest."""
    return [event for row in event_types() for event in (full(row), least(row))]
