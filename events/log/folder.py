"""A project's log on a share: the segment files in `.gallery/log/`, read and written."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path

from events.codec import Draft, LineError, chain_of
from events.ids import writer_id
from events.log import skew
from events.log.claims import Claims, FileClaim
from events.log.consolidate import Consolidator
from events.log.disk_io import DiskIO
from events.log.format_file import Format
from events.log.frame import Header
from events.log.live import LiveFolder
from events.log.mirror import Mirror
from events.log.port import (
    DEAD_SECONDS,
    Capability,
    Copy,
    Finding,
    Heartbeat,
    LogReadOnlyError,
    Peer,
    ShareSilentError,
    Tail,
    Tidied,
    WriterSeen,
    must_know,
)
from events.log.presence import silence
from events.log.reader import LogReader
from events.log.segments import SegmentName
from events.log.skew import Skew
from events.log.sources import Sources
from events.log.upkeep import Upkeep
from events.log.writer import SegmentWriter
from events.record import Position, Record
from events.stamp import HybridClock


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def fresh_writer_id() -> str:
    """A new incarnation: nobody has had this id before."""
    return writer_id(_wall_ms(), secrets.randbits(32))


class FolderLog:
    """The log of one project as this host sees and writes it (the port `events.log.port.Log`).

    Reading creates nothing. The own segment is created at the first append.
    """

    def __init__(
        self,
        gallery: Path,
        format_: Format,
        host: str,
        *,
        start: Mapping[str, Position] | None = None,
        disk: DiskIO | None = None,
        wall_ms: Callable[[], int] = _wall_ms,
        monotonic: Callable[[], float] = time.monotonic,
        new_writer: Callable[[], str] = fresh_writer_id,
        mirror: Path | None = None,
        threaded: bool = True,
    ) -> None:
        """`gallery` is the project's `.gallery` folder; `start` says what is known already.

        `mirror` is a local folder for a copy of all lines; none is kept without it. Without a
        thread (`threaded`) nothing is written until `write_some` or `close` is called.
        """
        self.project = format_.project
        self.host = host
        self._gallery = gallery
        self._folder = gallery / "log"
        self._disk = disk or DiskIO()
        self._wall_ms = wall_ms
        #: How far our clock is from the share's; None until it is measured.
        self.skew: Skew | None = None
        self._closed = False
        self._claims = Claims(
            gallery / "claim",
            host,
            self._disk,
            wall_ms,
            self._ahead_ms,
            self._is_dead,
        )
        self._clock = HybridClock(wall_ms)
        missing = ", ".join(format_.unknown_to_write)
        #: Why FORMAT, or what we have read, forbids us to write.
        self._forbidden: str | None = (
            f"writing needs features that this program lacks: {missing}" if missing else None
        )
        #: Why the share takes nothing from us, as the last look around has found.
        self.unwritable: str | None = None
        self._reader = LogReader(
            self._folder, self.project, disk=self._disk, start=start, monotonic=monotonic
        )
        self._writer = SegmentWriter(
            self._folder,
            self.project,
            host,
            clock=self._clock,
            new_writer=self._incarnation(new_writer),
            disk=self._disk,
            monotonic=monotonic,
            wall=lambda: wall_ms() / 1000,
            threaded=threaded,
        )

        self._consolidator = Consolidator(
            gallery, self.project, host, self._disk, lambda: wall_ms() / 1000
        )
        self._presence = LiveFolder(gallery, host, self._disk, wall_ms, monotonic)
        self._upkeep: Upkeep | None = None
        if mirror is not None:
            kept = Mirror(mirror, self.project)
            self._reader.sink = self._writer.sink = kept.take
            self._upkeep = Upkeep(kept, self._folder, self.project, self._disk)

    def _incarnation(self, new_writer: Callable[[], str]) -> Callable[[], str]:
        def give() -> str:
            writer = new_writer()
            self._reader.skip.add(writer)
            return writer

        return give

    @property
    def writer(self) -> str:
        """Id of our own incarnation."""
        return self._writer.writer

    @property
    def read_only(self) -> str | None:
        """Why nothing can be written; None if it can."""
        return self._forbidden or self.unwritable or self._writer.read_only

    @property
    def waiting(self) -> int:
        """Number of events that wait to be written."""
        return self._writer.waiting

    def append(self, *drafts: Draft) -> Future[list[Record]]:
        """See the port."""
        if (reason := self._forbidden or self.unwritable) is not None:
            raise LogReadOnlyError(reason)
        return self._writer.append(*drafts)

    def write_some(self) -> bool:
        """Write some of what waits, for whoever made the log without a thread; False: nothing did.

        Blocks. One caller at a time.
        """
        return self._writer.write_some()

    def read(self, *, look_around: bool = True) -> Iterator[list[Record]]:
        """See the port."""
        if look_around:
            self._presence.look_around()
            # A share that does not answer here does not when it is read either, and is told then.
            with suppress(OSError):
                self.unwritable = self._disk.unwritable(self._folder)
        self._reader.take_over(self._writer.ended)
        for records in self._reader.read(look_around=look_around):
            self._clock.observe_all([record.stamp for record in records])
            self._forbidden = self._forbidden or must_know(records)
            yield records

    def positions(self) -> dict[str, Position]:
        """See the port."""
        return {**self._writer.positions, **self._reader.positions()}

    def findings(self) -> tuple[Finding, ...]:
        """See the port."""
        trouble = self._presence.trouble
        if trouble is None:
            return self._reader.findings()
        return (*self._reader.findings(), Finding(Tail.UNREADABLE, "live", 0, trouble))

    def writers(self) -> tuple[WriterSeen, ...]:
        """See the port."""
        others = self._reader.writers(self.host)
        followed = {each.writer for each in others}
        ours = []
        for key, at in self._writer.positions.items():
            writer, _, host = key.partition(".")
            if writer not in followed:
                current = writer == self.writer
                ours.append(WriterSeen(writer, host, at, None, "", None, True, current))
        return (*others, *ours)

    def beat(self, name: str, url: str | None, version: str) -> bool:
        """See the port."""
        wrote = self._writer.positions or any(seen.ours for seen in self._reader.writers(self.host))
        if not wrote or self._closed or self.read_only is not None:
            return False
        at = self._writer.positions.get(f"{self.writer}.{self.host}")
        head = 0 if at is None else at.sequence
        self._presence.beat(
            Heartbeat(self.writer, self.host, name, url, version, head, self._wall_ms())
        )
        return True

    def peers(self) -> tuple[Peer, ...]:
        """See the port."""
        return self._presence.peers()

    @property
    def capabilities(self) -> frozenset[Capability]:
        """See the port."""
        return frozenset(Capability)

    def claim(self, kind: str, key: str) -> FileClaim | None:
        """See the port."""
        self._refuse_if_read_only()
        with _asking_the_share():
            return self._claims.claim(kind, key, self.writer)

    def claimant(self, kind: str, key: str) -> str | None:
        """See the port."""
        with _asking_the_share():
            holder = self._claims.holder(kind, key)
        return None if holder is None else holder.host

    def measure_clock(self) -> Skew:
        """See the port."""
        self._refuse_if_read_only()
        live = self._gallery / "live"
        with _asking_the_share():
            self._disk.make_folder(live)
            self.skew = skew.measure(
                live, self.writer, self.host, self._disk, lambda: self._wall_ms() * 1_000_000
            )
        return self.skew

    def silence(self, host: str) -> float | None:
        """See the port."""
        with _asking_the_share():
            return silence(self._gallery, host, self._disk, self._wall_ms() - self._ahead_ms())

    def _is_dead(self, host: str) -> bool:
        silent = self.silence(host)
        return silent is None or silent > DEAD_SECONDS

    def _ahead_ms(self) -> float:
        return 0.0 if self.skew is None else self.skew.ahead_ms

    def _refuse_if_read_only(self) -> None:
        if self._closed or self.read_only is not None:
            raise LogReadOnlyError(self.read_only or "the log is closed")

    def pass_over(self, log: str, first: int, behind: Position) -> bool:
        """See the port."""
        known = self.positions().get(log)
        return self._reader.gaps.add(log, first, behind) and (
            known is not None and known.sequence >= first
        )

    def tend(self) -> Copy | None:
        """See the port."""
        return None if self._upkeep is None else self._upkeep.tend(self.positions())

    def consolidate(
        self, seen: Mapping[str, Mapping[str, int]], live: Collection[str]
    ) -> Tidied | None:
        """See the port."""
        self._refuse_if_read_only()
        with _asking_the_share():
            return self._consolidator.step(self.writer, seen, live)

    def close(self) -> None:
        """See the port."""
        self._closed = True
        self._writer.close()
        self._presence.withdraw()
        if self._upkeep is not None:
            self._upkeep.close()


@contextmanager
def _asking_the_share() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise ShareSilentError(f"the share does not answer: {exc}") from exc


def proves(gallery: Path, positions: Mapping[str, Position], disk: DiskIO | None = None) -> bool:
    """Whether the log still holds, at each position, the very line that ended there.

    A checkpoint whose positions are not proved is not of this log any more.
    """
    folder = gallery / "log"
    sources = Sources(folder, None, disk or DiskIO())
    try:
        sources.names(folder)
    except OSError:
        return False
    return all(_proved(folder, key, at, sources) for key, at in positions.items())


#: Enough to hold a header, or the end of any line.
_LOOK = 4096


def _proved(folder: Path, key: str, at: Position, sources: Sources) -> bool:
    if at.segment == 0:
        return at.sequence == 0  # not even a header was read: nothing is claimed
    writer, _, host = key.partition(".")
    segment = SegmentName(writer, host, at.segment)
    if sources.proves(segment, at):
        return True
    begin = max(0, at.offset - _LOOK)
    try:
        data = sources.read(folder / str(segment), begin, at.offset - begin).data
    except OSError:
        return False
    if len(data) != at.offset - begin or not data.endswith(b"\n"):
        return False
    if begin == 0 and data.count(b"\n") == 1:
        return _header_proves(data[:-1], at)
    return chain_of(data) == at.chain.encode()


def _header_proves(line: bytes, at: Position) -> bool:
    try:
        header = Header.decode(line)
    except LineError:
        return False
    return header.base == at.sequence + 1 and header.previous.decode() == at.chain
