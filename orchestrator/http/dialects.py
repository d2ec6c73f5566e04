"""How the service spells requests, answers and refusals: the one place that knows dialects.

A handler works with attrs objects in snake_case, times as `datetime`, errors as exceptions. What
a client writes and reads of them is a `Dialect`: the names of fields, the shape of values, and
the shapes of success and refusal. `choose` says which one a request speaks. Nothing else in the
service knows how many there are, but for `frontend/`, which holds the requests and answers that
are not merely spelled otherwise there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from enum import Enum
from functools import cache
from pathlib import PurePath
from typing import Any, Final, Literal, get_args

import attrs
from aiohttp import web
from attrs import evolve, frozen
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from orchestrator.http import strict
from orchestrator.http.reader import ClassReader, Extra, Spelling
from orchestrator.http.replies import Refusal, json_response


def snake(attribute: str) -> str:
    """The attribute's own name; `from_` is `from`, which Python keeps for itself."""
    return attribute.removesuffix("_")


def camel(attribute: str) -> str:
    """`project_path` becomes `projectPath`."""
    first, *rest = attribute.split("_")
    return first + "".join(word.capitalize() for word in rest)


def documented_refusal(refusal: Refusal) -> tuple[int, dict[str, Any]]:
    """Status and body: the HTTP status says that it failed, the body why."""
    return refusal.status, {
        "code": refusal.code,
        "message": refusal.message,
        "remedy": refusal.remedy,
        "detail": refusal.detail,
    }


def core_refusal(refusal: Refusal) -> tuple[int, dict[str, Any]]:
    """The same, with what the frontend reads besides: both spell the core alike."""
    status, plain = documented_refusal(refusal)
    return status, {**plain, "success": False, "error": refusal.message}


def frontend_refusal(refusal: Refusal) -> tuple[int, dict[str, Any]]:
    """Status and body: of another status than 200, the frontend shows nobody the body.

    What says that the request itself cannot be read keeps its status, and so do our own faults.
    """
    return 200 if refusal.considered else refusal.status, {
        "success": False,
        "message": refusal.message,
        "error": refusal.message,
        "detail": refusal.message,
        "code": refusal.code,
        "remedy": refusal.remedy,
    }


def plainly(answer: Any) -> Any:
    """An answer is what its class says."""
    return answer


def with_success(answer: Any) -> Any:
    """An answer that says of itself that it is one, unless it says something else."""
    return {"success": True, "message": "OK", **answer} if isinstance(answer, dict) else answer


@frozen(eq=False)
class Dialect:
    """One way to spell the same requests, answers and refusals."""

    name: str
    #: Whether a request in which these names stand is spelled in it.
    claims: Callable[[Collection[str]], bool]
    #: The name on the wire of an attribute of a request or answer.
    spell: Spelling
    #: How answers write times: in ISO 8601, as `replies.dump` does, or in seconds since 1970.
    times: Literal["iso", "epoch"]
    #: Status and body of a refusal.
    refuse: Callable[[Refusal], tuple[int, dict[str, Any]]]
    #: What is put around an answer in plain data.
    wrap: Callable[[Any], Any] = plainly

    def reader(
        self,
        cls: type[Any],
        *,
        text: bool,
        extra: Extra,
        only: Callable[[str], bool] = lambda _: True,
    ) -> ClassReader:
        """How a class is read from JSON, or (`text`) from a query string or path."""
        return ClassReader(cls, _reading(self, text=text, extra=extra), self.spell, extra, only)

    def writer(self, answer: Any) -> Callable[[Any], Any]:
        """A compiled function from answers of a type to plain JSON data.

        Args:
            answer: An attrs class, or a `list[...]` or `dict[str, ...]` of them.
        """
        return _writing(self).get_unstructure_hook(answer)


def anything(_: Collection[str]) -> bool:
    """Claim every request."""
    return True


#: One of these in a request, and it is the frontend that asks.
FRONTEND_NAMES: Final = frozenset(
    {"project_path", "folder_path", "file_path", "file_paths", "target_folder"}
)


def of_the_frontend(names: Collection[str]) -> bool:
    """Whether one of the names is a path as the frontend spells it; it wins over the document's."""
    return not FRONTEND_NAMES.isdisjoint(names)


DOCUMENTED: Final = Dialect(
    name="documented", claims=anything, spell=camel, times="iso", refuse=documented_refusal
)
#: The existing React frontend, in the gallery.
FRONTEND: Final = Dialect(
    name="frontend",
    claims=of_the_frontend,
    spell=snake,
    times="epoch",
    refuse=frontend_refusal,
    wrap=with_success,
)
#: The core endpoints are spelled in snake_case by the document itself, and so by everybody.
CORE: Final = Dialect(name="core", claims=anything, spell=snake, times="iso", refuse=core_refusal)
#: The same for pages in browsers, where the page reads why something was refused.
CORE_IN_PAGES: Final = evolve(CORE, name="core in pages", refuse=frontend_refusal)

#: The dialect of a request, once it is known.
DIALECT: Final = web.RequestKey("orchestrator.http.dialect", Dialect)


def spoken(*, dialect: bool) -> tuple[Dialect, ...]:
    """The dialects of an endpoint; the first that claims a request has it.

    Args:
        dialect: Whether the document spells the endpoint in camelCase; the last dialect given
            is the one of the document, and claims whatever the others leave.
    """
    return (FRONTEND, DOCUMENTED) if dialect else (CORE,)


def choose(dialects: tuple[Dialect, ...], names: Collection[str]) -> Dialect:
    """The dialect that a request speaks, by the names that stand in its body or query."""
    if len(dialects) == 1:
        return dialects[0]
    return next(dialect for dialect in dialects if dialect.claims(names))


def refuse(request: web.Request, refusal: Refusal) -> web.Response:
    """A refusal in the dialect of the request; in the core's if it never got so far."""
    status, plain = request.get(DIALECT, CORE).refuse(refusal)
    # Another status has no use for the headers of its own, such as Retry-After.
    headers = refusal.headers if status == refusal.status else None
    return json_response(plain, status=status, headers=headers)


@cache
def _reading(dialect: Dialect, *, text: bool, extra: Extra) -> Converter:
    made = strict.converter(text=text)
    if not text:  # text carries no objects; the request's own class is read by its reader
        made.register_structure_hook_factory(
            attrs.has, lambda cls: ClassReader(cls, made, dialect.spell, extra)
        )
    return made


@cache
def _writing(dialect: Dialect) -> Converter:
    # Sets have no order of their own: sorted, so that equal answers are equal bytes.
    made = Converter(unstruct_collection_overrides={frozenset: _in_order, set: _in_order})
    made.register_unstructure_hook_factory(
        attrs.has, lambda cls: _class_writer(cls, made, dialect.spell)
    )
    made.register_unstructure_hook_func(lambda wanted: wanted is Any, _as_it_is)
    made.register_unstructure_hook_factory(_is_opaque, lambda _: _as_it_is)
    # ISO 8601 is made by the writer of JSON, which is faster.
    made.register_unstructure_hook(
        datetime, _as_it_is if dialect.times == "iso" else datetime.timestamp
    )
    made.register_unstructure_hook(PurePath, str)
    made.register_unstructure_hook(Enum, lambda member: member.value)
    return made


def _class_writer(
    cls: type[Any], converter: Converter, spell: Spelling
) -> Callable[[Any], dict[str, Any]]:
    attrs.resolve_types(cls)
    names: dict[str, Any] = {  # any: the type checker would match them with the options beside
        field.name: override(rename=spell(field.name)) for field in attrs.fields(cls)
    }
    return make_dict_unstructure_fn(cls, converter, _cattrs_include_init_false=True, **names)


def _is_opaque(wanted: Any) -> bool:
    """Whether a type is data that we pass on without a look: a ComfyUI graph, for example."""
    if not get_args(wanted):
        return False  # a bare list or dict: the class of a value, of which nothing is declared
    if strict.is_mapping(wanted):
        return strict.value_type(wanted) is Any
    return strict.is_sequence(wanted) and strict.item_type(wanted) is Any


def _as_it_is(value: Any) -> Any:
    return value


def _in_order(values: Any) -> list[Any]:
    return sorted(values, key=str)
