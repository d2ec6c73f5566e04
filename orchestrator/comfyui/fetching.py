"""Writes a download to a new local file, and removes the file again if the download fails."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path

from orchestrator.comfyui.answers import Fetched


async def write_new(path: Path, chunks: AsyncGenerator[bytes]) -> Fetched:
    """Write chunks to a file that must not exist yet; durable when this returns.

    If anything fails, or the task is cancelled, the file is removed: what has the name is whole.

    Raises:
        FileExistsError: The file is there already.
        OSError: The disk refused.
    """
    sink = await asyncio.to_thread(_Sink, path)
    try:
        async with aclosing(chunks):
            async for chunk in chunks:
                await asyncio.to_thread(sink.write, chunk)
        return await asyncio.to_thread(sink.finish)
    except BaseException:
        await asyncio.shield(asyncio.to_thread(sink.discard))
        raise


class _Sink:
    """The file, its size and its digest.

    The lock keeps a cancelled task from closing the file under a write that is still on its way.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("xb")
        self._digest = hashlib.sha256()
        self._size = 0
        self._lock = threading.Lock()

    def write(self, chunk: bytes) -> None:
        with self._lock:
            self._file.write(chunk)
            self._digest.update(chunk)
            self._size += len(chunk)

    def finish(self) -> Fetched:
        with self._lock:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            return Fetched(self._size, self._digest.hexdigest())

    def discard(self) -> None:
        with self._lock:
            # Closing flushes; on a full disk that fails once more, and the first error counts.
            with suppress(OSError):
                self._file.close()
            self._path.unlink(missing_ok=True)
