"""The FORMAT file of a project: created once, never changed; it says who may read and write."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import orjson
from attrs import frozen

from events.codec import FORMAT, FORMAT_VERSION
from events.ids import ULID_LENGTH, is_id, ulid
from events.log.cold import FOLDER as COLD
from events.log.disk_io import DiskIO
from events.log.segments import sort_out

NAME = "FORMAT"
#: A FORMAT has some hundred bytes; one of more is none of ours.
_LONGEST = 1 << 16
#: Features this program knows. A log that names others in `read` must not be read, in `write`
#: must not be written.
KNOWN_FEATURES: frozenset[str] = frozenset()


class FormatError(Exception):
    """A FORMAT file that forbids us to read, or that is damaged; the message is for people."""


@frozen
class Format:
    """What FORMAT says."""

    project: str
    created: str
    fmt: int = FORMAT_VERSION
    #: Features needed to read, and those needed to write.
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()

    @property
    def unknown_to_write(self) -> tuple[str, ...]:
        """Features that we would need for writing, and do not have."""
        return tuple(name for name in self.write if name not in KNOWN_FEATURES)


def load(gallery: Path) -> Format | None:
    """Read FORMAT in the folder `.gallery`; None if there is none. Blocks.

    Raises:
        FormatError: it is damaged, or of a newer version, or needs features we do not have.
        OSError: it cannot be read now.
    """
    disk, path = DiskIO(), gallery / NAME
    try:
        # Asking for a name before it exists would make NFS believe for seconds that it does not,
        # so look into the folder first.
        if NAME not in disk.names(gallery):
            return None
        data = disk.read(path, 0, _LONGEST).data
    except (FileNotFoundError, NotADirectoryError):
        return None
    restore = _restore(gallery)
    try:
        found = _decode(data)
    except (orjson.JSONDecodeError, KeyError, TypeError) as exc:
        told = f"{path} is damaged ({len(data)} bytes): {exc}."
        raise FormatError(f"{told} {restore} If there are none, delete it.") from exc
    if found.fmt != FORMAT_VERSION:
        told = f"{path} has format {found.fmt}; this program reads {FORMAT_VERSION}."
        raise FormatError(f"{told} {_UPGRADE if found.fmt > FORMAT_VERSION else restore}")
    if not is_id(found.project, ULID_LENGTH):
        raise FormatError(f"{path} has no project id, but {found.project!r:.100}. {restore}")
    missing = [name for name in found.read if name not in KNOWN_FEATURES]
    if missing:
        told = f"{path} needs features that this program lacks: {', '.join(missing)}."
        raise FormatError(f"{told} {_UPGRADE}")
    return found


#: What helps where a later program has been at work.
_UPGRADE = "Upgrade this program to the version that the project was last used with."


def _restore(gallery: Path) -> str:
    """What helps where FORMAT has suffered."""
    return (
        "Restore it from a backup; its project id stands in the first line of every file in "
        f"{gallery / 'log'}."
    )


def _decode(data: bytes) -> Format:
    document = orjson.loads(data)
    if document["format"] != FORMAT or document["fmt"].__class__ is not int:
        raise TypeError(f"it describes no {FORMAT}")
    if document["fmt"] != FORMAT_VERSION:
        return Format("", "", document["fmt"])  # the rest may mean anything then
    project, created = document["project"], document["created"]
    read, write = document.get("read", []), document.get("write", [])
    if read.__class__ is not list or write.__class__ is not list:
        raise TypeError("its features are no lists")
    if not all(value.__class__ is str for value in (project, created, *read, *write)):
        raise TypeError("a field has the wrong kind")
    return Format(project, created, document["fmt"], tuple(read), tuple(write))


def create(gallery: Path, disk: DiskIO, *, patience: float = 15.0) -> Format:
    """Make `.gallery/`, `log/` and FORMAT in an existing project folder; if another host was
    first, its FORMAT counts.

    FORMAT appears whole or not at all: it is written under another name and linked to its own.
    Where there are no hard links another host may see it half written, so whoever was not first
    waits up to `patience` seconds for it to become whole. Blocks.

    Raises:
        FormatError: somebody else's FORMAT is there and cannot be used; or it is gone, and its
            log is not: a new one would belong to another project, and nobody would read that log.
        OSError: the share cannot be written.
    """  # noqa: D205  # the summary needs both halves
    gallery.mkdir(exist_ok=True)
    (gallery / "log").mkdir(exist_ok=True)
    if NAME not in disk.names(gallery):
        refuse_orphans(gallery, disk)
        _publish(gallery, disk)
        disk.sync_folder(gallery)
        disk.sync_folder(gallery.parent)
    deadline = time.monotonic() + patience
    while True:
        # Looked at first: what is half written may be whole a moment later.
        whole = not _unfinished(gallery / NAME)
        try:
            settled = load(gallery)
        except FormatError:
            if time.monotonic() >= deadline or whole:
                raise
            settled = None
        if settled is not None:
            return settled
        if time.monotonic() >= deadline:
            raise FormatError(f"{gallery / NAME} was written, but cannot be seen.")
        time.sleep(0.1)


def _unfinished(path: Path) -> bool:
    try:
        return not path.read_bytes().endswith(b"\n")
    except FileNotFoundError:
        return True


def refuse_orphans(gallery: Path, disk: DiskIO) -> None:
    """Refuse a folder whose FORMAT is gone while the log is there. Blocks.

    A new FORMAT would have another project's id, and nobody would read the old log any more.

    Raises:
        FormatError: it is so.
        OSError: the folder cannot be looked into now.
    """
    try:
        there = disk.names(gallery)
    except NotADirectoryError:
        return  # something else has that name; who wants to write is told by `create`
    log = disk.names(gallery / "log") if "log" in there else []
    cold = disk.names(gallery / COLD) if COLD in there else []
    if not sort_out(log).segments and not any(name.endswith(".jsonl") for name in cold):
        return
    try:
        disk.read(gallery / NAME, 0, _LONGEST)  # perhaps only the listing of the folder is old
    except FileNotFoundError:
        raise FormatError(
            f"{gallery / NAME} is missing, but the log of a project is there. {_restore(gallery)}"
        ) from None


def _publish(gallery: Path, disk: DiskIO) -> None:
    """Write a new FORMAT, unless somebody is first."""
    now = time.time()
    created = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
    fresh = Format(ulid(int(now * 1000), secrets.randbits(80)), created)
    draft = gallery / f".{NAME}.{fresh.project}"
    _write_new(draft, _encode(fresh), disk)
    try:
        disk.link(draft, gallery / NAME)
    except FileExistsError:
        return
    except OSError:
        # No hard links here (some SMB servers). O_EXCL decides as well; only a power cut between
        # creating and writing could leave an empty FORMAT, which `load` explains.
        _write_in_place(gallery / NAME, _encode(fresh), disk)
    finally:
        with suppress(OSError):  # a leftover draft is hidden and harmless
            draft.unlink()


def _write_in_place(path: Path, content: bytes, disk: DiskIO) -> None:
    try:
        _write_new(path, content, disk)
    except FileExistsError:
        return
    except OSError:
        with suppress(OSError):
            # Half of ours is of no use to anybody; but whole it may be in use already.
            if _unfinished(path):
                path.unlink()
        raise


def _write_new(path: Path, content: bytes, disk: DiskIO) -> None:
    descriptor = disk.create(path)
    try:
        disk.write(descriptor, content, 0)
        disk.sync(descriptor)
    finally:
        disk.close(descriptor)


def _encode(content: Format) -> bytes:
    return orjson.dumps(
        {
            "format": FORMAT,
            "fmt": content.fmt,
            "project": content.project,
            "created": content.created,
            "read": list(content.read),
            "write": list(content.write),
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )
