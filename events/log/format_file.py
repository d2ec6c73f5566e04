"""The FORMAT file of a project: created once, never changed; it says who may read and write."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import orjson
from attrs import frozen

from events.codec import FORMAT, FORMAT_VERSION
from events.ids import ULID_LENGTH, is_id, ulid
from events.log.disk_io import DiskIO

NAME = "FORMAT"
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
    """Read FORMAT in the folder `.gallery`; None if there is none.

    Raises:
        FormatError: it is damaged, or of a newer version, or needs features we do not have.
        OSError: it cannot be read now.
    """
    path = gallery / NAME
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        document = orjson.loads(data)
        found = Format(
            document["project"],
            document["created"],
            document["fmt"],
            tuple(document.get("read", ())),
            tuple(document.get("write", ())),
        )
        known = document["format"] == FORMAT and is_id(found.project, ULID_LENGTH)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as exc:
        raise FormatError(
            f"{path} is damaged ({len(data)} bytes): {exc}. Restore it from a backup; its project "
            f"id stands in the first line of every file in {gallery / 'log'}."
        ) from exc
    if not known:
        raise FormatError(f"{path} does not describe a {FORMAT} of ours: {data[:200]!r}")
    if found.fmt != FORMAT_VERSION:
        raise FormatError(f"{path} has format {found.fmt}; this program reads {FORMAT_VERSION}.")
    missing = [name for name in found.read if name not in KNOWN_FEATURES]
    if missing:
        raise FormatError(f"{path} needs features that this program lacks: {', '.join(missing)}.")
    return found


def create(gallery: Path, disk: DiskIO) -> Format:
    """Make `.gallery/`, `log/` and FORMAT in an existing project folder; if another host was
    first, its FORMAT counts.

    FORMAT appears whole or not at all: it is written under another name and linked to its own.

    Raises:
        FormatError: somebody else's FORMAT is there and cannot be used.
        OSError: the share cannot be written.
    """  # noqa: D205  # the summary needs both halves
    gallery.mkdir(exist_ok=True)
    (gallery / "log").mkdir(exist_ok=True)
    existing = load(gallery)
    if existing is not None:
        return existing
    now = time.time()
    created = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
    fresh = Format(ulid(int(now * 1000), secrets.randbits(80)), created)
    draft = gallery / f".{NAME}.{fresh.project}"
    _write_new(draft, _encode(fresh), disk)
    try:
        _publish(draft, gallery / NAME, _encode(fresh), disk)
    finally:
        with suppress(OSError):  # a leftover draft is hidden and harmless
            draft.unlink()
    disk.sync_folder(gallery)
    disk.sync_folder(gallery.parent)
    settled = load(gallery)
    if settled is None:
        raise FormatError(f"{gallery / NAME} was written, but cannot be seen.")
    return settled


def _publish(draft: Path, path: Path, content: bytes, disk: DiskIO) -> None:
    """Give the draft its name, unless somebody has taken it."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError:
        # No hard links here (some SMB servers). O_EXCL decides as well; only a power cut between
        # creating and writing could leave an empty FORMAT, which `load` explains.
        with suppress(FileExistsError):
            _write_new(path, content, disk)


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
