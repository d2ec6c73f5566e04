"""The file in a project's folder that holds its state now, and the backup beside it.

Functions block.
"""

from __future__ import annotations

import stat
from pathlib import Path

from attrs import frozen

from events.log.disk_io import DiskIO
from orchestrator.errors import FileMissing, PathInvalid
from orchestrator.gallery.media import suffix
from orchestrator.paths.roots import safe_name
from orchestrator.saving.drafts import discard, write_draft
from orchestrator.states.document import MAX_BYTES

#: What a state's file is called at its end, in any case.
SUFFIX = ".json"


@frozen
class Seen:
    """A file as it was looked at."""

    #: None if there is no file.
    data: bytes | None
    #: Inode, bytes and time of change; another one means another file.
    mark: tuple[int, int, int] | None


class ReplacedMeanwhileError(Exception):
    """Somebody wrote to the file since it was looked at: nothing was replaced."""


def state_name(name: str) -> str:
    """A name that a state's file can have on every system.

    Raises:
        PathInvalid: it cannot.
    """
    safe_name(name)
    if suffix(name) != SUFFIX:
        raise PathInvalid(name, f"the name of a project's file must end in {SUFFIX}")
    return name


def backup_of(path: Path) -> Path:
    """Where the state before the last save lies: `project.json.bak`."""
    return path.with_name(f"{path.name}.bak")


def look(path: Path, disk: DiskIO) -> Seen:
    """What a file holds; at most one byte more than a state may have.

    Raises:
        PathInvalid: something that is no file has its name.
        OSError: it cannot be read.
    """
    # Asking for a name that does not exist would make NFS believe for seconds that it does not.
    if path.name not in disk.names(path.parent):
        return Seen(None, None)
    try:
        mark = _mark(path)
        return Seen(disk.read(path, 0, MAX_BYTES + 1).data, mark)
    except FileNotFoundError:
        return Seen(None, None)


def _mark(path: Path) -> tuple[int, int, int]:
    info = path.lstat()
    if not stat.S_ISREG(info.st_mode):
        raise PathInvalid(str(path), "it is a folder, a link or a device")
    return info.st_ino, info.st_size, info.st_mtime_ns


def read(path: Path, disk: DiskIO) -> bytes:
    """What a file holds, which must be there.

    Raises:
        FileMissing: it is not.
        PathInvalid: something that is no file has its name.
        OSError: it cannot be read.
    """
    seen = look(path, disk)
    if seen.data is None:
        raise FileMissing(str(path))
    return seen.data


def replace(path: Path, data: bytes, seen: Seen, backup: bytes | None, disk: DiskIO) -> None:
    """Make a file hold other bytes, in one step; it is durable when this returns.

    Args:
        path: The file.
        data: What it shall hold.
        seen: What it held when it was looked at.
        backup: What the backup shall hold; None leaves that as it is.
        disk: The file system.

    Raises:
        ReplacedMeanwhileError: it holds something else by now.
        OSError: the share refuses; the file is as it was.
    """
    if backup is not None:
        draft = write_draft(path.parent, backup, disk)
        try:
            draft.replace(backup_of(path))
        except OSError:
            discard(draft)
            raise
    draft = write_draft(path.parent, data, disk)
    try:
        _compare(path, seen)
        draft.replace(path)
    except (OSError, PathInvalid, ReplacedMeanwhileError):
        discard(draft)
        raise
    disk.sync_folder(path.parent)


def _compare(path: Path, seen: Seen) -> None:
    """Make sure that a file is as it was seen, as late as can be.

    Raises:
        ReplacedMeanwhileError: it is not.
    """
    try:
        mark = _mark(path)
    except FileNotFoundError:
        mark = None
    if mark != seen.mark:
        raise ReplacedMeanwhileError
