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
#: A block, or a heading; what looks like a heading within a block is none.
_PART = re.compile(rf"{_BLOCK.pattern}|^#+ ([^\n]+)$", re.MULTILINE | re.DOTALL)
_VARIABLE = re.compile(r"\$([A-Z][A-Z0-9_]*)")


@frozen
class Example:
    """A command, and the answer that is printed below it."""

    command: str
    #: `json`, `text` or `yaml`.
    kind: str
    answer: str
    #: The heading above it.
    section: str = ""

    @property
    def only_reads(self) -> bool:
        """Whether it may be run again and again."""
        return not re.search(r" -(?:X|d|-data\S*) ", self.command)


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
        section, blocks = "", []
        for part in _PART.finditer(self.text):
            section = part[3] or section
            if part[1]:
                blocks.append(Example("", part[1], part[2], section))
        return [
            Example(first.answer, below.kind, below.answer, first.section)
            for first, below in pairwise(blocks)
            if first.kind == "sh"
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
        names = [name for name in told if name != "..."]
        there = list(real) if "..." not in told else [name for name in real if name in told]
        assert names == there, where
        for name in names:
            same_shape(told[name], real[name], f"{where}.{name}")
    elif isinstance(told, list):
        assert bool(told) == bool(real), where
        for value, other in zip(told, real, strict=False):
            same_shape(value, other, f"{where}[]")
    else:
        assert type(told) is type(real), f"{where}: {told!r} is printed, {real!r} was answered"


def learn(told: Any, real: Any, known: dict[str, str]) -> None:
    """Take variables that are printed in an answer, and not known yet, from the real one."""
    if isinstance(told, dict) and isinstance(real, dict):
        for name in told.keys() & real.keys():
            learn(told[name], real[name], known)
    elif isinstance(told, list) and isinstance(real, list):
        for value, other in zip(told, real, strict=False):
            learn(value, other, known)
    elif isinstance(told, str) and isinstance(real, str):
        named = _VARIABLE.fullmatch(told)
        if named is not None:
            known.setdefault(named[1], real)


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
