"""The queue and the history of the simulated server, with ComfyUI's own order and quirks.

A waiting prompt is a plain tuple in a heap, as in ComfyUI's PromptQueue. So equal numbers with
equal ids make Python compare the graphs and raise TypeError, which there ends in a 500 or in the
death of the worker (protocol 4.8, transcripts r6 and r11); here it does so by the same means.
"""

from __future__ import annotations

import asyncio
import copy
import heapq
from collections.abc import Callable
from typing import Any, Final

from attrs import define, field

#: number, prompt_id, graph, extra_data, outputs to execute, keys kept secret.
QueueItem = tuple[float, str, dict[str, Any], dict[str, Any], list[str], dict[str, Any]]

#: Entries after which the oldest one leaves the history.
MAX_HISTORY: Final = 10_000


def told(item: QueueItem) -> list[Any]:
    """A queue item as answers show it: without the secret keys."""
    return list(item[:5])


@define(eq=False)
class PromptQueue:
    """Prompts that wait, the one that runs, and those that ended."""

    #: Called after each change; sends the `status` frame.
    changed: Callable[[], None]
    pending: list[QueueItem] = field(factory=list)
    running: dict[int, QueueItem] = field(factory=dict)
    history: dict[str, dict[str, Any]] = field(factory=dict)
    #: Set when the worker has something to look at.
    wake: asyncio.Event = field(factory=asyncio.Event)
    _tasks: int = 0

    def put(self, item: QueueItem) -> None:
        """Queue a prompt.

        Raises:
            TypeError: same number and id as another; it is queued all the same.
        """
        heapq.heappush(self.pending, item)
        self.changed()
        self.wake.set()

    def take(self) -> tuple[int, QueueItem] | None:
        """Make the first waiting prompt the running one; None if none waits.

        Raises:
            TypeError: the heap compared two graphs; the popped prompt is lost.
        """
        if not self.pending:
            return None
        item = heapq.heappop(self.pending)
        task = self._tasks
        self.running[task] = copy.deepcopy(item)
        self._tasks += 1
        self.changed()
        return task, item

    def finish(self, task: int, outcome: dict[str, Any], status: dict[str, Any]) -> None:
        """Move the running prompt to the history; an id that ran before keeps its old place."""
        item = self.running.pop(task)
        if len(self.history) > MAX_HISTORY:
            del self.history[next(iter(self.history))]
        entry = {"prompt": told(item), "outputs": {}, "status": copy.deepcopy(status)}
        self.history[item[1]] = entry | outcome
        self.changed()

    def remaining(self) -> int:
        """Prompts that wait or run."""
        return len(self.pending) + len(self.running)

    def delete(self, prompt_id: object) -> None:
        """Remove the first waiting prompt with this id, if there is one."""
        for index, item in enumerate(self.pending):
            if item[1] == prompt_id:
                if len(self.pending) == 1:
                    self.clear()
                else:
                    del self.pending[index]
                    heapq.heapify(self.pending)
                self.changed()
                return

    def clear(self) -> None:
        """Remove all waiting prompts, of whatever client."""
        self.pending.clear()
        self.changed()

    def is_running(self, prompt_id: object) -> bool:
        """Whether this prompt is the running one."""
        return any(item[1] == prompt_id for item in self.running.values())

    def lists(self) -> dict[str, Any]:
        """The answer of GET /queue; pending stands in heap order."""
        return {
            "queue_running": [told(item) for item in self.running.values()],
            "queue_pending": [told(item) for item in self.pending],
        }

    def page(self, max_items: int | None, offset: int) -> dict[str, Any]:
        """The answer of GET /history: the last `max_items` entries, or those from `offset` on."""
        if offset < 0 and max_items is not None:
            offset = len(self.history) - max_items
        out: dict[str, Any] = {}
        for index, (prompt_id, entry) in enumerate(self.history.items()):
            if index < offset:
                continue
            out[prompt_id] = entry
            if max_items is not None and len(out) >= max_items:
                break
        return out

    def entry(self, prompt_id: str) -> dict[str, Any]:
        """The answer of GET /history/{id}: empty if the prompt has not ended."""
        return {prompt_id: self.history[prompt_id]} if prompt_id in self.history else {}
