"""Answers a search from the index. Functions block, on local disk only.

Full text search finds matches in the order of their ids, which is that of time, so the newest ones
come first at no cost. They are ranked in blocks of RANKED: of a word that half of all files have,
the best among the newest come first, and paging on stays in order. Totals are counted exactly,
unless somebody else must be asked about each file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import TypeAlias

import orjson
from attrs import evolve, frozen

from orchestrator.gallery.index.hits import HitReader
from orchestrator.gallery.index.model import Field, Found, Search, joined
from orchestrator.gallery.index.query import Query, Term, parse
from orchestrator.gallery.index.rows import ids_at

Accept: TypeAlias = Callable[[str], bool]

#: Matches that are ranked together.
RANKED = 2_000
#: Matches that somebody else is asked about, the newest: more than a project should have.
MAX_ASKED = 250_000
#: So few listed paths are looked up without asking whether there are even fewer matches.
FEW_PATHS = 1_000

#: By field: the columns of the word table. The raw graph has all that was read from it.
_COLUMNS: dict[Field, tuple[str, ...]] = {
    "filename": ("filename",),
    "prompt": ("prompt",),
    "negative_prompt": ("negative_prompt",),
    "model": ("model",),
    "lora": ("lora",),
    "seed": ("seed", "other"),
    "workflow": ("prompt", "negative_prompt", "model", "lora", "seed", "other"),
}
_ALL = frozenset(column for columns in _COLUMNS.values() for column in columns)
#: How much a match is worth, in the order of the table's columns.
_SCORE = "-bm25(words, 10.0, 4.0, 0.5, 2.0, 2.0, 6.0, 1.0)"


@frozen
class _Part:
    """Files that match in one way; no file is in two parts of a search."""

    #: What the words of a file must match; None if its raw graph is enough.
    match: str | None
    #: What must hold of the row, and the values for it.
    condition: str = ""
    values: tuple[object, ...] = ()


def search(connection: sqlite3.Connection, wanted: Search) -> Found:
    """Find files. No text is an error, and the answer is never half of a change."""
    query = parse(wanted.text)
    connection.execute("BEGIN")
    try:
        parts = list(_parts(connection, query, wanted.fields))
        picking = _Picking(connection, parts, *_filters(wanted))
        picking, accept = _narrowed(picking, wanted)
        if accept is not None:
            ranked, whole = picking.accepted(accept)
            total = len(ranked)
        else:
            total, whole = picking.count(), True
            blocks = (wanted.offset + wanted.limit + RANKED - 1) // RANKED
            ranked = picking.ranked(max(1, blocks) * RANKED)
            if total > RANKED and "filename" in wanted.fields:
                ranked = _named_first(picking.named(query), ranked)
        page = ranked[wanted.offset : wanted.offset + wanted.limit]
        hits = HitReader(connection, query.wanted, wanted.fields).read(page)
        return Found(total, hits, whole)
    finally:
        connection.execute("COMMIT")


def _parts(
    connection: sqlite3.Connection, query: Query, fields: frozenset[Field]
) -> Iterator[_Part]:
    """The ways in which a file can match: by its own words, and by its raw graph."""
    columns = _columns(fields)
    if "workflow" not in fields:
        if columns:
            yield _by_words(query.wanted, query.unwanted, columns)
        return
    matched: dict[int, int] = {}
    for bit, term in enumerate(query.wanted):
        for graph in _graphs(connection, term):
            matched[graph] = matched.get(graph, 0) | 1 << bit
    barred = {graph for term in query.unwanted for graph in _graphs(connection, term)}
    groups: dict[int, list[int]] = {}
    for graph, mask in matched.items():
        if graph not in barred:
            groups.setdefault(mask, []).append(graph)
    others = _by_words(query.wanted, query.unwanted, columns)
    away = _plain([*matched, *barred])
    yield _Part(
        others.match,
        f"{others.condition} AND (f.graph IS NULL OR f.graph NOT IN {_GIVEN})",
        (*others.values, away),
    )
    for mask, graphs in groups.items():
        left = tuple(term for bit, term in enumerate(query.wanted) if not mask >> bit & 1)
        part = _by_words(left, query.unwanted, columns)
        yield _Part(
            part.match,
            f"{part.condition} AND f.graph IN {_GIVEN}",
            (*part.values, _plain(graphs)),
        )


_GIVEN = "(SELECT value FROM json_each(?))"


def _by_words(
    wanted: tuple[Term, ...], unwanted: tuple[Term, ...], columns: tuple[str, ...]
) -> _Part:
    """Files whose words in some columns have all of these terms and none of those."""
    # Asking for all columns by name would cost a quarter more than not asking.
    within = "" if _ALL.issubset(columns) else f"{{{' '.join(columns)}}} : "
    none_of = " OR ".join(term.match for term in unwanted)
    if not wanted:
        if not unwanted:
            return _Part(None)
        return _Part(
            None,
            " AND f.id NOT IN (SELECT rowid FROM words WHERE words MATCH ?)",
            (f"{within}({none_of})",),
        )
    match = f"{within}({' AND '.join(term.match for term in wanted)})"
    return _Part(f"({match}) NOT ({within}({none_of}))" if unwanted else match)


def _columns(fields: frozenset[Field]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(column for field in _COLUMNS if field in fields
                               for column in _COLUMNS[field]))  # fmt: skip


def _graphs(connection: sqlite3.Connection, term: Term) -> list[int]:
    (found,) = connection.execute(
        "SELECT json_group_array(rowid) FROM graph_words WHERE graph_words MATCH ?", [term.match]
    ).fetchone()
    return list(orjson.loads(found))


def _filters(wanted: Search) -> tuple[str, tuple[object, ...]]:
    """What must hold of a row, and the values for it."""
    where, values = "", list[object]()
    if wanted.folder not in {None, "", "."}:
        # Everything that begins with `folder/`: `0` is what comes after `/`.
        where += " AND (f.folder = ? OR (f.folder >= ? AND f.folder < ?))"
        values += [wanted.folder, f"{wanted.folder}/", f"{wanted.folder}0"]
    if wanted.since is not None:
        where += " AND f.mtime_ns >= ?"
        values.append(wanted.since)
    if wanted.until is not None:
        where += " AND f.mtime_ns < ?"
        values.append(wanted.until)
    return where, tuple(values)


@frozen
class _Picking:
    """Picks the ids of matching files, with their scores."""

    connection: sqlite3.Connection
    parts: list[_Part]
    #: What must hold of a row besides, and the values for it.
    where: str
    values: tuple[object, ...]

    def count(self) -> int:
        """How many files match."""
        return sum(int(self._one(part, "count(*)", "", scored=False)) for part in self.parts)

    def ranked(self, most: int) -> list[tuple[int, float]]:
        """The newest matches, block by block, in each the best first."""
        newest = [match for part in self.parts for match in self._newest(part, most)]
        if len(self.parts) == 1 and self.parts[0].match is None:
            return newest  # nothing was looked for: by time alone
        newest.sort(reverse=True)
        return [
            match
            for begin in range(0, min(len(newest), most), RANKED)
            # Sorting is stable: equals stay with the newest first.
            for match in sorted(newest[begin : begin + RANKED], key=lambda match: -match[1])
        ]

    def named(self, query: Query) -> list[tuple[int, float]]:
        """The best of the matches that have all words in their names."""
        if not query.wanted:
            return []
        named = _by_words(query.wanted, query.unwanted, ("filename",))
        return sorted(self._newest(named, RANKED), key=lambda match: -match[1])

    def accepted(self, accept: Accept) -> tuple[list[tuple[int, float]], bool]:
        """The matches that are accepted, ranked; and whether all matches were asked about."""
        ranked = self.ranked(MAX_ASKED + RANKED)
        asked = ranked[:MAX_ASKED]
        (found,) = self.connection.execute(
            "SELECT json_group_array(json_array(f.folder, f.name)) FROM json_each(?) j"
            " CROSS JOIN files f ON f.id = j.value",
            [_plain([identity for identity, _ in asked])],
        ).fetchone()
        paths = (joined(folder, name) for folder, name in orjson.loads(found))
        accepted = [match for match, path in zip(asked, paths, strict=True) if accept(path)]
        return accepted, len(ranked) <= MAX_ASKED

    def _newest(self, part: _Part, most: int) -> list[tuple[int, float]]:
        found = self._one(
            part, "json_group_array(json_array(id, score))", f" LIMIT {most}", scored=True
        )
        return [(identity, score) for identity, score in orjson.loads(str(found))]

    def _one(self, part: _Part, what: str, limit: str, *, scored: bool) -> str | int:
        """Something about the matches of a part, worked out in one step."""
        source = self._source(part, scored=scored)
        given = [*([] if part.match is None else [part.match]), *part.values, *self.values]
        (found,) = self.connection.execute(
            f"SELECT {what} FROM ({source}{limit})",  # noqa: S608 - all ours
            given,
        ).fetchone()
        return found  # type: ignore[no-any-return]  # a number or JSON

    def _source(self, part: _Part, *, scored: bool) -> str:
        """The rows of a part, newest first if scored."""
        condition = part.condition + self.where
        if part.match is None:
            order = " ORDER BY f.mtime_ns DESC, f.id DESC" if scored else ""
            return (
                "SELECT f.id AS id, 0.0 AS score FROM files f"  # noqa: S608 - all ours
                f" WHERE f.missing_ns IS NULL{condition}{order}"
            )
        order = " ORDER BY words.rowid DESC" if scored else ""
        score = _SCORE if scored else "0.0"
        # CROSS JOIN keeps SQLite from beginning with the files. Missing ones have no words.
        files = " CROSS JOIN files f ON f.id = words.rowid" if condition else ""
        return (
            f"SELECT words.rowid AS id, {score} AS score FROM words{files}"  # noqa: S608 - all ours
            f" WHERE words MATCH ?{condition}{order}"
        )


def _narrowed(picking: _Picking, wanted: Search) -> tuple[_Picking, Accept | None]:
    """Heed the lists of paths: look up each path, or ask about each match if these are fewer."""
    among, without, accept = wanted.among, wanted.without, wanted.accept
    paths = len(without) + (0 if among is None else len(among))
    if paths > FEW_PATHS and picking.count() <= paths:

        def is_listed(path: str) -> bool:
            inside = (among is None or path in among) and path not in without
            return inside and (accept is None or accept(path))

        return picking, is_listed
    where, values = picking.where, picking.values
    for word, listed in (("IN", among), ("NOT IN", without or None)):
        if listed is not None:
            # `+`: matches are looked up in the list, and not each of the list among the matches.
            where += f" AND +f.id {word} {_GIVEN}"
            values += (_plain(ids_at(picking.connection, listed)),)
    return evolve(picking, where=where, values=values), accept


def _named_first(
    named: list[tuple[int, float]], ranked: list[tuple[int, float]]
) -> list[tuple[int, float]]:
    """Those that are named so, then the others."""
    ids = {identity for identity, _ in named}
    return [*named, *(match for match in ranked if match[0] not in ids)]


def _plain(value: list[int]) -> str:
    return orjson.dumps(value).decode()
