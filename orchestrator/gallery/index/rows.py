"""How rows come into the index, change and leave it: SQL on one connection. Functions block.

Batches travel as one JSON text, and leave as one: a statement that returns a row, or takes one,
gives the interpreter lock away and must wait for it again, and beside a busy thread such a wait
takes milliseconds. Within a batch SQLite works alone, on another core.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import orjson
from attrs import frozen

from orchestrator.gallery.facts import Facts
from orchestrator.gallery.index.model import Seen, parted
from orchestrator.gallery.index.shared_graph import SharedGraph, shared_graph
from orchestrator.gallery.index.words import fold
from orchestrator.gallery.media import Kind, media_type
from orchestrator.gallery.recipe import Recipe

#: Letters of one text that are kept and searched; hostile files have millions.
MAX_TEXT = 100_000
MAX_GRAPH = 1_000_000

_FILES = (
    "id, folder, name, size, mtime_ns, birth_ns, kind, width, height, seconds, note,"
    " sampler, scheduler, steps, cfg, seed, graph"
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


@frozen
class Row:
    """A file that was read; its parsed graph is let go, for thousands keep the collector busy."""

    id: int
    seen: Seen
    width: int | None
    height: int | None
    seconds: float | None
    note: str | None
    recipe: Recipe
    graph: SharedGraph

    @classmethod
    def of(cls, identity: int, seen: Seen, facts: Facts) -> Row:
        """What is kept of a file."""
        return cls(identity, seen, facts.width, facts.height, facts.seconds, facts.note,
                   facts.recipe, shared_graph(facts))  # fmt: skip


def kind_of(name: str) -> Kind:
    """What a name says it is; whatever is listed is media."""
    found = media_type(name)
    return "image" if found is None else found.kind


def put(connection: sqlite3.Connection, rows: Sequence[Row], graphs: dict[bytes, int]) -> None:
    """Add files, or put them in the place of what was known under their paths.

    Args:
        connection: In a transaction.
        rows: With new ids.
        graphs: Ids of graphs by digest, as far as they have been met; grows.
    """
    places = _json([[row.seen.folder, row.seen.name] for row in rows])
    old = _ids(
        connection,
        "SELECT json_group_array(f.id) FROM json_each(?) j JOIN files f"
        " ON f.folder = json_extract(j.value, '$[0]') AND f.name = json_extract(j.value, '$[1]')",
        places,
    )
    if old:
        _take_words(connection, old)
        connection.execute(f"DELETE FROM texts WHERE id IN {_GIVEN}", [_json(old)])  # noqa: S608
    files, texts = [], []
    for row in rows:
        graph = _graph_id(connection, row.graph.text, graphs) if row.graph.text else None
        files.append(_file(row, graph))
        recipe = row.recipe
        texts.append([
            row.id, recipe.prompt[:MAX_TEXT], recipe.negative_prompt[:MAX_TEXT],
            "\n".join(recipe.models)[:MAX_TEXT], "\n".join(recipe.loras)[:MAX_TEXT],
            row.graph.other[:MAX_TEXT],
        ])  # fmt: skip
    # The time of first sight is taken over from the row that is replaced.
    connection.execute(
        f"INSERT OR REPLACE INTO files ({_FILES}, first_seen_ns)"  # noqa: S608 - ours
        f" SELECT {_values(_FILES)}, coalesce((SELECT o.first_seen_ns FROM files o"
        "  WHERE o.folder = json_extract(j.value, '$[1]')"
        "  AND o.name = json_extract(j.value, '$[2]')), ?) FROM json_each(?) j",
        [time.time_ns(), _json(files)],
    )
    connection.execute(
        f"INSERT INTO texts ({_TEXTS})"  # noqa: S608 - ours
        f" SELECT {_values(_TEXTS)} FROM json_each(?) j",
        [_json(texts)],
    )


def _file(row: Row, graph: int | None) -> list[Any]:
    seen, recipe = row.seen, row.recipe
    seed = None if recipe.seed is None else str(recipe.seed)  # may have 64 bits and no sign
    return [
        row.id, seen.folder, seen.name, seen.size, seen.mtime_ns, seen.birth_ns,
        kind_of(seen.name), row.width, row.height, row.seconds, row.note,
        recipe.sampler, recipe.scheduler, recipe.steps, recipe.cfg, seed, graph,
    ]  # fmt: skip


def word(connection: sqlite3.Connection, most: int) -> int:
    """Put the words of some files in that have none yet, newest first; returns how many."""
    ids = _ids(
        connection,
        # In rising order, as the word table is built fastest.
        "SELECT json_group_array(id) FROM (SELECT id FROM (SELECT id FROM files WHERE worded = 0"
        " AND missing_ns IS NULL ORDER BY id DESC LIMIT ?) ORDER BY id)",
        most,
    )
    if ids:
        _put_words(connection, ids)
    return len(ids)


def wordless(connection: sqlite3.Connection) -> int:
    """How many files have no words yet."""
    (count,) = connection.execute(
        "SELECT count(*) FROM files WHERE worded = 0 AND missing_ns IS NULL"
    ).fetchone()
    return int(count)


def lose(connection: sqlite3.Connection, paths: Iterable[str]) -> None:
    """Files are not where they were: searches leave them out, everything else is kept."""
    ids = ids_at(connection, paths)
    _take_words(connection, ids)
    connection.execute(
        f"UPDATE files SET missing_ns = ?2 WHERE missing_ns IS NULL AND id IN {_GIVEN}",  # noqa: S608
        [_json(ids), time.time_ns()],
    )


def regain(connection: sqlite3.Connection, paths: Iterable[str]) -> None:
    """Missing files are back as they were. Their words are put in with the next ones."""
    connection.execute(
        f"UPDATE files SET missing_ns = NULL WHERE id IN {_GIVEN}",  # noqa: S608 - ours
        [_json(ids_at(connection, paths))],
    )


def forget(connection: sqlite3.Connection, paths: Iterable[str]) -> None:
    """Nothing is known of these files any more."""
    _forget(connection, ids_at(connection, paths))


def _forget(connection: sqlite3.Connection, ids: list[int]) -> None:
    _take_words(connection, ids)
    for table in ("files", "texts"):
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
    given = [_json(ids)]
    connection.execute(f"{_PUT_WORDS} {_GIVEN} ORDER BY f.id", given)
    connection.execute(f"UPDATE files SET worded = 1 WHERE id IN {_GIVEN}", given)  # noqa: S608


def _take_words(connection: sqlite3.Connection, ids: list[int]) -> None:
    given = [_json(ids)]
    connection.execute(f"{_TAKE_WORDS} {_GIVEN} AND f.worded = 1", given)
    connection.execute(f"UPDATE files SET worded = 0 WHERE id IN {_GIVEN}", given)  # noqa: S608


def _graph_id(connection: sqlite3.Connection, text: str, known: dict[bytes, int]) -> int:
    data = text[:MAX_GRAPH].encode("utf-8", "replace")
    digest = blake2b(data, digest_size=16).digest()
    identity = known.get(digest)
    if identity is None:
        found = connection.execute("SELECT id FROM graphs WHERE digest = ?", [digest]).fetchone()
        identity = int(found[0]) if found else _new_graph(connection, digest, data)
        known[digest] = identity
    return identity


def _new_graph(connection: sqlite3.Connection, digest: bytes, data: bytes) -> int:
    added = connection.execute(
        "INSERT INTO graphs (digest, text) VALUES (?, ?)", [digest, zlib.compress(data, 6)]
    )
    identity = added.lastrowid
    assert identity is not None  # an INSERT that did not raise has one
    connection.execute(
        "INSERT INTO graph_words (rowid, text) VALUES (?, ?)", [identity, fold(data.decode())]
    )
    return identity


def _values(columns: str) -> str:
    """The values of one row of a batch, for so many columns."""
    count = columns.count(",") + 1
    return ", ".join(f"json_extract(j.value, '$[{at}]')" for at in range(count))


def _ids(connection: sqlite3.Connection, statement: str, given: object) -> list[int]:
    (found,) = connection.execute(statement, [given]).fetchone()
    return [int(identity) for identity in orjson.loads(found)]


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
