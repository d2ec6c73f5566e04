"""Reading an attrs class from what a client sent, with every fault under the client's own names."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Literal

import attrs
from attrs import frozen
from cattrs import Converter

from orchestrator.errors import Fault
from orchestrator.http import strict
from orchestrator.http.faulty import MAX_FAULTS, Refused, beneath, kind, refusal
from orchestrator.http.fields import About, described
from orchestrator.http.scalars import Hook

#: What happens to a field that the class does not have.
Extra = Literal["forbid", "ignore"]
Spelling = Callable[[str], str]


@frozen
class FieldReader:
    """How one field of a class is found, read and checked."""

    #: The keyword of the class's `__init__`.
    keyword: str
    #: The names it may come under; the first is the one that is documented.
    names: tuple[str, ...]
    required: bool
    wanted: Any
    read: Hook
    about: About
    #: Whether its values have bounds.
    bounded: bool

    def find(self, sent: Mapping[str, Any]) -> list[str]:
        """The names under which it was sent: none, one, or one too many."""
        return [name for name in self.names if name in sent]

    def value(self, value: Any) -> Any:
        """Read and check the value.

        Raises:
            Refused: With the faults of the value.
        """
        result = self.read(value, self.wanted)
        if self.bounded and (complaint := self.about.complaint(result)) is not None:
            raise refusal(complaint, value)
        return result


class ClassReader:
    """Reads one attrs class; compiled at first use, so that classes may contain themselves."""

    def __init__(
        self,
        cls: type[Any],
        converter: Converter,
        spell: Spelling,
        extra: Extra,
        only: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """Prepare to read a class.

        Args:
            cls: The attrs class.
            converter: Reads the values of its fields.
            spell: The name on the wire of an attribute.
            extra: What happens to names that the class does not have.
            only: Which of its attributes are read here; the others come from elsewhere.
        """
        self._cls = cls
        self._converter = converter
        self._spell = spell
        self._extra = extra
        self._only = only

    def compile(self) -> None:
        """Do now what the first reading would do.

        Raises:
            TypeError: If a field's type cannot be read, or two fields share a name.
        """
        len(self._by_name)

    @cached_property
    def fields(self) -> tuple[FieldReader, ...]:
        """One reader for each field.

        Raises:
            TypeError: If a field's type cannot be read, or two fields share a name.
        """
        attrs.resolve_types(self._cls)
        readers = tuple(
            self._field(attribute)
            for attribute in attrs.fields(self._cls)
            if attribute.init and self._only(attribute.name)
        )
        names = [name for reader in readers for name in reader.names]
        if len(names) != len(set(names)):
            msg = f"Two fields of {self._cls.__name__} share a name on the wire: {names}"
            raise TypeError(msg)
        return readers

    @cached_property
    def _by_name(self) -> dict[str, FieldReader]:
        return {name: field for field in self.fields for name in field.names}

    @cached_property
    def _required(self) -> frozenset[str]:
        """Keywords without which the class cannot be made."""
        return frozenset(field.keyword for field in self.fields if field.required)

    def _field(self, attribute: attrs.Attribute[Any]) -> FieldReader:
        told = described(attribute)
        wire = self._spell(attribute.name)
        return FieldReader(
            keyword=attribute.alias or attribute.name,
            names=(wire, *(alias for alias in told.aliases if alias != wire)),
            required=attribute.default is attrs.NOTHING,
            wanted=attribute.type,
            read=strict.hook_for(self._converter, attribute.type),
            about=told,
            bounded=told.bounded,
        )

    def values(self, sent: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
        """Keyword arguments for the class, and everything that is wrong with what was sent."""
        values: dict[str, Any] = {}
        for name, value in sent.items():
            field = self._by_name.get(name)
            if field is None and self._extra == "ignore":
                continue
            if field is None or field.keyword in values:
                return self._examined(sent)
            try:
                values[field.keyword] = field.value(value)
            except Refused:
                return self._examined(sent)
        if self._required <= values.keys():
            return values, []
        return self._examined(sent)

    def _examined(self, sent: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
        """The same, with faults in the order of the fields: slower, so only if there are any."""
        values: dict[str, Any] = {}
        faults: list[Fault] = []
        for field in self.fields:
            match field.find(sent):
                case []:
                    if field.required:
                        faults.append(Fault(field.names[0], "is required"))
                case [name]:
                    try:
                        values[field.keyword] = field.value(sent[name])
                    except Refused as refused:
                        faults += beneath(name, refused.faults)
                case [name, other, *_]:
                    faults.append(Fault(other, f"is the same field as {name}; send one of them"))
        if self._extra == "forbid":
            faults += self._unknown(sent)
        return values, faults

    def _unknown(self, sent: Mapping[str, Any]) -> list[Fault]:
        names = [name for name in sent if name not in self._by_name][:MAX_FAULTS]
        return [Fault(name, self._hint(name)) for name in names]

    def _hint(self, name: str) -> str:
        return f"unknown field{did_you_mean(name, self._by_name)}"

    def __call__(self, value: Any, _: Any = None) -> Any:
        """Read an object of the class; the structure hook of a nested one.

        Raises:
            Refused: With all faults.
        """
        if type(value) is not dict:
            raise refusal(f"expected an object, got {kind(value)}", value)
        values, faults = self.values(value)
        return build(self._cls, values, faults)


def build(cls: type[Any], values: Mapping[str, Any], faults: list[Fault]) -> Any:
    """Make the object, unless there are faults; the class may still refuse what fits badly.

    Raises:
        Refused: With the faults given, or with what the class's own validators complain of.
    """
    if faults:
        raise Refused(faults)
    try:
        return cls(**values)
    except ValueError as exc:
        raise Refused([Fault("", str(exc))]) from exc


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean X?` if a known name is close, snake_case and camelCase being the same."""
    folded = {_fold(candidate): candidate for candidate in sorted(known)}
    close = difflib.get_close_matches(_fold(name[:100]), folded, n=1, cutoff=0.75)
    return f"; did you mean {folded[close[0]]}?" if close else ""


def _fold(name: str) -> str:
    return name.replace("_", "").lower()
