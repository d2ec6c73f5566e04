"""The table of all event types: the stable name in the log, the class here, and how to decode it.

The name (`asset.rated`) and version are promises; the class may be renamed. A payload that does
not have the declared shape is never guessed at: it stays an `Unknown` event, which is kept,
counted and shown, and folds pass it by.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs
from attrs import frozen

T = TypeVar("T", bound=type)

#: A name in the log: `noun.past_participle`. A leading `!` says that a program which does not know
#: the type must not write to the project any more.
_NAME = re.compile(r"!?[a-z_]+\.[a-z_]+")
MUST_KNOW = "!"

#: What a payload field may be in JSON; anything deeper is opaque data (`dict`).
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

    @property
    def stream(self) -> str:
        """What the event is about, as `category-<field>`: its records make one stream."""
        return f"{self.name.partition('.')[0]}-<{attrs.fields(self.cls)[0].name}>"


#: Name to row. Filled by `@event` when the family modules are imported (see `events.vocabulary`).
BY_NAME: dict[str, EventType] = {}
BY_CLASS: dict[type, EventType] = {}


def event(name: str, version: int = 1) -> Callable[[T], T]:
    """Register an attrs class as the event `name`; the name is a promise for ever.

    Raises:
        ValueError: the name is taken, or is not of the form `noun.past_participle`.
    """
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no name for an event")

    def register(cls: T) -> T:
        if name in BY_NAME:
            raise ValueError(f"two classes claim the event {name!r}")
        attrs.resolve_types(cls)
        row = EventType(name, version, cls, _decoder(cls), _encoder(cls))
        BY_NAME[name] = row
        BY_CLASS[cls] = row
        return cls

    return register


def _encoder(cls: type) -> Callable[[Any], dict[str, Any]]:
    names = tuple(field.name for field in attrs.fields(cls))
    optional = tuple(f.name for f in attrs.fields(cls) if f.default is None)

    def encode(event: Any) -> dict[str, Any]:
        plain = {name: getattr(event, name) for name in names}
        for name in optional:
            if plain[name] is None:
                del plain[name]
        return plain

    return encode


@frozen
class _Field:
    """How one field of a payload is checked and made."""

    name: str
    default: Any
    optional: bool
    #: What it may be in JSON, and what the items of a list may be.
    kinds: tuple[type, ...]
    items: tuple[type, ...]
    #: The one class that is taken as it is; None if each value must be looked at.
    plain: type | None

    def make(self, payload: Mapping[str, Any]) -> Any:
        value = payload.get(self.name, self.default)
        if value is self.default:
            return self._absent()
        if value is None and self.optional:
            return None
        self._check(value, self.kinds)
        if value.__class__ is list:
            for item in value:
                self._check(item, self.items)
            return tuple(value)
        return float(value) if self.kinds[0] is float else value

    def _check(self, value: object, kinds: tuple[type, ...]) -> None:
        if value.__class__ not in kinds:
            expected = " or ".join(kind.__name__ for kind in kinds)
            raise PayloadError(f"{self.name} has a {value.__class__.__name__}, not {expected}")

    def _absent(self) -> Any:
        if self.default is attrs.NOTHING:
            raise PayloadError(f"{self.name} is missing")
        if isinstance(self.default, attrs.Factory):  # type: ignore[arg-type]  # attrs types Factory as a function
            return self.default.factory()
        return self.default


def _decoder(cls: type) -> Callable[[Mapping[str, Any]], object]:
    """A function from payload to event, made once per type: replay runs it a million times."""
    fields = tuple(_field(attribute) for attribute in attrs.fields(cls))
    names = tuple(field.name for field in fields)
    plain = tuple(field.plain for field in fields)

    def decode(payload: Mapping[str, Any]) -> object:
        # Nearly all payloads stand in the log just as we write them today: then nothing is to do.
        if tuple(payload) == names and tuple(map(type, payload.values())) == plain:
            return cls(**payload)
        return cls(**{field.name: field.make(payload) for field in fields})

    return decode


def _field(attribute: attrs.Attribute[Any]) -> _Field:
    annotation: Any = attribute.type
    # `str | None` makes one kind of union, a NewType `| None` the other.
    optional = typing.get_origin(annotation) in (types.UnionType, typing.Union)
    if optional:
        (annotation,) = (a for a in typing.get_args(annotation) if a is not types.NoneType)
    kinds = _kinds(annotation)
    items = _kinds(typing.get_args(annotation)[0]) if list in kinds else ()
    plain = None if list in kinds else kinds[0]
    return _Field(attribute.name, attribute.default, optional, kinds, items, plain)


def _kinds(annotation: Any) -> tuple[type, ...]:
    # A NewType, such as AssetId, is checked as what it stands for.
    annotation = getattr(annotation, "__supertype__", annotation)
    return _KINDS[typing.get_origin(annotation) or annotation]


def decode(row: EventType | None, name: str, version: int, payload: Mapping[str, Any]) -> object:
    """The event that a line tells of; `Unknown` if its type, version or shape is not ours."""
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
