"""All that a ComfyUI process forgets when it dies: queue, history, cache, sockets, counters."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any

from attrs import Factory, define, field

from tools.simulator.behaviour import Behaviour
from tools.simulator.frames import Hub
from tools.simulator.graph import NodeCache
from tools.simulator.incidents import SERVER, Incident, Kind
from tools.simulator.prompt_queue import PromptQueue


@define(eq=False)
class Memory:
    """The state of one life of the server; a crash replaces it by a new one."""

    behaviour: Behaviour
    #: Cleared while the server hangs.
    not_hung: asyncio.Event = field(factory=asyncio.Event)
    hub: Hub = Factory(
        lambda self: Hub(self.not_hung, lambda: self.behaviour.mute_bug), takes_self=True
    )
    queue: PromptQueue = Factory(lambda self: PromptQueue(self.status_changed), takes_self=True)
    cache: NodeCache = field(factory=NodeCache)
    #: Counts prompts that came without a number of their own, accepted or not.
    number: int = 0
    #: The client of the prompt that runs or ran last.
    client_id: str | None = None
    #: The node that runs, if its prompt has a client.
    last_node_id: str | None = None
    interrupted: bool = False
    free_memory: bool = False
    #: Prompts that began to run in this life, oldest first.
    started: list[str] = field(factory=list)
    #: What happened to prompts, over all lives.
    incidents: list[Incident] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.not_hung.set()

    def exec_info(self) -> dict[str, Any]:
        """What GET /prompt and `status` frames say."""
        return {"exec_info": {"queue_remaining": self.queue.remaining()}}

    def note(self, kind: Kind, prompt_id: str, by: str = SERVER) -> None:
        """Remember what happened to a prompt."""
        self.incidents.append(Incident(kind, prompt_id, by))

    def interrupt(self, by: str) -> None:
        """Set the flag that stops whatever runs."""
        self.interrupted = True
        for item in self.queue.running.values():
            self.note("interrupted", item[1], by)

    def take_out(self, prompt_ids: Iterable[object] | None, by: str) -> None:
        """Delete waiting prompts by id, or all of them."""
        before = [item[1] for item in self.queue.pending]
        if prompt_ids is None:
            self.queue.clear()
        for prompt_id in prompt_ids or ():
            self.queue.delete(prompt_id)
        left = Counter(item[1] for item in self.queue.pending)
        for prompt_id in (Counter(before) - left).elements():
            self.note("deleted", prompt_id, by)

    def die(self) -> None:
        """The process ends: what it knew of its prompts is lost."""
        queue = self.queue
        there = [item[1] for item in (*queue.running.values(), *queue.pending)]
        for prompt_id in there:
            self.note("lost", prompt_id)
        for prompt_id in queue.history:
            self.note("forgotten", prompt_id)

    def status_changed(self) -> None:
        """Tell all sockets how many prompts are left."""
        self.hub.send("status", {"status": self.exec_info()})
