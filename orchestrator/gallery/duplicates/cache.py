"""Hashes of files, kept on local disk: what did not change is not read twice. Disposable.

A hash is known by the file's path, size and time of change. Files that changed a moment before
they were read are not remembered: on a share with coarse times they may change once more and look
the same.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import structlog

from orchestrator.gallery.duplicates.report import Candidate

T = TypeVar("T")

#: Raise it with every change of the table, or of how any hash is made.
VERSION = 1
#: Younger files (nanoseconds) are not remembered; FAT, the coarsest, has times of two seconds.
TOO_FRESH = 3_000_000_000

_log = structlog.get_logger(__name__)

_TABLE = """
CREATE TABLE hashes (
    kind TEXT NOT NULL, path BLOB NOT NULL, seen TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (kind, path)
) WITHOUT ROWID
"""
_INSERT = "INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?)"


class Kind(StrEnum):
    """What a value is."""

    #: `fingerprint.head`.
    HEAD = "head"
    #: sha256 of all bytes.
    WHOLE = "whole"
    #: A picture's dimensions, and the hash of its first rows if they were cheap to have.
    OUTLINE = "outline"
    #: Hash of a PNG's compressed picture.
    DATA = "data"
    #: Hash of a picture's pixels.
    PIXELS = "pixels"
    #: What a picture looks like.
    LOOK = "look"


class HashCache:
    """Hashes of the files of one project. Functions block; any thread may call them.

    It never fails: a file that is damaged or in the way is made anew, and where that cannot be
    done (full disk), nothing is remembered, and the log says so.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], int] = time.time_ns) -> None:
        """Open or make `hashes.sqlite3` in a folder on local disk.

        Args:
            folder: The project's own; made if missing.
            clock: Nanoseconds since 1970.
        """
        self._file = folder / "hashes.sqlite3"
        self._clock = clock
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        with self._lock:
            try:
                self._db = _open(self._file)
            except (sqlite3.Error, OSError) as exc:
                self._make_anew(exc)

    def get(self, kind: Kind, files: Iterable[Candidate]) -> dict[str, str]:
        """The known values of files, by path."""

        def read(db: sqlite3.Connection) -> dict[str, str]:
            found = {}
            query = "SELECT value FROM hashes WHERE kind = ? AND path = ? AND seen = ?"
            for file in files:
                row = db.execute(query, (kind, _key(file.path), _seen(file))).fetchone()
                if row is not None:
                    found[file.path] = row[0]
            return found

        return self._do(read, {})

    def put(self, kind: Kind, values: Iterable[tuple[Candidate, str]]) -> None:
        """Remember values. They replace what was known of the same path."""
        now = self._clock()
        rows = [
            (kind, _key(file.path), _seen(file), value)
            for file, value in values
            if abs(now - file.mtime_ns) >= TOO_FRESH
        ]

        def write(db: sqlite3.Connection) -> None:
            db.executemany(_INSERT, rows)

        if rows:
            self._do(write, None)

    def moved(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Files were renamed, with their times kept: from old path to new, all at once."""
        new_of = {_key(old): _key(new) for old, new in pairs}

        def write(db: sqlite3.Connection) -> None:
            rows = [
                (kind, new, seen, value)
                for old, new in new_of.items()
                for kind, seen, value in _all_of(db, old)
            ]
            # All old names go before any new one comes: names may have been swapped.
            for path in {*new_of, *new_of.values()}:
                _forget(db, path)
            db.executemany(_INSERT, rows)

        if new_of:
            self._do(write, None)

    def keep_only(self, paths: Collection[str]) -> None:
        """Forget all other paths: files that are gone would fill the disk in the end."""
        kept = {_key(path) for path in paths}

        def write(db: sqlite3.Connection) -> None:
            known = {row[0] for row in db.execute("SELECT DISTINCT path FROM hashes")}
            for path in known - kept:
                _forget(db, path)

        self._do(write, None)

    def close(self) -> None:
        """Close the file. What is asked later is not known, what is told is not remembered."""
        with self._lock:
            self._drop()

    def _do(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Work in one transaction; `otherwise` if there is no file that can be worked on.

        A file in which one write failed is no longer trusted: hashes of a name that has moved on
        would be another file's.
        """
        with self._lock:
            if self._db is None:
                return otherwise
            try:
                with self._db:
                    return work(self._db)
            except sqlite3.Error as exc:
                self._make_anew(exc)
                return otherwise

    def _make_anew(self, exc: Exception) -> None:
        _log.warning("hashes_made_anew", file=str(self._file), reason=str(exc))
        self._drop()
        try:
            for end in ("", "-wal", "-shm"):
                self._file.with_name(self._file.name + end).unlink(missing_ok=True)
            self._db = _open(self._file)
        except (sqlite3.Error, OSError) as again:
            _log.warning("hashes_not_remembered", file=str(self._file), reason=str(again))

    def _drop(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def _open(file: Path) -> sqlite3.Connection:
    """The table in a file; raises if the file holds anything else."""
    file.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(file, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            db.execute(_TABLE)
            db.execute(f"PRAGMA user_version = {VERSION}")
        elif version != VERSION:
            raise sqlite3.DatabaseError(f"its version is {version}, not {VERSION}")
    except sqlite3.Error:
        db.close()
        raise
    return db


def _all_of(db: sqlite3.Connection, path: bytes) -> list[tuple[str, str, str]]:
    """Kind, sighting and value of all that is known of a path."""
    query = "SELECT seen, value FROM hashes WHERE kind = ? AND path = ?"
    return [(kind, *row) for kind in Kind for row in db.execute(query, (kind, path))]


def _forget(db: sqlite3.Connection, path: bytes) -> None:
    rows = [(kind, path) for kind in Kind]
    db.executemany("DELETE FROM hashes WHERE kind = ? AND path = ?", rows)


def _key(path: str) -> bytes:
    """A path as bytes: names that are no valid Unicode cannot be stored as text."""
    return path.encode("utf-8", "surrogatepass")


def _seen(file: Candidate) -> str:
    """Size and time as text: a hostile time may have more than 64 bits."""
    return f"{file.size} {file.mtime_ns}"
