"""Pages of the documentation whose commands are run, and whose answers are compared."""

from __future__ import annotations

import asyncio
import os
import re
from itertools import pairwise
from pathlib import Path
from string import Template
from typing import Any

import orjson
from attrs import frozen

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@frozen
class Example:
    """A command, and the answer that is printed below it."""

    command: str
    #: `json` or `text`.
    kind: str
    answer: str


@frozen
class Page:
    """One page, taken apart."""

    text: str

    @classmethod
    def of(cls, name: str) -> Page:
        """A page of the docs, by its file name."""
        return cls((DOCS / name).read_text("utf-8"))

    def blocks(self, kind: str) -> list[str]:
        """All blocks of a language, in their order."""
        return [text for found, text in _BLOCK.findall(self.text) if found == kind]

    def examples(self) -> list[Example]:
        """All commands with the answers below them, in their order."""
        pairs = pairwise(_BLOCK.findall(self.text))
        return [
            Example(text, below, answer) for (kind, text), (below, answer) in pairs if kind == "sh"
        ]

    def messages(self) -> dict[str, Any]:
        """What a WebSocket says, by type."""
        found = [orjson.loads(text) for text in self.blocks("json")]
        return {each["type"]: each for each in found if "type" in each}


def same_shape(told: Any, real: Any, where: str = "answer") -> None:
    """Assert that an answer has the fields and kinds that are printed; `...` stands for more."""
    if isinstance(told, dict) and set(told) == {"..."}:
        assert real is None or isinstance(real, dict), where
    elif isinstance(told, dict):
        assert isinstance(real, dict), where
        assert list(told) == list(real), where
        for name, value in told.items():
            same_shape(value, real[name], f"{where}.{name}")
    elif isinstance(told, list):
        assert bool(told) == bool(real), where
        for value, other in zip(told, real, strict=False):
            same_shape(value, other, f"{where}[]")
    else:
        assert type(told) is type(real), f"{where}: {told!r} is printed, {real!r} was answered"


async def run(command: str, variables: dict[str, str], folder: Path) -> bytes:
    """What a command prints, run in a folder."""
    shell = await asyncio.create_subprocess_exec(
        "sh", "-c", command, cwd=folder, env=os.environ | variables, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await shell.communicate()
    assert shell.returncode == 0, command
    return printed


def filled(text: str, variables: dict[str, str]) -> str:
    """A text of a page with its variables filled in."""
    return Template(text).substitute(variables)
