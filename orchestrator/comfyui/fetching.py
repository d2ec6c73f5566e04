"""Writes a download to a new local file, and removes the file again if the download fails."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import BinaryIO

from orchestrator.comfyui.answers import Fetched


async def write_new(
    path: Path, chunks: AsyncGenerator[bytes], prepare: Callable[[], None] = lambda: None
) -> Fetched:
    """Write chunks to a file that must not exist yet; durable when this returns.

    `prepare` is called before the file is made, in the same thread; it may block.

    If anything fails, or the task is cancelled, the file is removed: what has the name is whole.

    Raises:
        FileExistsError: The file is there already.
        OSError: The disk refused.
    """
    sink = _Sink(path, prepare)
    try:
        first: bytes | None = None
        async with aclosing(chunks):
            async for chunk in chunks:
                # Most pictures come as one piece: that is written in one go, at the end.
                if first is None and not sink.is_open:
                    first = chunk
                    continue
                await asyncio.to_thread(sink.begin, first or b"")
                first = b""
                await asyncio.to_thread(sink.write, chunk)
        return await asyncio.to_thread(sink.finish, first or b"")
    except BaseException:
        # No task of its own: whoever stops all tasks would stop that one before it had begun.
        discarded = asyncio.get_running_loop().run_in_executor(None, sink.discard)
        await asyncio.shield(discarded)
        raise


class _Sink:
    """The file, its size and its digest.

    The lock keeps a cancelled task from closing the file under a write that is still on its way,
    and from leaving a file behind that is only being opened.
    """

    def __init__(self, path: Path, prepare: Callable[[], None]) -> None:
        self._path = path
        self._prepare = prepare
        self._file: BinaryIO | None = None
        self._discarded = False
        self._digest = hashlib.sha256()
        self._size = 0
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether the file has been made."""
        return self._file is not None

    def begin(self, first: bytes) -> None:
        """Make the file, unless it is there, and write its first bytes."""
        with self._lock:
            if self._file is None and not self._discarded:
                self._prepare()
                self._file = self._path.open("xb")
                self._put(first)

    def write(self, chunk: bytes) -> None:
        with self._lock:
            self._put(chunk)

    def _put(self, chunk: bytes) -> None:
        assert self._file is not None  # opened, and not discarded while in use
        self._file.write(chunk)
        self._digest.update(chunk)
        self._size += len(chunk)

    def finish(self, first: bytes) -> Fetched:
        """Make the file durable; if it was not begun yet, these are all of its bytes."""
        self.begin(first)
        with self._lock:
            assert self._file is not None
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            return Fetched(self._size, self._digest.hexdigest())

    def discard(self) -> None:
        with self._lock:
            self._discarded = True
            if self._file is None:
                return
            # Closing flushes; on a full disk that fails once more, and the first error counts.
            with suppress(OSError):
                self._file.close()
            self._path.unlink(missing_ok=True)
