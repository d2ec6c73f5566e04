"""Appending through the log with 64 waiting, against a bare loop of write and fsync."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.figures import Figure, seconds
from benchmarks.made_logs import draft
from events.log import format_file
from events.log.disk_io import DiskIO
from events.log.folder import FolderLog

WAITING, EACH, ROUNDS = 64, 400, 9


class BareGroupCommit:
    """The least that group commit takes: a thread that writes what waits, syncs, and tells."""

    def __init__(self, path: Path) -> None:
        """A new file."""
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        self._queue: queue.SimpleQueue[tuple[bytes, Future[None]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def append(self, line: bytes) -> Future[None]:
        """A future that is done when the line is durable."""
        done: Future[None] = Future()
        self._queue.put((line, done))
        return done

    def close(self) -> None:
        """End the thread."""
        self._queue.put(None)
        self._thread.join()
        os.close(self._file)

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            batch = [first]
            while not self._queue.empty():
                more = self._queue.get()
                if more is None:
                    self._queue.put(None)
                    break
                batch.append(more)
            os.write(self._file, b"".join(line for line, _ in batch))
            os.fsync(self._file)
            for _, done in batch:
                done.set_result(None)


def clients(append: Callable[[int], Future[Any]]) -> float:
    """Seconds until WAITING clients have each appended EACH lines, one after the other.

    The clients are callbacks: each result starts that client's next line, as requests do.
    """
    left = [EACH] * WAITING
    open_clients = [WAITING]
    done = threading.Event()

    def step(client: int) -> None:
        if left[client] == 0:
            open_clients[0] -= 1
            if open_clients[0] == 0:
                done.set()
            return
        left[client] -= 1
        append(client).add_done_callback(lambda _: step(client))

    def start() -> None:
        for client in range(WAITING):
            step(client)
        done.wait()

    return seconds(start)


def run(folder: Path) -> list[Figure]:
    """All figures of this module."""
    total = WAITING * EACH
    item = draft(0, 1)
    line = b"x" * 250 + b"\n"
    number = iter(range(100))

    def ours() -> float:
        gallery = folder / f"append{next(number)}" / ".gallery"
        gallery.parent.mkdir()
        log = FolderLog(gallery, format_file.create(gallery, DiskIO()), "benchhost001")
        took = clients(lambda _: log.append(item))
        log.close()
        return took

    def bare() -> float:
        log = BareGroupCommit(folder / f"bare{next(number)}")
        took = clients(lambda _: log.append(line))
        log.close()
        return took

    rounds = [(ours(), bare()) for _ in range(ROUNDS)]
    return [
        Figure(
            name=f"append, {WAITING} waiting",
            value=total / median(took for took, _ in rounds),
            unit="events/s",
            reference=total / median(took for _, took in rounds),
            reference_name="bare write + fsync, group commit",
            goal=">= 0.5",
        )
    ]
