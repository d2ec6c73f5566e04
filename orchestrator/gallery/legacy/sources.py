"""Where the predecessor kept things, and reading it. Functions block; nothing is ever written."""

from __future__ import annotations

import stat
from pathlib import Path

from attrs import evolve, frozen

from orchestrator.errors import FileUnreadable, ShareMissing
from orchestrator.gallery.fingerprint import END, head, head_of
from orchestrator.gallery.legacy.documents import Document, parse
from orchestrator.gallery.reading import reading

GALLERY = ".gallery/gallery.json"
MANIFEST = ".manifest.json"
#: Folders of old trash; the second also is where this service puts what it trashes.
TRASH, SHARED_TRASH = ".trash", ".gallery/.trash"
#: All old stores, relative to the project.
SOURCES = (GALLERY, f"{TRASH}/{MANIFEST}", f"{SHARED_TRASH}/{MANIFEST}")
#: What may lie beside a store that is damaged, newest first.
STAND_INS = (".tmp", ".bak")
#: Bytes of a store that is read at all; about three million files.
MAX_BYTES = 512 << 20


@frozen
class OldStore:
    """An old store as it was read."""

    #: Relative to the project, with `/`.
    name: str
    #: Bytes, and the sha256 of both ends, of the store itself.
    size: int
    head: str
    document: Document


def present(root: Path) -> tuple[str, ...]:
    """The old stores that a project has.

    Raises:
        ShareMissing: the project's folder itself is not there.
        FileUnreadable: the share does not let us look.
    """
    found = tuple(name for name in SOURCES if _is_file(root / name))
    if not found and not root.is_dir():
        raise ShareMissing(str(root))
    return found


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as exc:
        raise FileUnreadable.because(path, exc) from exc


def still_there(root: Path, name: str) -> bool:
    """Whether an old store can still be read: if not, files are not missing, but the share is."""
    try:
        with (root / name).open("rb", buffering=0) as file:
            file.read(1)
    except OSError:
        return False
    return True


def fingerprint(root: Path, name: str) -> tuple[int, str]:
    """Size in bytes and head of an old store, as an import remembers them.

    Raises:
        FileMissing, FileUnreadable, FileChanging: it cannot be read.
    """
    path = root / name
    with reading(path):
        size = path.stat().st_size
        return size, head(path, size)


def read_store(root: Path, name: str) -> OldStore:
    """Read an old store; if it is damaged, what lies beside it, or what can be saved of it.

    Raises:
        FileMissing, FileUnreadable: it cannot be read.
    """
    path = root / name
    with reading(path):
        size = path.stat().st_size
        if size > MAX_BYTES:
            fault = f"it has {size:,} bytes; at most {MAX_BYTES:,} are read"
            return OldStore(name, size, "", Document({}, fault))
        data = path.read_bytes()
    document = parse(data)
    if document.fault is not None:
        document = _stand_in(path, document.fault) or document
    whole = len(data) <= 2 * END
    ends = head_of(data) if whole else head_of(data[:END], data[-END:])
    return OldStore(name, len(data), ends, document)


def _stand_in(path: Path, fault: str) -> Document | None:
    """The first whole store beside a damaged one."""
    for suffix in STAND_INS:
        other = path.with_name(path.name + suffix)
        try:
            if not _is_file(other) or other.stat().st_size > MAX_BYTES:
                continue
            document = parse(other.read_bytes())
        except (OSError, FileUnreadable):
            continue  # it was only the second choice
        if document.fault is None:
            return evolve(document, fault=f"{fault}; {other.name} was read instead")
    return None
