"""A file that is read as it was listed, or not at all."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from attrs import frozen

from orchestrator.errors import FileChanging
from orchestrator.gallery.duplicates.report import Candidate

#: Bytes read at a time: between two reads a stop is noticed.
PIECE: Final = 1 << 20
#: Bytes read ahead: the whole start of a picture, up to its first rows, comes in one.
_AHEAD: Final = 32 * 1024
#: Not blocking: a named pipe must not hang a thread.
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class CannotCompareError(Exception):
    """What a file holds cannot be compared; says why, and would say it again."""


class StoppedError(Exception):
    """Nobody wants to know any more."""


@frozen
class Opened:
    """An open file."""

    file: BinaryIO
    #: In bytes.
    size: int
    stop: threading.Event

    def pieces(self, length: int) -> Iterator[bytes]:
        """The next `length` bytes, piece by piece; fewer only at the end of the file.

        Raises:
            StoppedError: In between, somebody said stop.
        """
        while length > 0 and (piece := self.file.read(min(length, PIECE))):
            if self.stop.is_set():
                raise StoppedError
            yield piece
            length -= len(piece)


@contextmanager
def opened(root: Path, file: Candidate, stop: threading.Event) -> Iterator[Opened]:
    """Open a file for reading. Blocks.

    Raises:
        FileChanging: Before or after, it was not as listed; no matter what else went wrong.
        OSError: It cannot be opened or read.
    """
    descriptor = os.open(root / file.path, _FLAGS)
    with open(descriptor, "rb", buffering=_AHEAD) as handle:  # noqa: PTH123 - a descriptor
        _check(handle, file)
        try:
            yield Opened(handle, file.size, stop)
        finally:
            _check(handle, file)


def as_listed(info: os.stat_result, file: Candidate) -> bool:
    """Whether a file still is what was listed."""
    same = (info.st_size, info.st_mtime_ns) == (file.size, file.mtime_ns)
    return same and stat.S_ISREG(info.st_mode)


def _check(handle: BinaryIO, file: Candidate) -> None:
    if not as_listed(os.fstat(handle.fileno()), file):
        raise FileChanging(path=file.path)
