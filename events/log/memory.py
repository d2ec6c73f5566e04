"""A log in memory: for tests and dry runs. It keeps real lines, and passes the port's contract."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future

from attrs import define, field

from events import codec
from events.codec import Draft
from events.log.lines import Head, place
from events.log.port import Finding, LogReadOnlyError, must_know
from events.record import Position, Record
from events.stamp import HybridClock

_PROJECT = "00000000000000000000000000"


@define
class MemoryShare:
    """What several in-memory logs share, as hosts share a folder: each writer's lines."""

    project: str = _PROJECT
    lines: dict[tuple[str, str], list[bytes]] = field(factory=dict)
    ids: Iterator[int] = field(factory=lambda: itertools.count(1))


class MemoryLog:
    """One host's view of a `MemoryShare` (the port `events.log.port.Log`)."""

    def __init__(
        self,
        share: MemoryShare,
        host: str,
        *,
        start: Mapping[str, Position] | None = None,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """Begins a new incarnation of `host`; `start` says what is known already."""
        self._share = share
        self._head = Head.begin(share.project, f"{next(share.ids):016d}", host)
        self._clock = HybridClock(wall_ms)
        self._read: dict[tuple[str, str], Position] = {}
        for key, position in (start or {}).items():
            name, _, of = key.partition(".")
            self._read[name, of] = position
        self._read_only: str | None = None

    @property
    def project(self) -> str:
        """See the port."""
        return self._share.project

    @property
    def writer(self) -> str:
        """Id of our own incarnation."""
        return self._head.writer

    def append(self, *drafts: Draft) -> Future[list[Record]]:
        """See the port."""
        if self._read_only is not None:
            raise LogReadOnlyError(self._read_only)
        records: list[Record] = []
        for draft in drafts:
            line = place(draft, self._head, self._clock)
            self._head = line.head
            self._share.lines.setdefault((line.head.writer, line.head.host), []).append(line.data)
            records += line.records
        done: Future[list[Record]] = Future()
        done.set_result(records)
        return done

    def read(self) -> Iterator[list[Record]]:
        """See the port."""
        for who, lines in list(self._share.lines.items()):
            if who[0] == self.writer:
                continue
            begin = Head.begin(self.project, *who)
            at = self._read.get(who, Position(0, begin.chain.decode(), 0, 0))
            records: list[Record] = []
            sequence, chain = at.sequence, at.chain.encode()
            for line in lines[sequence:]:
                sequence += 1
                chain = codec.check_record(line[:-1], chain)
                records += codec.decode_records(codec.parse(line), *who, sequence)
            self._read[who] = Position(sequence, chain.decode(), 0, 0)
            if records:
                self._clock.observe_all([record.stamp for record in records])
                self._read_only = self._read_only or must_know(records)
                yield records

    def positions(self) -> dict[str, Position]:
        """See the port."""
        known = {f"{writer}.{host}": at for (writer, host), at in self._read.items()}
        if self._head.sequence:
            at = Position(self._head.sequence, self._head.chain.decode(), 0, 0)
            known[f"{self._head.writer}.{self._head.host}"] = at
        return known

    def findings(self) -> tuple[Finding, ...]:
        """See the port."""
        return ()

    def close(self) -> None:
        """See the port."""
        self._read_only = self._read_only or "the log is closed"
