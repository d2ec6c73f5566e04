"""A log in memory: for tests and dry runs. It keeps real lines, and passes the port's contract."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path

from attrs import define, evolve, field

from events import codec
from events.codec import Draft
from events.log.claims import LEASE_MS, Holder, Seen, decide, name_of
from events.log.format_file import Format
from events.log.gaps import Gaps
from events.log.lines import Head, place
from events.log.port import (
    DEAD_SECONDS,
    Capability,
    Copy,
    Finding,
    Heartbeat,
    LogReadOnlyError,
    Peer,
    Tidied,
    WriterSeen,
    must_know,
)
from events.log.skew import Skew
from events.record import Position, Record
from events.stamp import HybridClock

_PROJECT = "00000000000000000000000000"


@define
class MemoryShare:
    """What several in-memory logs share, as hosts share a folder: each writer's lines."""

    project: str = _PROJECT
    lines: dict[tuple[str, str], list[bytes]] = field(factory=dict)
    #: Who claimed what last, and when, by the share's clock.
    claims: dict[str, tuple[Seen, int]] = field(factory=dict)
    #: When each host was last heard of, by the share's clock.
    heard: dict[str, int] = field(factory=dict)
    #: Which hosts are there, by writer and host.
    live: dict[tuple[str, str], Heartbeat] = field(factory=dict)
    #: The clock that all hosts have in common (ms).
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
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
        self._wall_ms = wall_ms
        self._head = Head.begin(share.project, f"{next(share.ids):016d}", host)
        self._clock = HybridClock(wall_ms)
        self._gaps = Gaps()
        self._read: dict[tuple[str, str], Position] = {}
        for key, position in (start or {}).items():
            name, _, of = key.partition(".")
            self._read[name, of] = position
        self._read_only: str | None = None
        self.skew: Skew | None = None

    @property
    def project(self) -> str:
        """See the port."""
        return self._share.project

    @property
    def writer(self) -> str:
        """Id of our own incarnation."""
        return self._head.writer

    @property
    def read_only(self) -> str | None:
        """See the port."""
        return self._read_only

    @property
    def unwritable(self) -> str | None:
        """See the port."""
        return None

    @property
    def waiting(self) -> int:
        """See the port."""
        return 0

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
        self._share.heard[self._head.host] = self._share.now_ms()
        done: Future[list[Record]] = Future()
        done.set_result(records)
        return done

    def read(self, *, look_around: bool = True) -> Iterator[list[Record]]:
        """See the port. Looking around costs nothing here."""
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
            records = self._gaps.without(".".join(who), records)
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

    @property
    def capabilities(self) -> frozenset[Capability]:
        """See the port."""
        return frozenset(Capability)

    def claim(self, kind: str, key: str) -> _MemoryClaim | None:
        """See the port."""
        if self._read_only is not None:
            raise LogReadOnlyError(self._read_only)
        share, name, mine = self._share, name_of(kind, key), self._head
        now = share.now_ms()
        seen, made = share.claims.get(name, (None, now))
        known = [] if seen is None else [evolve(seen, age=(now - made) / 1e3)]
        epoch = decide(known, mine.host, mine.writer, now, self._is_dead)
        if isinstance(epoch, Seen):
            return None
        holder = Holder(mine.host, mine.writer, now, now + LEASE_MS)
        share.claims[name] = Seen(epoch, holder), now
        share.heard[mine.host] = now
        return _MemoryClaim(share, kind, key, epoch)

    def claimant(self, kind: str, key: str) -> str | None:
        """See the port."""
        seen, _ = self._share.claims.get(name_of(kind, key), (None, 0))
        return None if seen is None or seen.holder is None else seen.holder.host

    def measure_clock(self) -> Skew:
        """See the port."""
        if self._read_only is not None:
            raise LogReadOnlyError(self._read_only)
        self.skew = Skew(float(self._wall_ms() - self._share.now_ms()), 0.0)
        return self.skew

    def silence(self, host: str) -> float | None:
        """See the port."""
        heard = self._share.heard.get(host)
        return None if heard is None else (self._share.now_ms() - heard) / 1e3

    def _is_dead(self, host: str) -> bool:
        silent = self.silence(host)
        return silent is None or silent > DEAD_SECONDS

    def writers(self) -> tuple[WriterSeen, ...]:
        """See the port."""
        mine = self._head
        found = []
        for key, at in self.positions().items():
            writer, _, host = key.partition(".")
            current = writer == mine.writer
            found.append(
                WriterSeen(
                    writer,
                    host,
                    at,
                    None,
                    "",
                    None if current else 0.0,
                    ours=host == mine.host,
                    current=current,
                )
            )
        return tuple(found)

    def beat(self, name: str, url: str | None, version: str) -> bool:
        """See the port."""
        mine = self._head
        if self._read_only is not None or not any(seen.ours for seen in self.writers()):
            return False
        self._share.live[mine.writer, mine.host] = Heartbeat(
            mine.writer, mine.host, name, url, version, mine.sequence, self._wall_ms()
        )
        return True

    def peers(self) -> tuple[Peer, ...]:
        """See the port."""
        return tuple(Peer(beat, 0.0, alive=True) for _, beat in sorted(self._share.live.items()))

    def pass_over(self, log: str, first: int, behind: Position) -> bool:
        """See the port."""
        known = self.positions().get(log)
        return self._gaps.add(log, first, behind) and (
            known is not None and known.sequence >= first
        )

    def tend(self) -> Copy | None:
        """See the port."""
        return None

    def consolidate(
        self, seen: Mapping[str, Mapping[str, int]], live: Collection[str]
    ) -> Tidied | None:
        """See the port; in memory there are no pieces."""
        if self._read_only is not None:
            raise LogReadOnlyError(self._read_only)
        return None

    def findings(self) -> tuple[Finding, ...]:
        """See the port."""
        return ()

    def close(self) -> None:
        """See the port."""
        self._read_only = self._read_only or "the log is closed"
        self._share.live.pop((self._head.writer, self._head.host), None)


@define(eq=False)
class _MemoryClaim:
    """A claim in memory (the port's `Claim`)."""

    _share: MemoryShare
    kind: str
    key: str
    epoch: int

    def release(self) -> None:
        """See the port."""
        name = name_of(self.kind, self.key)
        seen, made = self._share.claims[name]
        if seen.epoch == self.epoch:
            self._share.claims[name] = evolve(seen, done=True), made


@define
class MemoryEngine:
    """Logs of projects in memory, by folder (the port `events.log.engine.Engine`)."""

    shares: dict[Path, MemoryShare] = field(factory=dict)

    def find(self, root: Path) -> Format | None:
        """See the port."""
        share = self.shares.get(root)
        return None if share is None else Format(share.project, "")

    def refuse_orphans(self, root: Path) -> None:
        """See the port; a log and what is said of it are one here."""

    def create(self, root: Path) -> Format:
        """See the port."""
        if root not in self.shares:
            self.shares[root] = MemoryShare(f"{len(self.shares):026d}")
        return Format(self.shares[root].project, "")

    def open(
        self,
        root: Path,
        found: Format,
        host: str,
        *,
        start: Mapping[str, Position] | None = None,
        mirror: Path | None = None,
    ) -> MemoryLog:
        """See the port; no copy is kept."""
        share = self.shares[root]
        if share.project != found.project:
            raise KeyError(found.project)
        return MemoryLog(share, host, start=start)

    def proves(self, root: Path, positions: Mapping[str, Position]) -> bool:
        """See the port."""
        return all(_holds(self.shares[root], key, at) for key, at in positions.items())


def _holds(share: MemoryShare, key: str, at: Position) -> bool:
    writer, _, host = key.partition(".")
    lines = share.lines.get((writer, host), [])
    if not at.sequence:
        return True
    return len(lines) >= at.sequence and codec.chain_of(lines[at.sequence - 1]) == at.chain.encode()
