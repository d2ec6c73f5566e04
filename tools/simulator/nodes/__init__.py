"""The simulated node classes, by name."""

from __future__ import annotations

from typing import Final

from tools.simulator.nodes import images, loading, outputs, sampling, testing
from tools.simulator.nodes.base import NodeClass

#: Every class that a graph may use.
NODE_CLASSES: Final[dict[str, NodeClass]] = {
    node.name: node
    for module in (images, loading, sampling, outputs, testing)
    for node in module.CLASSES
}
