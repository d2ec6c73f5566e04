"""A raw graph in two parts: what many files share, and what only one of them says.

Pure. A graph takes some ten kilobytes, and from one rendering to the next little of it changes:
the prompt, which the index has anyway, and seeds. Without those, the files of one workflow have one
text, which is kept, deflated and searched once. Nothing is lost by a bad guess of what changes:
there are then only more texts.
"""

from __future__ import annotations

import orjson
from attrs import frozen

from orchestrator.gallery.facts import Facts

#: Shorter texts and numbers are left where they are: they are also found in other places.
_MIN_PROMPT = 16
_MIN_SEED = 5
_SEEDS = ("seed", "noise_seed")


@frozen
class SharedGraph:
    """A raw graph without what differs from file to file."""

    #: "" if the file has no graph.
    text: str = ""
    #: Numbers taken out of it that the recipe does not have, with spaces between them.
    other: str = ""


_NONE = SharedGraph()


def shared_graph(facts: Facts) -> SharedGraph:
    """Take out the prompts and the seeds."""
    text = facts.raw
    if not text:
        return _NONE
    recipe = facts.recipe
    for prompt in (recipe.prompt, recipe.negative_prompt):
        text = _without(text, prompt)
    own = "" if recipe.seed is None else str(recipe.seed)
    seeds = {seed for seed in (own, *_seeds(facts)) if len(seed) >= _MIN_SEED}
    for seed in seeds:
        text = text.replace(seed, "")
    return SharedGraph(text, " ".join(sorted(seeds - {own})))


def _without(text: str, prompt: str) -> str:
    """A raw text without a prompt: as one, or line by line if it was joined from several."""
    if len(prompt) < _MIN_PROMPT:
        return text
    left = text.replace(_escaped(prompt), "")
    if len(left) < len(text) or "\n" not in prompt:
        return left
    for line in prompt.split("\n"):
        if len(line) >= _MIN_PROMPT:
            text = text.replace(_escaped(line), "")
    return text


def _seeds(facts: Facts) -> set[str]:
    """All numbers that are called a seed in the graph that ran."""
    found: set[str] = set()
    for node in (facts.made.prompt_graph or {}).values():
        inputs = node.get("inputs") if isinstance(node, dict) else None
        if isinstance(inputs, dict):
            for name in _SEEDS:
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
