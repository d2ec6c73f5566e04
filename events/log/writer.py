"""Appending to the log: one thread, one file of its own, everything waiting in one fsync.

Whoever appends gets a future that resolves when fsync has returned. There is no linger: while one
fsync is in flight, the next batch gathers.

After any error from write, fsync or close the descriptor is never touched again, because the
kernel may have dropped the pages it could not write (nas-facts 2 and 3). A new segment continues
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
from events.log.port import LogBusyError, LogError, LogReadOnlyError, refused
from events.log.segment_file import ForeignWriteError, SegmentFile
from events.log.segments import SegmentName, is_full
from events.record import Position, Record
from events.stamp import HybridClock

#: Caps of what waits to be written, per project (event-log: writing).
MAX_WAITING_EVENTS = 10_000
MAX_WAITING_BYTES = 16 << 20
#: Largest single write.
MAX_BATCH_BYTES = 4 << 20
#: So many write errors within so many seconds end writing.
MAX_FAILURES = 3
FAILURE_WINDOW = 60.0


@define
class _Waiting:
    draft: Draft
    future: Future[list[Record]]


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
    ) -> None:
        """`new_writer` gives a fresh writer id; `folder` is the log folder, which exists.

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

        self._queue: deque[_Waiting] = deque()
        self._waiting_events = 0
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._read_only: str | None = None
        self._thread: threading.Thread | None = None

        self._failures: deque[float] = deque()
        #: Where earlier incarnations of this writer ended, by `writer.host`.
        self._past: dict[str, Position] = {}
        self._begin_incarnation()

    def _begin_incarnation(self) -> None:
        #: The last durable line.
        writer = self._new_writer()
        name = str(SegmentName(writer, self._host, 1))
        if SegmentName.parse(name) is None:
            raise ValueError(f"{name!r} is no name of a segment")  # nobody would read it
        self._head = Head.begin(self._project, writer, self._host)
        self._last_number = 0
        self._segment: SegmentFile | None = None
        #: Where each of our incarnations ends. Replaced as a whole, so any thread may read it.
        self.positions: dict[str, Position] = dict(self._past)

    @property
    def writer(self) -> str:
        """Id of the current incarnation."""
        return self._head.writer

    @property
    def read_only(self) -> str | None:
        """Why writing has ended; None while it has not."""
        return self._read_only

    def append(self, draft: Draft) -> Future[list[Record]]:
        """Queue a draft; the future has its records once they are durable.

        Raises:
            LogBusyError: too much is waiting already.
            LogReadOnlyError: writing has ended.
        """
        with self._changed:
            future = self._queue_up(draft)
            self._changed.notify()
        return future

    def append_all(self, drafts: Sequence[Draft]) -> list[Future[list[Record]]]:
        """Queue several drafts, waking the thread once; what is refused is told in its future."""
        futures = []
        with self._changed:
            for draft in drafts:
                try:
                    futures.append(self._queue_up(draft))
                except LogError as exc:
                    futures.append(refused(exc))
            self._changed.notify()
        return futures

    def _queue_up(self, draft: Draft) -> Future[list[Record]]:
        if self._read_only is not None or self._stopping:
            raise LogReadOnlyError(self._read_only or "the log is closed")
        full = self._waiting_events + len(draft.events) > MAX_WAITING_EVENTS
        if self._queue and (full or self._waiting_bytes + draft.size > MAX_WAITING_BYTES):
            raise LogBusyError(self._waiting_events)
        waiting = _Waiting(draft, Future())
        self._queue.append(waiting)
        self._waiting_events += len(draft.events)
        self._waiting_bytes += draft.size
        if self._thread is None:
            name = f"log-{self._project}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()
        return waiting.future

    def close(self) -> None:
        """Write what waits, seal the last segment, and end the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (batch := self._take()) is not None:
            try:
                self._write(batch)
            except BaseException as exc:
                # A fault of ours must not leave requests waiting for ever, nor a thread that
                # takes drafts and writes nothing.
                self._give_up(f"the log's writer failed: {exc!r}", batch)
                raise
        if self._segment is not None:
            self._segment.seal(self._head.sequence, None)

    def _take(self) -> list[_Waiting] | None:
        """All that waits, up to the size of one write; None when closing."""
        with self._changed:
            while not self._queue and not self._stopping:
                self._changed.wait()
            if not self._queue:
                return None
            batch: list[_Waiting] = []
            size = 0
            while self._queue and size < MAX_BATCH_BYTES:
                waiting = self._queue.popleft()
                if waiting.future.set_running_or_notify_cancel():
                    batch.append(waiting)
                    size += waiting.draft.size
                self._waiting_events -= len(waiting.draft.events)
                self._waiting_bytes -= waiting.draft.size
            return batch

    def _write(self, batch: list[_Waiting]) -> None:
        if not batch:
            return
        lines = self._place(batch)
        while True:
            try:
                self._put(lines)
                break
            except ForeignWriteError as exc:
                # A cloned machine, or a program that edits logs. Our lines go where nobody writes.
                self._segment = None
                if self._too_many_failures():
                    self._give_up(_explain(exc), batch)
                    return
                self._past = self.positions
                self._begin_incarnation()
                lines = self._place(batch)
            except OSError as exc:
                # Not even closed: that could report the lost pages once more, or hang.
                self._segment = None
                if self._too_many_failures():
                    self._give_up(_explain(exc), batch)
                    return
        for waiting, line in zip(batch, lines, strict=True):
            waiting.future.set_result(line.records)

    def _place(self, batch: list[_Waiting]) -> list[Line]:
        lines, head = [], self._head
        for waiting in batch:
            line = place(waiting.draft, head, self._clock)
            lines.append(line)
            head = line.head
        return lines

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
        segment.put(b"".join(line.data for line in lines), len(lines))
        head = self._head = lines[-1].head
        at = Position(head.sequence, head.chain.decode(), segment.number, segment.size)
        self.positions = {**self._past, f"{head.writer}.{head.host}": at}

    def _open(self) -> SegmentFile:
        # Counted even if creating fails, since the file may be there all the same.
        self._last_number += 1
        return SegmentFile.create(
            self._folder,
            self._project,
            self._head,
            self._last_number,
            disk=self._disk,
            now=self._wall(),
        )

    def _too_many_failures(self) -> bool:
        now = self._monotonic()
        self._failures.append(now)
        while now - self._failures[0] > FAILURE_WINDOW:
            self._failures.popleft()
        return len(self._failures) >= MAX_FAILURES

    def _give_up(self, reason: str, batch: list[_Waiting]) -> None:
        """End writing: who waits learns that nothing is certain, never that all is well."""
        with self._changed:
            self._read_only = reason
            queued = [item for item in self._queue if item.future.set_running_or_notify_cancel()]
            self._queue.clear()
            self._waiting_events = self._waiting_bytes = 0
        for waiting in (*batch, *queued):
            if not waiting.future.done():
                waiting.future.set_exception(LogReadOnlyError(reason))


def _explain(exc: Exception) -> str:
    return f"writing failed {MAX_FAILURES} times within a minute, at last with: {exc}"
