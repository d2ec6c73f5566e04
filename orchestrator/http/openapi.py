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
from orchestrator.http.endpoint import Endpoint, Reads, asked_in
from orchestrator.http.middleware import (
    ACTOR_HEADER,
    ACTOR_LENGTH,
    ANONYMOUS,
    REQUEST_ID_HEADER,
    status_of,
)
from orchestrator.http.openapi_parts import REFUSAL, SHARED, TOLD, Part, any_of, refer
from orchestrator.http.schemas import Components, Schema, documentation

_JSON: Final = "application/json"
_YAML: Final = "application/yaml"
_EITHER: Final = "Without a body, the same fields are read from the query string."
#: What stands before the part of a description that is about the frontend.
_SPOKEN: Final = "**Frontend dialect** (snake_case):"


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
    components.schemas |= SHARED
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
    """One endpoint in the words of OpenAPI, in each of its dialects."""

    def __init__(self, one: Endpoint, components: Components) -> None:
        # The document comes first, in the dialect that it is the document of.
        spoken = dialects.spoken(dialect=one.dialect)[::-1]
        self._parts = [Part(asked_in(each, one), each, components) for each in spoken]
        self._one = one

    def plain(self) -> dict[str, Any]:
        """The operation object."""
        one = self._one
        operation: dict[str, Any] = {"operationId": one.name, "summary": one.summary}
        told = [one.description, _EITHER if one.reads is Reads.EITHER else "", *self._spoken()]
        if any(told):
            operation["description"] = "\n\n".join(filter(None, told))
        operation["tags"] = list(one.tags)
        operation["parameters"] = [
            *self._parts[0].in_path(),
            *self._in_query(),
            {"$ref": "#/components/parameters/Actor"},
        ]
        if body := self._body():
            operation["requestBody"] = body
        operation["responses"] = {**self._success(), **self._refusals()}
        return operation

    def _spoken(self) -> list[str]:
        """What the frontend's way to ask is for, where it is one of its own."""
        mine = self._one.frontend
        return [] if mine is None else [f"{_SPOKEN} {mine.summary}"]

    def _in_query(self) -> list[Schema]:
        """The parameters of all dialects: none is needed by itself if there are several."""
        by_name: dict[str, Schema] = {}
        for part in self._parts:
            for parameter in part.in_query():
                by_name.setdefault(parameter["name"], parameter)
        found = list(by_name.values())
        if len(self._parts) > 1:
            for parameter in found:
                if parameter.pop("required", False):
                    text = parameter.get("description", "")
                    parameter["description"] = f"{text} Needed in its dialect.".strip()
        return found

    def _body(self) -> Schema | None:
        one = self._one
        if one.request is None or one.reads is Reads.QUERY or not one.takes_fields:
            return None
        content: Schema = {"schema": any_of([part.body() for part in self._parts])}
        examples = {part.name: dict(part.example) for part in self._parts if part.example}
        if len(examples) > 1:
            content["examples"] = {name: {"value": example} for name, example in examples.items()}
        elif examples:
            (content["example"],) = examples.values()
        # OpenAPI cannot say "body or query": it asks for the body, the description tells the rest.
        needed = self._parts[0].needs_fields
        required = one.reads is Reads.BODY or (one.reads is Reads.EITHER and needed)
        return {"required": required, "content": {_JSON: content}}

    def _success(self) -> dict[str, Schema]:
        one = self._one
        if one.websocket:
            return {"101": {"description": "The connection becomes a WebSocket."}}
        by_status: dict[int, list[Schema]] = {}
        for part in self._parts:
            by_status.setdefault(part.status, []).extend(part.answers())
        if one.pages_read_refusals:
            by_status.setdefault(200, []).append(refer(TOLD))
        return {str(status): self._answer(status, schemas) for status, schemas in by_status.items()}

    def _answer(self, status: int, schemas: list[Schema]) -> Schema:
        one = self._one
        content: dict[str, Schema] = {
            # YAML is read by whoever checks an answer, and may hold anything.
            media: {"schema": {} if media == _YAML else {"type": "string", "format": "binary"}}
            for media in one.media
        }
        if schemas:
            content[_JSON] = {"schema": any_of(schemas)}
            if one.response_example is not None:
                content[_JSON]["example"] = dict(one.response_example)
        answer: Schema = {
            "description": HTTPStatus(status).phrase,
            "headers": {REQUEST_ID_HEADER: {"$ref": "#/components/headers/RequestId"}},
        }
        if content:
            answer["content"] = content
        return answer

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
        "content": {_JSON: {"schema": refer(REFUSAL)}},
    }
    if any(status_of(kind) == 503 for kind in kinds):
        answer["headers"] = {
            "Retry-After": {
                "description": "Seconds after which to try again.",
                "schema": {"type": "integer"},
            }
        }
    return answer
