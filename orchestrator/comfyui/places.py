"""Where a parameter's value goes in a workflow: inputs, and literals behind linked ones. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import field, frozen

from orchestrator.comfyui.graph import Workflow, class_of, inputs_of, is_link, links_of
from orchestrator.comfyui.parameters import COMMON_RULES, Kind

SIZES = (("width", "height"), ("empty_latent_width", "empty_latent_height"))
#: Inputs of nodes that hold one value: PrimitiveInt, INTConstant, CR Seed, String Literal ...
VALUES = ("value", "Value", "text", "string", "prompt", "int", "float", "number", "seed")
#: What prompt stylers call the texts that they style.
STYLED = {"prompt": "text_positive", "negative_prompt": "text_negative"}


@frozen(order=True)
class Place:
    """One input of one node."""

    node: str
    input: str

    def __str__(self) -> str:
        return f"{self.node}:{self.input}"


@frozen
class Found:
    """Collects the places of names, each place once and in the order in which it came."""

    graph: Workflow
    places: dict[str, dict[Place, None]] = field(factory=dict)

    def take(self, name: str, node: str, keys: Iterable[str]) -> bool:
        """Add the inputs `keys` of a node, as far as it has them; say whether it had any."""
        settled = settle_all(self.graph, name, node, keys)
        self.add(name, settled)
        return bool(settled)

    def add(self, name: str, places: Iterable[Place]) -> None:
        """Add places that are already settled."""
        self.places.setdefault(name, {}).update(dict.fromkeys(places))

    def take_size(self, node: str) -> None:
        """Add width and height of a node, if it has both."""
        for wide, high in SIZES:
            if has_size(self.graph, node, wide, high):
                self.take("width", node, [wide])
                self.take("height", node, [high])


def has_size(graph: Workflow, node: str, wide: str, high: str) -> bool:
    """Whether a node has both of these inputs."""
    return {wide, high} <= inputs_of(graph, node).keys()


def settle_all(graph: Workflow, name: str, node: str, keys: Iterable[str]) -> list[Place]:
    """The literals behind those of the inputs `keys` that a node has, but for computed ones."""
    kind = COMMON_RULES[name].kind
    there = [Place(node, key) for key in keys if key in inputs_of(graph, node)]
    found = [settle(graph, place, kind, STYLED.get(name)) for place in there]
    return [place for place in found if place is not None]


def settle(graph: Workflow, place: Place, kind: Kind, styled: str | None = None) -> Place | None:
    """The place of the literal behind an input, or None if the value is computed.

    Args:
        graph: The workflow.
        place: An input that is there, a literal or a link.
        kind: What kind of literal is wanted; a choice takes any that is no object or list.
        styled: What a prompt styler calls the value.
    """
    seen: set[str] = set()
    node, key = place.node, place.input
    while is_link(value := inputs_of(graph, node)[key]):
        node = value[0]
        if node in seen:
            return None
        seen.add(node)
        source = _source_input(graph, node, (place.input, styled, *VALUES), kind)
        if source is None:
            return None
        key = source
    return Place(node, key) if _fits(value, kind) else None


def _source_input(graph: Workflow, node: str, keys: Iterable[str | None], kind: Kind) -> str | None:
    """The input of a value-giving node that the value comes from."""
    inputs = inputs_of(graph, node)
    if "reroute" in class_of(graph, node).lower():
        return next((key for key, value in inputs.items() if is_link(value)), None)
    for key in keys:
        if key in inputs and (is_link(inputs[key]) or _fits(inputs[key], kind)):
            return key
    if kind in {"str", "choice"} or any(True for _ in links_of(graph, node)):
        # A loader's only text is the name of a file, which is not what it gives on.
        return None
    # A node with a single number and no links can only give that one.
    alone = [key for key, value in inputs.items() if _fits(value, kind)]
    return alone[0] if len(alone) == 1 else None


def _fits(literal: Any, kind: Kind) -> bool:
    match kind:
        case "str":
            return isinstance(literal, str)
        case "bool":
            return isinstance(literal, bool)
        case "int":
            return isinstance(literal, int) and not isinstance(literal, bool)
        case "float":
            return isinstance(literal, int | float) and not isinstance(literal, bool)
        case _:
            return not isinstance(literal, dict | list)
