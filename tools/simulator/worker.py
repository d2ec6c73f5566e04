"""The worker: takes one prompt after the other from the queue and runs it, until it dies."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable
from typing import Any

from attrs import define

from tools.simulator.behaviour import Behaviour
from tools.simulator.execution import Execution
from tools.simulator.memory import Memory
from tools.simulator.nodes.base import ProcessKilledError, WorkerEndedError
from tools.simulator.prompt_queue import QueueItem
from tools.simulator.store import Store


@define(eq=False)
class Worker:
    """The loop of ComfyUI's one worker thread."""

    memory: Memory
    behaviour: Behaviour
    store: Store
    chance: random.Random
    #: Called when a node kills the whole process.
    on_crash: Callable[[], None]

    async def run(self) -> None:
        """Work until cancelled, or until something ends a real worker thread for good.

        Returns when a node ended the worker, when the heap compared two graphs (protocol 4.8),
        or when a node killed the process. Nothing starts it again: only a restart helps.
        """
        try:
            while True:
                await self._next()
        except WorkerEndedError:
            return
        except ProcessKilledError:
            self.on_crash()

    async def _next(self) -> None:
        memory = self.memory
        await memory.not_hung.wait()
        first = memory.queue.pending[:1]
        try:
            taken = memory.queue.take()
        except TypeError as exc:
            memory.note("lost", first[0][1])  # it is in no place any more
            raise WorkerEndedError from exc
        if taken is not None:
            await self._execute(*taken)
        if memory.free_memory:
            memory.free_memory = False
            memory.cache.clear()
        if not memory.queue.pending:
            memory.queue.wake.clear()
            await memory.queue.wake.wait()

    async def _execute(self, task: int, item: QueueItem) -> None:
        _, prompt_id, graph, extra_data, outputs, secret = item
        execution = Execution(
            memory=self.memory,
            behaviour=self.behaviour,
            store=self.store,
            prompt_id=prompt_id,
            graph=graph,
            extra_data={**extra_data, **secret},
            outputs=outputs,
            doomed=self._doomed(prompt_id),
        )
        # The flag is cleared when the run starts: an interrupt before that is lost (protocol 4.5).
        await asyncio.sleep(self.behaviour.interrupt_ignored_at_start)
        await self.memory.not_hung.wait()
        outcome, status = await execution.run()
        if status["completed"] and self.behaviour.take("delete_outputs_next"):
            await self._delete_outputs(prompt_id, outcome)
        if self.behaviour.history_delay:
            await asyncio.sleep(self.behaviour.history_delay)
        self.memory.queue.finish(task, outcome, status)
        client = self.memory.client_id
        if client is not None:
            self.memory.hub.send("executing", {"node": None, "prompt_id": prompt_id}, client)

    def _doomed(self, prompt_id: str) -> bool:
        chosen = self.behaviour.take("fail_next")
        doomed = chosen or self.chance.random() < self.behaviour.fail_fraction
        if doomed:
            self.memory.note("doomed", prompt_id)
        return doomed

    async def _delete_outputs(self, prompt_id: str, outcome: dict[str, Any]) -> None:
        """Somebody tidies up behind the server's back."""
        self.memory.note("spoiled", prompt_id)
        shown = [files for node in outcome["outputs"].values() for files in node.values()]
        for file in itertools.chain(*shown):
            if isinstance(file, dict) and file.get("type") == "output":
                names = file["filename"], file["subfolder"]
                await asyncio.to_thread(self.store.delete, *names)
