"""Work done side by side when it waits for a share, and one after the other when it does not.

On a fast disk a second thread only fights for the interpreter; on a slow share each file waits for
the network, and eight may wait together. Which it is shows in how long the last batch took.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from attrs import define, field

T = TypeVar("T")
R = TypeVar("R")

#: Files that are waited for together.
LANES = 8
#: A file that takes longer than this (seconds) waited for the share.
SLOW = 0.001
#: How often whoever waits looks whether it was told to stop.
_LOOK = 0.1


@define(eq=False)
class Lanes:
    """Works through batches in one lane or several, as the last batch suggests."""

    #: Set to have everything stop soon.
    stop: threading.Event
    clock: Callable[[], float] = time.perf_counter
    lanes: int = field(default=1, init=False)

    def run(self, items: Sequence[T], work: Callable[[T], R]) -> list[R]:
        """The results in order; fewer if it was told to stop.

        An item that hangs on a dead share holds up nobody who stops: its thread is left behind.
        """
        begin = self.clock()
        done = self._alone(items, work) if self.lanes == 1 else self._together(items, work)
        if done:
            each = (self.clock() - begin) / len(done) * self.lanes
            self.lanes = LANES if each > SLOW else 1
        return done

    def _alone(self, items: Sequence[T], work: Callable[[T], R]) -> list[R]:
        done: list[R] = []
        for item in items:
            if self.stop.is_set():
                break
            done.append(work(item))
        return done

    def _together(self, items: Sequence[T], work: Callable[[T], R]) -> list[R]:
        done: dict[int, R] = {}
        failed: list[BaseException] = []
        left = iter(range(len(items)))
        taking = threading.Lock()

        def lane() -> None:
            while not self.stop.is_set() and not failed:
                with taking:
                    at = next(left, None)
                if at is None:
                    return
                try:
                    done[at] = work(items[at])
                except BaseException as exc:  # noqa: BLE001  # raised where it is waited for
                    failed.append(exc)

        threads = [
            threading.Thread(target=lane, name="index-read", daemon=True)
            for _ in range(min(self.lanes, len(items)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive() and not self.stop.is_set():
                thread.join(_LOOK)
        if failed:
            raise failed[0]
        found = dict(done)  # lanes that are left behind may still be writing into theirs
        return [found[at] for at in sorted(found)]
