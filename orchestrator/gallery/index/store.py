"""The index of one project on local disk: one thread writes, anybody reads.

Methods block, on local disk only. Writes are done in order by a thread of the index's own, so that
who reads files need not wait for it; readers each have a connection and see whole changes.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import orjson

from orchestrator.errors import IndexDamaged, IndexUnusable
from orchestrator.gallery.index import earlier, rows, schema
from orchestrator.gallery.index.model import (
    FolderCount,
    Found,
    Indexed,
    Search,
    joined,
    parted,
)
from orchestrator.gallery.index.rows import Row
from orchestrator.gallery.index.search import search
from orchestrator.gallery.media import Kind
from orchestrator.gallery.recipe import Recipe

T = TypeVar("T")

#: Rows that `all_files` reads at once.
_PAGE = 5_000
#: Pages of the word table that one step of tidying writes: some ten milliseconds.
_TIDY_PAGES = 500
_INDEXED = (
    "SELECT json_array(f.folder, f.name, f.size, f.mtime_ns, f.birth_ns, f.kind, f.width,"
    " f.height, f.seconds, f.note, f.first_seen_ns, f.missing_ns, t.prompt, t.negative_prompt,"
    " t.models, t.loras, f.sampler, f.scheduler, f.steps, f.cfg, f.seed)"
    " FROM files f JOIN texts t ON t.id = f.id"
)


class Index:
    """What is known of a project's files.

    Every method raises IndexUnusable if the local disk does not let us, and IndexDamaged if the
    file is broken: then it can be closed, deleted (`schema.remove`) and made anew.
    """

    def __init__(self, folder: Path) -> None:
        """Open the index in a folder, or make one; a broken or older one is replaced."""
        self._folder = folder
        #: Held by whoever scans: two scans would read every file twice.
        self.scanning = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._graphs: dict[bytes, int] = {}
        self._closed = False
        with _told(folder):
            self.is_new = schema.make_ready(folder)
            self._writing = schema.connect_to_write(folder)
            (last,) = self._writing.execute("SELECT max(id) FROM files").fetchone()
        self._last_id = int(last or 0)
        self._ids = threading.Lock()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="index")

    def close(self) -> None:
        """Finish the writes that were begun, and let go of the file."""
        self._closed = True
        self._writer.shutdown(wait=True, cancel_futures=True)
        self._writing.close()
        self._close_idle()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _is_closed(self) -> bool:
        """Asked anew each time: it may be closed while a question is answered."""
        return self._closed

    # What scans write. --------------------------------------------------------------------------

    def reserve(self, count: int) -> int:
        """The first of so many new ids."""
        with self._ids:
            first = self._last_id + 1
            self._last_id += count
        return first

    def put(self, batch: Sequence[Row]) -> Future[None]:
        """Add files that were read, or renew what was known of them; done when the result is."""
        return self._write(lambda connection: rows.put(connection, batch, self._graphs))

    def tidy(self) -> bool:
        """Make what was written quicker to search, a step; whether there is more to do.

        Between two steps others may write.
        """
        return self._write(lambda connection: rows.merge(connection, _TIDY_PAGES)).result()

    def lose(self, paths: Iterable[str]) -> None:
        """Note that files are missing. All that is known of them stays."""
        self._write(lambda connection: rows.lose(connection, paths)).result()

    def regain(self, paths: Iterable[str]) -> None:
        """Note that missing files are back, as they were."""
        self._write(lambda connection: rows.regain(connection, paths)).result()

    # What the service tells of its own changes. -------------------------------------------------

    def moved(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Files have new paths, (old, new) each, all at once: swaps and circles are fine."""
        self._write(lambda connection: rows.move(connection, pairs)).result()

    def moved_folder(self, old: str, new: str) -> None:
        """A folder has a new path, and all that lies in it moved along."""
        with self._reading() as connection:
            (found,) = connection.execute(
                "SELECT json_group_array(json_array(folder, name)) FROM files"
                " WHERE folder = ?1 OR (folder >= ?1 || '/' AND folder < ?1 || '0')",
                [old],
            ).fetchone()
        paths = [joined(folder, name) for folder, name in orjson.loads(found)]
        self.moved([(path, new + path.removeprefix(old)) for path in paths])

    def forget(self, paths: Iterable[str]) -> None:
        """Files are gone for good, or went where the gallery does not look."""
        self._write(lambda connection: rows.forget(connection, paths)).result()

    def told_anew(self, paths: Iterable[str]) -> None:
        """The log has been told that these are other pictures than lay there before."""
        self._write(lambda connection: earlier.told(connection, paths)).result()

    # What is asked. -----------------------------------------------------------------------------

    def known(self, folder: str) -> dict[str, tuple[int, int, bool]]:
        """Size, mtime_ns and whether it is missing, by name, of the files of one folder."""
        with self._reading() as connection:
            (found,) = connection.execute(
                "SELECT json_group_array(json_array(name, size, mtime_ns, missing_ns IS NOT NULL))"
                " FROM files WHERE folder = ?",
                [folder],
            ).fetchone()
        return {
            name: (size, mtime_ns, bool(missing))
            for name, size, mtime_ns, missing in orjson.loads(found)
        }

    def file(self, path: str) -> Indexed | None:
        """One file, missing or not."""
        found = self._files(f"{_INDEXED} WHERE f.folder = ? AND f.name = ?", *parted(path))
        return found[0] if found else None

    def made_anew(self) -> dict[str, tuple[int, int]]:
        """Size and mtime_ns of files that took the name of another picture, until that is told."""
        with self._reading() as connection:
            return earlier.made_anew(connection)

    def is_another(self, path: str, size: int, mtime_ns: int, recipe: Recipe) -> bool:
        """Whether a file, as it was just seen, is another picture than was known at its path."""
        with self._reading() as connection:
            return earlier.is_another(connection, path, size, mtime_ns, recipe)

    def files_of_size(self, size: int) -> list[Indexed]:
        """All files of a size, missing or not."""
        return self._files(f"{_INDEXED} WHERE f.size = ?", size)

    def missing(self) -> list[Indexed]:
        """All files that are not where they were."""
        return self._files(f"{_INDEXED} WHERE f.missing_ns IS NOT NULL ORDER BY f.folder, f.name")

    def dimensions(self, folder: str) -> dict[str, tuple[int, int]]:
        """Width and height by name, of the files of one folder that have them."""
        with self._reading() as connection:
            (found,) = connection.execute(
                "SELECT json_group_array(json_array(name, width, height)) FROM files"
                " WHERE folder = ? AND width IS NOT NULL AND height IS NOT NULL",
                [folder],
            ).fetchone()
        return {name: (width, height) for name, width, height in orjson.loads(found)}

    def all_files(self) -> Iterator[tuple[str, int, int]]:
        """Path, size and mtime_ns of every file that is there."""
        last = 0
        while True:
            with self._reading() as connection:
                (found,) = connection.execute(
                    "SELECT json_group_array(json_array(id, folder, name, size, mtime_ns)) FROM"
                    " (SELECT * FROM files WHERE id > ? AND missing_ns IS NULL"
                    " ORDER BY id LIMIT ?)",
                    [last, _PAGE],
                ).fetchone()
            page = orjson.loads(found)
            for last, folder, name, size, mtime_ns in page:  # noqa: B007 - goes on from there
                yield joined(folder, name), size, mtime_ns
            if len(page) < _PAGE:
                return

    def count(self) -> int:
        """How many files are there."""
        with self._reading() as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM files WHERE missing_ns IS NULL"
            ).fetchone()
        return int(count)

    def folder_counts(self) -> dict[str, FolderCount]:
        """What lies directly in each folder that has files."""
        with self._reading() as connection:
            found = connection.execute(
                "SELECT folder, count(*), sum(size), sum(kind = 'image'), sum(kind = 'video'),"
                " sum(kind = 'audio') FROM files WHERE missing_ns IS NULL GROUP BY folder"
            ).fetchall()
        return {folder: FolderCount(*counts) for folder, *counts in found}

    def known_folders(self) -> list[str]:
        """All folders that files are known in, missing or not."""
        with self._reading() as connection:
            found = connection.execute("SELECT DISTINCT folder FROM files").fetchall()
        return [folder for (folder,) in found]

    def search(self, wanted: Search) -> Found:
        """Find files by what stands in them."""
        with self._reading() as connection:
            return search(connection, wanted)

    # How. ---------------------------------------------------------------------------------------

    def _files(self, statement: str, *given: object) -> list[Indexed]:
        with self._reading() as connection:
            found = connection.execute(statement, given).fetchall()
        return [_indexed(*orjson.loads(row)) for (row,) in found]

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if self._is_closed():
            raise IndexUnusable(str(self._folder), "it was closed")
        with _told(self._folder):
            # `pop` is atomic: two threads never get the same one.
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = schema.connect(self._folder)
            try:
                yield connection
            finally:
                self._idle.append(connection)
                if self._is_closed():
                    self._close_idle()

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Have something written by the index's thread, all or nothing."""

        def write() -> T:
            with _told(self._folder):
                self._writing.execute("BEGIN IMMEDIATE")
                try:
                    done = work(self._writing)
                    self._writing.execute("COMMIT")
                except BaseException:
                    # A full disk may have rolled it back already.
                    if self._writing.in_transaction:
                        self._writing.execute("ROLLBACK")
                    self._graphs.clear()  # some may not have come to be
                    raise
                return done

        try:
            return self._writer.submit(write)
        except RuntimeError as exc:
            raise IndexUnusable(str(self._folder), "it was closed") from exc


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Around all that asks the disk: what SQLite says, in words of ours."""
    try:
        yield
    except sqlite3.OperationalError as exc:
        raise IndexUnusable(str(folder), str(exc)) from exc
    except sqlite3.DatabaseError as exc:
        raise IndexDamaged(str(folder), str(exc)) from exc
    except OSError as exc:
        raise IndexUnusable(str(folder), exc.strerror or str(exc)) from exc


def _indexed(
    folder: str, name: str, size: int, mtime_ns: int, birth_ns: int, kind: Kind,
    width: int | None, height: int | None, seconds: float | None, note: str | None,
    first_seen_ns: int, missing_ns: int | None, prompt: str, negative_prompt: str,
    models: str, loras: str, sampler: str | None, scheduler: str | None, steps: int | None,
    cfg: float | None, seed: str | None,
) -> Indexed:  # fmt: skip
    """A file from its row."""
    return Indexed(
        path=joined(folder, name),
        folder=folder,
        name=name,
        size=size,
        mtime_ns=mtime_ns,
        birth_ns=birth_ns,
        kind=kind,
        width=width,
        height=height,
        seconds=seconds,
        recipe=earlier.recipe_of(
            prompt, negative_prompt, models, loras, sampler, scheduler, steps, cfg, seed
        ),
        note=note,
        first_seen_ns=first_seen_ns,
        missing_ns=missing_ns,
    )
