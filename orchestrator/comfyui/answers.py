"""What ComfyUI's HTTP interface answers, as small frozen classes, and how JSON becomes them. Pure.

The shapes are those of ComfyUI's `server.py` and `execution.py` (PromptQueue). A `read_*`
function raises KeyError, TypeError, ValueError or IndexError if an answer has another shape;
the client makes an error of ours from that.
"""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from orchestrator.comfyui.graph import Workflow

#: How ComfyUI names the node that no `node_errors` speak of.
_NODE_ID = re.compile(r"Node ID '#(.+)'")


@frozen
class Submitted:
    """A prompt that the backend has taken in whole."""

    prompt_id: str
    #: Its place in the backend's order of runs; lower runs first.
    number: float


@frozen
class QueueItem:
    """A prompt in the backend's queue, ours or somebody else's."""

    number: float
    prompt_id: str
    graph: Workflow
    #: What was sent as `extra_data`, with the `client_id` merged in.
    extra_data: dict[str, Any]
    #: The output nodes that will be run.
    outputs: tuple[str, ...]


@frozen
class QueueView:
    """A backend's queue at one moment, in the order in which it will run."""

    running: tuple[QueueItem, ...]
    pending: tuple[QueueItem, ...]

    def find(self, prompt_id: str) -> Running | Pending | None:
        """Where a prompt stands in the queue; running counts first if it is there twice."""
        for item in self.running:
            if item.prompt_id == prompt_id:
                return Running(item)
        for ahead, item in enumerate(self.pending):
            if item.prompt_id == prompt_id:
                return Pending(item, ahead + len(self.running))
        return None


@frozen
class HistoryEntry:
    """The record of a prompt that has ended, however it ended."""

    prompt_id: str
    graph: Workflow
    extra_data: dict[str, Any]
    #: The output nodes that were to be run.
    expected: tuple[str, ...]
    #: Per node, what it showed or saved: `{"4": {"images": [{"filename": ...}]}}`. Untrusted.
    outputs: dict[str, Any]
    #: "success" or "error" (also for interrupted prompts); "" if the server gave no status.
    status: str
    messages: tuple[tuple[str, dict[str, Any]], ...]


@frozen
class Running:
    """The prompt is being run."""

    item: QueueItem


@frozen
class Pending:
    """The prompt waits in the backend's queue."""

    item: QueueItem
    #: How many prompts will end before it starts, those that run now included.
    ahead: int


@frozen
class Finished:
    """The prompt has ended, well or not."""

    entry: HistoryEntry


@frozen
class Absent:
    """The backend does not know the prompt: never got it, forgot it, or deleted it."""


Location = Running | Pending | Finished | Absent


@frozen
class Device:
    """A device that a backend computes on. Memory is in bytes."""

    name: str
    type: str
    index: int | None
    vram_total: int
    vram_free: int


@frozen
class SystemStats:
    """A backend's software and memory. Memory is in bytes."""

    version: str
    os: str
    python_version: str
    pytorch_version: str
    ram_total: int
    ram_free: int
    devices: tuple[Device, ...]


@frozen
class Uploaded:
    """Where a backend has put an uploaded file; the name may differ from the one sent."""

    name: str
    subfolder: str
    type: str

    @property
    def value(self) -> str:
        """What an input such as LoadImage's `image` takes."""
        return f"{self.subfolder}/{self.name}" if self.subfolder else self.name


@frozen
class Fetched:
    """An output that has been written to a local file."""

    #: In bytes.
    size: int
    #: In hexadecimal.
    sha256: str


def read_queue(answer: Any) -> QueueView:
    """The answer of `GET /queue`; pending prompts come in heap order and leave in run order."""
    running = [_queue_item(item) for item in answer["queue_running"]]
    pending = [_queue_item(item) for item in answer["queue_pending"]]
    pending.sort(key=lambda item: (item.number, item.prompt_id))
    return QueueView(tuple(running), tuple(pending))


def _queue_item(item: Any) -> QueueItem:
    number, prompt_id, graph, extra_data, outputs = item[:5]
    return QueueItem(
        number=float(number),
        prompt_id=str(prompt_id),
        graph=read_object(graph),
        extra_data=read_object(extra_data),
        outputs=tuple(str(node) for node in outputs),
    )


def read_history(answer: Any, prompt_id: str) -> HistoryEntry | None:
    """The answer of `GET /history/{prompt_id}`; None if the prompt is not in it."""
    if prompt_id not in read_object(answer):
        return None
    entry = answer[prompt_id]
    _, _, graph, extra_data, expected = entry["prompt"][:5]
    status = entry.get("status") or {}
    return HistoryEntry(
        prompt_id=prompt_id,
        graph=read_object(graph),
        extra_data=read_object(extra_data),
        expected=tuple(str(node) for node in expected),
        outputs=read_object(entry["outputs"]),
        status=str(status.get("status_str") or ""),
        messages=tuple(
            (str(kind), read_object(data)) for kind, data in status.get("messages") or ()
        ),
    )


def read_system_stats(answer: Any) -> SystemStats:
    """The answer of `GET /system_stats`; versions that a server does not tell are empty."""
    system = answer["system"]
    return SystemStats(
        version=str(system.get("comfyui_version") or ""),
        os=str(system.get("os") or ""),
        python_version=str(system.get("python_version") or ""),
        pytorch_version=str(system.get("pytorch_version") or ""),
        ram_total=int(system.get("ram_total") or 0),
        ram_free=int(system.get("ram_free") or 0),
        devices=tuple(
            Device(
                name=str(device["name"]),
                type=str(device.get("type") or ""),
                index=device.get("index"),
                vram_total=int(device.get("vram_total") or 0),
                vram_free=int(device.get("vram_free") or 0),
            )
            for device in answer["devices"]
        ),
    )


def read_uploaded(answer: Any) -> Uploaded:
    """The answer of `POST /upload/image`."""
    return Uploaded(str(answer["name"]), str(answer["subfolder"]), str(answer["type"]))


def refusal_reason(answer: Any) -> str:
    """One sentence from the answer of a refused `POST /prompt`, naming the first faulty nodes."""
    if not isinstance(answer, dict):
        return "it gave no reason"
    error = answer.get("error")
    parts = []
    if isinstance(error, dict):
        parts = [str(error[key]) for key in ("message", "details") if error.get(key)]
    elif error:
        parts = [str(error)]
    faults = answer.get("node_errors")
    for node, fault in list(faults.items())[:3] if isinstance(faults, dict) else ():
        said = fault.get("errors") if isinstance(fault, dict) else None
        for one in said if isinstance(said, list) else ():
            if isinstance(one, dict):
                parts.append(f"node {node}: {one.get('message')}: {one.get('details')}")
    return "; ".join(parts) or "it gave no reason"


def refused_node(answer: Any) -> str | None:
    """The first faulty node that a refused `POST /prompt` names, if it names one.

    A node of an unknown class, or of none, stands in the details alone (protocol section 2).
    """
    if not isinstance(answer, dict):
        return None
    faults, error = answer.get("node_errors"), answer.get("error")
    if isinstance(faults, dict) and faults:
        return str(next(iter(faults)))
    named = _NODE_ID.search(str(error.get("details"))) if isinstance(error, dict) else None
    return named[1] if named else None


def read_object(value: Any) -> dict[str, Any]:
    """Any JSON object."""
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, got {type(value).__name__}")
    return value
