"""The only tables that change: records go in, each projection's state per key comes out.

A projection is a function of the *set* of records: order of arrival, duplicates and late
segments change nothing, because the newest stamp per key wins (or, for facts that happen once,
the oldest). Folds are pure and never raise; a state is small, frozen, and replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, Generic, TypeVar

import orjson
from attrs import frozen

from events.record import Record
from events.registry import Unknown

S = TypeVar("S")


@frozen
class Projection(Generic[S]):
    """One fold: which events it reads, whose state they change, and how."""

    name: str
    #: Classes of the events that it reads.
    handles: tuple[type, ...]
    #: Keys whose state an event of these classes changes.
    keys: Callable[[Any], tuple[str, ...]]
    #: New state of a key; the same object if nothing changed. None: no state yet.
    apply: Callable[[S | None, Record, str], S | None]
    #: A state as plain JSON values, and back, for checkpoints and hashes.
    pack: Callable[[S], Any]
    unpack: Callable[[Any], S]


class Tables:
    """The states of several projections, kept current record by record. Not thread-safe."""

    def __init__(self, projections: Iterable[Projection[Any]]) -> None:
        """Empty tables."""
        self._projections = {p.name: p for p in projections}
        self._tables: dict[str, dict[str, Any]] = {name: {} for name in self._projections}
        self._routes: dict[type, list[tuple[Projection[Any], dict[str, Any]]]] = {}
        for projection in self._projections.values():
            for cls in projection.handles:
                route = (projection, self._tables[projection.name])
                self._routes.setdefault(cls, []).append(route)
        #: Events of types that this program does not know, by type; (writer, sequence) each, so
        #: that reading one twice counts it once.
        self.unknown: dict[str, set[str]] = {}

    def table(self, name: str) -> Mapping[str, Any]:
        """State per key of one projection."""
        return self._tables[name]

    def apply(self, records: Iterable[Record]) -> None:
        """Fold records in, in any order, as often as they come."""
        routes = self._routes
        for record in records:
            event = record.event
            for projection, table in routes.get(event.__class__, ()):
                fold = projection.apply
                for key in projection.keys(event):
                    old = table.get(key)
                    new = fold(old, record, key)
                    if new is not old:
                        table[key] = new
            if event.__class__ is Unknown:
                self.unknown.setdefault(event.type, set()).add(record.stamp)

    def copy(self) -> Tables:
        """A snapshot that further records do not change; cheap, since states are frozen."""
        twin = Tables(self._projections.values())
        for name, table in self._tables.items():
            twin._tables[name].update(table)
        twin.unknown = {name: set(stamps) for name, stamps in self.unknown.items()}
        return twin

    def pack(self) -> dict[str, Any]:
        """All tables as plain JSON values, in the order of their keys."""
        packed: dict[str, Any] = {}
        for name, projection in self._projections.items():
            pack, table = projection.pack, self._tables[name]
            packed[name] = {key: pack(table[key]) for key in sorted(table)}
        packed["unknown"] = {t: sorted(stamps) for t, stamps in sorted(self.unknown.items())}
        return packed

    def load(self, packed: Mapping[str, Any]) -> None:
        """Take over tables that `pack` made; ours must be empty."""
        for name, projection in self._projections.items():
            unpack = projection.unpack
            self._tables[name].update({k: unpack(v) for k, v in packed[name].items()})
        self.unknown = {name: set(stamps) for name, stamps in packed["unknown"].items()}


def state_hash(packed: Mapping[str, Any]) -> str:
    """Hash of packed tables: equal for equal states, on any host."""
    return sha256(orjson.dumps(packed, option=orjson.OPT_SORT_KEYS)).hexdigest()
