"""Files under hidden names until they are whole. Functions block."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from uuid_utils import uuid7

from events.log.disk_io import DiskIO
from orchestrator.errors import FileNotWritten

#: Drafts begin so; no gallery shows them.
_PREFIX = ".draft-"
#: A draft that nobody has written to for so long was left by a crash (seconds).
_ABANDONED = 86_400.0


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Around everything that changes a file or folder of a request.

    Raises:
        FileNotWritten: the share refuses.
    """
    try:
        yield
    except OSError as exc:
        raise FileNotWritten.because(path, exc) from exc


def draft_in(folder: Path) -> Path:
    """A name for a draft that nobody else has. It has no suffix of media: nobody takes it for one.

    A draft lies where its file will, or next to that folder, so that it need only be renamed.
    """
    return folder / f"{_PREFIX}{uuid7()}"


def write_draft(folder: Path, data: bytes, disk: DiskIO) -> Path:
    """Write a new file under a hidden name; it is durable when this returns.

    Raises:
        OSError: the disk refuses; nothing is left of it, as far as the disk lets us.
    """
    draft = draft_in(folder)
    write(draft, data, disk)
    return draft


def write(draft: Path, data: bytes, disk: DiskIO) -> None:
    """The same, under a name that is known already.

    Raises:
        OSError: see `write_draft`.
    """
    descriptor = disk.create(draft)
    try:
        try:
            disk.write(descriptor, data, 0)
            disk.sync(descriptor)
        finally:
            disk.close(descriptor)
    except OSError:
        discard(draft)
        raise


def discard(draft: Path) -> None:
    """Remove a draft that is not wanted. If that fails it stays, hidden, until `sweep`."""
    with suppress(OSError):
        draft.unlink(missing_ok=True)


def sweep(folder: Path, names: Iterable[str]) -> None:
    """Remove what crashes have left, of the names in a folder."""
    for name in names:
        if name.startswith(_PREFIX):
            with suppress(OSError):  # somebody else sweeps, too
                if (folder / name).stat().st_mtime < time.time() - _ABANDONED:
                    (folder / name).unlink()
