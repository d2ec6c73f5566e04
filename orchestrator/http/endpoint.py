"""Declaring an endpoint in one place: its route, what it reads, what it answers, what it is for.

    @endpoint(
        "POST", "/api/gallery/scan-folder", request=ScanFolder, response=FolderListing,
        dialect=True, summary="List one folder.", tags=("gallery",), errors=(FileMissing,),
    )
    async def scan_folder(request: web.Request, asked: ScanFolder) -> FolderListing:
        return await request.app[GALLERY].list_folder(asked)

The declaration is all there is: `serving.routes` serves it, and `openapi` documents it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from types import ModuleType
from typing import Any, Final, TypeAlias, TypedDict, TypeVar, Unpack, overload

from aiohttp import web
from attrs import evolve, field, fields_dict, frozen

from orchestrator.errors import OrchestratorError
from orchestrator.http.dialects import FRONTEND, Dialect
from orchestrator.http.reader import Extra
from orchestrator.http.replies import Reply, Written

Q = TypeVar("Q")
R = TypeVar("R")

_PARAMETER: Final = re.compile(r"\{(\w+)(?::[^{}]+)?\}")


class Reads(Enum):
    """Where the fields of a request come from, besides the parameters in the path."""

    BODY = "body"
    QUERY = "query"
    #: A JSON body if one is sent; without one, every field has its default.
    OPTIONAL_BODY = "optional body"
    #: A JSON body if one is sent, else the query: for DELETE, where many clients send no body.
    EITHER = "either"


class Options(TypedDict, total=False):
    """What an endpoint may say besides its route and its classes."""

    #: One sentence for the list of endpoints; the handler's docstring if left out.
    summary: str
    #: More, in Markdown; the rest of the handler's docstring if left out.
    description: str
    tags: tuple[str, ...]
    #: Refusals that the handler may raise; those of reading the request are known.
    errors: tuple[type[OrchestratorError], ...]
    #: HTTP status of success: 200, or 204 without an answer, if left out.
    status: int
    #: Whether the document spells this endpoint in camelCase.
    dialect: bool
    #: What happens to fields that the request class does not have.
    extra: Extra
    #: Where the fields come from; by default the body for POST, PUT and PATCH, else the query.
    reads: Reads
    #: Most bytes of its body; None means the service's limit.
    body_limit: int | None
    #: Media types of an answer that is no JSON, such as `image/png`.
    media: tuple[str, ...]
    #: Whether it is a WebSocket.
    websocket: bool
    #: A request (the body, or the query) as it may be sent, in JSON.
    example: Mapping[str, Any]
    #: The answer to it.
    response_example: Mapping[str, Any]


@frozen(kw_only=True, eq=False)
class Endpoint:
    """One declared endpoint."""

    method: str
    path: str
    #: Takes the HTTP request, and the read request object if there is a class for it.
    handler: Callable[..., Awaitable[Any]]
    #: attrs class of the request; None if it says nothing.
    request: type[Any] | None = None
    #: Type of the answer; None for none, or one that the handler prepares itself.
    response: Any = None
    summary: str
    description: str = ""
    tags: tuple[str, ...] = ()
    errors: tuple[type[OrchestratorError], ...] = ()
    status: int
    dialect: bool = False
    extra: Extra = "forbid"
    reads: Reads
    body_limit: int | None = None
    media: tuple[str, ...] = ()
    websocket: bool = False
    example: Mapping[str, Any] | None = None
    response_example: Mapping[str, Any] | None = None
    #: How the frontend asks for it, if its requests or answers are not merely spelled otherwise;
    #: see `frontend/`.
    frontend: Endpoint | None = None
    #: Whether pages in browsers are told of refusals with status 200, since they read nothing of
    #: any other; for core endpoints, which both dialects spell alike.
    pages_read_refusals: bool = False
    #: Names of the parameters in the path, in their order.
    parameters: tuple[str, ...] = field(init=False)
    #: Whether the request has fields besides those in the path.
    takes_fields: bool = field(init=False)

    def __attrs_post_init__(self) -> None:
        names = tuple(_PARAMETER.findall(self.path))
        object.__setattr__(self, "parameters", names)  # how attrs sets derived fields
        known = fields_dict(self.request) if self.request is not None else {}
        object.__setattr__(self, "takes_fields", len(known) > len(names))
        if missing := [name for name in names if name not in known]:
            msg = f"{self.method} {self.path}: the request class has no field {missing[0]!r}"
            raise TypeError(msg)

    @property
    def name(self) -> str:
        """The handler's name; the `operationId` of the document."""
        return self.handler.__name__

    @property
    def documented_path(self) -> str:
        """The path without the patterns of its parameters."""
        return _PARAMETER.sub(r"{\1}", self.path)

    def in_path(self, attribute: str) -> bool:
        """Whether a field of the request comes from the path."""
        return attribute in self.parameters

    def elsewhere(self, attribute: str) -> bool:
        """Whether a field of the request comes from the body or the query."""
        return attribute not in self.parameters


def asked_in(dialect: Dialect, one: Endpoint) -> Endpoint:
    """An endpoint as somebody asks for it who speaks a dialect of its own.

    The frontend may have requests and answers of its own. Where it has not, it is still forgiven
    what it sends besides, as it was by the server for which it was written; and always answered.
    """
    if dialect is not FRONTEND:
        return one
    status = 200 if one.status == 204 else one.status
    # An example of the document is spelled as the document spells.
    return one.frontend or evolve(one, extra="ignore", status=status, example=None)


#: What a handler may return: the answer itself, with another status, already written, or a
#: prepared response.
Answer: TypeAlias = "R | Reply[R] | Written | web.StreamResponse"


@overload
def endpoint(
    method: str, path: str, *, request: type[Q], response: type[R], **options: Unpack[Options]
) -> Callable[[Callable[[web.Request, Q], Awaitable[Answer[R]]]], Endpoint]: ...
@overload
def endpoint(
    method: str, path: str, *, response: type[R], **options: Unpack[Options]
) -> Callable[[Callable[[web.Request], Awaitable[Answer[R]]]], Endpoint]: ...
@overload
def endpoint(
    method: str, path: str, *, request: type[Q], **options: Unpack[Options]
) -> Callable[[Callable[[web.Request, Q], Awaitable[web.StreamResponse | None]]], Endpoint]: ...
@overload
def endpoint(
    method: str, path: str, **options: Unpack[Options]
) -> Callable[[Callable[[web.Request], Awaitable[web.StreamResponse | None]]], Endpoint]: ...
def endpoint(
    method: str,
    path: str,
    *,
    request: type[Any] | None = None,
    response: Any = None,
    **options: Unpack[Options],
) -> Callable[[Callable[..., Awaitable[Any]]], Endpoint]:
    """Declare the decorated function to be an endpoint.

    Fields of the request class whose names stand in the path as `{name}` are read from there,
    all others from the body or the query.

    Args:
        method: HTTP method; GET answers HEAD as well.
        path: Route, with `{name}` or `{name:pattern}` for parameters.
        request: attrs class to read; the handler gets it as its second argument.
        response: Type of the answer: an attrs class, or a list or dict of them. Without one the
            handler returns a prepared response, or None for 204.
        **options: See `Options`.

    Raises:
        TypeError: If a path parameter is no field of the request class.
    """
    bodily = method in ("POST", "PUT", "PATCH")
    silent = response is None and not options.get("media")
    options.setdefault("status", 204 if silent else 200)
    options.setdefault("reads", Reads.BODY if bodily else Reads.QUERY)

    def declare(handler: Callable[..., Awaitable[Any]]) -> Endpoint:
        first, _, rest = inspect.cleandoc(handler.__doc__ or "").partition("\n")
        options.setdefault("summary", first)
        options.setdefault("description", rest.partition("\nArgs:")[0].strip())
        return Endpoint(
            method=method,
            path=path,
            handler=handler,
            request=request,
            response=response,
            **options,
        )

    return declare


def declared(*modules: ModuleType) -> tuple[Endpoint, ...]:
    """The endpoints that modules declare, in their order."""
    found = [value for module in modules for value in vars(module).values()]
    return tuple(dict.fromkeys(value for value in found if isinstance(value, Endpoint)))
