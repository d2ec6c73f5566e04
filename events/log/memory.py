"""A log in memory: for tests and dry runs. It keeps real lines, and passes the port's contract."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future

from attrs import define, field

from events import codec
from events.codec import Draft
from events.log.port import Finding, LogReadOnlyError
from events.record import Position, Record
from events.stamp import HybridClock, time_of

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
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """Begins a new incarnation of `host`."""
        self._share = share
        self._host = host
        self.writer = f"{next(share.ids):016d}"
        self._clock = HybridClock(wall_ms)
        self._chain = codec.seed(share.project, self.writer, host)
        self._read: dict[tuple[str, str], Position] = {}
        self._closed = False

    @property
    def project(self) -> str:
        """See the port."""
        return self._share.project

    def append(self, draft: Draft) -> Future[list[Record]]:
        """See the port."""
        if self._closed:
            raise LogReadOnlyError("the log is closed")
        lines = self._share.lines.setdefault((self.writer, self._host), [])
        now = self._clock.tick()
        seen = draft.beats
        beat = time_of(seen) + 1 if seen is not None and time_of(seen) >= now else None
        sequence = len(lines) + 1
        line = codec.encode_record(draft, sequence, now, beat, self._chain)
        self._chain = codec.chain_of(line)
        lines.append(line)
        done: Future[list[Record]] = Future()
        document = codec.parse(line)
        done.set_result(codec.decode_records(document, self.writer, self._host, sequence))
        return done

    def read(self) -> Iterator[list[Record]]:
        """See the port."""
        for who, lines in list(self._share.lines.items()):
            if who[0] == self.writer:
                continue
            fresh = Position(0, codec.seed(self.project, *who).decode(), 0, 0)
            at = self._read.get(who, fresh)
            records: list[Record] = []
            chain = at.chain.encode()
            for sequence, line in enumerate(lines[at.sequence :], at.sequence + 1):
                chain = codec.check_record(line[:-1], chain)
                records += codec.decode_records(codec.parse(line), *who, sequence)
            self._read[who] = Position(len(lines), chain.decode(), 0, 0)
            if records:
                self._clock.observe(time_of(max(record.stamp for record in records)))
                yield records

    def positions(self) -> dict[str, Position]:
        """See the port."""
        known = {f"{writer}.{host}": at for (writer, host), at in self._read.items()}
        own = self._share.lines.get((self.writer, self._host), [])
        if own:
            at = Position(len(own), self._chain.decode(), 0, 0)
            known[f"{self.writer}.{self._host}"] = at
        return known

    def findings(self) -> tuple[Finding, ...]:
        """See the port."""
        return ()

    def close(self) -> None:
        """See the port."""
        self._closed = True
