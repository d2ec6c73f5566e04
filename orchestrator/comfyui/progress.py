"""Folds the frames of one prompt into a percentage that never goes down. Pure."""

from __future__ import annotations

import math

from attrs import evolve, frozen

from orchestrator.comfyui.messages import (
    Cached,
    Executed,
    Executing,
    ExecutionSuccess,
    Frame,
    Progress,
    ProgressState,
)

#: Before the end is known, a prompt is never shown as done.
ALMOST = 99.0


@frozen(kw_only=True)
class ProgressTracker:
    """How far one attempt is. Start a new one for each attempt.

    All nodes count the same, and the steps of a running node as parts of it. Nodes that came
    from the cache, or have ended, count as done. Frames of other prompts change nothing.
    """

    prompt_id: str
    #: Nodes in the graph that was sent.
    node_count: int
    #: 0 to 100; never falls.
    percent: float = 0.0
    #: The node that runs, if one does.
    node: str | None = None
    #: Such as "3/20", while the running node counts steps.
    current_step: str | None = None
    done: frozenset[str] = frozenset()

    def apply(self, frame: Frame) -> ProgressTracker:
        """The state after one more frame."""
        if getattr(frame, "prompt_id", None) != self.prompt_id:
            return self
        match frame:
            case Cached(nodes=nodes):
                return self._with(self.done | set(nodes), self.node, 0.0)
            case Executing(node=None):
                return evolve(self, node=None, current_step=None)
            case Executing(node=str() as node):
                return self._entered(_ours(node))
            case Progress(node=node, value=value, max=most):
                return self._stepped(_ours(node), value, most)
            case ProgressState():
                return self._states(frame)
            case Executed(node=node):
                return self._with(self.done | {_ours(node)}, self.node, 0.0)
            case ExecutionSuccess():
                return evolve(self, percent=100.0, node=None, current_step=None)
            case _:
                return self

    def _entered(self, node: str) -> ProgressTracker:
        """A node begins; ComfyUI runs one after the other, so the one before has ended."""
        if node == self.node:
            return self
        left = self.done if self.node is None else self.done | {self.node}
        return evolve(self._with(left, node, 0.0), current_step=None)

    def _stepped(self, node: str, value: float, most: float) -> ProgressTracker:
        if not (math.isfinite(value) and math.isfinite(most)) or most <= 0:
            return self
        value = min(max(value, 0.0), most)
        step = f"{value:.0f}/{most:.0f}" if most > 1 else None
        return evolve(self._with(self.done, node, value / most), current_step=step)

    def _states(self, frame: ProgressState) -> ProgressTracker:
        ended = {each.node for each in frame.nodes if each.state == "finished"}
        ended = {node for node in ended if node == _ours(node)}
        state = self._with(self.done | ended, self.node, 0.0)
        running = [each for each in frame.nodes if each.state == "running"]
        if not running:
            return evolve(state, current_step=None)
        last = running[-1]
        return state._stepped(_ours(last.node), last.value, last.max)

    def _with(self, done: frozenset[str], node: str | None, part: float) -> ProgressTracker:
        """Done nodes, the running node, and how much of that is done (0 to 1)."""
        counted = len(done) + (part if node is not None and node not in done else 0.0)
        percent = min(ALMOST, 100.0 * counted / max(1, self.node_count))
        return evolve(self, done=done, node=node, percent=max(self.percent, percent))


def _ours(node: str) -> str:
    """The node of our graph that a node belongs to: one made at run time is named `12.0.0.5`."""
    return node.split(".", 1)[0]
