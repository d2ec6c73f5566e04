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
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from attrs import define, field, frozen

from events import codec
from events.codec import Draft, Header, Seal
from events.log.disk_io import DiskIO
from events.log.port import LogBusyError, LogReadOnlyError
from events.log.segments import SegmentName, is_full
from events.record import Position, Record
from events.stamp import HybridClock, time_of

#: Caps of what waits to be written, per project (event-log: writing).
MAX_WAITING_EVENTS = 10_000
MAX_WAITING_BYTES = 16 << 20
#: Largest single write.
MAX_BATCH_BYTES = 4 << 20
#: So many write errors within so many seconds end writing.
MAX_FAILURES = 3
FAILURE_WINDOW = 60.0


@frozen
class _Waiting:
    draft: Draft
    future: Future[list[Record]]


@frozen
class _Line:
    """A line that is stamped and chained, but not durable yet."""

    data: bytes
    sequence: int
    chain: bytes
    waiting: _Waiting


@define
class _Segment:
    """The file being written."""

    number: int
    descriptor: int
    size: int
    opened: float
    #: Records in it, and the running hash of its bytes.
    count: int = 0
    digest: object = field(factory=sha256)

    def add(self, data: bytes, count: int) -> None:
        self.size += len(data)
        self.count += count
        self.digest.update(data)  # type: ignore[attr-defined]  # hashlib's type has no public name


class ForeignWriteError(Exception):
    """Our own file does not have the size that we left it at: somebody else wrote to it."""


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
        """`new_writer` gives a fresh writer id; `folder` is the log folder, which exists."""
        self._folder = folder
        self._project = project
        self.host = host
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
        self._segment: _Segment | None = None
        #: Where earlier incarnations of this writer ended, by `writer.host`.
        self.past: dict[str, Position] = {}
        self._begin_incarnation()

    def _begin_incarnation(self) -> None:
        self.writer = self._new_writer()
        #: Last durable line, and its chain value.
        self._sequence = 0
        self._chain = codec.seed(self._project, self.writer, self.host)
        self._last_number = 0
        self._segment = None
        #: The end of the last durable line. Replaced as a whole, so any thread may read it.
        self.position = Position(0, self._chain.decode(), 0, 0)

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
        waiting = _Waiting(draft, Future())
        with self._changed:
            if self._read_only is not None or self._stopping:
                raise LogReadOnlyError(self._read_only or "the log is closed")
            full = self._waiting_events + len(draft.events) > MAX_WAITING_EVENTS
            if self._queue and (full or self._waiting_bytes + draft.size > MAX_WAITING_BYTES):
                raise LogBusyError(self._waiting_events)
            self._queue.append(waiting)
            self._waiting_events += len(draft.events)
            self._waiting_bytes += draft.size
            if self._thread is None:
                name = f"log-{self._project}"
                self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._thread.start()
            self._changed.notify()
        return waiting.future

    def close(self) -> None:
        """Write what waits, seal the last segment, and end the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            batch = self._take()
            if batch is None:
                break
            try:
                self._write(batch)
            except BaseException as exc:
                # A fault of ours must not leave requests waiting for ever, nor a thread that
                # takes drafts and writes nothing.
                self._give_up(f"the log's writer failed: {exc!r}", batch)
                raise
        self._finish()

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
        lines = self._stamp(batch)
        while True:
            try:
                self._put(lines)
                break
            except ForeignWriteError:
                # A cloned machine, or a program that edits logs. Our lines go where nobody writes.
                self.past[f"{self.writer}.{self.host}"] = self.position
                self._begin_incarnation()
                lines = self._stamp(batch)
            except OSError as exc:
                # Not even closed: that could report the lost pages once more, or hang.
                self._segment = None
                if self._too_many_failures():
                    self._give_up(_explain(exc), batch)
                    return
        for line in lines:
            # Decoded from the very bytes that were written, so that what is applied now and
            # what a replay will apply cannot differ.
            document = codec.parse(line.data)
            records = codec.decode_records(document, self.writer, self.host, line.sequence)
            line.waiting.future.set_result(records)

    def _stamp(self, batch: list[_Waiting]) -> list[_Line]:
        lines = []
        sequence, chain = self._sequence, self._chain
        for waiting in batch:
            sequence += 1
            now = self._clock.tick()
            seen = waiting.draft.beats
            beat = time_of(seen) + 1 if seen is not None and time_of(seen) >= now else None
            data = codec.encode_record(waiting.draft, sequence, now, beat, chain)
            chain = codec.chain_of(data)
            lines.append(_Line(data, sequence, chain, waiting))
        return lines

    def _put(self, lines: list[_Line]) -> None:
        """Make lines durable in the current segment, or in a new one."""
        segment = self._segment
        if segment is None:
            segment = self._segment = self._open(self._last_number + 1)
        elif is_full(segment.size, self._wall() - segment.opened):
            segment = self._roll(segment)
        if self._disk.size(segment.descriptor) != segment.size:
            raise ForeignWriteError(segment.number)
        data = b"".join(line.data for line in lines)
        self._disk.write(segment.descriptor, data, segment.size)
        self._disk.sync(segment.descriptor)
        segment.add(data, len(lines))
        self._sequence, self._chain = lines[-1].sequence, lines[-1].chain
        chain = self._chain.decode()
        self.position = Position(self._sequence, chain, segment.number, segment.size)

    def _open(self, number: int) -> _Segment:
        # Counted even if creating fails, since the file may be there all the same.
        self._last_number = number
        opened = self._wall()
        header = Header(
            number,
            self.writer,
            self.host,
            self._project,
            self._sequence + 1,
            self._chain,
            datetime.fromtimestamp(opened, UTC).isoformat(timespec="seconds"),
        ).encode()
        path = self._folder / str(SegmentName(self.writer, self.host, number))
        descriptor = self._disk.create(path)
        self._disk.write(descriptor, header, 0)
        self._disk.sync(descriptor)
        self._disk.sync_folder(self._folder)
        segment = _Segment(number, descriptor, 0, opened)
        segment.add(header, 0)
        return segment

    def _roll(self, old: _Segment) -> _Segment:
        """Close a full segment. The next one is durable before the seal that names it."""
        new = self._open(old.number + 1)
        self._segment = new
        self._seal(old, new.number)
        return new

    def _seal(self, segment: _Segment, following: int | None) -> None:
        """Write the last line and close; failing costs nothing, the next header tells the same."""
        seal = Seal(
            segment.number,
            self._sequence,
            segment.count,
            segment.size,
            segment.digest.hexdigest(),  # type: ignore[attr-defined]  # hashlib's type has no public name
            following,
        )
        with suppress(OSError):
            if self._disk.size(segment.descriptor) == segment.size:
                self._disk.write(segment.descriptor, seal.encode(), segment.size)
                self._disk.sync(segment.descriptor)
            self._disk.close(segment.descriptor)

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
            batch = [*batch, *self._queue]
            self._queue.clear()
            self._waiting_events = self._waiting_bytes = 0
        for waiting in batch:
            if not waiting.future.done():
                waiting.future.set_exception(LogReadOnlyError(reason))

    def _finish(self) -> None:
        if self._segment is not None:
            self._seal(self._segment, None)


def _explain(exc: OSError) -> str:
    return f"writing failed {MAX_FAILURES} times within a minute, at last with: {exc}"
