"""A simulated host: its clock, its mount, its local disk, and the process that runs there."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

import orjson
from attrs import define, field, frozen

from events.codec import Draft, draft
from events.curation import AssetNoted, AssetRated, AssetTagged, AssetUntagged, TagDefined
from events.ids import writer_id
from events.log import folder
from events.log.folder import FolderLog, proves
from events.log.format_file import Format
from events.log.port import LogReadOnlyError
from events.record import Position, Record
from events.stamp import COUNTER_BITS, MAX_AHEAD_MS, Stamp, time_of
from events.views import ViewSaved
from orchestrator.commands.witness import MarkHeads, mark_heads
from projections.catalogue import empty_tables
from projections.fold import Tables, state_hash
from projections.project import ProjectView, seen_stamp
from projections.witness import Head
from tests.simulation.ledger import BrokenPromise, Ledger, who
from tests.simulation.mount import Mount

GALLERY = Path("/share/project/.gallery")
LOG = str(GALLERY / "log")
_FORMAT = Format("01hzprject0000000000000000", "2024")
#: Edits that replace a value: whoever makes one sees it, until somebody makes another.
_REGISTERS = (AssetRated, AssetTagged, AssetUntagged, AssetNoted, TagDefined, ViewSaved)


class Down(BaseException):
    """The process ends here, in the midst of a call."""


class Around(Protocol):
    """What a machine needs of the world."""

    now: int
    ledger: Ledger

    def serial(self) -> int:
        """A number that was never given before."""
        ...

    def say(self, who: str, text: str) -> None:
        """Something for the trace."""
        ...


@frozen
class Saved:
    """A checkpoint on the host's own disk."""

    positions: dict[str, Position]
    state: bytes
    applied: dict[Stamp, Record]


@define(eq=False)
class Pending:
    """An append whose end is not known yet."""

    future: Future[list[Record]]
    drafts: Sequence[Draft]
    #: The newest time that its author had read and believed, and how often it had read.
    believed: int
    reads: int
    #: Whether it is one event, and no other append of this process was under way: as the service
    #: changes one thing at a time.
    alone: bool


@define(eq=False)
class Process:
    """The service on one host, from its start to its end."""

    log: FolderLog
    tables: Tables
    view: ProjectView
    applied: dict[Stamp, Record] = field(factory=dict)
    pending: list[Pending] = field(factory=list)
    #: What it is in the midst of: `read`, `write`.
    busy: set[str] = field(factory=set)
    believed: int = 0
    reads: int = 0
    #: How far it had come when it last thought of a mark.
    heads: dict[str, Head] = field(factory=dict)

    @property
    def idle(self) -> bool:
        """Whether it is in the midst of nothing."""
        return not self.busy and not self.pending and not self.log.waiting

    def vector(self) -> tuple[tuple[str, int, str], ...]:
        """How far it has come, of each writer that has said anything."""
        at = self.log.positions()
        return tuple(sorted((w, p.sequence, p.chain) for w, p in at.items() if p.sequence))


@define(eq=False)
class Machine:
    """One host. Two machines may have one id: somebody has cloned it."""

    name: str
    id: str
    mount: Mount
    around: Around
    #: Milliseconds that its clock is ahead of the true time; or where it stands still.
    ahead: int = 0
    stopped: int | None = None
    checkpoints: list[Saved] = field(factory=list)
    process: Process | None = None
    #: Until when the share does not answer it.
    cut_off: int = 0

    def wall_ms(self) -> int:
        """Its clock."""
        return self.around.now + self.ahead if self.stopped is None else self.stopped

    def monotonic(self) -> float:
        """Seconds, by a clock that never jumps."""
        return self.around.now / 1000

    def new_writer(self) -> str:
        """A fresh incarnation."""
        return writer_id(self.wall_ms(), self.around.serial())

    # Beginning and ending.

    def start(self) -> None:
        """Start the service: the newest checkpoint that the log proves, then what came since."""
        tables = empty_tables()
        start, applied = None, dict[Stamp, Record]()
        for saved in reversed(self.checkpoints):
            if proves(GALLERY, saved.positions, self.mount):
                tables.load(orjson.loads(saved.state))
                start, applied = saved.positions, dict(saved.applied)
                break
        log = folder.FolderLog(
            GALLERY,
            _FORMAT,
            self.id,
            start=start,
            disk=self.mount,
            wall_ms=self.wall_ms,
            monotonic=self.monotonic,
            new_writer=self.new_writer,
            threaded=False,
        )
        self.process = Process(log, tables, ProjectView(tables), applied)
        told = f"starts as {log.writer}, knows {len(applied)} records"
        self.around.say(self.name, told)
        self.read()

    def stop(self) -> None:
        """End the service in good order."""
        process = self.process
        if process is not None and not process.busy:
            process.busy.update({"read", "write"})
            process.log.close()
            self._settle(process)
            self.process = None
            self.mount.lose_process()
            self.around.say(self.name, "has closed its log")

    def fall(self, *, power: bool) -> None:
        """The process is killed, or the machine loses power."""
        self.around.say(self.name, "loses power" if power else "is killed")
        if self.process is not None and not self.process.idle:
            self._doubt(self.process)
        self.process = None
        if power:
            self.mount.lose_power()
        else:
            self.mount.lose_process()

    def clone(self, name: str, *, running: bool) -> Machine:
        """Another machine that believes to be this one; `running`: in mid-flight."""
        mount = self.mount.copy(self.mount.world)
        twin = Machine(name, self.id, mount, self.around, self.ahead, self.stopped)
        twin.checkpoints = list(self.checkpoints)
        old = self.process
        if running and old is not None and old.idle:
            log = _clone_log(old.log, self, twin)
            tables = old.tables.copy()
            new = Process(log, tables, ProjectView(tables), dict(old.applied))
            new.believed, new.reads = old.believed, old.reads
            twin.process = new
            self.around.ledger.forked.add(f"{log.writer}.{self.id}")
        else:
            mount.handles.clear()
            mount.forget()
        return twin

    # Working.

    def read(self, *, look_around: bool = True) -> None:
        """Read what others have written."""
        process = self.process
        if process is None or "read" in process.busy:
            return
        process.busy.add("read")
        count = 0
        for records in process.log.read(look_around=look_around):
            self._take(process, records)
            self._believe(process, records)
            process.reads += 1
            count += len(records)
        process.busy.discard("read")
        if count:
            self.around.say(self.name, f"reads {count} new records")

    def append(self, told: Sequence[Sequence[object]]) -> None:
        """Hand over several drafts at once; `write` makes them durable."""
        process = self.process
        if process is None:
            return
        ledger, drafts = self.around.ledger, []
        for events in told:
            actor = f"{self.name}-{self.around.serial()}"
            ledger.offered[actor] = (self.id, tuple(events))
            stamps = [at for event in events if (at := seen_stamp(process.view, event))]
            drafts.append(draft(events, actor, None, max(stamps, default=None)))
        try:
            future = process.log.append(*drafts)
        except LogReadOnlyError as exc:
            self.around.say(self.name, f"cannot write: {exc}")
            return
        alone = len(drafts) == len(drafts[0].events) == 1 and not process.pending
        process.pending.append(Pending(future, drafts, process.believed, process.reads, alone))
        self.around.say(self.name, f"appends {' '.join(d.actor for d in drafts)}")

    def write(self) -> None:
        """Write all that waits, and tell who waits for it."""
        process = self.process
        if process is None or "write" in process.busy:
            return
        process.busy.add("write")
        while process.log.write_some():
            self._settle(process)
        self._settle(process)
        process.busy.discard("write")

    def checkpoint(self) -> None:
        """Save the state on the own disk."""
        process = self.process
        if process is not None and process.idle:
            positions = process.log.positions()
            packed = orjson.dumps(process.tables.pack())
            self.checkpoints = [*self.checkpoints[-1:]]
            self.checkpoints.append(Saved(positions, packed, dict(process.applied)))
            self.around.say(self.name, f"saves a checkpoint of {len(process.applied)} records")

    def mark(self) -> None:
        """Tell the others how far it has read their logs, as it was the last time it did so."""
        process = self.process
        if process is not None and process.idle:
            told = mark_heads(process.view, MarkHeads(host=self.id, heads=process.heads))
            mine = f"{process.log.writer}.{self.id}"
            process.heads = {
                log: Head(at.sequence, at.chain)
                for log, at in process.log.positions().items()
                if log != mine
            }
            if told:
                self.around.say(self.name, f"marks {len(process.heads)} logs")
                self.append([told])
                self.write()

    def state_hash(self) -> str:
        """Hash of its state."""
        assert self.process is not None
        return state_hash(self.process.tables.pack())

    def _take(self, process: Process, records: Sequence[Record]) -> None:
        for record in records:
            self.around.ledger.meet(record)
            process.applied[record.stamp] = record
        process.tables.apply(records)

    def _believe(self, process: Process, records: Sequence[Record]) -> None:
        limit = self.wall_ms() + MAX_AHEAD_MS
        times = [
            time for record in records if (time := time_of(record.stamp)) >> COUNTER_BITS <= limit
        ]
        process.believed = max([process.believed, *times])

    def _settle(self, process: Process) -> None:
        for pending in [one for one in process.pending if one.future.done()]:
            process.pending.remove(pending)
            fault = pending.future.exception()
            if fault is not None:
                self.around.say(self.name, f"is told: {fault}")
                self._doubt(process)
                continue
            records = pending.future.result()
            told = f"has {len(records)} records up to {records[-1].sequence} of {who(records[-1])}"
            self.around.say(self.name, told)
            for record in records:
                self.around.ledger.acknowledge(record)
            self._take(process, records)
            self._judge(process, pending, records)

    def _doubt(self, process: Process) -> None:
        doubtful = self.around.ledger.doubtful
        doubtful.add(f"{process.log.writer}.{self.id}")
        doubtful.update(process.log._writer.ended)

    def _judge(self, process: Process, pending: Pending, records: Sequence[Record]) -> None:
        """Whether what was appended comes after all that its author had seen."""
        early = [r for r in records if time_of(r.stamp) <= pending.believed]
        if early:
            raise BrokenPromise("S2", f"{early[0]} lies before {pending.believed:016x}")
        if pending.reads != process.reads or not pending.alone:
            return
        (record,) = records
        if isinstance(record.event, _REGISTERS):
            shown = seen_stamp(process.view, record.event)
            if shown != record.stamp:
                raise BrokenPromise("S4", f"{record} lost to {shown}, which its author saw")


def _clone_log(log: FolderLog, original: Machine, twin: Machine) -> FolderLog:
    """A copy of a log in mid-flight, on another machine."""
    writer = log._writer
    memo: dict[int, object] = {
        id(original): twin,
        id(original.mount): twin.mount,
        id(original.around): original.around,
        id(writer._changed): threading.Condition(),
        id(log._clock._lock): threading.Lock(),
    }
    if writer._segment is not None:
        digest = writer._segment._digest
        memo[id(digest)] = digest.copy()
    made = copy.deepcopy(log, memo)
    made._writer._new_writer = made._incarnation(twin.new_writer)
    return made
