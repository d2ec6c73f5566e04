"""What the text chunks of a picture say about how it was made.

Pure. ComfyUI writes `prompt` (the graph that ran, API format) and `workflow` (the graph as drawn)
as JSON; other programs write `parameters` as plain text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import orjson
from attrs import frozen


@frozen
class Generation:
    """How a picture was made, as far as it tells; every part may be missing."""

    #: Node id to `class_type` and `inputs`.
    prompt_graph: dict[str, Any] | None = None
    #: The graph as the editor saves it, with positions and notes.
    workflow: dict[str, Any] | None = None
    #: Prompt and settings as text, as A1111 and its relatives write them.
    parameters: str | None = None

    @property
    def empty(self) -> bool:
        """Whether the picture says nothing."""
        return self == Generation()


def generation(texts: Mapping[str, str]) -> Generation:
    """Read the texts of a picture, by keyword.

    JSON that cannot be read, or is no object, counts as missing. What comes back can always be
    written as JSON again: NaN and Infinity, which Python writes but JSON does not know, are None.
    """
    return Generation(
        prompt_graph=_object(texts.get("prompt")),
        workflow=_object(texts.get("workflow")),
        parameters=texts.get("parameters"),
    )


def _object(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = _lenient(text)
    return value if isinstance(value, dict) else None


def _lenient(text: str) -> Any:
    """JSON as Python writes it, made into JSON that others can read; None if it is neither."""
    try:
        return _plain(json.loads(text, parse_constant=lambda _: None))
    except (ValueError, RecursionError):
        return None


def _plain(value: Any) -> Any:
    """The same value without what orjson cannot write: half characters and huge numbers."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case dict():
            return {_plain(key): _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case int() if not -(2**63) <= value < 2**64:
            return str(value)
        case float() if not math.isfinite(value):
            return None
        case _:
            return value
