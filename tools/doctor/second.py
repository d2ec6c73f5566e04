"""The other side of an examination, as the examination sees it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from attrs import define, field

from tools.doctor.letters import ANSWER, ASK, Incoming, Letter, SilentError, written
from tools.doctor.share import Appender, Share

#: How long an assistant may take to begin, and to answer (seconds).
BEGIN, ANSWERS = 15.0, 15.0
#: How long it is waited for when all is over (seconds).
_FAREWELL = 2.0
#: So many letters there and back tell how far two clocks are apart.
_PINGS = 10


class FailedError(Exception):
    """The other side could not do what it was asked for; the message says why."""


@define
class Second:
    """An assistant that works in our folder."""

    folder: Path
    share: Share
    #: Whether it runs on this host, and so has our clock.
    here: bool
    #: Its host's name, once it has begun.
    host: str = ""
    #: Its clock minus ours, and how far that may be wrong (ns).
    ahead: int = 0
    doubt: int = 0
    #: A letter there and its answer back, at best (seconds).
    round_trip: float = 0.0
    _number: int = 0
    _inbox: Incoming = field(init=False)
    _outbox: Appender = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Where letters go, and come from."""
        self._inbox = Incoming(self.folder / ANSWER, self.share)
        self._outbox = Appender(self.folder / ASK, self.share)

    def begin(self, stop: threading.Event, patience: float = BEGIN) -> None:
        """Wait until it is there, and compare clocks. Blocks.

        Raises:
            SilentError, StoppedError: it does not come.
            OSError: the share fails.
        """
        self.host = str(self._inbox.next(patience, stop)["host"])
        trips = [self._ping(stop) for _ in range(_PINGS)]
        trip, ahead = min(trips)
        self.round_trip = trip / 1e9
        if not self.here:
            self.ahead, self.doubt = ahead, trip // 2

    def _ping(self, stop: threading.Event) -> tuple[int, int]:
        """Duration of a round trip, and how far ahead its clock is by that (ns)."""
        before = time.time_ns()
        at = int(self.ask({"do": "ping"}, stop)["at"])
        after = time.time_ns()
        return after - before, at - (before + after) // 2

    def ask(self, letter: Letter, stop: threading.Event, patience: float = ANSWERS) -> Letter:
        """Send a letter and wait for the answer. Blocks.

        Raises:
            SilentError, StoppedError: it does not come.
            FailedError: it could not be done there.
            OSError: the share fails.
        """
        self.send(letter)
        return self.answer(stop, patience)

    def send(self, letter: Letter) -> None:
        """Send a letter. Blocks."""
        self._number += 1
        self._outbox.append(written({"n": self._number, **letter}))

    def answer(self, stop: threading.Event, patience: float = ANSWERS) -> Letter:
        """The next answer to the last letter; answers to older ones came too late. Blocks."""
        while True:
            letter = self._inbox.next(patience, stop)
            if letter["n"] == self._number:
                break
        if "error" in letter:
            raise FailedError(str(letter["error"]))
        return letter

    def end(self) -> None:
        """Tell it that all is over, and let it close its files. Blocks."""
        try:
            with suppress(SilentError):  # then it is gone, or will notice
                self.ask({"do": "end"}, threading.Event(), _FAREWELL)
        finally:
            self._outbox.close()


#: Gives an assistant for a folder, for as long as it is needed.
Starter = Callable[[Path, Share], AbstractContextManager[Second]]


@contextmanager
def started_here(folder: Path, share: Share) -> Iterator[Second]:
    """An assistant in another process of this host."""
    paths = os.pathsep.join(path for path in sys.path if path)
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.doctor.assistant", str(folder)],
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    second = Second(folder, share, here=True)
    try:
        yield second
    finally:
        assert process.stdin is not None
        process.stdin.close()  # which it takes as the end
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()  # it hangs in the share, and goes when that answers
