"""Declaring how the frontend asks for an endpoint of the document.

    @speaks(gallery.scan_folder, request=ScanFolder, response=Files)
    async def scan_folder(request: web.Request, asked: ScanFolder) -> Files:
        found = await gallery.scan_folder.handler(request, gallery.ScanFolder(...))
        return Files(...)

Route, tags, refusals and where the fields come from are those of the endpoint.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, TypeVar

from aiohttp import web
from attrs import evolve, frozen

from orchestrator.http.endpoint import Answer, Endpoint

Q = TypeVar("Q")
R = TypeVar("R")


@frozen(eq=False)
class Spoken:
    """An endpoint of the document, and the same as the frontend asks for it."""

    of: Endpoint
    endpoint: Endpoint


def speaks(
    of: Endpoint,
    *,
    request: type[Q],
    response: type[R],
    example: Mapping[str, Any] | None = None,
) -> Callable[[Callable[[web.Request, Q], Awaitable[Answer[R]]]], Spoken]:
    """Declare the decorated function to answer the frontend at an endpoint of the document.

    Args:
        of: The endpoint.
        request: attrs class of what the frontend sends; fields beside it are ignored.
        response: attrs class of what it reads. `success` and `message` are added if it has none.
        example: A request as the frontend sends it.
    """

    def declare(handler: Callable[[web.Request, Q], Awaitable[Answer[R]]]) -> Spoken:
        endpoint = evolve(
            of,
            handler=handler,
            request=request,
            response=response,
            summary=inspect.cleandoc(handler.__doc__ or "").partition("\n")[0],
            description="",
            extra="ignore",
            example=example,
            response_example=None,
        )
        return Spoken(of, endpoint)

    return declare


def spoken(*modules: ModuleType) -> dict[Endpoint, Endpoint]:
    """What modules declare: by endpoint of the document, how the frontend asks for it."""
    found = [value for module in modules for value in vars(module).values()]
    return {each.of: each.endpoint for each in found if isinstance(each, Spoken)}


def bilingual(
    endpoints: Iterable[Endpoint],
    frontend: Mapping[Endpoint, Endpoint],
    told_in_pages: Iterable[Endpoint],
) -> tuple[Endpoint, ...]:
    """Endpoints of the document that are answered in the frontend's way, too.

    Args:
        endpoints: Those of the document.
        frontend: How the frontend asks for some of them.
        told_in_pages: Those of the core whose refusals pages read.
    """
    told = frozenset(told_in_pages)
    return tuple(
        evolve(one, frontend=frontend.get(one), pages_read_refusals=one in told)
        for one in endpoints
    )
