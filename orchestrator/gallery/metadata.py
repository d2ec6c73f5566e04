"""What the texts of a picture or video say about how it was made.

Pure. ComfyUI writes `prompt` (the graph that ran, API format) and `workflow` (the graph as drawn)
as JSON; other programs write `parameters` as plain text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import orjson

#: Escapes that stand for a letter beyond ASCII. What JSON must escape is none of them, so a text
#: without these escapes is the same JSON as before. The backslashes before them come in pairs.
_ESCAPED = re.compile(r"(?<!\\)((?:\\\\)*)((?:\\u(?!00[0-7])[0-9a-fA-F]{4})+)")
_HALF = re.compile("[\ud800-\udfff]")


class Generation:
    """How a picture was made, as far as it tells; every part may be missing.

    A graph may be given as the JSON that stands in a file. It is read when it is first asked for:
    whoever indexes ten thousand pictures needs one graph of each, not both.
    """

    __slots__ = ("_prompt_graph", "_prompt_text", "_workflow", "_workflow_text", "parameters")

    #: Prompt and settings as text, as A1111 and its relatives write them.
    parameters: str | None

    def __init__(
        self,
        prompt_graph: dict[str, Any] | str | None = None,
        workflow: dict[str, Any] | str | None = None,
        parameters: str | None = None,
    ) -> None:
        self._prompt_text = prompt_graph if isinstance(prompt_graph, str) else None
        self._prompt_graph = prompt_graph
        self._workflow_text = workflow if isinstance(workflow, str) else None
        self._workflow = workflow
        self.parameters = parameters

    @property
    def prompt_graph(self) -> dict[str, Any] | None:
        """Node id to `class_type` and `inputs`. JSON that is no object counts as missing."""
        if isinstance(self._prompt_graph, str):
            self._prompt_graph = _object(self._prompt_graph)
        return self._prompt_graph

    @property
    def prompt_text(self) -> str | None:
        """The JSON of the graph that ran, if it came as such."""
        return self._prompt_text

    @property
    def workflow(self) -> dict[str, Any] | None:
        """The graph as the editor saves it, with positions and notes."""
        if isinstance(self._workflow, str):
            self._workflow = _object(self._workflow)
        return self._workflow

    @property
    def empty(self) -> bool:
        """Whether the picture says nothing."""
        return self.parameters is None and self.prompt_graph is None and self.workflow is None

    @property
    def raw(self) -> str:
        """Both graphs as text to search in, letters beyond ASCII readable; "" if there are none.

        What stands in a file stays as it is spelled there; a text that is no JSON is kept too.
        """
        texts = (
            _readable(self._workflow_text, self._workflow),
            _readable(self._prompt_text, self._prompt_graph),
        )
        return "\n".join(filter(None, texts))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Generation):
            return NotImplemented
        return (self.prompt_graph, self.workflow, self.parameters) == (
            other.prompt_graph,
            other.workflow,
            other.parameters,
        )

    __hash__ = None  # type: ignore[assignment]  # graphs are dicts, which can't be hashed either

    def __repr__(self) -> str:
        return (
            f"Generation(prompt_graph={self.prompt_graph!r}, workflow={self.workflow!r}, "
            f"parameters={self.parameters!r})"
        )


#: What a file says that says nothing.
NOTHING = Generation()


def generation(texts: Mapping[str, str]) -> Generation:
    """Read the texts of a picture, by keyword.

    JSON that cannot be read, or is no object, counts as missing. What comes back can always be
    written as JSON again: NaN and Infinity, which Python writes but JSON does not know, are None.
    """
    return Generation(texts.get("prompt"), texts.get("workflow"), texts.get("parameters"))


def whole(text: str) -> str:
    """The same text without half characters, which no file and no answer can hold."""
    if not _HALF.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def readable(text: str) -> str:
    """JSON whose letters beyond ASCII stand for themselves, without half characters."""
    # Looking for one letter is much quicker than for two, and most texts have no backslash.
    if "\\" in text and "\\u" in text:
        text = whole(_ESCAPED.sub(_unescaped, text))
    return text


def _readable(text: str | None, value: object) -> str:
    if text is not None:
        return readable(text)
    return "" if value is None else whole(json.dumps(value, ensure_ascii=False))


def _unescaped(escaped: re.Match[str]) -> str:
    letters: str = json.loads(f'"{escaped[2]}"')
    return escaped[1] + letters


def _object(text: str) -> dict[str, Any] | None:
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
            return whole(value)
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
