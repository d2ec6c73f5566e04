"""The OpenAPI 3.1 document, made from the declared endpoints and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import attrs
from attrs import frozen

from orchestrator.errors import (
    BodyTooLarge,
    InvalidFields,
    MalformedBody,
    MalformedQuery,
    OrchestratorError,
)
from orchestrator.http import dialects
from orchestrator.http.dialects import CORE, Dialect
from orchestrator.http.endpoint import Endpoint, Reads
from orchestrator.http.fields import described
from orchestrator.http.middleware import (
    ACTOR_HEADER,
    ACTOR_LENGTH,
    ANONYMOUS,
    REQUEST_ID_HEADER,
    status_of,
)
from orchestrator.http.schemas import Components, Schema, documentation

_JSON: Final = "application/json"
_YAML: Final = "application/yaml"
_REFUSAL: Final = "Refusal"
_EITHER: Final = "Without a body, the same fields are read from the query string."
_REFUSAL_SCHEMA: Final[Schema] = {
    "type": "object",
    "description": "Why a request was not served.",
    "properties": {
        "code": {"type": "string", "description": "A stable name for programs."},
        "message": {"type": "string", "description": "What happened, with the values."},
        "remedy": {"type": "string", "description": "What to do about it."},
        "detail": {"description": "Machine-readable particulars, or null."},
    },
    "required": ["code", "message", "remedy", "detail"],
}


@frozen(kw_only=True, eq=False)
class Info:
    """What the document says about the service as a whole."""

    title: str
    version: str
    description: str = ""
    #: What each tag stands for, in the order in which the tags are shown.
    tags: Mapping[str, str] = attrs.field(factory=dict)


def document(endpoints: Iterable[Endpoint], info: Info) -> dict[str, Any]:
    """The OpenAPI document, as plain JSON data.

    Raises:
        TypeError: If a class has no JSON form.
        ValueError: If two handlers have the same name, or two endpoints the same route.
    """
    components = Components()
    components.schemas[_REFUSAL] = dict(_REFUSAL_SCHEMA)
    paths: dict[str, dict[str, Any]] = {}
    names: set[str] = set()
    for one in endpoints:
        methods = paths.setdefault(one.documented_path, {})
        if one.name in names or one.method.lower() in methods:
            msg = f"{one.method} {one.path} ({one.name}) is declared twice"
            raise ValueError(msg)
        names.add(one.name)
        methods[one.method.lower()] = _Operation(one, components).plain()
    about: dict[str, Any] = {"title": info.title, "version": info.version}
    if info.description:
        about["description"] = info.description
    return {
        "openapi": "3.1.0",
        "info": about,
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": told} for name, told in info.tags.items()],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.schemas.items())),
            "parameters": {"Actor": _ACTOR},
            "headers": {"RequestId": _REQUEST_ID},
        },
    }


_ACTOR: Final[Schema] = {
    "name": ACTOR_HEADER,
    "in": "header",
    "description": f"Who asks, for the history of what was done; {ANONYMOUS} if left out.",
    "schema": {
        "type": "string",
        "maxLength": ACTOR_LENGTH,
        "pattern": "^[!-~]([ -~]*[!-~])?$",  # more is accepted, but not every client can send it
    },
}
_REQUEST_ID: Final[Schema] = {
    "description": "The id under which the service's log speaks of this request.",
    "schema": {"type": "string"},
}


class _Operation:
    """One endpoint in the words of OpenAPI."""

    def __init__(self, one: Endpoint, components: Components) -> None:
        self._one = one
        self._components = components
        # The document shows the dialect that it is the document of.
        self._dialect = dialects.spoken(dialect=one.dialect)[-1]

    def plain(self) -> dict[str, Any]:
        """The operation object."""
        one = self._one
        operation: dict[str, Any] = {"operationId": one.name, "summary": one.summary}
        told = [one.description, _EITHER if one.reads is Reads.EITHER else ""]
        if any(told):
            operation["description"] = "\n\n".join(filter(None, told))
        operation["tags"] = list(one.tags)
        operation["parameters"] = [
            *self._in_path(),
            *self._in_query(),
            {"$ref": "#/components/parameters/Actor"},
        ]
        if body := self._body():
            operation["requestBody"] = body
        operation["responses"] = {**self._success(), **self._refusals()}
        return operation

    def _fields(self) -> Sequence[attrs.Attribute[Any]]:
        if self._one.request is None:
            return ()
        found: tuple[attrs.Attribute[Any], ...] = attrs.fields(
            attrs.resolve_types(self._one.request)
        )
        return found

    def _in_path(self) -> list[Schema]:
        return [self._parameter(a, "path", CORE) for a in self._fields() if self._named(a)]

    def _in_query(self) -> list[Schema]:
        if self._one.reads is not Reads.QUERY:
            return []
        found = [a for a in self._fields() if not self._named(a) and a.init]
        return [self._parameter(a, "query", self._dialect) for a in found]

    def _named(self, attribute: attrs.Attribute[Any]) -> bool:
        return self._one.in_path(attribute.name)

    def _parameter(self, attribute: attrs.Attribute[Any], place: str, dialect: Dialect) -> Schema:
        name = dialect.spell(attribute.name)
        told = described(attribute)
        schema = self._components.property(attribute, dialect, "request", self._one.extra)
        parameter: Schema = {"name": name, "in": place, "schema": schema}
        if description := schema.pop("description", ""):
            parameter["description"] = description
        if told.aliases and place == "query":
            others = ", ".join(f"`{alias}`" for alias in told.aliases)
            parameter["description"] = f"{description} Other names: {others}.".strip()
        required = attribute.default is attrs.NOTHING
        if place == "path" or (required and not told.aliases):
            parameter["required"] = True
        example = (self._one.example or {}).get(name)
        if example is not None and place == "query":
            parameter["example"] = example
        return parameter

    def _body(self) -> Schema | None:
        one = self._one
        if one.request is None or one.reads is Reads.QUERY or not one.takes_fields:
            return None
        schema = self._components.request(one.request, self._dialect, one.extra, one.parameters)
        content: Schema = {"schema": schema}
        if one.example is not None:
            content["example"] = dict(one.example)
        # OpenAPI cannot say "body or query": it asks for the body, the description tells the rest.
        needed = any(a.default is attrs.NOTHING for a in self._fields() if not self._named(a))
        required = one.reads is Reads.BODY or (one.reads is Reads.EITHER and needed)
        return {"required": required, "content": {_JSON: content}}

    def _success(self) -> dict[str, Schema]:
        one = self._one
        if one.websocket:
            return {"101": {"description": "The connection becomes a WebSocket."}}
        content: dict[str, Schema] = {
            # YAML is read by whoever checks an answer, and may hold anything.
            media: {"schema": {} if media == _YAML else {"type": "string", "format": "binary"}}
            for media in one.media
        }
        if one.response is not None:
            schema = self._components.schema(one.response, self._dialect, "response")
            content[_JSON] = {"schema": schema}
            if one.response_example is not None:
                content[_JSON]["example"] = dict(one.response_example)
        answer: Schema = {
            "description": HTTPStatus(one.status).phrase,
            "headers": {REQUEST_ID_HEADER: {"$ref": "#/components/headers/RequestId"}},
        }
        if content:
            answer["content"] = content
        return {str(one.status): answer}

    def _refusals(self) -> dict[str, Schema]:
        by_status: dict[int, list[type[OrchestratorError]]] = {}
        for error in dict.fromkeys((*self._reading(), *self._one.errors)):
            by_status.setdefault(status_of(error), []).append(error)
        answers = {str(status): _refusal(by_status[status]) for status in sorted(by_status)}
        return {**answers, "default": _refusal([])}

    def _reading(self) -> list[type[OrchestratorError]]:
        """The refusals of reading the request; the actor's header can always be refused."""
        found: list[type[OrchestratorError]] = [InvalidFields]
        if self._body() is not None:
            found += [MalformedBody, BodyTooLarge]
        if self._in_query() or self._one.reads is Reads.EITHER:
            found.append(MalformedQuery)
        return found


def _refusal(kinds: Sequence[type[OrchestratorError]]) -> Schema:
    lines = [f"`{kind.code}`: {documentation(kind)}" for kind in kinds]
    answer: Schema = {
        "description": "\n\n".join(lines) or "Any other refusal, in the same shape.",
        "content": {_JSON: {"schema": {"$ref": f"#/components/schemas/{_REFUSAL}"}}},
    }
    if any(status_of(kind) == 503 for kind in kinds):
        answer["headers"] = {
            "Retry-After": {
                "description": "Seconds after which to try again.",
                "schema": {"type": "integer"},
            }
        }
    return answer
