"""A graph without its values: what graphs of one making have in common.

Pure. A graph comes out of a file and was checked by nobody: nodes that are none and links to
nowhere are left out here, so that whoever follows links need not ask.
"""

from __future__ import annotations

from itertools import chain
from typing import Any, NamedTuple

from orchestrator.comfyui.graph import Workflow, is_link

#: Letters of a node's id; real ones have up to 40 (nested subgraphs).
MAX_ID = 200
#: What goes wrong where a graph is not made as one.
NO_SHAPE = (KeyError, TypeError, AttributeError, ValueError)


class Shape(NamedTuple):
    """A graph without its values, made of parts that are quick to collect and to compare."""

    nodes: tuple[str, ...]
    classes: tuple[str, ...]
    #: The names of each node's inputs; then the types of all values, in a row.
    names: tuple[tuple[str, ...], ...]
    types: tuple[type, ...]
    #: Source and slot of each link, in a row.
    links: tuple[str | int | float, ...]


def shape_of(graph: Workflow) -> Shape:
    """A graph's shape.

    This runs for every picture of a project, so it leaves the loops to the interpreter.

    Raises:
        KeyError, TypeError, AttributeError, ValueError: A node is none, or a list is no link. What
            stands in a link shows when the shape is looked up (TypeError).
    """
    nodes = graph.values()
    inputs = [node["inputs"] for node in nodes]
    values = list(chain.from_iterable([each.values() for each in inputs]))
    lists = [value for value in values if type(value) is list]
    links = tuple(chain.from_iterable(lists))
    if 2 * len(lists) != len(links):
        raise ValueError
    return Shape(
        tuple(graph),
        tuple([node["class_type"] for node in nodes]),
        tuple(map(tuple, inputs)),
        tuple(map(type, values)),
        links,
    )


def tame(graph: Workflow) -> Workflow:
    """The nodes of a graph that are such, with the lists that are links."""
    return {
        name: {
            "class_type": node["class_type"],
            "inputs": {
                key: value
                for key, value in node["inputs"].items()
                if not isinstance(value, list) or is_link(value)
            },
        }
        for name, node in graph.items()
        if isinstance(node, dict)
        and isinstance(node.get("class_type"), str)
        and isinstance(node.get("inputs"), dict)
    }


def bare(shape: Shape) -> Workflow:
    """A graph of a shape, with a value of the right type for each, and links to where it goes."""
    nodes = {name for name in shape.nodes if len(name) <= MAX_ID}
    types, links = iter(shape.types), iter(shape.links)
    graph: Workflow = {}
    for name, class_type, names in zip(shape.nodes, shape.classes, shape.names, strict=True):
        inputs: dict[str, Any] = {}
        for key, kind in zip(names, types, strict=False):
            if kind is not list:
                inputs[key] = None if kind is type(None) else kind()
            else:
                link = [next(links), next(links)]
                if is_link(link) and link[0] in nodes and isinstance(link[1], int):
                    inputs[key] = link
        if name in nodes:
            graph[name] = {"class_type": class_type, "inputs": inputs}
    return graph
