"""Paths as old stores have them, made safe. Pure."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from attrs import frozen

from orchestrator.paths.roots import MAX_NAME_BYTES, MAX_PATH_BYTES, is_service_path

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DRIVE = re.compile(r"[A-Za-z]:")


@frozen
class NoPath:
    """Why a text is no path of a file in the project."""

    reason: str


def clean_path(text: str) -> str | NoPath:
    r"""A path relative to the project, with `/`, from what an old store on any system has.

    It never leads out of the project, nor into the service's own folder. On Windows the
    predecessor wrote `\`.
    """
    path = text.replace("\\", "/")
    if not path.strip():
        return NoPath("it has no path")
    if _CONTROL.search(path):
        return NoPath("its path has control characters")
    if path.startswith("/") or _DRIVE.match(path):
        return NoPath("its path is absolute")
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts:
        return NoPath("its path has `..`")
    try:
        sizes = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        return NoPath("its path is not Unicode")
    if not sizes:
        return NoPath("it has no path")
    if max(sizes) > MAX_NAME_BYTES or sum(sizes) + len(sizes) > MAX_PATH_BYTES:
        return NoPath("its path is too long")
    clean = "/".join(parts)
    if is_service_path(PurePosixPath(clean)):
        return NoPath("its path is the service's own folder")
    return clean


def is_text(text: str) -> bool:
    """Whether it can be sent as JSON: half characters, from names that are no Unicode, can not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
