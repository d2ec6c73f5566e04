"""Appending to the log: one thread, one file of its own, everything waiting in one fsync.

Whoever appends gets a future that resolves when fsync has returned. There is no linger: while one
fsync is in flight, the next batch gathers. Drafts are given their places as they are handed over,
so that the thread has little to do but write: it takes turns with its callers at the interpreter.

After any error from write, fsync or close the descriptor is never touched again, because the
kernel may have dropped the pages it could not write. A new segment continues
at the last durable line, and the lines in doubt are written there again, byte for byte; readers
skip what they find twice. After three such errors in a minute the log is read-only.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

from attrs import define

from events.codec import Draft
from events.log.disk_io import DiskIO
from events.log.lines import Head, Line, place
from events.log.port import LogBusyError, LogReadOnlyError, Sink
from events.log.segment_file import ForeignWriteError, SegmentFile
from events.log.segments import SegmentName, is_full
from events.record import Position, Record
from events.stamp import HybridClock

#: Caps of what waits to be written, per project (event-log: writing).
MAX_WAITING_EVENTS = 10_000
MAX_WAITING_BYTES = 16 << 20
#: A write that has as many bytes takes no more with it.
MAX_BATCH_BYTES = 4 << 20
#: So many write errors within so many seconds end writing.
MAX_FAILURES = 3
FAILURE_WINDOW = 60.0


class _Appended(Future[list[Record]]):
    """What was taken cannot be called back: it has its place in the log."""

    def cancel(self) -> bool:
        return False


@define
class _Group:
    """What was handed over together, and is told together."""

    lines: list[Line]
    events: int
    size: int
    future: _Appended


class SegmentWriter:
    """The writer thread of one project's log. Its file is created at the first append."""

    def __init__(
        self,
        folder: Path,
        project: str,
        host: str,
        *,
        clock: HybridClock,
        new_writer: Callable[[], str],
        disk: DiskIO,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        threaded: bool = True,
    ) -> None:
        """`new_writer` gives a fresh writer id; `folder` is the log folder, which exists.

        Without a thread (`threaded`) nothing is written until `write_some` or `close` is called.

        Raises:
            ValueError: `host`, or the id that `new_writer` gives, cannot stand in a file name.
        """
        self._folder = folder
        self._project = project
        self._host = host
        self._clock = clock
        self._new_writer = new_writer
        self._disk = disk
        self._monotonic = monotonic
        self._wall = wall
        self._threaded = threaded

        self._queue: deque[_Group] = deque()
        self._waiting_events = 0
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._read_only: str | None = None
        self._thread: threading.Thread | None = None

        self._failures: deque[float] = deque()
        #: Gets all lines once they are durable.
        self.sink: Sink | None = None
        #: Where incarnations ended that write no more, by `writer.host`: lines that we are not
        #: certain of may stand behind. Replaced as a whole, so any thread may read it.
        self.ended: dict[str, Position] = {}
        self._begin_incarnation()

    def _begin_incarnation(self) -> None:
        writer = self._new_writer()
        name = str(SegmentName(writer, self._host, 1))
        if SegmentName.parse(name) is None:
            raise ValueError(f"{name!r} is no name of a segment")  # nobody would read it
        #: The last durable line, and the last that was handed over.
        self._head = self._placed = Head.begin(self._project, writer, self._host)
        self._last_number = 0
        self._segment: SegmentFile | None = None
        #: Where each of our incarnations ends. Replaced as a whole, so any thread may read it.
        self.positions: dict[str, Position] = dict(self.ended)

    def _end_incarnation(self) -> None:
        head = self._head
        who = f"{head.writer}.{head.host}"
        end = self.positions.get(who) or Position(head.sequence, head.chain.decode(), 0, 0)
        self.ended = {**self.ended, who: end}

    @property
    def writer(self) -> str:
        """Id of the current incarnation."""
        return self._head.writer

    @property
    def read_only(self) -> str | None:
        """Why writing has ended; None while it has not."""
        return self._read_only

    @property
    def waiting(self) -> int:
        """Number of events that no write has taken yet."""
        return self._waiting_events

    def append(self, *drafts: Draft) -> Future[list[Record]]:
        """Hand drafts over; the future has their records once all of them are durable.

        Raises:
            LogBusyError: too much is waiting already.
            LogReadOnlyError: writing has ended.
        """
        events = size = 0
        for draft in drafts:
            events += len(draft.events)
            size += draft.size
        group = _Group([], events, size, _Appended())
        with self._changed:
            if self._read_only is not None or self._stopping:
                raise LogReadOnlyError(self._read_only or "the log is closed")
            full = self._waiting_events + events > MAX_WAITING_EVENTS
            if self._queue and (full or self._waiting_bytes + size > MAX_WAITING_BYTES):
                raise LogBusyError(self._waiting_events)
            self._place(group, drafts)
            self._queue.append(group)
            self._waiting_events += events
            self._waiting_bytes += size
            if self._threaded and self._thread is None:
                name = f"log-{self._project}"
                self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._thread.start()
            self._changed.notify()
        return group.future

    def _place(self, group: _Group, drafts: Sequence[Draft]) -> None:
        lines, head = [], self._placed
        for draft in drafts:
            line = place(draft, head, self._clock)
            lines.append(line)
            head = line.head
        group.lines, self._placed = lines, head

    def close(self) -> None:
        """Write what waits, seal the last segment, and end the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
        elif not self._threaded:
            self._run()

    def write_some(self) -> bool:
        """Write what waits, up to the size of one write; whether anything did.

        For whoever made this writer without a thread. One caller at a time.
        """
        with self._changed:
            if not self._queue:
                return False
        self._write_or_give_up(self._take())
        return True

    def _run(self) -> None:
        while batch := self._take():
            self._write_or_give_up(batch)
        if self._segment is not None:
            self._segment.seal(self._head.sequence, None)

    def _write_or_give_up(self, batch: list[_Group]) -> None:
        try:
            self._write(batch)
        except BaseException as exc:
            # A fault of ours must not leave requests waiting for ever, nor a thread that
            # takes drafts and writes nothing.
            self._give_up(f"the log's writer failed: {exc!r}", batch)
            raise

    def _take(self) -> list[_Group]:
        """All that waits, up to the size of one write; nothing when closing."""
        with self._changed:
            while not self._queue and not self._stopping:
                self._changed.wait()
            batch: list[_Group] = []
            size = 0
            while self._queue and size < MAX_BATCH_BYTES:
                group = self._queue.popleft()
                batch.append(group)
                size += group.size
                self._waiting_events -= group.events
                self._waiting_bytes -= group.size
            return batch

    def _write(self, batch: list[_Group]) -> None:
        while True:
            try:
                self._put([line for group in batch for line in group.lines])
                break
            except ForeignWriteError as exc:
                # A cloned machine, or a program that edits logs. Our lines go where nobody writes.
                self._segment = None
                if self._too_many_failures():
                    self._give_up(_explain(exc), batch)
                    return
                self._move(batch)
            except OSError as exc:
                # Not even closed: that could report the lost pages once more, or hang.
                self._segment = None
                if self._too_many_failures():
                    self._give_up(_explain(exc), batch)
                    return
        for group in batch:
            group.future.set_result([record for line in group.lines for record in line.records])

    def _move(self, batch: list[_Group]) -> None:
        """Begin a new incarnation, and give all that is not yet durable a place there."""
        with self._changed:
            self._end_incarnation()
            self._begin_incarnation()
            for group in (*batch, *self._queue):
                self._place(group, [line.draft for line in group.lines])

    def _put(self, lines: Sequence[Line]) -> None:
        """Make lines durable in the current segment, or in a new one."""
        segment = self._segment
        if segment is None:
            segment = self._segment = self._open()
        elif is_full(segment.size, self._wall() - segment.opened):
            # The next segment is durable before the seal that names it.
            full, segment = segment, self._open()
            self._segment = segment
            full.seal(self._head.sequence, segment.number)
        data, before, size = b"".join(line.data for line in lines), self._head, segment.size
        segment.put(data, len(lines))
        head = self._head = lines[-1].head
        at = Position(head.sequence, head.chain.decode(), segment.number, segment.size)
        who = f"{head.writer}.{head.host}"
        self.positions = {**self.ended, who: at}
        if self.sink is not None:
            begin = Position(before.sequence, before.chain.decode(), segment.number, size)
            self.sink(who, begin, at, data)

    def _open(self) -> SegmentFile:
        # Counted even if creating fails, since the file may be there all the same.
        self._last_number += 1
        try:
            return SegmentFile.create(
                self._folder,
                self._project,
                self._head,
                self._last_number,
                disk=self._disk,
                now=self._wall(),
            )
        except FileExistsError as exc:
            # We never tried that number: a cloned machine has this incarnation too.
            raise ForeignWriteError(self._last_number) from exc

    def _too_many_failures(self) -> bool:
        now = self._monotonic()
        self._failures.append(now)
        while now - self._failures[0] > FAILURE_WINDOW:
            self._failures.popleft()
        return len(self._failures) >= MAX_FAILURES

    def _give_up(self, reason: str, batch: list[_Group]) -> None:
        """End writing: who waits learns that nothing is certain, never that all is well."""
        with self._changed:
            self._read_only = reason
            queued = list(self._queue)
            self._queue.clear()
            self._waiting_events = self._waiting_bytes = 0
        for group in (*batch, *queued):
            if not group.future.done():
                group.future.set_exception(LogReadOnlyError(reason))
        self._end_incarnation()


def _explain(exc: Exception) -> str:
    return f"writing failed {MAX_FAILURES} times within a minute, at last with: {exc}"
