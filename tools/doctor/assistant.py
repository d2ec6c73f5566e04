"""The second process of an examination, on this host or another: it watches, and it races.

`python -m tools.doctor.assistant FOLDER` is how an examination starts one on its own host.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from attrs import define, field

from tools.doctor.letters import ANSWER, ASK, Incoming, Letter, SilentError, StoppedError, written
from tools.doctor.share import Appender, Share
from tools.doctor.watching import Watch

#: An examination that says nothing for so long is over (seconds).
IDLE = 60.0
#: What hangs gets so long to end when the examination is gone (seconds).
_LEAVE = 2.0


@define
class Assistant:
    """Does what the letters in a folder ask for."""

    folder: Path
    share: Share = field(factory=Share)
    stop: threading.Event = field(factory=threading.Event)
    wall_ns: Callable[[], int] = time.time_ns
    idle: float = IDLE

    def run(self) -> None:
        """Work until the examination says that it is over, or says nothing any more.

        Raises:
            OSError: the share fails.
        """
        inbox = Incoming(self.folder / ASK, self.share)
        outbox = Appender(self.folder / ANSWER, self.share)
        try:
            outbox.append(written({"n": 0, "host": socket.gethostname()}))
            while True:
                letter = inbox.next(self.idle, self.stop)
                if letter["do"] == "end":
                    outbox.append(written({"n": letter["n"]}))
                    return
                outbox.append(written({"n": letter["n"], **self._answer(letter, outbox)}))
        except (SilentError, StoppedError, FileNotFoundError):
            return  # the examination has ended otherwise, and taken its folder with it
        finally:
            outbox.close()

    def _answer(self, letter: Letter, outbox: Appender) -> Letter:
        try:
            match letter["do"]:
                case "ping":
                    return {"at": self.wall_ns()}
                case "watch":
                    return self._watch(letter, outbox)
                case _:
                    return {"won": race(self.folder, letter, self.share, self.stop, self.wall_ns)}
        except OSError as exc:
            return {"error": f"{exc}"}

    def _watch(self, letter: Letter, outbox: Appender) -> Letter:
        def begun() -> None:
            outbox.append(written({"n": letter["n"], "begun": True}))

        watch = Watch(self.folder, self.share, letter["lines"], self.stop, self.wall_ns)
        found = watch.run(letter["seconds"], letter["grace"], begun)
        seen = {way.value: when for way, when in found.seen.items()}
        return {"seen": seen, "nuls": found.nuls, "wrong": found.wrong}


def race(
    folder: Path,
    letter: Letter,
    share: Share,
    stop: threading.Event,
    wall_ns: Callable[[], int] = time.time_ns,
) -> list[int]:
    """Create file after file, each at its moment, exclusively; which of them we created.

    `letter` has how many (`count`), when the first (`start`, ns since 1970 by our clock), how long
    from one to the next (`step`, ns), and by how much each side misses the moment at random, so
    that now the one comes first and now the other (`jitter`, ns). Blocks.

    Raises:
        OSError: the share fails for another reason than that the other was first.
    """
    won = []
    for number in range(letter["count"]):
        due = letter["start"] + number * letter["step"] + random.randint(0, letter["jitter"])
        if stop.is_set():
            break
        time.sleep(max(0.0, (due - wall_ns()) / 1e9))
        try:
            descriptor = share.create(folder / f"race-{number:06d}")
        except FileExistsError:
            continue
        share.close(descriptor)
        won.append(number)
    return won


def main(folder: str) -> None:
    """Assist until it is over, or until whoever started us is gone: then our stdin ends."""
    # Ctrl-C reaches all processes of a terminal. Who started us decides when we end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assistant = Assistant(Path(folder))

    def follow_starter() -> None:
        sys.stdin.buffer.read()
        assistant.stop.set()
        time.sleep(_LEAVE)
        os._exit(0)  # a call to the share hangs; there is nothing of ours to be saved

    threading.Thread(target=follow_starter, daemon=True).start()
    assistant.run()


if __name__ == "__main__":
    main(sys.argv[1])
