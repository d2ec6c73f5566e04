"""Holds frames between a socket that must never wait and a consumer that may. Pure.

ComfyUI sends frames to all clients in one loop, so that one client that does not read holds up
everybody's. Whatever the consumer does, the socket goes on reading; what is too much is dropped.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from orchestrator.comfyui.messages import Frame, Preview, Progress, ProgressState, Unknown


class Connected:
    """Stands between the frames of one connection and those of the next."""


class Mailbox:
    """Frames in the order in which they came; newer ones replace older ones that they outdate.

    Of previews, and of each kind of progress of one prompt, only the newest is kept. If more
    than `limit` wait all the same, the oldest are dropped and counted in `lost`: frames are
    hints, and polling finds out what they would have said.
    """

    def __init__(self, limit: int = 1000) -> None:
        self.lost = 0
        self._limit = limit
        self._waiting: OrderedDict[Hashable, Frame | Connected] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, item: Frame | Connected) -> None:
        """Add a frame behind all others. Unknown frames are of no use and are left out."""
        if isinstance(item, Unknown):
            return
        key = self._key(item)
        self._waiting.pop(key, None)
        self._waiting[key] = item
        while len(self._waiting) > self._limit:
            self._drop_oldest()

    def take(self) -> Frame | Connected | None:
        """The frame that waits longest, or None."""
        return self._waiting.popitem(last=False)[1] if self._waiting else None

    def _key(self, item: Frame | Connected) -> Hashable:
        match item:
            case Preview() | Connected():
                return type(item).__name__
            case Progress(prompt_id=prompt_id) | ProgressState(prompt_id=prompt_id):
                return type(item).__name__, prompt_id
            case _:
                self._count += 1
                return self._count

    def _drop_oldest(self) -> None:
        """Drop the oldest frame; the news of a new connection is never dropped."""
        key = next(key for key, item in self._waiting.items() if not isinstance(item, Connected))
        del self._waiting[key]
        self.lost += 1
