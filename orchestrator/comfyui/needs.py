"""What a workflow needs of a backend, and what a backend lacks of it. Pure.

A job goes only where all its node classes are installed, and all the models that it names. Both
sides are sets, so that a queue of thousands can be held against a farm at every decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from attrs import frozen

from orchestrator.comfyui.graph import Workflow, class_of, inputs_of, is_link, links_of
from orchestrator.comfyui.object_info import Abilities, is_model, same_name

#: Texts longer than this (in characters), or of several lines, are no names.
MAX_NAME = 1000
#: How many things a sentence names before it counts the rest.
_NAMED = 3


@frozen(cache_hash=True)
class Needs:
    """What a backend must have to run a workflow."""

    classes: frozenset[str] = frozenset()
    #: (class, input, value) of every text that could be a choice; names have forward slashes.
    files: frozenset[tuple[str, str, str]] = frozenset()


@frozen
class Missing:
    """What a backend lacks; it is false if that is nothing."""

    classes: tuple[str, ...] = ()
    #: (class, input, value): the class is there, but the value is no choice of its input.
    files: tuple[tuple[str, str, str], ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is missing."""
        return bool(self.classes or self.files)

    def __str__(self) -> str:
        """What is missing, to stand behind "it lacks": `node class Foo; 'a.pt' for Bar.name`."""
        parts = []
        if self.classes:
            word = "node class" if len(self.classes) == 1 else "node classes"
            parts.append(f"{word} {_listed(self.classes)}")
        if self.files:
            said = dict.fromkeys(f"{value!r} for {cls}.{name}" for cls, name, value in self.files)
            parts.append(_listed(said))
        return "; ".join(parts) or "nothing"


def needs_of(graph: Workflow) -> Needs:
    """What a workflow needs.

    A node that is tied to no other is left out of `files`: editors leave forgotten loaders behind,
    and ComfyUI asks only for the class of what leads to no output.

    Args:
        graph: A workflow that has passed `workflow.check`, with its parameters set.
    """
    tied = _tied(graph)
    return Needs(
        classes=frozenset(class_of(graph, node) for node in graph),
        files=frozenset(
            (class_of(graph, node), name, same_name(value))
            for node in graph
            if node in tied
            for name, value in inputs_of(graph, node).items()
            if isinstance(value, str) and len(value) <= MAX_NAME and "\n" not in value
        ),
    )


def missing(needs: Needs, abilities: Abilities) -> Missing:
    """What a backend lacks of what a workflow needs."""
    choices = abilities.choices
    files = [
        need
        for need in needs.files
        if (offered := choices.get(need[:2])) is not None and need[2] not in offered
    ]
    classes = needs.classes - abilities.classes
    return Missing(tuple(sorted(classes)), tuple(sorted(files)))


def models_of(graph: Workflow) -> frozenset[str]:
    """The names of the model files in a workflow, as `same_name` spells them.

    Two jobs with the same ones run best on the same backend, one after the other.
    """
    tied = _tied(graph)
    return frozenset(
        same_name(text)
        for node in graph
        if node in tied
        for value in inputs_of(graph, node).values()
        if not is_link(value)
        for text in _texts(value)
        if is_model(text) and len(text) <= MAX_NAME and "\n" not in text
    )


def _tied(graph: Workflow) -> frozenset[str]:
    """The nodes that feed another one, or are fed; a lone node is one, if there is no other."""
    tied: set[str] = set()
    for node in graph:
        for _, source, _ in links_of(graph, node):
            tied |= {node, source}
    return frozenset(tied or graph)


def _texts(value: Any) -> Iterator[str]:
    """The texts in a literal; some loaders keep a whole stack of models in one input."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _listed(names: Iterable[str]) -> str:
    all_names = list(names)
    more = len(all_names) - _NAMED
    return ", ".join(all_names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
