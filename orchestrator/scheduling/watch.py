"""One attempt of ours on a backend, seen through its frames."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from attrs import define, field

from orchestrator.comfyui.messages import (
    Executing,
    ExecutionError,
    ExecutionInterrupted,
    ExecutionSuccess,
    Frame,
)
from orchestrator.comfyui.progress import ProgressTracker

#: Frames after which the history is worth a look at once.
_ENDS = (ExecutionSuccess, ExecutionError, ExecutionInterrupted)


@define(eq=False)
class Watch:
    """How far an attempt is, and when it last showed a sign of life."""

    tracker: ProgressTracker
    on_progress: Callable[[ProgressTracker], None]
    #: When a frame or the queue last showed a sign of life (monotonic seconds).
    last_sign: float = field(factory=time.monotonic)
    #: Why the attempt shall leave its backend, and its job go elsewhere; None if it may stay.
    stop: str | None = None
    #: Whether a frame told that the backend is done with it, and has written its history.
    ended: bool = False
    _news: asyncio.Event = field(factory=asyncio.Event)

    def take(self, frame: Frame) -> None:
        """Fold a frame of this prompt in."""
        self.sign()
        before, self.tracker = self.tracker, self.tracker.apply(frame)
        if self.tracker != before:
            self.on_progress(self.tracker)
        if isinstance(frame, _ENDS) or (isinstance(frame, Executing) and frame.node is None):
            self.ended = self.ended or isinstance(frame, Executing)
            self.hurry()

    def sign(self) -> None:
        """It is alive."""
        self.last_sign = time.monotonic()

    def hurry(self) -> None:
        """Something happened: whoever pauses shall look at once."""
        self._news.set()

    def request_stop(self, reason: str) -> None:
        """Its backend is needed for something else: whoever follows it shall withdraw it."""
        self.stop = reason
        self.hurry()

    async def pause(self, seconds: float) -> None:
        """Wait, but not if something happened."""
        try:
            # Not wait_for: in Python 3.11 it loses a cancellation that comes with the event.
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()
