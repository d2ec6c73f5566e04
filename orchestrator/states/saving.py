"""What a save does on the disk: before anything is told, and after. Functions block."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from events.log.disk_io import DiskIO
from events.states import ProjectSaved
from orchestrator.errors import StateUnreadable
from orchestrator.saving.drafts import sweep, writing
from orchestrator.states.document import MAX_BYTES, Document, NoStateError, digest, read, told
from orchestrator.states.files import Seen, backup_of, look, replace
from orchestrator.states.vault import Vault
from projections.states import Saving


@frozen
class Before:
    """What lay in a file when somebody came to save it."""

    seen: Seen
    #: The state in it; None if there is no file, or it holds none.
    document: Document | None
    #: States that nobody has told of, in the order in which they lay there; all are kept.
    found: tuple[ProjectSaved, ...]


def examine(path: Path, document: Document, newest: Saving | None, disk: DiskIO) -> Before:
    """Look at a file before it is replaced, and keep what nobody has told of.

    Args:
        path: The file, in the project's folder.
        document: What it shall hold. If it does already, a crash kept that from being told.
        newest: What the log says that it holds.
        disk: The file system.

    Raises:
        StateUnreadable: there is a file that is far too large to be a state.
        PathInvalid: there is something of that name that is no file.
        FileNotWritten: the share refuses.
    """
    with writing(path):
        seen = look(path, disk)
        lay = [seen.data]
        if newest is None:  # left by whoever saved here before us; it will be replaced, too
            lay.insert(0, look(backup_of(path), disk).data)
        known = {document.sha256, *([] if newest is None else [newest.sha256])}
        found = [data for data in lay if data is not None and digest(data) not in known]
        for data in found:
            if len(data) > MAX_BYTES:
                raise StateUnreadable(str(path), f"it has more than {MAX_BYTES:,} bytes")
            Vault(path.parent, disk).keep(data)
    return Before(seen, _document(seen.data), tuple(told(path.name, d, "found") for d in found))


def put(path: Path, document: Document, before: Before, disk: DiskIO) -> None:
    """Keep a state, and put it into its file.

    Raises:
        ReplacedMeanwhileError: somebody else wrote to the file since it was examined.
        FileNotWritten: the share refuses. The file is as it was.
    """
    old = before.document
    with writing(path):
        Vault(path.parent, disk).keep(document.data)
        if old is None or old.sha256 != document.sha256:
            replace(path, document.data, before.seen, None if old is None else old.data, disk)
        sweep(path.parent, disk.names(path.parent))


def _document(data: bytes | None) -> Document | None:
    """A state, unless it is none: that is no use as a backup."""
    try:
        return None if data is None else read(data)
    except NoStateError:
        return None
