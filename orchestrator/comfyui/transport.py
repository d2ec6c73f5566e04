"""Sends one HTTP request to one backend and turns every transport failure into an error of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
import orjson
from attrs import frozen
from yarl import URL

from orchestrator.errors import BackendUnreachable

T = TypeVar("T")

#: Statuses that say that the same request will never be taken (protocol section 2).
REFUSED = frozenset({400, 403, 413})
#: Failures after which a request may have reached the server, or may not have.
TRANSPORT_ERRORS = (aiohttp.ClientError, TimeoutError, ConnectionError)
#: Failures before the first byte was sent: no connection, no such host, no URL.
NOT_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)
JSON_HEADERS = {"Content-Type": "application/json"}


@frozen(kw_only=True)
class Timeouts:
    """How long to wait for a backend, in seconds."""

    #: For the TCP connection.
    connect: float = 4.0
    #: For the whole of a short call: queue, history, interrupt, statistics.
    control: float = 20.0
    #: For the whole of a submission; validation may load models' metadata.
    submit: float = 30.0
    #: For the next bytes of a download or the answer to an upload; the whole may take hours.
    stall: float = 30.0
    #: For a prompt that was taken in part to be gone again, before its refusal is told.
    withdraw: float = 5.0


DEFAULT_TIMEOUTS = Timeouts()


class Transport:
    """Requests to one backend. The session is the caller's and stays open."""

    def __init__(
        self, session: aiohttp.ClientSession, base_url: str, name: str, timeouts: Timeouts
    ) -> None:
        self._session = session
        self._base = base_of(base_url)
        self.name = name
        self.timeouts = timeouts

    def unreachable(self, exc: BaseException) -> BackendUnreachable:
        """The error for a failed request."""
        return BackendUnreachable(self.name, describe(exc), refused=_is_refused(exc))

    @asynccontextmanager
    async def open(
        self, method: str, path: str, limits: aiohttp.ClientTimeout, **sent: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request; transport errors pass through as they are.

        Redirects are not followed: they turn a POST into a GET.
        """
        url = URL(self._base + path, encoded=True)
        async with self._session.request(
            method, url, timeout=limits, allow_redirects=False, **sent
        ) as response:
            yield response

    async def call(self, method: str, path: str, body: Any = None) -> bytes:
        """A short call that must be answered with 200; returns the body of the answer.

        Raises:
            BackendUnreachable: No answer, or one with another status.
        """
        sent: dict[str, Any] = {}
        if body is not None:
            sent = {"data": orjson.dumps(body), "headers": JSON_HEADERS}
        limits = whole(self.timeouts.connect, self.timeouts.control)
        try:
            async with self.open(method, path, limits, **sent) as response:
                status, answer = response.status, await response.read()
        except TRANSPORT_ERRORS as exc:
            raise self.unreachable(exc) from exc
        if status != 200:
            raise BackendUnreachable(self.name, f"answered {status} to {method} {path}")
        return answer

    async def ask(self, path: str, read: Callable[[Any], T]) -> T:
        """A short GET whose JSON answer `read` understands.

        Raises:
            BackendUnreachable: No answer, or one that ComfyUI would not give.
        """
        return self.understand(await self.call("GET", path), f"GET {path}", read)

    def understand(self, answer: bytes, asked: str, read: Callable[[Any], T]) -> T:
        """Read a JSON answer.

        Raises:
            BackendUnreachable: It is one that ComfyUI would not give.
        """
        try:
            return read(orjson.loads(answer))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as exc:
            reason = f"gave an answer to {asked} that ComfyUI would not give: {describe(exc)}"
            raise BackendUnreachable(self.name, reason) from exc


def base_of(base_url: str) -> str:
    """A backend's address, ready to have a path put behind it.

    Raises:
        ValueError: It is not `http://` or `https://` with a host and, perhaps, port and path.
    """
    url = URL(base_url)
    # Reading the port makes yarl look at what stands there.
    if url.scheme not in {"http", "https"} or not url.host or url.port == 0 or url.query:
        raise ValueError(f"not the address of a backend: {base_url!r}")
    return base_url.rstrip("/")


def tolerant(raw: bytes) -> Any:
    """JSON if it is JSON, else the beginning of the text."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return raw[:1000].decode("utf-8", "replace")


def whole(connect: float, total: float) -> aiohttp.ClientTimeout:
    """Limits for a call as a whole."""
    return aiohttp.ClientTimeout(total=total, sock_connect=connect)


def stalling(connect: float, stall: float) -> aiohttp.ClientTimeout:
    """Limits for a transfer that may take long, but must not stand still."""
    return aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=stall)


def path_of(*parts: str, **query: str) -> str:
    """A URL path and query, percent-encoded."""
    path = "".join(f"/{quote(part, safe='')}" for part in parts)
    return f"{path}?{urlencode(query, quote_via=quote)}" if query else path


def _is_refused(exc: BaseException) -> bool:
    """Whether the host is there, and nobody listens on the port."""
    if not isinstance(exc, aiohttp.ClientConnectorError):
        return False
    return isinstance(exc.os_error, ConnectionRefusedError)


def describe(exc: BaseException) -> str:
    """What happened, for people; time-outs come without a text of their own."""
    if isinstance(exc, TimeoutError):
        return str(exc) or "timed out"
    return f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
