"""How an examination and its assistant speak: lines in files of the share, and nothing else.

Each side appends to a file of its own, and reads the other's by opening it anew, as the log does.
So the assistant may run on any host that has the share. All methods block.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import orjson
from attrs import define, field

from tools.doctor.share import Share

Letter = dict[str, Any]

#: Files of the two sides.
ASK, ANSWER = "ask.jsonl", "answer.jsonl"
#: How often a side looks for a letter (seconds).
PACE = 0.004
_BLOCK = 1 << 22


class SilentError(Exception):
    """The other side does not answer."""


class StoppedError(Exception):
    """Somebody wants us to end."""


def written(letter: Letter) -> bytes:
    """A letter as a line."""
    return orjson.dumps(letter, option=orjson.OPT_APPEND_NEWLINE)


@define
class Incoming:
    """The file of the other side, read letter by letter."""

    path: Path
    share: Share
    _offset: int = 0
    _there: bool = False
    _waiting: list[Letter] = field(factory=list)

    def next(self, patience: float, stop: threading.Event) -> Letter:
        """The next letter.

        Raises:
            SilentError: none came in so many seconds.
            StoppedError: `stop` was set meanwhile.
        """
        until = time.monotonic() + patience
        while not self._waiting:
            if stop.is_set():
                raise StoppedError
            if time.monotonic() > until:
                raise SilentError(f"no answer from the other side within {patience:.0f} s")
            self._look()
            if not self._waiting:
                time.sleep(PACE)
        return self._waiting.pop(0)

    def _look(self) -> None:
        # A name that is asked for before it is there may stay unseen for long (NFS): list first.
        self._there = self._there or self.path.name in self.share.names(self.path.parent)
        if not self._there:
            return
        data = self.share.read(self.path, self._offset, _BLOCK).data
        whole = data[: data.rfind(b"\n") + 1]
        if b"\0" in whole:
            return  # the size was there before the bytes
        self._offset += len(whole)
        self._waiting = [orjson.loads(line) for line in whole.splitlines()]
