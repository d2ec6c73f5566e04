"""Where a saved file goes: its folder, a name that nobody has, and its sidecar."""

from __future__ import annotations

from collections.abc import Collection
from itertools import count
from pathlib import Path, PurePath
from typing import Any

import orjson
from attrs import frozen

from events.log.disk_io import DiskIO
from orchestrator.errors import FileMissing, PathInvalid, PathNotPermitted
from orchestrator.gallery.media import is_media, media_type
from orchestrator.gallery.place import put_in_place
from orchestrator.paths.roots import Roots, is_service_path, safe_name
from orchestrator.saving.drafts import discard, sweep, write_draft

#: If others take our name again and again so often, something is wrong there.
_RACES = 20
_SIDECAR = ".json"


@frozen
class Placed:
    """Where a file lies."""

    path: Path
    #: What was said of it; None if nothing was.
    sidecar: Path | None


@frozen
class Folder:
    """A folder to save into; the last part of its path may not be there yet."""

    path: Path
    exists: bool

    @property
    def staging(self) -> Path:
        """Where a file waits until it is whole, on the same file system."""
        return self.path if self.exists else self.path.parent


def media_name(name: str) -> str:
    """A name that media can have on every system.

    Raises:
        PathInvalid: it cannot, or has no suffix of a picture, video or sound.
    """
    safe_name(name)
    if not is_media(name):
        raise PathInvalid(name, "its suffix is none of a picture, video or sound")
    return name


def picture_name(name: str) -> str:
    """A name that a picture can have on every system.

    Raises:
        PathInvalid: it cannot, or has no suffix of a picture.
    """
    kind = media_type(media_name(name))
    if kind is None or kind.kind != "image":
        raise PathInvalid(name, "its suffix is none of a picture")
    return name


def folder_for(roots: Roots, folder_path: str) -> Folder:
    """The folder that a request names; it is not made yet. Blocks.

    Raises:
        PathInvalid, PathNotPermitted: it may not be used.
        FileMissing: the folder that it lies in is not there, either.
        OSError: the share does not answer.
    """
    path = roots.permit(folder_path)
    if is_service_path(path):
        raise PathNotPermitted(str(path), tuple(map(str, roots.folders)))
    if path.is_dir():
        return Folder(path, exists=True)
    if path.exists():
        raise PathInvalid(str(path), "it is a file")
    if not path.parent.is_dir():
        raise FileMissing(str(path.parent))
    safe_name(path.name)
    return Folder(roots.permit(path), exists=False)


def free(name: str, taken: Collection[str], *, sidecar: bool) -> str:
    """The name, or the first of `<stem>_1`, `<stem>_2` and so on that nobody has. Pure.

    Args:
        name: What is wished for.
        taken: Names in the folder, in lower case: many shares do not tell case.
        sidecar: Whether the name of its sidecar must be free as well.
    """
    wish = PurePath(name)
    for number in count():
        tried = name if number == 0 else f"{wish.stem}_{number}{wish.suffix}"
        names = (tried, sidecar_of(tried)) if sidecar else (tried,)
        if not any(each.casefold() in taken for each in names):
            return tried
    raise AssertionError  # there are more numbers than names


def sidecar_of(name: str) -> str:
    """What the file beside a picture is called that speaks of it."""
    return PurePath(name).stem + _SIDECAR


def encoded(metadata: dict[str, Any]) -> bytes:
    """The content of a sidecar."""
    return orjson.dumps(metadata, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def settle(staged: Path, folder: Path, name: str, about: bytes | None, disk: DiskIO) -> Placed:
    """Give a staged file a name that nobody has, its sidecar first; nothing is replaced. Blocks.

    After a crash in between there is a sidecar without its file, never a file without its sidecar.

    Raises:
        PathInvalid: the free name would be too long.
        OSError: the share refuses; neither file is there under its name.
    """
    folder.mkdir(exist_ok=True)
    for last in range(_RACES, 0, -1):
        names = disk.names(folder)
        taken = {each.casefold() for each in names}
        chosen = safe_name(free(name, taken, sidecar=about is not None))
        try:
            placed = _take(staged, folder / chosen, about, disk)
        except FileExistsError:
            if last == 1:
                raise
        else:
            sweep(folder, names)
            return placed
    raise AssertionError  # the last try has ended the loop


def _take(staged: Path, target: Path, about: bytes | None, disk: DiskIO) -> Placed:
    if about is None:
        put_in_place(staged, target, disk)
        return Placed(target, None)
    sidecar = target.with_name(sidecar_of(target.name))
    draft = write_draft(target.parent, about, disk)
    try:
        put_in_place(draft, sidecar, disk)
    except OSError:
        discard(draft)
        raise
    try:
        put_in_place(staged, target, disk)
    except OSError:
        discard(sidecar)
        raise
    return Placed(target, sidecar)
