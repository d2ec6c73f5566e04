"""The tables of the index, and connections to them. Functions block, on local disk only.

The file is disposable: whatever is wrong with it, it is deleted and made anew.

`files` is narrow, because filters look at many of its rows; `texts` has what is shown of a hit.
`words` finds rows by their words and holds no text itself, so a row's old words are taken out by
giving them once more. Every file that is not missing has its words in it. Ids rise with the time
of modification as far as files are met together: the newest matches are then simply the last ones.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import structlog

from orchestrator.gallery.index import earlier
from orchestrator.gallery.index.words import TOKENIZER, fold

_log = structlog.get_logger(__name__)

#: Raised whenever a table changes, or what is written into one: `fold`, or what a recipe is.
VERSION = 3
NAME = "index.sqlite"
#: How long another program's lock is waited for (seconds).
PATIENCE = 10.0
#: How the word table is written: each batch as it comes, whole in memory first (in bytes); batches
#: are joined when a scan has ended, or when there are very many of them.
_WRITING = (("automerge", 0), ("crisismerge", 64), ("hashsize", 32 * 1024 * 1024))
#: Pages of changes that are gathered before they are copied into the file, which waits for the
#: disk: 64 MB.
_CHECKPOINT = 8_000
#: Bytes of the file for gathered changes that are kept when they were copied.
_LEFT = 4 * 1024 * 1024
#: SQLite's own files beside it.
_BESIDE = ("", "-wal", "-shm", "-journal")

_TABLES = f"""
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    folder TEXT NOT NULL,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    birth_ns INTEGER NOT NULL,
    kind TEXT NOT NULL,
    width INTEGER,
    height INTEGER,
    seconds REAL,
    note TEXT,
    sampler TEXT,
    scheduler TEXT,
    steps INTEGER,
    cfg REAL,
    seed TEXT,
    graph INTEGER,
    first_seen_ns INTEGER NOT NULL,
    missing_ns INTEGER,
    UNIQUE (folder, name)
);
CREATE INDEX by_size ON files (size);
CREATE INDEX by_time ON files (mtime_ns) WHERE missing_ns IS NULL;
CREATE INDEX gone ON files (missing_ns) WHERE missing_ns IS NOT NULL;
CREATE TABLE texts (
    id INTEGER PRIMARY KEY,
    prompt TEXT NOT NULL,
    negative_prompt TEXT NOT NULL,
    -- One per line.
    models TEXT NOT NULL,
    loras TEXT NOT NULL,
    -- What only the raw graph says of this very file: further seeds.
    other TEXT NOT NULL
);
CREATE VIRTUAL TABLE words USING fts5(
    filename, prompt, negative_prompt, model, lora, seed, other,
    content='', tokenize="{TOKENIZER}"
);
-- Raw graphs without what differs from file to file; many files share one. `text` is deflated.
CREATE TABLE graphs (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, text BLOB NOT NULL);
CREATE VIRTUAL TABLE graph_words USING fts5(text, content='', tokenize="{TOKENIZER}");
{earlier.TABLE}
PRAGMA user_version = {VERSION};
"""


def connect(folder: Path) -> sqlite3.Connection:
    """A connection to an index that is there."""
    connection = sqlite3.connect(
        folder / NAME, isolation_level=None, check_same_thread=False, timeout=PATIENCE
    )
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -16000")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.create_function("fold", 1, fold, deterministic=True)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def connect_to_write(folder: Path) -> sqlite3.Connection:
    """A connection for the one who writes."""
    connection = connect(folder)
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}")
    # Whatever a scan gathered, afterwards only so much of it lies there for the next time.
    connection.execute(f"PRAGMA journal_size_limit = {_LEFT}")
    # What was deleted is a copy of what stands in the files, and no secret.
    connection.execute("PRAGMA secure_delete = OFF")
    return connection


def make_ready(folder: Path) -> bool:
    """See that there is an index that can be used; whether it had to be made anew.

    Raises:
        sqlite3.Error, OSError: The disk is full, or does not let us.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if _is_usable(folder):
        return False
    if (folder / NAME).exists():
        _log.warning("index.made_anew", folder=str(folder))
    remove(folder)
    with closing(connect(folder)) as connection:
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(f"BEGIN; {_TABLES} COMMIT;")
        connection.executemany("INSERT INTO words (words, rank) VALUES (?, ?)", _WRITING)
    return True


def remove(folder: Path) -> None:
    """Delete the index's files."""
    for end in _BESIDE:
        (folder / f"{NAME}{end}").unlink(missing_ok=True)


def _is_usable(folder: Path) -> bool:
    if not (folder / NAME).is_file():
        return False
    try:
        with closing(connect(folder)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version != VERSION:
                return False
            for table in ("files", "texts", "graphs", "earlier"):
                connection.execute(f"SELECT max(id) FROM {table}").fetchone()  # noqa: S608 - ours
            connection.execute("SELECT rowid FROM words WHERE words MATCH 'a' LIMIT 1").fetchone()
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise  # locked, or the disk: nothing is wrong with the file
        return False  # a table or column is not there
    except sqlite3.DatabaseError:
        return False  # damaged
    return True
