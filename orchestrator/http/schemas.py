"""JSON schemas (of OpenAPI 3.1) of attrs classes: from types, defaults and field descriptions."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from pathlib import PurePath
from typing import Any, Final, Literal, get_args

import attrs
from attrs import define, field, frozen

from orchestrator.http import strict
from orchestrator.http.dialects import Dialect
from orchestrator.http.fields import About, described
from orchestrator.http.reader import Extra

Schema = dict[str, Any]
Mode = Literal["request", "response"]

_SCALARS: Final[Mapping[Any, Schema]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer", "format": "int64"},
    float: {"type": "number"},
    datetime: {"type": "string", "format": "date-time"},
    type(None): {"type": "null"},
}
_JSON_TYPES: Final[Mapping[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
}


@frozen
class _Use:
    """A class as it is used: a request and an answer differ in what is always there."""

    cls: type[Any]
    dialect: str
    mode: Mode
    extra: Extra
    #: Fields that come from elsewhere: from the path.
    without: tuple[str, ...] = ()


@define
class Components:
    """The schemas of all classes that the document names."""

    schemas: dict[str, Schema] = field(factory=dict)
    _names: dict[_Use, str] = field(factory=dict)

    def request(
        self, cls: type[Any], dialect: Dialect, extra: Extra, without: tuple[str, ...]
    ) -> Schema:
        """A reference to the schema of a request body.

        Args:
            cls: The request class.
            dialect: Spells its fields.
            extra: What happens to fields that it does not have.
            without: Fields that do not stand in the body, but in the path.
        """
        return self._refer(_Use(cls, dialect.name, "request", extra, without), dialect)

    def schema(self, wanted: Any, dialect: Dialect, mode: Mode, extra: Extra = "forbid") -> Schema:
        """The schema of a type; classes are added to the components and referred to.

        Raises:
            TypeError: For a type that has no JSON form.
        """
        wanted = getattr(wanted, "__supertype__", wanted)
        if wanted is datetime and mode == "response" and dialect.times == "epoch":
            return {"type": "number", "description": "Seconds since 1970."}
        if wanted in _SCALARS:
            return dict(_SCALARS[wanted])
        if wanted is Any or wanted is object:
            return {}
        if attrs.has(wanted):
            read_as: Extra = extra if mode == "request" else "ignore"
            return self._refer(_Use(wanted, dialect.name, mode, read_as), dialect)
        if strict.is_choice(wanted):
            return _choice(wanted)
        if strict.is_union(wanted):
            return _either([self.schema(m, dialect, mode, extra) for m in get_args(wanted)])
        if strict.is_sequence(wanted):
            item = self.schema(strict.item_type(wanted), dialect, mode, extra)
            return {"type": "array", "items": item}
        if strict.is_mapping(wanted):
            value = self.schema(strict.value_type(wanted), dialect, mode, extra)
            return {"type": "object", "additionalProperties": value or True}
        if isinstance(wanted, type) and issubclass(wanted, PurePath):
            return {"type": "string"}
        msg = f"No JSON schema is known for {wanted}"
        raise TypeError(msg)

    def property(
        self, attribute: attrs.Attribute[Any], dialect: Dialect, mode: Mode, extra: Extra
    ) -> Schema:
        """The schema of a field, with its description, bounds, default and example."""
        told = described(attribute)
        schema = self.schema(attribute.type, dialect, mode, extra)
        _bound(schema, told)
        if told.doc:
            schema["description"] = told.doc
        if told.example is not None:
            schema["examples"] = [told.example]
        if mode == "request" and (default := default_of(attribute)) is not attrs.NOTHING:
            schema["default"] = dialect.writer(attribute.type)(default)
        return schema

    def _refer(self, use: _Use, dialect: Dialect) -> Schema:
        if use not in self._names:
            name = self._unused(use)
            self._names[use] = name
            self.schemas[name] = {}  # taken before it is filled: a class may contain itself
            self.schemas[name].update(self._object(use, dialect))
        return {"$ref": f"#/components/schemas/{self._names[use]}"}

    def _unused(self, use: _Use) -> str:
        base = use.cls.__name__
        longer = base + use.mode.capitalize()
        full = longer + use.dialect.capitalize()
        without = "Without" + "And".join(name.capitalize() for name in use.without)
        candidates = [base, longer, full, full + use.extra.capitalize(), full + without]
        free = [name for name in candidates if name not in self.schemas]
        if not free:
            msg = f"Two classes are called {base}; rename one of them"
            raise TypeError(msg)
        return free[0]

    def _object(self, use: _Use, dialect: Dialect) -> Schema:
        attrs.resolve_types(use.cls)
        fields = [a for a in attrs.fields(use.cls) if a.name not in use.without]
        found = [a for a in fields if a.init or use.mode == "response"]
        properties = {
            dialect.spell(a.name): self.property(a, dialect, use.mode, use.extra) for a in found
        }
        required = [
            dialect.spell(a.name)
            for a in found
            if use.mode == "response" or a.default is attrs.NOTHING
        ]
        schema: Schema = {"type": "object", "properties": properties}
        if doc := documentation(use.cls):
            schema["description"] = doc
        if required:
            schema["required"] = required
        if use.mode == "request":
            if use.extra == "forbid":
                schema["additionalProperties"] = False
            _aliased(schema, {dialect.spell(a.name): described(a).aliases for a in found})
        return schema


def documentation(thing: Any) -> str:
    """The docstring of a class or function, without the sections for programmers."""
    text = inspect.cleandoc(thing.__doc__ or "")
    return text.partition("\nArgs:")[0].partition("\nRaises:")[0].strip()


def default_of(attribute: attrs.Attribute[Any]) -> Any:
    """The default of a field, made if it has a factory; `attrs.NOTHING` without one."""
    default: Any = attribute.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type] # typed as a function
        return attrs.NOTHING if default.takes_self else default.factory()
    return default


def _aliased(schema: Schema, aliases: Mapping[str, tuple[str, ...]]) -> None:
    """Allow the other names of fields: one of them at a time, and one if it is required."""
    rules: list[Schema] = []
    for name, others in aliases.items():
        names = list(dict.fromkeys((name, *others)))
        for other in names[1:]:
            told = schema["properties"][name]
            schema["properties"][other] = {
                **{word: value for word, value in told.items() if word != "default"},
                "description": f"Another name of `{name}`.",
            }
        if len(names) == 1:
            continue
        one_of_them: list[Schema] = [{"required": [each]} for each in names]
        if name in schema.get("required", []):
            schema["required"].remove(name)
        else:
            one_of_them.append({"not": {"anyOf": list(one_of_them)}})
        rules.append({"oneOf": one_of_them})
    if rules:
        schema["allOf"] = rules
    if schema.get("required") == []:
        del schema["required"]


def _choice(wanted: Any) -> Schema:
    values = list(strict.choices(wanted))
    schema: Schema = {"enum": values}
    kinds = {_JSON_TYPES[type(value)] for value in values if type(value) in _JSON_TYPES}
    if len(kinds) == 1:
        schema["type"] = kinds.pop()
    if isinstance(wanted, type) and issubclass(wanted, Enum) and wanted.__doc__:
        schema["description"] = documentation(wanted)
    return schema


def _either(members: list[Schema]) -> Schema:
    null: Schema = {"type": "null"}
    others = [member for member in members if member != null]
    if len(others) == 1 and len(others) < len(members):
        (other,) = others
        if isinstance(other.get("type"), str) and "enum" not in other:
            return {**other, "type": [other["type"], "null"]}
    return {"anyOf": members}


def _bound(schema: Schema, told: About) -> None:
    """Write the bounds of a field in the words of its type."""
    kinds = schema.get("type", ())
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    least, most = ("minLength", "maxLength")
    if "array" in kinds:
        least, most = ("minItems", "maxItems")
    elif "object" in kinds:
        least, most = ("minProperties", "maxProperties")
    words = {
        "minimum": told.ge,
        "exclusiveMinimum": told.gt,
        "maximum": told.le,
        "exclusiveMaximum": told.lt,
        least: told.min_length,
        most: told.max_length,
        "pattern": None if told.pattern is None else f"^(?:{told.pattern})$",
    }
    schema.update({word: value for word, value in words.items() if value is not None})
