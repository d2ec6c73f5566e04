"""Reads what is shown of the files that a search found. Functions block, on local disk only."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator

import orjson
from attrs import define, field, frozen

from orchestrator.gallery.index.excerpts import Excerpt, Text, excerpt
from orchestrator.gallery.index.model import Field, Hit, joined
from orchestrator.gallery.index.query import Term
from orchestrator.gallery.index.words import Haystack

#: In the order in which a match is worth showing; the raw graph has all but the name.
_SHOWN: tuple[Field, ...] = ("filename", "prompt", "model", "lora", "seed", "negative_prompt")


@frozen
class _Row:
    """One found file, as the index has it."""

    folder: str
    name: str
    prompt: str
    model: str
    lora: str
    seed: str
    negative_prompt: str
    other: str
    graph: int | None

    def texts(self, fields: frozenset[Field]) -> Iterator[Text]:
        """Where a match may be, short of the shared graph."""
        seeds = f"{self.seed} {self.other}".strip()
        values = (self.name, self.prompt, self.model, self.lora, seeds, self.negative_prompt)
        left: list[str] = []
        for name, value in zip(_SHOWN, values, strict=True):
            if name in fields:
                yield Text(name, Haystack(value))
            elif name != "filename":
                left.append(value)
        if "workflow" in fields:
            yield from (Text("workflow", Haystack(value)) for value in left)


@define
class HitReader:
    """Reads hits for one answer; graphs that several files share are read once."""

    connection: sqlite3.Connection
    terms: tuple[Term, ...]
    fields: frozenset[Field]
    _graphs: dict[int, Text] = field(factory=dict)

    def read(self, page: list[tuple[int, float]]) -> list[Hit]:
        """The hits for ids and their scores, in that order."""
        ids = orjson.dumps([identity for identity, _ in page]).decode()
        (found,) = self.connection.execute(
            "SELECT json_group_array(json_array(f.folder, f.name, t.prompt, t.models, t.loras,"
            " coalesce(f.seed, ''), t.negative_prompt, t.other, f.graph)) FROM json_each(?) j"
            " CROSS JOIN files f ON f.id = j.value CROSS JOIN texts t ON t.id = f.id",
            [ids],
        ).fetchone()
        rows = (_Row(*values) for values in orjson.loads(found))
        return [self._hit(row, score) for row, (_, score) in zip(rows, page, strict=True)]

    def _hit(self, row: _Row, score: float) -> Hit:
        shown = self._excerpt(row)
        path = joined(row.folder, row.name)
        return Hit(path, shown.field if self.terms else None, shown.context, shown.start,
                   shown.end, score)  # fmt: skip

    def _excerpt(self, row: _Row) -> Excerpt:
        shown = excerpt(row.texts(self.fields), self.terms)
        if shown.matched == len(self.terms) or row.graph is None or "workflow" not in self.fields:
            return shown
        return excerpt([*row.texts(self.fields), self._graph(row.graph)], self.terms)

    def _graph(self, graph: int) -> Text:
        if graph not in self._graphs:
            (data,) = self.connection.execute(
                "SELECT text FROM graphs WHERE id = ?", [graph]
            ).fetchone()
            text = zlib.decompress(data).decode()
            self._graphs[graph] = Text("workflow", Haystack(text))
        return self._graphs[graph]
