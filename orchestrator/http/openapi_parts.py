"""One endpoint in the words of OpenAPI, as it is asked for and answered in one dialect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from orchestrator.http.dialects import CORE, FRONTEND, Dialect
from orchestrator.http.endpoint import Endpoint, Reads
from orchestrator.http.fields import described
from orchestrator.http.schemas import Components, Schema

REFUSAL: Final = "Refusal"
TOLD: Final = "RefusalInAnswer"
_SUCCESS: Final = "Success"
#: What is not made from classes.
SHARED: Final[dict[str, Schema]] = {
    REFUSAL: {
        "type": "object",
        "description": "Why a request was not served.",
        "properties": {
            "code": {"type": "string", "description": "A stable name for programs."},
            "message": {"type": "string", "description": "What happened, with the values."},
            "remedy": {"type": "string", "description": "What to do about it."},
            "detail": {"description": "Machine-readable particulars, or null."},
            "success": {"const": False, "description": "Outside of the gallery."},
            "error": {"type": "string", "description": "`message`; outside of the gallery."},
        },
        "required": ["code", "message", "remedy", "detail"],
    },
    TOLD: {
        "type": "object",
        "description": "Why a request was not served, for the frontend: with status 200.",
        "properties": {
            "success": {"const": False},
            "message": {"type": "string", "description": "What happened, with the values."},
            "error": {"type": "string", "description": "The same."},
            "detail": {"type": "string", "description": "The same."},
            "code": {"type": "string", "description": "A stable name for programs."},
            "remedy": {"type": "string", "description": "What to do about it."},
        },
        "required": ["success", "message", "error", "detail", "code", "remedy"],
    },
    _SUCCESS: {
        "type": "object",
        "description": "What every answer to the frontend has besides.",
        "properties": {
            "success": {"type": "boolean", "description": "False if nothing could be done."},
            "message": {"type": "string", "description": "What became of it, for people."},
        },
        "required": ["success", "message"],
    },
}


class Part:
    """An endpoint as it is asked for and answered in one dialect."""

    def __init__(self, one: Endpoint, dialect: Dialect, components: Components) -> None:
        self._one = one
        self._dialect = dialect
        self._components = components
        self.name = dialect.name
        self.status = one.status
        self.example = one.example

    def in_path(self) -> list[Schema]:
        """The parameters in the path, which are spelled as the route has them."""
        return [self._parameter(a, "path", CORE) for a in self._fields() if self._named(a)]

    def in_query(self) -> list[Schema]:
        """The parameters in the query."""
        if self._one.reads is not Reads.QUERY:
            return []
        found = [a for a in self._fields() if not self._named(a) and a.init]
        return [self._parameter(a, "query", self._dialect) for a in found]

    def body(self) -> Schema:
        """The schema of the body; only for endpoints that take one."""
        one = self._one
        assert one.request is not None
        return self._components.request(one.request, self._dialect, one.extra, one.parameters)

    @property
    def needs_fields(self) -> bool:
        """Whether it cannot be asked without any field."""
        return any(a.default is attrs.NOTHING for a in self._fields() if not self._named(a))

    def answers(self) -> list[Schema]:
        """The schemas of what is answered with success."""
        response = self._one.response
        mine = [] if response is None else [
            self._components.schema(response, self._dialect, "response")
        ]  # fmt: skip
        if self._dialect is not FRONTEND:
            return mine
        return [{"allOf": [refer(_SUCCESS), *mine]}, refer(TOLD)]

    def _fields(self) -> Sequence[attrs.Attribute[Any]]:
        if self._one.request is None:
            return ()
        found: tuple[attrs.Attribute[Any], ...] = attrs.fields(
            attrs.resolve_types(self._one.request)
        )
        return found

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


def refer(name: str) -> Schema:
    """A reference to a schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def any_of(schemas: Sequence[Schema]) -> Schema:
    """One of several, each once."""
    once = [schema for index, schema in enumerate(schemas) if schema not in schemas[:index]]
    return once[0] if len(once) == 1 else {"anyOf": once}
