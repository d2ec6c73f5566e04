"""What a share says of a file that a job needs; refusals name the input that asks for it.

All functions that touch the disk may block on a share that does not answer.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Protocol

from orchestrator.errors import (
    FileMissing,
    FileUnreadable,
    InputForbidden,
    InputMissing,
    InputTooLarge,
    PathInvalid,
    PathNotPermitted,
)
from orchestrator.paths.roots import Roots, is_service_path

#: ComfyUI takes bodies of 100 MiB (`--max-upload-size`), in which the form needs room too.
MAX_UPLOAD_BYTES = 100 * 2**20 - 2**16


class Asking(Protocol):
    """An input of a workflow that asks for a file."""

    @property
    def node(self) -> str:
        """The node's id."""

    @property
    def input(self) -> str:
        """The name of its input."""

    @property
    def value(self) -> str:
        """The file, as people write it."""


def permitted(one: Asking, path: str, roots: Roots) -> Path:
    """Where an absolute path leads, if that may be touched.

    Raises:
        InputForbidden: It lies outside the permitted folders, or is unusable here.
        FileUnreadable: The share does not answer.
    """
    try:
        real = roots.permit(path)
    except PathNotPermitted as exc:
        raise forbidden(one, "it lies outside the permitted folders") from exc
    except PathInvalid as exc:
        raise forbidden(one, f"it cannot be used on this host ({exc.reason})") from exc
    except FileMissing as exc:
        raise FileUnreadable(path, "its share does not answer, or is not mounted") from exc
    if is_service_path(real):
        raise forbidden(one, "it lies in the service's own folder")
    return real


def inside(one: Asking, path: str, roots: Roots, project: Path) -> Path:
    """A path of the project, if it stays there or leads to where it may.

    Raises:
        InputForbidden: It leads out of the permitted folders, or is unusable here.
        FileUnreadable: The share does not answer.
    """
    try:
        return roots.inside(project, path)
    except PathNotPermitted as exc:
        raise forbidden(one, "it leads out of the permitted folders") from exc
    except PathInvalid as exc:
        raise forbidden(one, f"it cannot be used on this host ({exc.reason})") from exc
    except FileMissing as exc:
        raise FileUnreadable(path, "its share does not answer, or is not mounted") from exc


def check_file(one: Asking, path: Path) -> os.stat_result:
    """What the share says of a file that a backend would take.

    Raises:
        InputMissing: It is not there, or is a folder.
        InputTooLarge: ComfyUI would not take so much.
        FileUnreadable: The share does not let us look.
    """
    try:
        said = path.stat()
    except OSError as exc:
        raise unreadable(one, path, exc) from exc
    if not stat.S_ISREG(said.st_mode):
        raise InputMissing(one.node, one.input, one.value, "that is no file")
    if said.st_size > MAX_UPLOAD_BYTES:
        size = said.st_size
        raise InputTooLarge(one.node, one.input, one.value, size, MAX_UPLOAD_BYTES)
    return said


def forbidden(one: Asking, reason: str) -> InputForbidden:
    """The error for a path that the input may not name."""
    return InputForbidden(one.node, one.input, one.value, reason)


def unreadable(one: Asking, path: Path, exc: OSError) -> InputMissing | FileUnreadable:
    """The error for what the share said: gone for good, or out of reach for now."""
    if isinstance(exc, FileNotFoundError | NotADirectoryError):
        return InputMissing(one.node, one.input, one.value, "there is no such file")
    return FileUnreadable.because(path, exc)
