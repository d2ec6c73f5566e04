"""What no file can be called, and what tries to climb out of its folder. Pure: text alone."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath

from pathvalidate import ValidationError, validate_filename

from orchestrator.errors import PathInvalid
from orchestrator.paths.mappings import current_os

#: Bytes of a path that Linux still takes: PATH_MAX is 4096 with the closing NUL.
MAX_PATH_BYTES = 4095
#: Bytes of one name on all usual file systems.
MAX_NAME_BYTES = 255
#: The service's own folder in every project.
SERVICE_FOLDER = ".gallery"

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def check(text: str) -> None:
    """Refuse a path that cannot be used, whatever is on the disk.

    Raises:
        PathInvalid: It is empty, too long, has control characters or `..`.
    """
    if _is_plain(text):
        return
    reason = _fault(text)
    if reason:
        raise PathInvalid(path=text, reason=reason)


def is_service_path(path: PurePath) -> bool:
    """Whether a path is the service's own folder or lies in it.

    Shares ignore case and trailing dots, macOS ignores invisible characters; so do we.
    """
    text = str(path)
    return not _surely_no_service_path(text) and any(map(_service_name, path.parts))


def names_service_path(real: str) -> bool:
    """The same of a path that is text already."""
    return not _surely_no_service_path(real) and is_service_path(PurePath(real))


def safe_name(name: str) -> str:
    """A name that we are about to create, as it is, if every operating system can have it.

    Raises:
        PathInvalid: It is empty, too long, reserved on Windows (`CON`), ends in a dot or space,
            has a character that some system refuses, or is the service's own folder.
    """
    check(name)
    if name in {".", ".."} or _service_name(name):
        raise PathInvalid(path=name, reason="the name is reserved")
    try:
        validate_filename(name, platform="universal", max_len=MAX_NAME_BYTES)
    except ValidationError as exc:
        told = (exc.description or exc.reason.description).partition(" Refer:")[0]
        raise PathInvalid(path=name, reason=told.rstrip(".").lower()) from exc
    return name


def _surely_no_service_path(text: str) -> bool:
    return text.isascii() and SERVICE_FOLDER not in text.lower()


def _service_name(name: str) -> bool:
    if SERVICE_FOLDER[1:] not in name.casefold() and name.isascii():
        return False
    visible = "".join(c for c in name if unicodedata.category(c) != "Cf")
    return visible.rstrip(". ").casefold() == SERVICE_FOLDER


def _is_plain(text: str) -> bool:
    """Whether a path is so plain that none of the rules can concern it, as nearly all are."""
    return (
        0 < len(text) <= MAX_NAME_BYTES
        and text.isascii()
        and text.isprintable()
        and ".." not in text
        and ":" not in text
        and not text.isspace()
    )


def _fault(text: str) -> str | None:
    """Why a path cannot be used; None if it can."""
    if not text.strip():
        return "it is empty"
    if _CONTROL.search(text):
        return "it has control characters"
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "it has characters that no file name can have"
    parts = re.split(r"[/\\]", text)
    if size > MAX_PATH_BYTES or any(len(part.encode()) > MAX_NAME_BYTES for part in parts):
        return "it is too long"
    if ".." in parts:
        return "it has `..`"
    if current_os() == "windows" and any(":" in part for part in parts[1:]):
        return "it has a colon"
    return None
