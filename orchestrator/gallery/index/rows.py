"""How rows come into the index, change and leave it: SQL on one connection. Functions block.

New rows come by the thousand and go in as plain values, which nothing beats. Questions about many
rows take one JSON and give one: beside a busy thread, each row that a statement returns is waited
for anew, while within a statement SQLite works alone, on another core.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from orchestrator.gallery.index import earlier
from orchestrator.gallery.index.model import Seen, parted
from orchestrator.gallery.index.reading import Entry
from orchestrator.gallery.index.shared_graph import SharedGraph
from orchestrator.gallery.index.words import fold
from orchestrator.gallery.media import KINDS, Kind, suffix
from orchestrator.gallery.recipe import Recipe

#: Letters of one text that are kept and searched; hostile files have millions.
MAX_TEXT = 100_000

_FILES = (
    "id, folder, name, size, mtime_ns, birth_ns, kind, width, height, seconds, note,"
    " sampler, scheduler, steps, cfg, seed, graph, first_seen_ns"
)
_TEXTS = "id, prompt, negative_prompt, models, loras, other"

#: The words of a file, as they are put in and taken out.
_WORDS = """
    SELECT {verb} f.id, {texts} FROM files f JOIN texts t ON t.id = f.id WHERE f.id IN
""".replace("{texts}", ", ".join(
    # Counting bytes is cheaper than calling into Python for each text.
    f"CASE WHEN length(CAST({text} AS BLOB)) = length({text}) THEN {text} ELSE fold({text}) END"
    for text in ("f.name", "t.prompt", "t.negative_prompt", "t.models", "t.loras",
                 "coalesce(f.seed, '')", "t.other")
))  # fmt: skip
_COLUMNS = "rowid, filename, prompt, negative_prompt, model, lora, seed, other"
_PUT_WORDS = f"INSERT INTO words ({_COLUMNS}) {_WORDS.replace('{verb}', '')}"
_TAKE_WORDS = f"INSERT INTO words (words, {_COLUMNS}) " + _WORDS.replace("{verb}", "'delete',")
_GIVEN = "(SELECT value FROM json_each(?1))"

_Values = tuple[str | int | float | None, ...]


class Row(NamedTuple):
    """A file that was read, with the id that it shall have."""

    id: int
    seen: Seen
    entry: Entry


def kind_of(name: str) -> Kind:
    """What a name says it is; whatever is listed is media."""
    return KINDS.get(suffix(name), "image")


def put(connection: sqlite3.Connection, rows: Sequence[Row], graphs: dict[bytes, int]) -> None:
    """Add files, or put them in the place of what was known under their paths.

    Args:
        connection: In a transaction.
        rows: With new ids, in rising order: so the word table is built fastest.
        graphs: Ids of graphs by digest, as far as they have been met; grows.
    """
    if not rows:
        return
    files: list[_Values] = []
    texts: list[_Values] = []
    words: list[_Values] = []
    now = time.time_ns()
    for identity, seen, entry in rows:
        folder, name, size, mtime_ns, birth_ns = seen
        width, height, seconds, note, recipe, (shared, other) = entry
        graph = None if shared is None else _graph_id(connection, shared, graphs)
        number = recipe.seed
        seed = "" if number is None else str(number)  # may have 64 bits and no sign
        models, loras = _lines(recipe.models), _lines(recipe.loras)
        prompt, negative_prompt = _text(recipe.prompt), _text(recipe.negative_prompt)
        files.append((
            identity, folder, name, size, mtime_ns, birth_ns, kind_of(name), width, height, seconds,
            note and _text(note), recipe.sampler and _text(recipe.sampler),
            recipe.scheduler and _text(recipe.scheduler), recipe.steps, recipe.cfg,
            seed or None, graph, now,
        ))  # fmt: skip
        other = other[:MAX_TEXT]
        texts.append((identity, prompt, negative_prompt, models, loras, other))
        words.append((
            identity, fold(name), fold(prompt), fold(negative_prompt), fold(models), fold(loras),
            seed, other,
        ))  # fmt: skip
    before = connection.total_changes
    _insert(connection, f"INSERT OR IGNORE INTO files ({_FILES})", files)
    replaced: dict[int, Recipe] = {}
    if connection.total_changes - before < len(files):
        replaced = _replace(connection, files)
    _insert(connection, f"INSERT INTO texts ({_TEXTS})", texts)
    _insert(connection, f"INSERT INTO words ({_COLUMNS})", words)
    earlier.keep(connection, replaced)


def _replace(connection: sqlite3.Connection, files: list[_Values]) -> dict[int, Recipe]:
    """Put files in that were left out because something was known under their paths.

    Returns how those were made that are known no more, by the ids of the new ones.
    """
    by_id = {file[0]: file for file in files}
    (found,) = connection.execute(
        "SELECT json_group_array(json_array(json_extract(j.value, '$[0]'), f.id, f.first_seen_ns))"
        " FROM json_each(?) j JOIN files f"
        " ON f.folder = json_extract(j.value, '$[1]') AND f.name = json_extract(j.value, '$[2]')"
        " WHERE f.id <> json_extract(j.value, '$[0]')",
        [_json([file[:3] for file in files])],
    ).fetchone()
    known = orjson.loads(found)
    recipes = earlier.known_recipes(connection, [old for _, old, _ in known])
    _forget(connection, [old for _, old, _ in known])
    # The time of first sight is taken over: a new picture in that place is still that place's file.
    again = [(*by_id[new][:-1], first_seen_ns) for new, _, first_seen_ns in known]
    _insert(connection, f"INSERT INTO files ({_FILES})", again)
    return {new: recipes[old] for new, old, _ in known if old in recipes}


def _insert(connection: sqlite3.Connection, statement: str, rows: list[_Values]) -> None:
    connection.executemany(f"{statement} VALUES ({', '.join('?' * len(rows[0]))})", rows)


def _text(text: str) -> str:
    """As much of a text as is kept; half characters, which no file can hold, become `?`."""
    text = text[:MAX_TEXT]
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


@lru_cache(maxsize=256)
def _lines(names: tuple[str, ...]) -> str:
    return _text("\n".join(names))


def lose(connection: sqlite3.Connection, paths: Iterable[str]) -> None:
    """Files are not where they were: searches leave them out, everything else is kept."""
    ids = ids_at(connection, paths)
    _take_words(connection, ids)
    connection.execute(
        f"UPDATE files SET missing_ns = ?2 WHERE missing_ns IS NULL AND id IN {_GIVEN}",  # noqa: S608
        [_json(ids), time.time_ns()],
    )


def regain(connection: sqlite3.Connection, paths: Iterable[str]) -> None:
    """Missing files are back as they were."""
    (found,) = connection.execute(
        f"SELECT json_group_array(id) FROM files WHERE missing_ns IS NOT NULL AND id IN {_GIVEN}",  # noqa: S608
        [_json(ids_at(connection, paths))],
    ).fetchone()
    connection.execute(f"UPDATE files SET missing_ns = NULL WHERE id IN {_GIVEN}", [found])  # noqa: S608
    _put_words(connection, orjson.loads(found))


def forget(connection: sqlite3.Connection, paths: Iterable[str]) -> None:
    """Nothing is known of these files any more."""
    _forget(connection, ids_at(connection, paths))


def _forget(connection: sqlite3.Connection, ids: list[int]) -> None:
    _take_words(connection, ids)
    for table in ("files", "texts", "earlier"):
        connection.execute(f"DELETE FROM {table} WHERE id IN {_GIVEN}", [_json(ids)])  # noqa: S608


def move(connection: sqlite3.Connection, pairs: Sequence[tuple[str, str]]) -> None:
    """Files have new paths, all at once, so that they may take each other's.

    What was known under a new path, and has not moved away itself, is forgotten. A file that
    nothing is known of is left to the next scan.
    """
    known = dict(_ids_by_path(connection, (old for old, _ in pairs)))
    moves = [(known[old], new) for old, new in pairs if old in known and old != new]
    moving = {identity for identity, _ in moves}
    replaced = ids_at(connection, (new for _, new in moves))
    _forget(connection, [identity for identity in replaced if identity not in moving])
    ids = sorted(moving)
    _take_words(connection, ids)
    # Through names that no file has, for no two rows may have one path even for a moment.
    connection.execute(
        f"UPDATE files SET folder = '/', name = id WHERE id IN {_GIVEN}",  # noqa: S608 - ours
        [_json(ids)],
    )
    connection.executemany(
        "UPDATE files SET folder = ?, name = ?, kind = ?, missing_ns = NULL WHERE id = ?",
        [(folder, name, kind_of(name), identity)
         for identity, new in moves for folder, name in (parted(new),)],
    )  # fmt: skip
    _put_words(connection, ids)


def ids_at(connection: sqlite3.Connection, paths: Iterable[str]) -> list[int]:
    """The ids of those paths that are known."""
    return [identity for _, identity in _ids_by_path(connection, paths)]


def _ids_by_path(connection: sqlite3.Connection, paths: Iterable[str]) -> list[tuple[str, int]]:
    given = _json([(path, *parted(path)) for path in paths])
    (found,) = connection.execute(
        "SELECT json_group_array(json_array(json_extract(j.value, '$[0]'), f.id))"
        " FROM json_each(?) j JOIN files f"
        " ON f.folder = json_extract(j.value, '$[1]') AND f.name = json_extract(j.value, '$[2]')",
        [given],
    ).fetchone()
    return [(path, identity) for path, identity in orjson.loads(found)]


def _put_words(connection: sqlite3.Connection, ids: list[int]) -> None:
    connection.execute(f"{_PUT_WORDS} {_GIVEN} ORDER BY f.id", [_json(ids)])


def _take_words(connection: sqlite3.Connection, ids: list[int]) -> None:
    connection.execute(f"{_TAKE_WORDS} {_GIVEN} AND f.missing_ns IS NULL", [_json(ids)])


def merge(connection: sqlite3.Connection, pages: int) -> bool:
    """Join some of the pieces that the word table was written in; whether any were left to join."""
    before = connection.total_changes
    connection.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", [pages])
    return connection.total_changes - before > 1  # which is how FTS5 tells


def _graph_id(connection: sqlite3.Connection, shared: SharedGraph, known: dict[bytes, int]) -> int:
    digest = shared.digest
    identity = known.get(digest)
    if identity is None:
        found = connection.execute("SELECT id FROM graphs WHERE digest = ?", [digest]).fetchone()
        identity = int(found[0]) if found else _new_graph(connection, shared)
        known[digest] = identity
    return identity


def _new_graph(connection: sqlite3.Connection, shared: SharedGraph) -> int:
    added = connection.execute(
        "INSERT INTO graphs (digest, text) VALUES (?, ?)",
        [shared.digest, zlib.compress(shared.text.encode(), 1)],
    )
    identity = added.lastrowid
    assert identity is not None  # an INSERT that did not raise has one
    connection.execute(
        "INSERT INTO graph_words (rowid, text) VALUES (?, ?)", [identity, fold(shared.text)]
    )
    return identity


def _json(value: Any) -> str:
    """As JSON; half characters, which it cannot hold, become question marks."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return orjson.dumps(_whole(value)).decode()


def _whole(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case list() | tuple():
            return [_whole(inner) for inner in value]
        case _:
            return value
