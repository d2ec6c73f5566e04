"""Serving declared endpoints: receive, choose the dialect, read, hand over, reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from typing import Any

from aiohttp import hdrs, web

from orchestrator.errors import InvalidFields
from orchestrator.http import body, dialects
from orchestrator.http.body import Sent
from orchestrator.http.dialects import CORE, CORE_IN_PAGES, DIALECT, Dialect
from orchestrator.http.endpoint import Endpoint, Reads, asked_in
from orchestrator.http.faulty import Refused
from orchestrator.http.reader import ClassReader, build
from orchestrator.http.replies import Reply, Written, json_response

Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


def routes(
    app: web.Application, endpoints: Iterable[Endpoint], *, body_limit: int = body.BODY_LIMIT
) -> None:
    """Serve endpoints.

    What reads and writes an endpoint is compiled when it is first asked: all of them together
    would hold up the start. `compile_all` does it at once, and tells what is wrong with them.

    Args:
        app: The application.
        endpoints: What to serve.
        body_limit: Most bytes of a JSON body, for endpoints that set no limit themselves.
    """
    for one in endpoints:
        handler = _serving(one, one.body_limit if one.body_limit is not None else body_limit)
        if one.method == "GET":
            app.router.add_get(one.path, handler, allow_head=not one.websocket)
        else:
            app.router.add_route(one.method, one.path, handler)


def compile_all(endpoints: Iterable[Endpoint]) -> None:
    """Do now what the first request to each endpoint, in each of its dialects, would do.

    Raises:
        TypeError: If a class cannot be read or written.
    """
    for one in endpoints:
        for dialect in dialects.spoken(dialect=one.dialect):
            _speaker(one, dialect)


def _serving(one: Endpoint, limit: int) -> Serve:
    spoken = tuple(dialects.spoken(dialect=one.dialect))
    if len(spoken) == 1:
        return _serving_in_one(one, spoken[0], limit)

    async def serve(request: web.Request) -> web.StreamResponse:
        sent = await _receive(one, request, limit)
        dialect = request[DIALECT] = dialects.choose(spoken, sent.fields)
        speaker = _speaker(one, dialect)
        return speaker.reply(await speaker.ask(request, sent))

    return serve


def _serving_in_one(one: Endpoint, dialect: Dialect, limit: int) -> Serve:
    """The same where the dialect is known before anything is read."""

    async def serve(request: web.Request) -> web.StreamResponse:
        in_page = one.pages_read_refusals and hdrs.ORIGIN in request.headers
        request[DIALECT] = CORE_IN_PAGES if in_page else dialect
        sent = await _receive(one, request, limit)
        speaker = _speaker(one, dialect)
        return speaker.reply(await speaker.ask(request, sent))

    return serve


@cache
def _speaker(one: Endpoint, dialect: Dialect) -> _Speaker:
    """Made at the first request, once for all applications that serve the endpoint."""
    return _Speaker(one, dialect)


async def _receive(one: Endpoint, request: web.Request, limit: int) -> Sent:
    """What the client sent besides the path, before anybody knows in which dialect."""
    if one.reads is Reads.QUERY:
        return body.read_query(request)
    if not one.takes_fields:  # everything stands in the path: a body has nothing to say
        return Sent({})
    data = await body.read_bytes(request, limit)
    if not data and one.reads is Reads.EITHER:
        return body.read_query(request)
    if not data and one.reads is Reads.OPTIONAL_BODY:
        return Sent({})
    return body.parse_object(data)


class _Speaker:
    """Reads the requests of one endpoint, and writes its answers, in one dialect."""

    def __init__(self, one: Endpoint, dialect: Dialect) -> None:
        one = asked_in(dialect, one)
        self._one = one
        self._wrap = dialect.wrap
        self._write = dialect.writer(one.response) if one.response is not None else None
        self._json = self._query = self._path = None
        if (cls := one.request) is None:
            return
        # Path parameters are named by the route, not by the client: spelled as declared there.
        self._path = _compiled(CORE.reader(cls, text=True, extra="forbid", only=one.in_path))
        if one.reads is not Reads.QUERY:
            self._json = _compiled(
                dialect.reader(cls, text=False, extra=one.extra, only=one.elsewhere)
            )
        if one.reads in (Reads.QUERY, Reads.EITHER):
            self._query = _compiled(
                dialect.reader(cls, text=True, extra=one.extra, only=one.elsewhere)
            )

    def ask(self, request: web.Request, sent: Sent) -> Awaitable[Any]:
        """Read what was sent, and hand it over; what is to be awaited is the answer.

        No coroutine of its own: each costs every request of the service.

        Raises:
            InvalidFields: With every faulty field.
        """
        return self._one.handler(request, *self.read(request, sent))

    def read(self, request: web.Request, sent: Sent) -> tuple[Any, ...]:
        """The handler's arguments after the HTTP request: the request object, or nothing.

        Raises:
            InvalidFields: With every faulty field.
        """
        reader = self._query if sent.text else self._json
        if reader is None or self._path is None or self._one.request is None:
            return ()
        values, faults = reader.values(sent.fields)
        faults = sent.faults + faults
        if self._one.parameters:
            path = body.read_path(request)
            named, misnamed = self._path.values(path.fields)
            values |= named
            faults += path.faults + misnamed
        try:
            return (build(self._one.request, values, faults),)
        except Refused as refused:
            raise InvalidFields(refused.faults) from refused

    def reply(self, answer: Any) -> web.StreamResponse:
        """The handler's answer as a response, unless it is one already."""
        if isinstance(answer, web.StreamResponse):
            return answer
        status = self._one.status
        if isinstance(answer, Written):
            return json_response(self._wrap(answer.plain), status=status)
        if self._write is None:
            plain = self._wrap({})
            return json_response(plain) if plain else web.Response(status=status)
        if not isinstance(answer, Reply):
            return json_response(self._wrap(self._write(answer)), status=status)
        status = answer.status if answer.status is not None else status
        plain = self._wrap(self._write(answer.value))
        return json_response(plain, status=status, headers=answer.headers)


def _compiled(reader: ClassReader) -> ClassReader:
    reader.compile()
    return reader
