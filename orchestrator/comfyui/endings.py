"""Says how a prompt ended and which files it left, from its history entry alone. Pure."""

from __future__ import annotations

import re
from typing import Any, Literal

from attrs import frozen

from orchestrator.comfyui.answers import HistoryEntry
from orchestrator.errors import PathInvalid

OutputType = Literal["output", "temp", "input"]
TYPES: tuple[OutputType, ...] = ("output", "temp", "input")

#: By suffix, and not by the host's own table, which differs from host to host.
MEDIA_TYPES = {
    ".avi": "video/x-msvideo",
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".exr": "image/x-exr",
    ".flac": "audio/flac",
    ".gif": "image/gif",
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".m4a": "audio/mp4",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".obj": "model/obj",
    ".ogg": "audio/ogg",
    ".opus": "audio/opus",
    ".png": "image/png",
    ".stl": "model/stl",
    ".svg": "image/svg+xml",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".txt": "text/plain",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    ".webp": "image/webp",
}
_DRIVE = re.compile(r"[A-Za-z]:")


@frozen
class Output:
    """A file that a node made, as ComfyUI names it. The names have been checked."""

    node_id: str
    #: The node's own word for it: images, gifs, video, audio, 3d ...
    kind: str
    filename: str
    #: As the backend wrote it; one on Windows writes backslashes.
    subfolder: str
    type: OutputType
    #: Its place among the node's files of this kind, from 0.
    index: int

    @property
    def temporary(self) -> bool:
        """Whether it is a preview, which the backend wipes at its next start."""
        return self.type == "temp"

    @property
    def kept(self) -> bool:
        """Whether it is a result; previews and inputs that are shown again are none."""
        return self.type == "output"

    @property
    def media_type(self) -> str:
        """By suffix; `application/octet-stream` if that says nothing."""
        dot = self.filename.rfind(".")
        return MEDIA_TYPES.get(self.filename[dot:].lower(), "application/octet-stream")


@frozen
class Succeeded:
    """The prompt ran to its end. Whether its files can still be fetched is another question."""

    outputs: tuple[Output, ...]


@frozen
class Failed:
    """A node raised an error, or the entry cannot be believed."""

    node_id: str | None
    node_type: str | None
    exception_type: str
    message: str
    traceback: tuple[str, ...]


@frozen
class Interrupted:
    """Somebody interrupted the prompt, we or another; `node` is where it noticed."""

    node: str | None


Ending = Succeeded | Failed | Interrupted


def classify(entry: HistoryEntry) -> Ending:
    """How a prompt ended.

    The messages decide, because ComfyUI writes the status "error" for an interrupted prompt too.
    A success whose output names nobody may use is a failure (`path.invalid`). Never raises.
    """
    for kind, data in reversed(entry.messages):
        if kind == "execution_interrupted":
            return Interrupted(_text(data.get("node_id")))
        if kind == "execution_error":
            return _failed(data)
    # The oldest servers wrote no status at all; then the outputs tell.
    if entry.status == "success" or (not entry.status and entry.outputs):
        try:
            return Succeeded(outputs(entry))
        except PathInvalid as exc:
            return Failed(None, None, exc.code, str(exc), ())
    said = entry.status or "no status"
    return Failed(None, None, "unknown", f"ComfyUI's history says {said!r} and no reason.", ())


def outputs(entry: HistoryEntry) -> tuple[Output, ...]:
    """Every file that an entry names, whatever its kind; also of prompts that failed later on.

    Raises:
        PathInvalid: A name that could lead out of a folder. The server is not to be trusted.
    """
    found = []
    for node, shown in entry.outputs.items():
        for kind, items in shown.items() if isinstance(shown, dict) else ():
            listed = items if isinstance(items, list) else [items]
            files = [item for item in listed if _is_file(item)]
            found += [_output(node, kind, item, index) for index, item in enumerate(files)]
    return tuple(found)


def _is_file(item: object) -> bool:
    return isinstance(item, dict) and "filename" in item


def _output(node: str, kind: str, item: dict[str, Any], index: int) -> Output:
    filename, subfolder = item["filename"], item.get("subfolder") or ""
    folder = next((each for each in TYPES if each == item.get("type", "output")), None)
    if not isinstance(filename, str) or not isinstance(subfolder, str) or folder is None:
        raise PathInvalid(str(item)[:200], "it is no name, subfolder and type of an output")
    _check_name(filename)
    _check_subfolder(subfolder)
    return Output(node, kind, filename, subfolder, folder, index)


def _check_name(filename: str) -> None:
    if not filename or "/" in filename or "\\" in filename:
        raise PathInvalid(filename, "it is not the name of one file")
    if ".." in filename or filename == ".":
        raise PathInvalid(filename, "it leads out of its folder")
    if len(filename.encode("utf-8", "replace")) > 255:
        raise PathInvalid(filename, "it is longer than a file name can be")
    _check_text(filename)


def _check_subfolder(subfolder: str) -> None:
    parts = subfolder.replace("\\", "/").split("/")
    if subfolder and not parts[0]:
        raise PathInvalid(subfolder, "it is absolute")
    if ".." in parts:
        raise PathInvalid(subfolder, "it leads out of its folder")
    if len(subfolder) > 1000:
        raise PathInvalid(subfolder, "it is longer than a path can be")
    _check_text(subfolder)


def _check_text(name: str) -> None:
    if _DRIVE.match(name):
        raise PathInvalid(name, "it names a drive")
    if any(char < " " or char == "\x7f" or "\ud800" <= char <= "\udfff" for char in name):
        raise PathInvalid(name, "it holds characters that no name should have")


def _failed(data: dict[str, Any]) -> Failed:
    lines = data.get("traceback")
    return Failed(
        node_id=_text(data.get("node_id")),
        node_type=_text(data.get("node_type")),
        exception_type=str(data.get("exception_type") or "unknown"),
        message=str(data.get("exception_message") or "").strip(),
        traceback=tuple(map(str, lines)) if isinstance(lines, list) else (),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
