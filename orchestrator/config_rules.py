"""What each value of the configuration must look like, and how a fault in it is told.

A rule stands beside the type: `Annotated[int, PORT]`. The converter reads nothing leniently: a
number in quotes is text, and text is not a list of letters.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path, PureWindowsPath
from typing import Annotated, Any, get_args, get_origin

import attrs
from attrs import frozen
from cattrs import ClassValidationError, Converter, IterableValidationError
from cattrs.cols import homogenous_tuple_structure_factory
from cattrs.errors import ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn
from yarl import URL

from orchestrator.errors import Fault
from orchestrator.paths import mappings

_LABEL = re.compile(r"[\w-]{1,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: Letters of a webhook's address.
URL_LENGTH = 2000
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s?#@]+")


class MismatchError(ValueError):
    """A value that is not what its rule expects."""

    def __init__(self, expected: str, value: object) -> None:
        super().__init__(expected, value)
        self.expected = expected
        self.value = value


@frozen
class Rule:
    """What a value must be, in words for people, and the test of it."""

    expected: str
    holds: Callable[[Any], bool]
    #: Whether a value that breaks it is kept out of messages.
    secret: bool = False


def is_host(value: object) -> bool:
    """Whether it is a host name or an IP address, with neither scheme, brackets nor port."""
    if not isinstance(value, str) or not value:
        return False
    if is_ip(value):
        return True
    labels = value.removesuffix(".").split(".")
    # A name whose last part is a number is a mistyped address, such as 192.168.1.
    return all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()


def is_ip(value: str) -> bool:
    """Whether it is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether only programs on this computer can reach a server that listens there."""
    return host == "localhost" or (is_ip(host) and ipaddress.ip_address(host).is_loopback)


def is_web_address(value: object) -> bool:
    """Whether it is an http or https URL with a host, and without a user name or fragment."""
    if not isinstance(value, str) or len(value) > URL_LENGTH or not value.isprintable():
        return False
    try:
        url = URL(value)
        port = url.port  # reading it makes yarl look at what stands there
    except ValueError:
        return False
    plain = url.user is None and url.password is None and not url.fragment
    return url.scheme in {"http", "https"} and bool(port) and is_host(url.host) and plain


def whole(low: int, high: int) -> Rule:
    """A whole number within limits, both included."""
    return Rule(
        f"a whole number from {low} to {high}",
        lambda value: type(value) is int and low <= value <= high,
    )


def matches(expected: str, pattern: str) -> Rule:
    """Text of a certain form."""
    form = re.compile(pattern)
    return Rule(expected, lambda value: isinstance(value, str) and bool(form.fullmatch(value)))


PORT = whole(1, 65535)
#: The service may also take 0: any free port.
LISTEN_PORT = whole(0, 65535)
JOBS_AT_ONCE = whole(1, 64)
HOST = Rule("a host name or IP address without scheme, brackets or port", is_host)
ID = matches(
    "1 to 64 letters, digits, `-`, `_` or `.`, the first a letter or digit",
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
)
NAME = matches("text on one line, not blank", r"(?=.*\S)[^\x00-\x1f\x7f]{1,200}")
CAPABILITY = matches("a word without spaces or commas", r"[^\s,]{1,100}")
CORS_ORIGIN = Rule(
    "`*`, or scheme://host[:port] without a path",
    lambda value: value == "*" or (isinstance(value, str) and bool(_ORIGIN.fullmatch(value))),
)
WEB_ADDRESS = Rule(
    "an http:// or https:// address without user name, password and #", is_web_address
)
PUBLIC_URL = Rule(
    "an http:// or https:// address of at most 400 letters, without user name, password, ? and #",
    lambda value: is_web_address(value) and len(str(value)) <= 400 and "?" not in str(value),
)
JOB_END = Rule(
    "succeeded, failed or cancelled",
    lambda value: value in ("succeeded", "failed", "cancelled"),
)
SECRET = Rule(
    "16 to 200 printable letters",
    lambda value: isinstance(value, str) and 16 <= len(value) <= 200 and value.isprintable(),
    secret=True,
)
_TEXT = Rule("text (put it in quotes)", lambda value: isinstance(value, str))
_BOOL = Rule("true or false", lambda value: isinstance(value, bool))


def converter(base: Path) -> Converter:
    """A strict converter that makes relative paths stand below a folder and expands `~`."""
    strict = Converter(forbid_extra_keys=True)
    strict.register_structure_hook(str, lambda value, _: _checked(_TEXT, value))
    strict.register_structure_hook(bool, lambda value, _: _checked(_BOOL, value))
    strict.register_structure_hook(Path, lambda value, _: _path(value, base))
    strict.register_structure_hook_func(
        _is_ruled, lambda value, type_: _checked(_rule(type_), value)
    )
    strict.register_structure_hook_factory(_is_tuple, _list_only)
    strict.register_structure_hook_factory(attrs.has, _mapping_only)
    return strict


def faults(error: Exception, path: str = "") -> Iterator[Fault]:
    """Every fault inside an error of the converter, with the path of its key."""
    match error:
        case ClassValidationError():
            noted, others = error.group_exceptions()
            for inner, note in noted:
                yield from faults(inner, f"{path}.{note.name}".lstrip("."))
            for inner in others:
                yield from faults(inner, path)
        case IterableValidationError():
            for inner, place in error.group_exceptions()[0]:
                yield from faults(inner, f"{path}[{place.index}]")
        case ForbiddenExtraKeysError():
            known = [a.name for a in attrs.fields(error.cl)]
            for key in sorted(error.extra_fields):
                yield unknown_key(f"{path}.{key}".lstrip("."), key, known)
        case MismatchError():
            yield mismatch(path, error.expected, error.value)
        case KeyError():
            yield Fault(path, "expected a value, but the key is missing")
        case _:
            raise error


def mismatch(path: str, expected: str, value: object) -> Fault:
    """The fault of a value that is not what was expected."""
    shown = "nothing" if value is None else repr(value)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    return Fault(path, f"expected {expected}, got {shown}", value)


def unknown_key(path: str, key: str, known: list[str]) -> Fault:
    """The fault of a key that does not exist, with the one that was probably meant."""
    close = get_close_matches(key, known, n=1)
    hint = f"did you mean `{close[0]}`?" if close else f"known keys: {', '.join(known)}"
    return Fault(path, f"unknown key; {hint}", key)


def _checked(rule: Rule, value: object) -> Any:
    if not rule.holds(value):
        raise MismatchError(rule.expected, "***" if rule.secret else value)
    return value


def _is_ruled(type_: Any) -> bool:
    return get_origin(type_) is Annotated and isinstance(get_args(type_)[1], Rule)


def _rule(type_: Any) -> Rule:
    found = get_args(type_)[1]
    assert isinstance(found, Rule)
    return found


def _is_tuple(type_: Any) -> bool:
    return get_origin(type_) is tuple


def _list_only(type_: Any, strict: Converter) -> Callable[[Any, Any], Any]:
    """Tuples come from lists alone; cattrs would take text for a list of letters."""
    inner = homogenous_tuple_structure_factory(type_, strict)

    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, list):
            raise MismatchError("a list ([] for none)", value)
        return inner(value, type_)

    return structure


def _mapping_only(type_: Any, strict: Converter) -> Callable[[Any, Any], Any]:
    inner = make_dict_structure_fn(type_, strict)
    keys = ", ".join(a.name for a in attrs.fields(type_))

    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise MismatchError(f"keys and values ({keys})", value)
        return inner(value, type_)

    return structure


def _path(value: object, base: Path) -> Path:
    """A path of this system; one that is clearly meant for another is a fault, not a name."""
    if not isinstance(value, str) or not value.strip() or _CONTROL.search(value):
        raise MismatchError("a path", value)
    foreign = mappings.current_os() != "windows" and PureWindowsPath(value).drive
    if foreign:
        raise MismatchError("a path of this system (Windows paths belong in path_mappings)", value)
    try:
        return base / Path(value).expanduser()
    except RuntimeError as exc:
        raise MismatchError("a path whose `~` names a known user", value) from exc
