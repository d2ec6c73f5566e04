"""All that a ComfyUI process forgets when it dies: queue, history, cache, sockets, counters."""

from __future__ import annotations

import asyncio
from typing import Any

from attrs import Factory, define, field

from tools.simulator.behaviour import Behaviour
from tools.simulator.frames import Hub
from tools.simulator.graph import NodeCache
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

    def __attrs_post_init__(self) -> None:
        self.not_hung.set()

    def exec_info(self) -> dict[str, Any]:
        """What GET /prompt and `status` frames say."""
        return {"exec_info": {"queue_remaining": self.queue.remaining()}}

    def status_changed(self) -> None:
        """Tell all sockets how many prompts are left."""
        self.hub.send("status", {"status": self.exec_info()})
