"""Reading what a client sent, within limits: a JSON object, a query string, path parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from aiohttp import web
from attrs import define, field

from orchestrator.errors import BodyTooLarge, Fault, MalformedBody, MalformedQuery
from orchestrator.http.faulty import MAX_FAULTS, join, kind, shown

#: Bytes of a JSON body that are read unless an endpoint says otherwise.
BODY_LIMIT: Final = 8 * 1024 * 1024
#: Levels of lists and objects in a JSON body.
DEPTH_LIMIT: Final = 200
#: Names and values in a query string.
QUERY_LIMIT: Final = 1000

_NUL: Final = "must not contain NUL characters"


@define  # not frozen: one or two are made for every request
class Sent:
    """Names and values as they came, and what is wrong with them whatever they mean."""

    fields: Mapping[str, Any]
    #: Whether it came as text, from the query or the path: under each name a list of strings.
    text: bool = False
    faults: list[Fault] = field(factory=list)


async def read_object(request: web.Request, limit: int = BODY_LIMIT) -> Sent:
    """Read the body as a JSON object.

    Raises:
        BodyTooLarge: It is larger than `limit` bytes; the rest is not read.
        MalformedBody: It is empty, not UTF-8, not JSON, not an object, or nested too deep.
    """
    return parse_object(await read_bytes(request, limit))


async def read_bytes(request: web.Request, limit: int = BODY_LIMIT) -> bytes:
    """Read the body, decompressed, as long as it keeps within the limit.

    Raises:
        BodyTooLarge: It is larger than `limit` bytes; the rest is not read.
        MalformedBody: Its compression or its chunks are broken.
    """
    try:
        if request.content.is_eof():  # a small body has come with the head
            data = request.content.read_nowait()
        elif (request.content_length or 0) > limit:
            raise BodyTooLarge(limit)
        else:
            data = await _read_up_to(request, limit)
    except web.RequestPayloadError as exc:
        raise MalformedBody(f"it does not arrive as announced ({exc})") from exc
    if len(data) > limit:
        raise BodyTooLarge(limit)
    return data


async def _read_up_to(request: web.Request, limit: int) -> bytes:
    """The body, or what first went past the limit."""
    data = bytearray()
    async for chunk in request.content.iter_any():
        data += chunk
        if len(data) > limit:
            break
    return bytes(data)


def parse_object(data: bytes) -> Sent:
    """A JSON object from its bytes.

    Raises:
        MalformedBody: It is empty, not UTF-8, not JSON, not an object, or nested too deep.
    """
    if not data.strip():
        raise MalformedBody("it is empty.")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as exc:
        raise MalformedBody(_why(data, exc)) from exc
    if type(value) is not dict:
        raise MalformedBody(f"it is {kind(value)}, not an object.")
    # Counting brackets is far cheaper than walking, and spares nearly every request the walk.
    if data.count(b"[") + data.count(b"{") > DEPTH_LIMIT and deeper_than(value, DEPTH_LIMIT):
        raise MalformedBody(f"it is nested deeper than {DEPTH_LIMIT} levels.")
    # In JSON a NUL can only be written as this escape; raw control characters are refused.
    return Sent(value, faults=list(nul_faults(value)) if rb"\u0000" in data else [])


def _why(data: bytes, exc: orjson.JSONDecodeError) -> str:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as undecodable:
        return f"it is not UTF-8 (byte {undecodable.start})."
    if "depth limit" in exc.msg or "recursion" in exc.msg:
        return f"it is nested deeper than {DEPTH_LIMIT} levels."
    return f"it is not JSON: {exc}."


def deeper_than(value: Any, limit: int) -> bool:
    """Whether lists and objects are nested in more levels than the limit."""
    level = [value]
    for _ in range(limit):
        level = [part for whole in level for part in _parts(whole) if type(part) in (dict, list)]
        if not level:
            return False
    return True


def _parts(whole: Any) -> Iterable[Any]:
    return whole.values() if type(whole) is dict else whole


def nul_faults(value: Any, where: str = "") -> Iterable[Fault]:
    """A fault for every string in JSON data, names included, that contains a NUL character."""
    found: list[Fault] = []
    waiting: list[tuple[str, Any]] = [(where, value)]
    while waiting and len(found) < MAX_FAULTS:
        path, part = waiting.pop()
        if type(part) is str and "\0" in part:
            found.append(Fault(path, _NUL, shown(part)))
        elif type(part) is list:
            waiting += [(f"{path}[{index}]", entry) for index, entry in enumerate(part)]
        elif type(part) is dict:
            found += [Fault(path, f"a name {_NUL}", name) for name in part if "\0" in name]
            waiting += [(join(path, name), entry) for name, entry in part.items()]
    return sorted(found, key=lambda fault: fault.path)


def read_query(request: web.Request) -> Sent:
    """The query string: under each name the list of its values.

    Raises:
        MalformedQuery: It is not UTF-8, or has more than 1000 names and values.
    """
    return parse_query(request.rel_url.raw_query_string)


def parse_query(raw: str) -> Sent:
    """A query string, still percent-encoded, taken apart.

    Raises:
        MalformedQuery: It is not UTF-8, or has more than 1000 names and values.
    """
    try:
        raw.encode("utf-8")
        pairs = parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=QUERY_LIMIT)
    except UnicodeError as exc:
        raise MalformedQuery("it is not UTF-8.") from exc
    except ValueError as exc:
        raise MalformedQuery(f"it has more than {QUERY_LIMIT} names and values.") from exc
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return Sent(fields, text=True, faults=_text_faults(fields))


def read_path(request: web.Request) -> Sent:
    """The parameters in the path, each as a list of one value, as query strings have them."""
    fields = {name: [value] for name, value in request.match_info.items()}
    return Sent(fields, text=True, faults=_text_faults(fields))


def _text_faults(fields: Mapping[str, list[str]]) -> list[Fault]:
    return [
        Fault(name, _NUL, shown(value))
        for name, values in fields.items()
        for value in values
        if "\0" in value or "\0" in name
    ]
