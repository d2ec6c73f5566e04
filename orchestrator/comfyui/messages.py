"""Reads the frames of ComfyUI's WebSocket into small frozen classes. Pure; never raises.

Frames are hints. They may be missing, late, of another prompt, or of a kind that a later
ComfyUI invents; what cannot be read becomes `Unknown`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import orjson
from attrs import frozen


@frozen
class Status:
    """The number of prompts that wait or run has changed; sent to every socket."""

    queue_remaining: int | None
    #: The client's id; only in the first frame of a connection.
    sid: str | None


@frozen
class ExecutionStart:
    """A prompt begins to run."""

    prompt_id: str


@frozen
class Cached:
    """These nodes will not run, because their results are still there."""

    prompt_id: str
    nodes: tuple[str, ...]


@frozen
class Executing:
    """A node begins to run; None as node says that the prompt has ended.

    After a reconnect one comes without a prompt_id.
    """

    prompt_id: str | None
    node: str | None


@frozen
class Progress:
    """A step within a node."""

    prompt_id: str
    node: str
    value: float
    max: float


@frozen
class NodeProgress:
    """How far one node is."""

    node: str
    value: float
    max: float
    #: "running" or "finished"; a node that failed stays "running".
    state: str


@frozen
class ProgressState:
    """How far all nodes are that have begun; each frame repeats all that was before."""

    prompt_id: str
    nodes: tuple[NodeProgress, ...]


@frozen
class Executed:
    """A node has shown or saved something."""

    prompt_id: str
    node: str
    #: As in the history; untrusted.
    output: dict[str, Any]


@frozen
class ExecutionSuccess:
    """A prompt ran to its end; its history entry may come some 100 ms later."""

    prompt_id: str


@frozen
class ExecutionError:
    """A prompt failed."""

    prompt_id: str
    node: str | None
    exception_type: str
    message: str


@frozen
class ExecutionInterrupted:
    """A prompt was interrupted."""

    prompt_id: str
    node: str | None


@frozen
class Preview:
    """A picture of what a node is working on."""

    #: None in the old form, which does not say whose picture it is.
    prompt_id: str | None
    node: str | None
    media_type: str
    image: bytes


@frozen
class Unknown:
    """A frame of another kind, or one that cannot be read."""

    kind: str


Frame = (
    Status
    | ExecutionStart
    | Cached
    | Executing
    | Progress
    | ProgressState
    | Executed
    | ExecutionSuccess
    | ExecutionError
    | ExecutionInterrupted
    | Preview
    | Unknown
)


def parse_text(text: str | bytes) -> Frame:
    """Read a text frame: `{"type": ..., "data": {...}}`."""
    try:
        message = orjson.loads(text)
        kind, data = str(message["type"]), message["data"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return Unknown("unreadable")
    reader = _READERS.get(kind)
    if reader is None or not isinstance(data, dict):
        return Unknown(kind)
    try:
        return reader(data)
    except (KeyError, TypeError, ValueError, AttributeError):
        return Unknown(kind)


def parse_binary(frame: bytes) -> Frame:
    """Read a binary frame, which begins with its kind as a big-endian u32.

    Kind 1 is a preview in the old form, 4 a preview that says whose it is. Kind 3 is a text that
    goes to every client; it and all others are Unknown.
    """
    try:
        (kind,) = struct.unpack_from(">I", frame)
        if kind == 1:
            (form,) = struct.unpack_from(">I", frame, 4)
            return Preview(None, None, {1: "image/jpeg", 2: "image/png"}[form], frame[8:])
        if kind == 4:
            return _preview(frame)
    except (struct.error, KeyError, TypeError, ValueError):
        return Unknown("unreadable")
    return Unknown(f"binary {kind}")


def _preview(frame: bytes) -> Preview:
    (length,) = struct.unpack_from(">I", frame, 4)
    if len(frame) < 8 + length:
        raise ValueError("the frame is cut off")
    about = orjson.loads(frame[8 : 8 + length])
    node = about.get("display_node_id") or about["node_id"]
    media_type = about.get("image_type", "image/jpeg")
    return Preview(about["prompt_id"], str(node), str(media_type), frame[8 + length :])


def _status(data: dict[str, Any]) -> Frame:
    info = (data.get("status") or {}).get("exec_info") or {}
    remaining = info.get("queue_remaining")
    return Status(None if remaining is None else int(remaining), _optional(data, "sid"))


def _executing(data: dict[str, Any]) -> Frame:
    return Executing(_optional(data, "prompt_id"), _optional(data, "node"))


def _progress(data: dict[str, Any]) -> Frame:
    return Progress(
        str(data["prompt_id"]), str(data["node"]), float(data["value"]), float(data["max"])
    )


def _progress_state(data: dict[str, Any]) -> Frame:
    nodes = [
        NodeProgress(
            node=str(node),
            value=float(said["value"]),
            max=float(said["max"]),
            state=str(said["state"]),
        )
        for node, said in data["nodes"].items()
    ]
    return ProgressState(str(data["prompt_id"]), tuple(nodes))


def _executed(data: dict[str, Any]) -> Frame:
    output = data.get("output")
    shown = output if isinstance(output, dict) else {}
    return Executed(str(data["prompt_id"]), str(data["node"]), shown)


def _error(data: dict[str, Any]) -> Frame:
    return ExecutionError(
        str(data["prompt_id"]),
        _optional(data, "node_id"),
        str(data.get("exception_type") or "unknown"),
        str(data.get("exception_message") or "").strip(),
    )


def _optional(data: dict[str, Any], key: str) -> str | None:
    value = data.get(key)
    return None if value is None else str(value)


_READERS: dict[str, Callable[[dict[str, Any]], Frame]] = {
    "status": _status,
    "execution_start": lambda data: ExecutionStart(str(data["prompt_id"])),
    "execution_cached": lambda data: Cached(
        str(data["prompt_id"]), tuple(map(str, data.get("nodes") or ()))
    ),
    "executing": _executing,
    "progress": _progress,
    "progress_state": _progress_state,
    "executed": _executed,
    "execution_success": lambda data: ExecutionSuccess(str(data["prompt_id"])),
    "execution_error": _error,
    "execution_interrupted": lambda data: ExecutionInterrupted(
        str(data["prompt_id"]), _optional(data, "node_id")
    ),
}
