"""A file as FFmpeg reads it. Blocks."""

from __future__ import annotations

import errno
import os
from typing import IO


class FilmSource:
    """Of a broken file FFmpeg may ask for what lies before its beginning.

    The system answers that with EINVAL, which would look like an error of the share; FFmpeg wants
    a negative number.
    """

    def __init__(self, file: IO[bytes]) -> None:
        """`file` stays its opener's to close."""
        self._file = file
        self.read = file.read
        self.tell = file.tell

    @property
    def closed(self) -> bool:
        """Whether its opener has closed it."""
        return self._file.closed

    def seekable(self) -> bool:
        """Files are."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """The new place; negative if there is no such place."""
        try:
            return self._file.seek(offset, whence)
        except OSError as exc:
            if exc.errno != errno.EINVAL:
                raise
            return -1
