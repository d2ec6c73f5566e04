"""Old stores as JSON: read as kindly as can be, since they were written without much care. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson
from attrs import frozen

_SPACE = re.compile(r"[ \t\r\n]*")
#: A character of UTF-8 that is none of ASCII; in a code page two such bytes seldom meet.
_SEQUENCE = re.compile(rb"[\xc3-\xf4][\x80-\xbf]")
_BOM = b"\xef\xbb\xbf"
#: Of a damaged store, what stands whole in these parts of it is used.
_PARTS = ("files", "tags", "views")
_DECODER = json.JSONDecoder()


@frozen
class Document:
    """What stands in an old store."""

    content: dict[str, Any]
    #: What is wrong with it; None if it was read whole.
    fault: str | None = None


def parse(data: bytes) -> Document:
    """The JSON object in a file; what can be saved of it if the file is damaged.

    Besides plain JSON it reads what Python's writer makes of odd values, and the code page of
    Western Windows.
    """
    data = data.removeprefix(_BOM)
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return _parse_kindly(data)
    return _object(found)


def _object(found: object) -> Document:
    if isinstance(found, dict):
        return Document(found)
    return Document({}, f"it is no JSON object, but a {type(found).__name__}")


def _parse_kindly(data: bytes) -> Document:
    if not data.strip(b" \t\r\n\0"):
        return Document({}, "it is empty")
    text = _decode(data)
    try:
        return _object(_DECODER.decode(text))
    except (ValueError, RecursionError) as exc:
        return Document(_salvage(text), f"it is not whole: {exc}")


def _decode(data: bytes) -> str:
    """The text of a file that is UTF-8, perhaps with faults, or else of a Western code page."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        if _SEQUENCE.search(data):
            return data.decode("utf-8", "surrogateescape")
        return data.decode("cp1252", "replace")


def _salvage(text: str) -> dict[str, Any]:
    """The members of a torn object that stand in it whole; likewise those of its parts."""
    saved: dict[str, Any] = {}
    for key, start in _members(text, 0):
        try:
            saved[key], _ = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            if key in _PARTS:
                saved[key] = dict(_whole_members(text, start))
    return saved


def _whole_members(text: str, start: int) -> Iterator[tuple[str, Any]]:
    for key, at in _members(text, start):
        try:
            yield key, _DECODER.raw_decode(text, at)[0]
        except (ValueError, RecursionError):
            return


def _members(text: str, start: int) -> Iterator[tuple[str, int]]:
    """Key and begin of the value of each member of the object at `start`, up to a torn one."""
    at = _skip(text, start, "{")
    while at is not None:
        try:
            key, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        value = _skip(text, end, ":")
        if not isinstance(key, str) or value is None:
            return
        yield key, value
        try:
            _, end = _DECODER.raw_decode(text, value)
        except (ValueError, RecursionError):
            return
        at = _skip(text, end, ",")


def _skip(text: str, at: int, mark: str) -> int | None:
    """The place after a punctuation mark and the space around it; None if it is not there."""
    match = _SPACE.match(text, at)
    at = at if match is None else match.end()
    if not text.startswith(mark, at):
        return None
    match = _SPACE.match(text, at + len(mark))
    return None if match is None else match.end()
