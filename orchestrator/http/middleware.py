"""What every request meets: an id, an actor, CORS, and the place where errors become replies.

Only this module knows which kind of error makes which HTTP status.
"""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware
from attrs import frozen
from uuid_utils import uuid7

from orchestrator import errors
from orchestrator.errors import (
    Fault,
    InvalidFields,
    OrchestratorError,
    OriginNotPermitted,
    TookTooLong,
)
from orchestrator.http import dialects
from orchestrator.http.faulty import shown
from orchestrator.http.replies import Refusal

log = structlog.stdlib.get_logger(__name__)

#: The request's id: the client's `X-Request-Id` if it is usable, else a new one.
REQUEST_ID: Final = web.RequestKey("orchestrator.http.request_id", str)
#: Who asks: the client's `X-Actor`, else "anonymous".
ACTOR: Final = web.RequestKey("orchestrator.http.actor", str)

REQUEST_ID_HEADER: Final = "X-Request-Id"
ACTOR_HEADER: Final = "X-Actor"
ANONYMOUS: Final = "anonymous"
ACTOR_LENGTH: Final = 64

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS: Final = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
_EXPOSED: Final = (
    "X-Request-Id, Retry-After, ETag, Content-Range, Accept-Ranges, X-Thumbnail, X-Thumbnail-Reason"
)
#: Seconds for which a browser may remember a preflight.
_PREFLIGHT_AGE: Final = "600"

#: The status of each kind of error; the first that fits.
STATUS: Final[Mapping[type[OrchestratorError], int]] = {
    errors.Malformed: 400,
    errors.NotPermitted: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.Invalid: 422,
    errors.Unavailable: 503,
    # What is left speaks of others that failed us, such as BackendRefused.
    OrchestratorError: 502,
}

#: What says that a request cannot be read, whatever it asks for.
_UNREADABLE: Final = (errors.Malformed, errors.BodyTooLarge, errors.InvalidFields)

#: Codes of refusals that aiohttp itself makes. Phrases of statuses change between Python
#: versions, codes must not.
HTTP_CODES: Final[Mapping[int, str]] = {
    400: "http.bad_request",
    403: "http.forbidden",
    404: "http.not_found",
    405: "http.method_not_allowed",
    412: "http.precondition_failed",
    413: "http.too_large",
    415: "http.unsupported_media_type",
    416: "http.range_not_satisfiable",
    417: "http.expectation_failed",
    426: "http.upgrade_required",
}

#: Status of a request that was never answered: its client, or the service, went away.
UNANSWERED: Final = 0

Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]
#: Told of the end of a request: the status of its answer, and how many seconds it took.
Ended = Callable[[int, float], None]
#: Told of each request that comes; gives what is to be told of its end.
Begun = Callable[[web.Request], Ended]


def _nobody_counts(_: web.Request) -> Ended:
    return lambda _status, _seconds: None


def install(
    app: web.Application,
    *,
    cors_origins: Collection[str] = ("*",),
    meter: Begun = _nobody_counts,
) -> None:
    """Put everything of this module into an application.

    Args:
        app: The application.
        cors_origins: Origins whose pages may use the service, such as `http://host:5173`; `*`
            allows all.
        meter: Told of every request and its end.
    """
    origins = Origins.parse(cors_origins)
    app.middlewares.append(_meet(origins, meter))
    app.on_response_prepare.append(_headers(origins))


def status_of(error: type[OrchestratorError]) -> int:
    """The HTTP status of a class of errors."""
    return next(status for kind, status in STATUS.items() if issubclass(error, kind))


# --- errors ---


def _meet(origins: Origins, meter: Begun) -> Middleware:
    @web.middleware
    async def meet(request: web.Request, handler: Serve) -> web.StreamResponse:
        """Give a request its id and actor, see where it comes from, answer what is raised, count.

        One middleware for all, because each costs as much as reading the request.
        """
        ended, begun, status = meter(request), perf_counter(), UNANSWERED
        request_id = request[REQUEST_ID] = _request_id(request)
        try:
            try:
                actor = request[ACTOR] = _actor(request)
                # Bound anew for each request of a connection, so nothing needs to be unbound.
                structlog.contextvars.bind_contextvars(request_id=request_id, actor=actor)
                origin = request.headers.get(hdrs.ORIGIN)
                if origin is not None and _is_preflight(request):
                    response: web.StreamResponse = _preflight(request)
                else:
                    if origin is not None:
                        _refuse_strangers(request, origin, origins)
                    response = await handler(request)
            except Exception as exc:  # noqa: BLE001 -- the last place before the client; logged there
                response = _answer(request, exc)
            status = response.status
            return response
        except web.HTTPException as exc:  # a redirect, or "not modified"
            status = exc.status
            raise
        finally:
            ended(status, perf_counter() - begun)

    return meet


def _answer(request: web.Request, exc: Exception) -> web.StreamResponse:
    if isinstance(exc, web.HTTPException) and exc.status < 400:
        raise exc  # a redirect, or "not modified": no error
    if _client_gone(request, exc):
        log.debug("request.client_gone", method=request.method, path=request.path)
        return web.Response(status=499)  # goes nowhere
    if request.writer.output_size > 0:
        # Half an answer is out. A broken connection tells the client that it is not whole.
        log.error("request.broken_off", method=request.method, path=request.path, exc_info=exc)
        request.protocol.force_close()
        return web.Response(status=500)  # goes nowhere
    refusal = _refusal(request, exc)
    if refusal.status == 500:
        log.error("request.failed", method=request.method, path=request.path, exc_info=exc)
    else:
        log.info(
            "request.refused",
            method=request.method,
            path=request.path,
            status=refusal.status,
            code=refusal.code,
            message=refusal.message,
        )
    return dialects.refuse(request, refusal)


def _client_gone(request: web.Request, exc: Exception) -> bool:
    """Whether the connection broke on the client's side, and not one of ours to a backend."""
    gone = request.transport is None or request.transport.is_closing()
    return gone and isinstance(exc, ConnectionError | web.RequestPayloadError)


def _refusal(request: web.Request, exc: Exception) -> Refusal:
    match exc:
        case OrchestratorError():
            return refusal_of(exc)
        case TimeoutError():
            return refusal_of(TookTooLong())
        case web.HTTPException():
            return _http_refusal(request, exc)
        case _:
            return Refusal(
                status=500,
                code=OrchestratorError.code,
                message="Something went wrong in the service.",
                remedy="Find the request id in the service's log, and report what stands there.",
                detail={"request_id": request[REQUEST_ID]},
            )


def refusal_of(error: OrchestratorError) -> Refusal:
    """The refusal that an error of ours makes."""
    headers: dict[str, str] = {}
    if isinstance(error, errors.Unavailable):
        headers[hdrs.RETRY_AFTER] = str(math.ceil(error.retry_after))
    return Refusal(
        status=status_of(type(error)),
        code=error.code,
        message=str(error),
        remedy=error.remedy,
        detail=error.detail(),
        headers=headers,
        considered=not isinstance(error, _UNREADABLE),
    )


def _http_refusal(request: web.Request, exc: web.HTTPException) -> Refusal:
    kept = {
        name: value
        for name, value in exc.headers.items()
        if name not in (hdrs.CONTENT_TYPE, hdrs.CONTENT_LENGTH)
    }
    return Refusal(
        status=exc.status,
        code=HTTP_CODES.get(exc.status, f"http.{exc.status}"),
        message=f"{request.method} {shown(request.path)}: {exc.reason}.",
        remedy="See /docs for the endpoints, their methods, and what they take.",
        headers=kept,
    )


def _request_id(request: web.Request) -> str:
    sent = request.headers.get(REQUEST_ID_HEADER)
    return sent if sent and _REQUEST_ID.fullmatch(sent) else str(uuid7())


def _actor(request: web.Request) -> str:
    """Who asks.

    Raises:
        InvalidFields: If the header is not 1 to 64 printable characters.
    """
    actor = request.headers.get(ACTOR_HEADER)
    if actor is None:
        return ANONYMOUS
    actor = actor.strip()
    if not 1 <= len(actor) <= ACTOR_LENGTH or not actor.isprintable():
        structlog.contextvars.bind_contextvars(request_id=request[REQUEST_ID], actor=None)
        fault = f"expected 1 to {ACTOR_LENGTH} printable characters"
        raise InvalidFields((Fault(ACTOR_HEADER, fault, len(actor)),))
    return actor


# --- CORS ---


@frozen
class Origins:
    """The origins whose pages may use the service."""

    everyone: bool
    named: frozenset[str]

    @classmethod
    def parse(cls, origins: Collection[str]) -> Origins:
        """From the configured list; a trailing slash and the case do not matter."""
        named = frozenset(origin.strip().rstrip("/").lower() for origin in origins)
        return cls("*" in named, named - {"*", ""})

    def allow(self, origin: str) -> bool:
        """Whether pages of the origin may use the service."""
        return self.everyone or origin.lower() in self.named


def _is_preflight(request: web.Request) -> bool:
    return request.method == "OPTIONS" and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers


def _refuse_strangers(request: web.Request, origin: str, origins: Origins) -> None:
    """Refuse changes from pages that are not allowed.

    A browser hides answers from a page of another origin, but it sends some requests all the
    same, and always opens WebSockets: what changes something must be refused here.

    Raises:
        OriginNotPermitted: If the page may not do this.
    """
    changes = request.method not in _SAFE or hdrs.UPGRADE in request.headers
    if changes and not origins.allow(origin) and urlsplit(origin).netloc != request.host:
        raise OriginNotPermitted(shown(origin))


def _preflight(request: web.Request) -> web.Response:
    wanted = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "Content-Type")
    return web.Response(
        status=204,
        headers={
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: _METHODS,
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: wanted,
            hdrs.ACCESS_CONTROL_MAX_AGE: _PREFLIGHT_AGE,
        },
    )


def _headers(
    origins: Origins,
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    async def headers(request: web.Request, response: web.StreamResponse) -> None:
        """Put the headers of every answer on it: also on errors, streams and WebSockets."""
        # aiohttp refuses some requests before any middleware sees them.
        response.headers[REQUEST_ID_HEADER] = request.get(REQUEST_ID) or _request_id(request)
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _EXPOSED
        if origins.everyone:
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = "*"
            return
        response.headers.add(hdrs.VARY, hdrs.ORIGIN)
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and origins.allow(origin):
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin

    return headers
