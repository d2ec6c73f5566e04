"""The table of all event types: the stable name in the log, the class here, and how to decode it.

The name (`asset.rated`) and version are promises; the class may be renamed. A payload that does
not have the declared shape is never guessed at: it stays an `Unknown` event, which is kept,
counted and shown, and folds pass it by.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs
from attrs import frozen

T = TypeVar("T", bound=type)

#: What a payload field may be; anything deeper is opaque data (`dict`).
_KINDS: dict[object, tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    bool: (bool,),
    float: (float, int),
    tuple: (list,),
    dict: (dict,),
}


class PayloadError(ValueError):
    """A payload that does not have the shape its type declares."""


@frozen
class Unknown:
    """An event whose type or shape this program does not know; kept as it came, never applied."""

    type: str
    version: int
    payload: Mapping[str, Any]


@frozen
class EventType:
    """One row of the vocabulary."""

    name: str
    version: int
    cls: type
    decode: Callable[[Mapping[str, Any]], object]
    encode: Callable[[Any], dict[str, Any]]

    @property
    def doc(self) -> str:
        """First paragraph of the class's docstring: what happened, for readers of the raw log."""
        return (self.cls.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")


#: Name to row. Filled by `@event` when the family modules are imported (see `events.vocabulary`).
BY_NAME: dict[str, EventType] = {}
BY_CLASS: dict[type, EventType] = {}


def event(name: str, version: int = 1) -> Callable[[T], T]:
    """Register an attrs class as the event `name`; the name is a promise for ever."""

    def register(cls: T) -> T:
        attrs.resolve_types(cls)
        row = EventType(name, version, cls, _decoder(cls), _encoder(cls))
        if name in BY_NAME:
            raise ValueError(f"two classes claim the event {name!r}")
        BY_NAME[name] = row
        BY_CLASS[cls] = row
        return cls

    return register


def _encoder(cls: type) -> Callable[[Any], dict[str, Any]]:
    names = tuple(field.name for field in attrs.fields(cls))
    optional = {f.name for f in attrs.fields(cls) if f.default is None}

    def encode(event: Any) -> dict[str, Any]:
        values = ((name, getattr(event, name)) for name in names)
        return {n: v for n, v in values if not (v is None and n in optional)}

    return encode


def _decoder(cls: type) -> Callable[[Mapping[str, Any]], object]:
    """A function from payload to event, made once per type: replay runs it a million times."""
    plan = tuple(_plan(field) for field in attrs.fields(cls))
    names = tuple(field.name for field in attrs.fields(cls))

    def decode(payload: Mapping[str, Any]) -> object:
        values = []
        get = payload.get
        for name, exact, kinds, default in plan:
            value = get(name, default)
            if value.__class__ is not exact:
                value = _absent(name, value) if value is default else _loose(name, value, kinds)
            values.append(value)
        return cls(**dict(zip(names, values, strict=True)))

    return decode


def _plan(field: attrs.Attribute[Any]) -> tuple[str, type, tuple[type, ...], Any]:
    annotation: Any = field.type
    # A NewType, such as AssetId, is checked as what it stands for.
    annotation = getattr(annotation, "__supertype__", annotation)
    optional = False
    if isinstance(annotation, types.UnionType):
        (annotation,) = (a for a in typing.get_args(annotation) if a is not type(None))
        optional = True
    kinds = _KINDS[typing.get_origin(annotation) or annotation]
    kinds = (*kinds, type(None)) if optional else kinds
    # A list must pass through _loose, which makes it a tuple; so no class matches it exactly.
    exact = object if list in kinds else kinds[0]
    return field.name, exact, kinds, field.default


def _absent(name: str, default: Any) -> Any:
    if default is attrs.NOTHING:
        raise PayloadError(f"{name} is missing")
    return default.factory() if isinstance(default, attrs.Factory) else default  # type: ignore[arg-type]  # attrs types Factory as a function


def _loose(name: str, value: Any, kinds: tuple[type, ...]) -> Any:
    if value.__class__ not in kinds:
        expected = " or ".join(k.__name__ for k in kinds)
        raise PayloadError(f"{name} is a {value.__class__.__name__}, not {expected}")
    return tuple(value) if value.__class__ is list else value


def decode(name: str, version: int, payload: Mapping[str, Any]) -> object:
    """The event that a line tells of; `Unknown` if its type, version or shape is not ours."""
    row = BY_NAME.get(name)
    if row is None or row.version != version:
        return Unknown(name, version, payload)
    try:
        return row.decode(payload)
    except PayloadError:
        return Unknown(name, version, payload)


def name_of(event: object) -> str:
    """The stable type name of an event, for logs, tables and messages."""
    if isinstance(event, Unknown):
        return event.type
    return BY_CLASS[type(event)].name
