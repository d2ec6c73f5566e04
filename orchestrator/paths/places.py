"""Where paths really lead, all links followed, without asking the same of a share all the time.

A share takes a call for each folder of a path. The upper folders of all paths are the same few:
the permitted ones and the projects. Where these are is remembered for a moment; everything below
them is looked at each time.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable

#: A folder is believed to be where it was for so long (seconds). A share that comes or goes, or a
#: folder that becomes a link, is noticed within that time.
MOMENT = 2.0
MAX_FOLDERS = 1_000


class Places:
    """Real paths of folders, each for a moment. May be used by several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._known: dict[str, tuple[str, float]] = {}

    def remembered(self, folder: str) -> str | None:
        """The real path of a folder that was looked at a moment ago."""
        known = self._known.get(folder)
        return known[0] if known is not None and known[1] > self._clock() else None

    def remember(self, folder: str, real: str) -> None:
        """Believe for a moment that a folder lies there."""
        if len(self._known) >= MAX_FOLDERS:
            self._known.clear()
        self._known[folder] = (real, self._clock() + MOMENT)

    def of(self, folder: str) -> str | None:
        """The real path of a folder; None if it is not there, or nobody can look. Blocks.

        That a folder is not there is not remembered: it is seen as soon as it comes.
        """
        known = self.remembered(folder)
        if known is not None:
            return known
        try:
            real = os.path.realpath(folder, strict=True)
        except OSError:
            return None
        self.remember(folder, real)
        return real


def follow(path: str) -> str:
    """The real path. What does not exist yet stays as it is written, after its real parent. Blocks.

    Raises:
        OSError: The links lead in a circle, nobody lets us look, or the share does not answer.
    """
    try:
        return os.path.realpath(path, strict=True)
    except (FileNotFoundError, NotADirectoryError):
        return os.path.realpath(path)  # also follows a link whose target does not exist yet


def step_down(real: str, rest: str) -> str | None:
    """Where a tidy path below a real folder is, if no link is met; None if one is. Blocks.

    Raises:
        OSError: As `follow`.
    """
    at = real.rstrip("/")
    for part in rest.split("/"):
        at = f"{at}/{part}"
        try:
            mode = os.lstat(at).st_mode
        except (FileNotFoundError, NotADirectoryError):
            break  # nothing is there, so nothing below it is a link
        if stat.S_ISLNK(mode):
            return None
    return f"{real.rstrip('/')}/{rest}"
