"""One prompt from start to end: its nodes in order, its frames, and what the history will say.

Follows PromptExecutor of ComfyUI 0.3.75 (transcripts s01 to s03c, s08, s09, s20).
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, Final

from attrs import define, field
from PIL import Image

from tools.simulator.behaviour import Behaviour
from tools.simulator.frames import preview_frame, preview_with_metadata_frame, text_frame
from tools.simulator.graph import Cached, Graph, RunOrder, is_link, signatures
from tools.simulator.memory import Memory
from tools.simulator.nodes import NODE_CLASSES
from tools.simulator.nodes.base import (
    NodeFailedError,
    Preview,
    ProcessKilledError,
    Result,
    WorkerEndedError,
)
from tools.simulator.store import Store

_OUT_OF_MEMORY: Final = (
    "Allocation on device \nThis error means you ran out of memory on your GPU.\n\n"
    "TIPS: If the workflow worked before you might have accidentally set the batch_size to a "
    "large number."
)

#: Stands in for ComfyUI's own stack; a list of texts, as there.
_TRACEBACK: Final = (
    '  File "execution.py", line 510, in execute\n    output_data = await get_output_data(...)\n',
    '  File "execution.py", line 286, in process_inputs\n    result = f(**inputs)\n',
)


class InterruptedByUserError(Exception):
    """The prompt stops here: someone interrupted it."""


@define(eq=False)
class Execution:
    """The run of one prompt; it is also what its nodes see of the server."""

    memory: Memory
    behaviour: Behaviour
    store: Store
    prompt_id: str
    graph: Graph
    extra_data: dict[str, Any]
    outputs: list[str]
    #: Whether this prompt is one of those that are to fail.
    doomed: bool = False
    node_id: str = ""
    _messages: list[list[Any]] = field(factory=list)
    _progress: dict[str, dict[str, Any]] = field(factory=dict)
    _executed: list[str] = field(factory=list)
    _ui: dict[str, Any] = field(factory=dict)
    _meta: dict[str, Any] = field(factory=dict)

    # What nodes use: see nodes.base.Context.

    @property
    def previews(self) -> bool:
        """Whether samplers should send previews."""
        return self.behaviour.previews

    @property
    def seconds_per_step(self) -> float:
        """How long a sampler's step takes."""
        return self.behaviour.seconds_per_step

    def metadata(self) -> dict[str, str]:
        """Text chunks for saved pictures: JSON with ASCII escapes, as ComfyUI writes them."""
        texts = {"prompt": json.dumps(self.graph)}
        for name, value in (self.extra_data.get("extra_pnginfo") or {}).items():
            texts[name] = json.dumps(value)
        return texts

    async def wait(self, seconds: float) -> None:
        """Take time; a server that hangs meanwhile stands still."""
        await asyncio.sleep(seconds * self.behaviour.pace)
        await self.memory.not_hung.wait()

    async def step(self, value: int, total: int, preview: Preview | None = None) -> None:
        """Report progress, as ComfyUI's ProgressBar does.

        Raises:
            InterruptedByUserError: the interrupt flag was set.
            NodeFailedError: the prompt is to fail.
        """
        self._check_interrupt()
        self._fail_if_doomed()
        client = self.memory.client_id
        image = await asyncio.to_thread(preview.draw) if preview else None
        self._progress[self.node_id] |= {"value": value, "max": total}
        self._send_progress()
        modern = self.memory.hub.wants_metadata(client)
        if preview and image and modern:
            about = {**self._identity(self.node_id), "image_type": preview.image_type}
            self.memory.hub.send_binary(preview_with_metadata_frame(image, about), client)
        data = {"value": value, "max": total, "prompt_id": self.prompt_id, "node": self.node_id}
        self.memory.hub.send("progress", data, client)
        if preview and image and not modern:
            self.memory.hub.send_binary(preview_frame(image, preview.image_type), client)

    def say(self, text: str) -> None:
        """Send a text frame; ComfyUI sends these to all sockets."""
        self.memory.hub.send_binary(text_frame(self.node_id, text))

    # The run itself.

    async def run(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Run to the end; `outputs` and `meta`, and the `status`, of the history's entry.

        Raises:
            WorkerEndedError: a node ended the worker; nothing is written to the history.
            ProcessKilledError: a node killed the whole server.
        """
        memory = self.memory
        memory.interrupted = False
        memory.client_id = self.extra_data.get("client_id")
        memory.last_node_id = None
        memory.started.append(self.prompt_id)
        self._note("execution_start", {"prompt_id": self.prompt_id})
        memory.cache.prepare(await asyncio.to_thread(signatures, self.graph, self.store))
        if self.doomed:
            for output in self.outputs:
                memory.cache.forget(output)
        cached = [node_id for node_id in self.graph if memory.cache.get(node_id)]
        self._note("execution_cached", {"nodes": cached, "prompt_id": self.prompt_id})
        completed = await self._run_nodes()
        memory.last_node_id = None
        if completed:
            self._note("execution_success", {"prompt_id": self.prompt_id})
        status = {
            "status_str": "success" if completed else "error",
            "completed": completed,
            "messages": self._messages,
        }
        return {"outputs": self._ui, "meta": self._meta}, status

    async def _run_nodes(self) -> bool:
        order = RunOrder(self.graph, lambda node_id: self.memory.cache.get(node_id) is not None)
        for output in self.outputs:
            order.add(output)
        while (node_id := order.next()) is not None:
            self.node_id = node_id
            entry = self.memory.cache.get(node_id)
            if entry is not None:
                self._repeat(node_id, entry)
            elif not await self._run_node(node_id):
                return False
            order.done(node_id)
        return True

    def _repeat(self, node_id: str, entry: Cached) -> None:
        """A cached output: its old `ui` once more, but only if the prompt has a client."""
        if self.memory.client_id is not None:
            self._send_executed(node_id, entry.ui)
            if entry.ui is not None:
                self._ui[node_id], self._meta[node_id] = entry.ui, entry.meta
        self._progress[node_id] = self._state(node_id, 1, 1, "finished")
        self._send_progress()

    async def _run_node(self, node_id: str) -> bool:
        node = NODE_CLASSES[self.graph[node_id]["class_type"]]
        self._progress[node_id] = self._state(node_id, 0.0, 1.0, "running")
        self._send_progress()
        if self.memory.client_id is not None:
            self.memory.last_node_id = node_id
            data = {"node": node_id, "display_node": node_id, "prompt_id": self.prompt_id}
            self.memory.hub.send("executing", data, self.memory.client_id)
        given = self._given(node_id)
        try:
            self._check_interrupt()
            await self.wait(self.behaviour.seconds_per_node)
            if node.output_node:
                self._fail_if_doomed()
            result = await node.run(self, given)
        except InterruptedByUserError:
            self._note("execution_interrupted", self._where(node_id), broadcast=True)
            return False
        except (WorkerEndedError, ProcessKilledError):
            raise
        except Exception as exc:  # noqa: BLE001 - whatever a node raises ends its prompt, not the server
            self._note("execution_error", self._where(node_id) | self._blame(exc, given))
            return False
        self._finish_node(node_id, result)
        return True

    def _finish_node(self, node_id: str, result: Result) -> None:
        meta = {
            "node_id": node_id,
            "display_node": node_id,
            "parent_node": None,
            "real_node_id": node_id,
        }
        if result.ui is not None:
            self._send_executed(node_id, result.ui)
            self._ui[node_id], self._meta[node_id] = result.ui, meta
        self.memory.cache.put(node_id, Cached(result.values, result.ui, meta))
        state = self._progress[node_id]
        self._progress[node_id] = state | {"value": state["max"], "state": "finished"}
        self._send_progress()
        self._executed.append(node_id)

    def _given(self, node_id: str) -> dict[str, Any]:
        """The values of a node's declared inputs, links replaced by what they point at."""
        declared = NODE_CLASSES[self.graph[node_id]["class_type"]].inputs
        given: dict[str, Any] = {}
        for name, value in self.graph[node_id]["inputs"].items():
            if name not in declared:
                continue
            if is_link(value):
                entry = self.memory.cache.get(value[0])
                given[name] = entry.values[int(value[1])] if entry else None
            else:
                given[name] = value
        return given

    def _hidden(self) -> dict[str, Any]:
        """The inputs that ComfyUI fills in for the running node."""
        known = {
            "PROMPT": self.graph,
            "EXTRA_PNGINFO": self.extra_data.get("extra_pnginfo"),
            "UNIQUE_ID": self.node_id,
        }
        hidden = NODE_CLASSES[self.graph[self.node_id]["class_type"]].hidden
        return {name: known[kind] for name, kind in hidden.items()}

    def _check_interrupt(self) -> None:
        if self.memory.interrupted:
            self.memory.interrupted = False
            raise InterruptedByUserError

    def _fail_if_doomed(self) -> None:
        if self.doomed:
            raise NodeFailedError("torch.OutOfMemoryError", _OUT_OF_MEMORY)

    # Frames and messages.

    def _note(self, event: str, data: dict[str, Any], *, broadcast: bool = False) -> None:
        """A message for the history, and for the client; without one only broadcasts are sent."""
        data = {**data, "timestamp": int(time.time() * 1000)}
        self._messages.append([event, data])
        if self.memory.client_id is not None or broadcast:
            self.memory.hub.send(event, data, self.memory.client_id)

    def _send_executed(self, node_id: str, ui: dict[str, list[Any]] | None) -> None:
        if self.memory.client_id is not None:
            data = {
                "node": node_id,
                "display_node": node_id,
                "output": ui,
                "prompt_id": self.prompt_id,
            }
            self.memory.hub.send("executed", data, self.memory.client_id)

    def _send_progress(self) -> None:
        data = {"prompt_id": self.prompt_id, "nodes": self._progress}
        self.memory.hub.send("progress_state", data, self.memory.client_id)

    def _identity(self, node_id: str) -> dict[str, Any]:
        return {
            "node_id": node_id,
            "prompt_id": self.prompt_id,
            "display_node_id": node_id,
            "parent_node_id": None,
            "real_node_id": node_id,
        }

    def _state(self, node_id: str, value: float, most: float, state: str) -> dict[str, Any]:
        return {"value": value, "max": most, "state": state, **self._identity(node_id)}

    def _where(self, node_id: str) -> dict[str, Any]:
        return {
            "prompt_id": self.prompt_id,
            "node_id": node_id,
            "node_type": self.graph[node_id]["class_type"],
            "executed": list(self._executed),
        }

    def _blame(self, exc: Exception, given: dict[str, Any]) -> dict[str, Any]:
        kind = exc.kind if isinstance(exc, NodeFailedError) else type(exc).__name__
        inputs = {**given, **self._hidden()}
        return {
            "exception_message": f"{exc}\n",
            "exception_type": kind,
            "traceback": list(_TRACEBACK),
            "current_inputs": {name: [_shown(value)] for name, value in inputs.items()},
            "current_outputs": list(self.graph),
        }


def _shown(value: Any) -> Any:
    """A value in an error message: plain ones as they are, all others as text."""
    if isinstance(value, tuple) and value and isinstance(value[0], Image.Image):
        return f"tensor of shape [{len(value)}, {value[0].height}, {value[0].width}, 3]"
    return value if isinstance(value, (int, float, bool, str)) or value is None else str(value)
