"""What the index keeps of one file: read in full, or recognized as being like one before.

A first index reads a hundred thousand pictures of a few workflows. What `read_facts` and
`parts_of` make of a file is what counts; a picture whose graph is like one before is taken a
shorter way to the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from orchestrator.errors import PngUnreadable
from orchestrator.gallery.facts import Facts, facts_of, read_facts
from orchestrator.gallery.heads import PictureHead
from orchestrator.gallery.index.drawings import SharedGraphs
from orchestrator.gallery.index.shared_graph import NO_GRAPH, Parts, parts_of
from orchestrator.gallery.png import read_head
from orchestrator.gallery.recipe import ALIKE, Recipe, recipe_of


class Entry(NamedTuple):
    """What is kept of a file. Its parsed graph is let go: thousands keep the collector busy."""

    width: int | None
    height: int | None
    seconds: float | None
    #: What is wrong with the file.
    note: str | None
    recipe: Recipe
    graph: Parts = NO_GRAPH


_SHARED = SharedGraphs()


def read_entry(path: str) -> Entry:
    """Read a file. Blocks.

    Raises:
        OSError: The share does not let us open or read it; it always has an `errno`.
    """
    if not path.endswith(".png"):
        return entry_of(read_facts(Path(path)))
    try:
        head = read_head(path)
    except PngUnreadable:
        return entry_of(read_facts(Path(path)))  # which says what it is instead
    return _recognized(head) or entry_of(facts_of(head))


def entry_of(facts: Facts) -> Entry:
    """What is kept of what stands in a file."""
    return Entry(facts.width, facts.height, facts.seconds, facts.note, facts.recipe,
                 parts_of(facts))  # fmt: skip


def _recognized(head: PictureHead) -> Entry | None:
    """What is kept of a picture that is like one before; None if it must be looked through."""
    texts = head.texts
    prompt = texts.get("prompt")
    if prompt is None or (match := ALIKE.find(prompt)) is None:
        return None
    recipe = recipe_of(match)
    if recipe.empty:
        return None  # its other texts may say more
    parts = _SHARED.parts(match, texts.get("workflow", ""))
    return Entry(head.width, head.height, None, head.damaged, recipe, parts)
