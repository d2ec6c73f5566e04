"""Faults on their way out of a value: what is wrong, and the path that grows on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from orchestrator.errors import Fault

#: A request with more faults than these is not worth a longer answer.
MAX_FAULTS: Final = 100

_KINDS: Final[Mapping[type, str]] = {
    type(None): "null",
    bool: "a boolean",
    int: "a whole number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}
_SHOWN: Final = 200


class Refused(Exception):  # noqa: N818 -- never leaves this package: a carrier, not an error kind
    """Faults of a value; whoever knows where the value stood puts the path in front."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(self.faults)


def refusal(message: str, value: Any) -> Refused:
    """One fault of the value itself."""
    return Refused([Fault("", message, shown(value))])


def kind(value: Any) -> str:
    """What JSON would call the value, for a message."""
    return _KINDS.get(type(value), type(value).__name__)


def shown(value: Any) -> Any:
    """The value as a fault may repeat it: long ones shortened, containers only named."""
    if isinstance(value, str):
        return value if len(value) <= _SHOWN else value[:_SHOWN] + "..."
    if isinstance(value, list | dict):
        return f"{kind(value)} of {len(value)}"
    return value


def beneath(where: str, faults: Iterable[Fault]) -> list[Fault]:
    """The faults of a part, with the path of the part put in front."""
    return [Fault(join(where, f.path), f.message, f.value) for f in faults]


def join(where: str, rest: str) -> str:
    """The path of a part of a part: `a` and `b` make `a.b`, `a` and `[0]` make `a[0]`."""
    return where + rest if not rest or not where or rest[0] == "[" else f"{where}.{rest}"
