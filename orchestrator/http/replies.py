"""What leaves the service: JSON bytes, replies with a status of their own, and refusals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import orjson
from aiohttp import web
from attrs import field, frozen

R = TypeVar("R")


@frozen(kw_only=True, repr=False)
class Reply(Generic[R]):
    """An answer that needs another status than the endpoint's, or headers besides."""

    value: R
    #: None means the endpoint's own status.
    status: int | None = None
    headers: Mapping[str, str] = field(factory=dict)


@frozen
class Written:
    """An answer that its handler has written itself, in the request's dialect, to be fast."""

    plain: dict[str, Any]


@frozen(kw_only=True, repr=False)
class Refusal:
    """Why a request was not served, before a dialect gives it its shape."""

    status: int
    code: str
    message: str
    remedy: str
    #: Machine-readable particulars, plain JSON or None.
    detail: Any = None
    headers: Mapping[str, str] = field(factory=dict)
    #: Whether the request was understood, and is refused for what it asks.
    considered: bool = False


def iso(time: datetime) -> str:
    """A time in ISO 8601, in UTC, with a `Z`.

    Raises:
        TypeError: For what is no time, or has no zone: guessing one would shift it.
    """
    if not isinstance(time, datetime) or time.tzinfo is None:
        msg = f"This cannot be sent: {time!r}"
        raise TypeError(msg)
    return time.astimezone(UTC).isoformat()[:-6] + "Z"


def dump(plain: Any) -> bytes:
    """Plain data as JSON in UTF-8; times, which must have a zone, in ISO 8601 with a `Z`.

    A file name that is no UTF-8 (Python holds its bytes as lone surrogates) is written with
    replacement characters: one bad name must not hide the other files of a folder.
    """
    try:
        return orjson.dumps(plain, option=orjson.OPT_UTC_Z)
    except TypeError:
        text = json.dumps(
            plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=iso
        )
        return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode()


def json_response(
    plain: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer with plain data, exactly as given."""
    return web.Response(
        body=dump(plain), status=status, headers=headers, content_type="application/json"
    )
