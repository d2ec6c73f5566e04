"""Saved projects in a folder: which files hold one, and what it is called. Blocks."""

from __future__ import annotations

import re
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from attrs import frozen

from orchestrator.errors import FileMissing
from orchestrator.folders.places import existing_folder, look_into
from orchestrator.gallery.reading import reading
from orchestrator.paths.roots import Roots

#: Most saved projects in one answer.
MAX_SAVED = 200
#: Bytes of one file that is looked into: reading JSON keeps all other threads waiting.
MAX_STATE_BYTES = 16 << 20
#: Bytes of all files that are looked into for one answer; the others are listed unread.
MAX_READ_BYTES = 128 << 20

_NAMED = re.compile(r"project.*\.json|.+_project\.json", re.IGNORECASE)


@frozen
class SavedProject:
    """A file that holds a project's state."""

    path: str
    name: str
    saved_at: datetime
    #: None if the file was not read, or is broken.
    panel_count: int | None


@frozen
class SavedProjects:
    """The saved projects of a folder, the latest first."""

    found: tuple[SavedProject, ...]
    #: How many more there are than an answer holds.
    left_out: int


def saved_projects(path: str, roots: Roots) -> SavedProjects:
    """The files of a folder that are named `project*.json` or `*_project.json`.

    Raises:
        PathInvalid, PathNotPermitted, FileMissing, FileUnreadable.
    """
    folder = existing_folder(path, roots)
    names = [name for name in look_into(folder).files if _NAMED.fullmatch(name)]
    room = MAX_READ_BYTES
    found = []
    for name in names[:MAX_SAVED]:
        try:
            with reading(folder / name):
                info = (folder / name).stat(follow_symlinks=False)
                fits = stat.S_ISREG(info.st_mode) and info.st_size <= min(room, MAX_STATE_BYTES)
                data = (folder / name).read_bytes() if fits else b""
        except FileMissing:
            continue  # it was replaced while we looked
        room -= len(data)
        saved = _saved(folder / name, data, info.st_mtime)
        if saved is not None:
            found.append(saved)
    found.sort(key=lambda saved: saved.saved_at, reverse=True)
    return SavedProjects(tuple(found), max(0, len(names) - MAX_SAVED))


def _saved(path: Path, data: bytes, modified: float) -> SavedProject | None:
    """What a file says of itself; None if it holds something else than a project."""
    when = datetime.fromtimestamp(modified, UTC)
    try:
        state = orjson.loads(data)
    except orjson.JSONDecodeError:
        # Not read, or broken: an earlier state may be loaded in its place.
        return SavedProject(str(path), path.stem, when, None)
    if not isinstance(state, dict):
        return None
    settings, panels = state.get("project_settings"), state.get("panels")
    if not isinstance(settings, dict) and not isinstance(panels, list):
        return None
    return SavedProject(
        path=str(path),
        name=_name(settings) or path.stem,
        saved_at=_time(state.get("saved_at")) or when,
        panel_count=len(panels) if isinstance(panels, list) else 0,
    )


def _name(settings: Any) -> str | None:
    name = settings.get("name") if isinstance(settings, dict) else None
    return name if isinstance(name, str) and name.strip() else None


def _time(text: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo is not None else time.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None
