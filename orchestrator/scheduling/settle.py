"""Half done file operations: what became of one is decided by looking, never by guessing. Blocks.

The same look serves after a crash and after an error of the share, whose answer may have been
lost on the way.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from events.files import FilesIntended
from events.log.disk_io import DiskIO


class Found(StrEnum):
    """What became of an announced file."""

    #: It is at its name, whole.
    IN_PLACE = "in_place"
    #: It is staged, whole, and must still be put in place.
    STAGED = "staged"
    #: It is in neither place: it has to be fetched again.
    GONE = "gone"


def look(root: Path, intent: FilesIntended, disk: DiskIO) -> Found:
    """Where an announced file is, by all its bytes; what is found in place is made durable.

    A file of the same bytes at its name is ours only if ours is not staged any more, or if both
    names mean one file: two jobs may make equal sounds.

    Raises:
        OSError: the share cannot be read or written now.
    """
    source, target = root / intent.source, root / intent.to
    if _is_whole(target, intent) and (not source.exists() or source.samefile(target)):
        source.unlink(missing_ok=True)
        disk.sync_folder(target.parent)
        return Found.IN_PLACE
    if _is_whole(source, intent):
        return Found.STAGED
    source.unlink(missing_ok=True)  # a part of a file is of no use
    return Found.GONE


def _is_whole(path: Path, intent: FilesIntended) -> bool:
    try:
        if path.stat().st_size != intent.size:
            return False
        digest = sha256()
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return digest.hexdigest() == intent.sha256


def sweep(folder: Path, keep: Collection[str]) -> int:
    """Remove what an interrupted download left in our own staging folder. Returns how many.

    `keep` names the files that an open operation still needs.

    Raises:
        OSError: the share refuses.
    """
    if not folder.is_dir():
        return 0
    leftovers = [path for path in folder.iterdir() if path.name not in keep]
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)
