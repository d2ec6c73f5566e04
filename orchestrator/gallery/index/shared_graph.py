"""A raw graph in two parts: what many files share, and what only one of them says.

Pure. A graph takes some ten kilobytes, and from one rendering to the next little of it changes:
the prompt, which the index has anyway, and seeds. Without those, the files of one workflow have
one text, which is kept, deflated and searched once. Nothing is lost by a bad guess of what
changes: there are then only more texts.
"""

from __future__ import annotations

from functools import cached_property
from hashlib import blake2b
from typing import NamedTuple

import orjson
from attrs import frozen

from orchestrator.gallery.facts import Facts

#: Letters of a graph that are kept and searched; hostile files have millions.
MAX_GRAPH = 1_000_000
#: Shorter texts and numbers are left where they are: they are also found in other places.
MIN_PROMPT = 16
MIN_SEED = 5
#: Inputs that have seeds.
SEEDS = ("seed", "noise_seed")


@frozen(slots=False)
class SharedGraph:
    """A raw graph without what differs from file to file."""

    #: Never empty, of valid Unicode.
    text: str

    @cached_property
    def digest(self) -> bytes:
        """What it is known by."""
        return blake2b(self.text.encode(), digest_size=16).digest()


class Parts(NamedTuple):
    """The two parts of a raw graph."""

    #: None if the file has no graph.
    shared: SharedGraph | None = None
    #: Numbers taken out of it that the recipe does not have, with spaces between them.
    other: str = ""


NO_GRAPH = Parts()


def parts_of(facts: Facts) -> Parts:
    """Take out the prompts and the seeds."""
    text = facts.raw
    if not text:
        return NO_GRAPH
    recipe = facts.recipe
    for prompt in (recipe.prompt, recipe.negative_prompt):
        text = _without(text, prompt)
    own = "" if recipe.seed is None else str(recipe.seed)
    seeds = {seed for seed in (own, *_seeds(facts)) if len(seed) >= MIN_SEED}
    for seed in seeds:
        text = text.replace(seed, "")
    return Parts(shared_text(text), " ".join(sorted(seeds - {own})))


def shared_text(text: str) -> SharedGraph:
    """What is kept of a text from which all was taken out that is to be."""
    return SharedGraph(text[:MAX_GRAPH].encode("utf-8", "replace").decode())


def _without(text: str, prompt: str) -> str:
    """A raw text without a prompt: as one, or line by line if it was joined from several."""
    if len(prompt) < MIN_PROMPT:
        return text
    left = text.replace(_escaped(prompt), "")
    if len(left) < len(text) or "\n" not in prompt:
        return left
    for line in prompt.split("\n"):
        if len(line) >= MIN_PROMPT:
            text = text.replace(_escaped(line), "")
    return text


def _seeds(facts: Facts) -> set[str]:
    """All numbers that are called a seed in the graph that ran."""
    found: set[str] = set()
    for node in (facts.made.prompt_graph or {}).values():
        inputs = node.get("inputs") if isinstance(node, dict) else None
        if isinstance(inputs, dict):
            for name in SEEDS:
                value = inputs.get(name)
                if type(value) is int:  # not a link, and not a truth
                    found.add(str(value))
    return found


def _escaped(line: str) -> str:
    """A line as it stands inside a string of the raw text."""
    try:
        return orjson.dumps(line).decode()[1:-1]
    except TypeError:
        return line  # half characters: then it is simply not found
