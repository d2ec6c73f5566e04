"""Finding a state to load: the file, its backup, or the newest that was kept. Functions block."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from attrs import frozen

from events.log.disk_io import DiskIO
from events.stamp import moment
from orchestrator.errors import FileMissing, PathInvalid, StateUnknown, StateUnreadable
from orchestrator.gallery.reading import reading
from orchestrator.states import document, files
from orchestrator.states.document import Document, NoStateError
from orchestrator.states.vault import Vault
from projections.states import Saving

#: So many kept states are tried, the newest first, before a file is given up.
_TRIES = 20


@frozen
class Loaded:
    """A state, and where it comes from."""

    document: Document
    source: Literal["file", "backup", "kept"]
    #: For people: what was loaded, and why that.
    message: str


@frozen
class Broken:
    """Neither a file nor its backup holds a state."""

    #: Why not, the file first; None for one that is not there.
    file: str | None
    backup: str | None

    def error(self, path: Path) -> FileMissing | StateUnreadable:
        """What is said if there is nothing else either."""
        reason = self.file or self.backup
        return FileMissing(str(path)) if reason is None else StateUnreadable(str(path), reason)


def from_files(path: Path, disk: DiskIO) -> Loaded | Broken:
    """The state in a file, else in its backup.

    Raises:
        FileUnreadable: the share does not answer; what lies there may be well.
    """
    fault = _read(path, disk)
    if isinstance(fault, Document):
        return Loaded(fault, "file", f"Loaded {path.name}")
    backup = files.backup_of(path)
    other = _read(backup, disk)
    if isinstance(other, Document):
        message = f"{_told(path, fault)}; loaded the backup {backup.name}"
        return Loaded(other, "backup", message)
    return Broken(fault, other)


def from_vault(path: Path, states: Iterable[Saving], broken: Broken, disk: DiskIO) -> Loaded:
    """The newest of the states that were kept and can be read.

    Raises:
        FileMissing, StateUnreadable: there is none; the error is about the file.
        FileUnreadable: the share does not answer.
    """
    for saving, _ in zip(states, range(_TRIES), strict=False):
        try:
            found = kept(path, saving.sha256, disk)
        except (StateUnknown, StateUnreadable):
            continue
        message = f"{_told(path, broken.file)}; loaded the state of {_when(saving)}"
        return Loaded(found, "kept", message)
    raise broken.error(path)


def one_kept(path: Path, sha256: str, saving: Saving | None, disk: DiskIO) -> Loaded:
    """A state that was kept.

    Raises:
        StateUnknown: it was not.
        StateUnreadable: it is damaged, or never was a state.
        FileUnreadable: the share does not answer.
    """
    when = "" if saving is None else f" of {_when(saving)}"
    message = f"Loaded the state{when}; {path.name} is as it was"
    return Loaded(kept(path, sha256, disk), "kept", message)


def kept(path: Path, sha256: str, disk: DiskIO) -> Document:
    """The content of a state that was kept.

    Raises:
        StateUnknown, StateUnreadable, FileUnreadable: see `one_kept`.
    """
    vault = Vault(path.parent, disk)
    try:
        return document.read(vault.fetch(path.name, sha256))
    except NoStateError as exc:
        raise StateUnreadable(str(vault.place(sha256)), str(exc)) from exc


def _read(path: Path, disk: DiskIO) -> Document | str | None:
    """A state, or why there is none; None if there is no file."""
    try:
        with reading(path):
            return document.read(files.read(path, disk))
    except FileMissing:
        return None
    except PathInvalid as exc:
        return exc.reason
    except NoStateError as exc:
        return str(exc)


def _told(path: Path, fault: str | None) -> str:
    return f"{path.name} is missing" if fault is None else f"{path.name} is broken ({fault})"


def _when(saving: Saving) -> str:
    return f"{moment(saving.as_of):%Y-%m-%d %H:%M:%S} UTC"
