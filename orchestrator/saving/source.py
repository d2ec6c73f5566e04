"""Where pictures may be fetched from: `/view` of a registered backend, and nowhere else."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import Any

import aiohttp
from attrs import frozen
from yarl import URL

from orchestrator.comfyui.transport import REFUSED, TRANSPORT_ERRORS, Transport
from orchestrator.config import BackendConfig
from orchestrator.errors import (
    BackendRefused,
    BackendUnreachable,
    ImageSourceRefused,
    ImageTooLarge,
    OutputMissing,
)

#: ComfyUI serves the same files under both.
_PATHS = ("/view", "/api/view")
#: A picture that takes longer is given up (seconds).
_WHOLE = 600.0
_CHUNK = 1024 * 1024


@frozen
class Source:
    """A file of a backend."""

    backend: BackendConfig
    #: Path and query, percent-encoded.
    target: str
    #: As the backend calls it.
    filename: str
    #: As it was asked for.
    url: str


def source_of(image_url: str, backends: Iterable[BackendConfig]) -> Source:
    """The file that a URL names, if it lies on a registered backend. Pure.

    Scheme, host and port must be those of the backend as it is registered: whether another name
    leads to the same machine, only somebody else's name server could say.

    Raises:
        ImageSourceRefused: it does not.
    """
    addresses = {URL(backend.url): backend for backend in backends}
    known = tuple(backend.url for backend in addresses.values())
    try:
        url = URL(image_url)
        origin = url.origin()
    except ValueError as exc:
        raise ImageSourceRefused(image_url, f"it is no address ({exc})", known) from exc
    backend = next((b for address, b in addresses.items() if address.origin() == origin), None)
    filename = url.query.get("filename", "")
    if backend is None:
        reason = "no registered backend has this scheme, host and port"
    elif url.user is not None or url.password is not None:
        reason = "it carries a user or a password"
    elif url.raw_path not in _PATHS:
        reason = f"its path is not {_PATHS[0]}"
    elif not filename:
        reason = "it names no file (`filename`)"
    else:
        return Source(backend, f"{url.raw_path}?{url.raw_query_string}", filename, image_url)
    raise ImageSourceRefused(image_url, reason, known)


async def chunks(http: Transport, source: Source, name: str, limit: int) -> AsyncGenerator[bytes]:
    """The bytes of a file, as they come; redirects are not followed.

    Raises:
        ImageTooLarge: it has more than `limit` bytes; the rest is not fetched.
        ImageSourceRefused: the backend sends us somewhere else.
        OutputMissing, BackendRefused, BackendUnreachable: it does not give it out, or not whole.
    """
    timeouts = http.timeouts
    limits = aiohttp.ClientTimeout(
        total=_WHOLE, sock_connect=timeouts.connect, sock_read=timeouts.stall
    )
    # A compressed answer could not be compared with its Content-Length.
    sent: dict[str, Any] = {"headers": {"Accept-Encoding": "identity"}, "read_bufsize": _CHUNK}
    size = 0
    try:
        async with http.open("GET", source.target, limits, **sent) as response:
            _check(http, response, source)
            announced = response.content_length
            if announced is not None and announced > limit:
                raise ImageTooLarge(name, limit)
            async for chunk in response.content.iter_chunked(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise ImageTooLarge(name, limit)
                yield chunk
            encoded = "Content-Encoding" in response.headers
    except TRANSPORT_ERRORS as exc:
        raise http.unreachable(exc) from exc
    if announced is not None and not encoded and size != announced:
        raise BackendUnreachable(http.name, f"sent {size} bytes and announced {announced}")


def _check(http: Transport, response: aiohttp.ClientResponse, source: Source) -> None:
    status = response.status
    if 300 <= status < 400:
        known = (source.backend.url,)
        raise ImageSourceRefused(source.url, "the backend redirects to somewhere else", known)
    if status == 404:
        raise OutputMissing(http.name, source.filename, "there is no such file")
    if status in REFUSED:
        raise BackendRefused(http.name, status, f"the file {source.filename!r}")
    if status != 200:
        raise BackendUnreachable(http.name, f"answered {status} to GET /view")
