"""Strict reading of values: cattrs hooks that convert nothing and collect every fault.

cattrs is lax by default (None becomes 'None', 'false' becomes True, 7.9 becomes 7); these hooks
replace every one of its conversions. JSON and text (query strings, path parameters) share the
containers and differ in the scalars.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from pathlib import PurePath
from typing import Any, Final, Literal, Union, get_args, get_origin

from cattrs import Converter

from orchestrator.errors import Fault
from orchestrator.http.faulty import MAX_FAULTS, Refused, beneath, kind, refusal
from orchestrator.http.scalars import JSON_SCALARS, TEXT_SCALARS, Hook, single

#: What each kind of list is built with.
SEQUENCES: Final[Mapping[Any, Callable[[Iterable[Any]], Any]]] = {
    list: list,
    tuple: tuple,
    Sequence: tuple,
    frozenset: frozenset,
    AbstractSet: frozenset,
    set: set,
}
MAPPINGS: Final = (dict, Mapping)


def is_sequence(wanted: Any) -> bool:
    """Whether a type is read from a JSON list."""
    return (get_origin(wanted) or wanted) in SEQUENCES


def is_mapping(wanted: Any) -> bool:
    """Whether a type is read from a JSON object with free names."""
    return (get_origin(wanted) or wanted) in MAPPINGS


def is_union(wanted: Any) -> bool:
    """Whether a type is `A | B`, `None` included."""
    return get_origin(wanted) in (Union, types.UnionType)


def is_choice(wanted: Any) -> bool:
    """Whether a type lists its values: a Literal or an Enum."""
    return get_origin(wanted) is Literal or (isinstance(wanted, type) and issubclass(wanted, Enum))


def choices(wanted: Any) -> dict[Any, Any]:
    """The values of a Literal or Enum, by what is sent for them."""
    if get_origin(wanted) is Literal:
        return {value: value for value in get_args(wanted)}
    return {member.value: member for member in wanted}


def item_type(wanted: Any) -> Any:
    """The type of a list's entries.

    Raises:
        TypeError: For a tuple of a fixed length, which no request of ours has.
    """
    args = get_args(wanted)
    if get_origin(wanted) is tuple and (len(args) != 2 or args[1] is not Ellipsis):
        msg = f"Only tuple[X, ...] can be read, not {wanted}"
        raise TypeError(msg)
    return args[0] if args else Any


def value_type(wanted: Any) -> Any:
    """The type of an object's values.

    Raises:
        TypeError: If its names are no strings.
    """
    args = get_args(wanted)
    if args and args[0] is not str:
        msg = f"The names of an object are strings: {wanted}"
        raise TypeError(msg)
    return args[1] if args else Any


def _sequence(wanted: Any, converter: Converter, *, text: bool) -> Hook:
    build = SEQUENCES[get_origin(wanted) or wanted]
    item = item_type(wanted)
    read = hook_for(converter, item)

    def hook(value: Any, _: Any) -> Any:
        if type(value) is not list:
            raise refusal(f"expected a list, got {kind(value)}", value)
        items: list[Any] = []
        faults: list[Fault] = []
        for index, entry in enumerate(value):
            try:
                items.append(read([entry] if text else entry, item))
            except Refused as refused:
                faults += beneath(f"[{index}]", refused.faults)
                if len(faults) >= MAX_FAULTS:
                    break
        if faults:
            raise Refused(faults)
        return build(items)

    return hook


def _mapping(wanted: Any, converter: Converter) -> Hook:
    item = value_type(wanted)
    read = None if item is Any else hook_for(converter, item)

    def hook(value: Any, _: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise refusal(f"expected an object, got {kind(value)}", value)
        if read is None:  # opaque data, such as a ComfyUI graph
            return value
        items: dict[str, Any] = {}
        faults: list[Fault] = []
        for name, entry in value.items():
            try:
                items[name] = read(entry, item)
            except Refused as refused:
                faults += beneath(name, refused.faults)
                if len(faults) >= MAX_FAULTS:
                    break
        if faults:
            raise Refused(faults)
        return items

    return hook


def _choice(wanted: Any, *, text: bool) -> Hook:
    known = choices(wanted)
    # A key with its type, because True == 1 and 1.0 == 1 in Python but not in JSON.
    by_sent = {str(v) if text else (type(v), v): member for v, member in known.items()}
    message = f"must be one of: {', '.join(str(value) for value in known)}"

    def hook(value: Any, _: Any) -> Any:
        sent = single(value) if text else value
        if isinstance(sent, list | dict):  # cannot be looked up: not hashable
            raise refusal(message, sent)
        key = sent if text else (type(sent), sent)
        if key not in by_sent:
            raise refusal(message, sent)
        return by_sent[key]

    return hook


def _union(wanted: Any, converter: Converter) -> Hook:
    members = [member for member in get_args(wanted) if member is not type(None)]
    optional = len(members) < len(get_args(wanted))
    reads = [(hook_for(converter, member), member) for member in members]

    def hook(value: Any, _: Any) -> Any:
        if value is None and optional:
            return None
        complaints: list[Fault] = []
        for read, member in reads:
            try:
                return read(value, member)
            except Refused as refused:
                complaints += refused.faults
        if len(reads) == 1:
            raise Refused(complaints)
        raise refusal(" or ".join(dict.fromkeys(f.message for f in complaints)), value)

    return hook


def _opaque(value: Any, _: Any) -> Any:
    return value


def _no_container(wanted: Any) -> Hook:
    msg = f"A query string or path cannot carry {wanted}"
    raise TypeError(msg)


def _unreadable(wanted: Any) -> Hook:
    msg = f"No strict way to read {wanted} is known"
    raise TypeError(msg)


def converter(*, text: bool) -> Converter:
    """A converter with strict hooks for all but attrs classes, which the caller adds.

    Ask `hook_for` for its hooks.

    Args:
        text: Whether it reads query strings and path parameters instead of JSON.
    """
    made = Converter(structure_fallback_factory=_unreadable)
    # Factories registered last are asked first: the general ones stand on top.
    made.register_structure_hook_factory(lambda _: True, _unreadable)
    made.register_structure_hook_factory(
        lambda wanted: wanted is Any or wanted is object, lambda _: _opaque
    )
    made.register_structure_hook_factory(is_union, lambda wanted: _union(wanted, made))
    made.register_structure_hook_factory(
        is_sequence, lambda wanted: _sequence(wanted, made, text=text)
    )
    made.register_structure_hook_factory(
        is_mapping, _no_container if text else lambda wanted: _mapping(wanted, made)
    )
    for scalar, read in (TEXT_SCALARS if text else JSON_SCALARS).items():
        made.register_structure_hook(scalar, read)
    return made


def hook_for(made: Converter, wanted: Any) -> Hook:
    """The hook for a type.

    cattrs asks its hooks for `str`, `int` and the like before all others, and for their
    subclasses as well: what is a choice, a subclass, or not ours, is sorted out before.

    Raises:
        TypeError: If no strict way to read the type is known.
    """
    wanted = getattr(wanted, "__supertype__", wanted)  # a NewType reads as what it names
    if is_choice(wanted):
        return _choice(wanted, text=made.get_structure_hook(str) is TEXT_SCALARS[str])
    if isinstance(wanted, type) and issubclass(wanted, str | bytes | int | float | PurePath):
        return made.get_structure_hook(wanted) if wanted in JSON_SCALARS else _unreadable(wanted)
    return made.get_structure_hook(wanted)
