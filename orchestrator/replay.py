"""The last messages of a feed under rising numbers, for those who come back with a cursor.

A cursor names the run of numbers (the epoch) and the last number that its owner knows. Who brings
one of another epoch, as after a restart, or one that is too old, is told that what came since is
not known any more; so nothing is ever missed in silence.
"""

from __future__ import annotations

import secrets
from collections import deque
from itertools import islice
from typing import Generic, TypeVar

from attrs import define, field

#: Messages that are kept.
MAX_KEPT = 10_000

M = TypeVar("M")


def _new_epoch() -> str:
    return secrets.token_hex(6)


@define(eq=False)
class Replay(Generic[M]):
    """Numbered messages, of which the last ones are kept."""

    epoch: str = field(factory=_new_epoch)
    #: How many there were in this epoch.
    number: int = 0
    _kept: deque[M] = field(factory=lambda: deque(maxlen=MAX_KEPT))

    def add(self, message: M) -> int:
        """Keep a message; returns its number."""
        self._kept.append(message)
        self.number += 1
        return self.number

    def cursor(self, number: int | None = None) -> str:
        """Where somebody stands who knows all up to this message; None means up to the last."""
        return f"{self.epoch}:{self.number if number is None else number}"

    def since(self, cursor: str) -> list[tuple[int, M]] | None:
        """Number and message of all that came after a cursor; None if they are not known."""
        epoch, _, said = cursor.partition(":")
        if epoch != self.epoch or not (said.isascii() and said.isdigit()):
            return None
        missed = self.number - int(said)
        if not 0 <= missed <= len(self._kept):
            return None
        first = len(self._kept) - missed
        return list(enumerate(islice(self._kept, first, None), int(said) + 1))

    def restart(self) -> None:
        """Begin a new epoch: something has happened that was not told here."""
        self.epoch, self.number = _new_epoch(), 0
        self._kept.clear()
