"""What a state of a project is: reading and writing its bytes. Pure."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import orjson
from attrs import frozen

from events.states import ProjectSaved
from orchestrator.errors import Fault, InvalidFields

#: Most bytes of a file that is read as a state. What is saved may grow a little on its way from
#: the request (which has a limit of its own) to the file: `1e15` is written with all its digits.
MAX_BYTES = 256 * 1024 * 1024
#: Characters of `saved_at` that the log keeps.
_TIME_LENGTH = 64
#: Faulty panels that are named.
_SHOWN = 10
_BOM = b"\xef\xbb\xbf"
#: From here on a number without fraction has lost digits when it was read.
_INT_END = 2.0**63


@frozen
class Document:
    """A state as it stands in a file."""

    data: bytes
    sha256: str
    #: What it says, as JSON.
    plain: dict[str, Any]

    @property
    def panels(self) -> int:
        """How many panels it has."""
        return len(self.plain["panels"])

    @property
    def saved_at(self) -> str | None:
        """When it was saved, as it says itself."""
        said = self.plain.get("saved_at")
        return said[:_TIME_LENGTH] if isinstance(said, str) else None

    def same_work(self, other: Document) -> bool:
        """Whether two states differ at most in when they were saved.

        Clients save every minute, whether or not somebody did anything.
        """
        return self.sha256 == other.sha256 or _work(self.plain) == _work(other.plain)


class NoStateError(ValueError):
    """Bytes that hold no state; the message continues "it cannot be loaded:"."""


def digest(data: bytes) -> str:
    """The name under which bytes are kept."""
    return sha256(data).hexdigest()


def written(state: dict[str, Any]) -> Document:
    """A state that a client sent, as its file will be.

    Raises:
        InvalidFields: the state lacks what every state has, or a number would lose digits.
    """
    faults = _faults(state)
    data = orjson.dumps(state, option=orjson.OPT_APPEND_NEWLINE)
    # Numbers as large as that are written with an exponent; nearly no state has one.
    if b"e+" in data:
        faults += _lossy(state)
    if faults:
        raise InvalidFields(
            Fault(f"state.{fault.path}", fault.message, fault.value) for fault in faults
        )
    return Document(data, digest(data), state)


def read(data: bytes) -> Document:
    """A state from the bytes of a file.

    Raises:
        NoStateError: they hold none.
    """
    if len(data) > MAX_BYTES:
        raise NoStateError(f"it has more than {MAX_BYTES:,} bytes")
    try:
        plain = orjson.loads(data.removeprefix(_BOM))
    except orjson.JSONDecodeError as exc:
        raise NoStateError("it is empty" if not data.strip() else f"it is no JSON: {exc}") from exc
    if not isinstance(plain, dict):
        raise NoStateError("it is no JSON object")
    if faults := _faults(plain):
        raise NoStateError("; ".join(f"`{fault.path}` {fault.message}" for fault in faults))
    try:
        orjson.dumps({"answer": [plain]})  # as it will be sent
    except orjson.JSONEncodeError as exc:
        raise NoStateError("it is nested too deep") from exc
    return Document(data, digest(data), plain)


def told(file: str, data: bytes, origin: str) -> ProjectSaved:
    """The event about bytes in a file, whether they hold a state or not."""
    try:
        document = read(data)
    except NoStateError:
        return ProjectSaved(file=file, sha256=digest(data), size=len(data), origin=origin)
    return saved(file, document, origin)


def saved(file: str, document: Document, origin: str = "saved") -> ProjectSaved:
    """The event about a state in a file."""
    return ProjectSaved(
        file=file,
        sha256=document.sha256,
        size=len(document.data),
        panels=document.panels,
        saved_at=document.saved_at,
        origin=origin,
    )


def _faults(state: dict[str, Any]) -> list[Fault]:
    """What no client could do without."""
    faults = []
    if "project_settings" not in state:
        faults.append(Fault("project_settings", "is required"))
    elif not isinstance(state["project_settings"], dict):
        faults.append(Fault("project_settings", "must be an object"))
    panels = state.get("panels")
    if "panels" not in state:
        faults.append(Fault("panels", "is required"))
    elif not isinstance(panels, list):
        faults.append(Fault("panels", "must be a list"))
    else:
        odd = [i for i, panel in enumerate(panels) if not isinstance(panel, dict)]
        faults += [Fault(f"panels[{i}]", "must be an object") for i in odd[:_SHOWN]]
    return faults


def _lossy(state: dict[str, Any]) -> list[Fault]:
    """The first number that is no longer what was sent: JSON readers make floats of these."""
    waiting: list[tuple[str, Any]] = [("", state)]
    while waiting:
        path, part = waiting.pop()
        match part:
            case dict():
                waiting += [(f"{path}.{name}" if path else name, v) for name, v in part.items()]
            case list():
                waiting += [(f"{path}[{index}]", value) for index, value in enumerate(part)]
            case float() if part.is_integer() and abs(part) >= _INT_END:
                return [Fault(path, "must fit into 64 bits", part)]
    return []


def _work(state: dict[str, Any]) -> bytes:
    """A state without the times at which it was saved."""
    settings = {k: v for k, v in state["project_settings"].items() if k != "lastModified"}
    return orjson.dumps({**state, "project_settings": settings, "saved_at": None})
