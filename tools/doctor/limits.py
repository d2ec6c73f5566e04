"""Doing something that may hang, within a limit: in a thread that is left behind if need be."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from attrs import define

T = TypeVar("T")

#: What is stopped by Ctrl-C gets so long to end by itself (seconds).
_LEAVE = 3.0


class OverranError(Exception):
    """It had not ended in time. It may still be running, and may end at any time."""

    def __init__(self, seconds: float) -> None:
        """`seconds` was the limit."""
        super().__init__(f"no answer within {seconds:.0f} s")


@define
class _Outcome(Generic[T]):
    value: T | None = None
    error: BaseException | None = None


def within(seconds: float, work: Callable[[], T], stop: threading.Event) -> T:
    """What `work` gives, or raises. `stop` is set if nobody waits for it any more.

    A call to a share that hangs can be neither stopped nor waited for; its thread keeps nobody
    from ending the process.

    Raises:
        OverranError: it takes longer.
    """
    outcomes: SimpleQueue[_Outcome[T]] = SimpleQueue()

    def run() -> None:
        try:
            outcomes.put(_Outcome(value=work()))
        except BaseException as exc:  # noqa: BLE001  # raised again by whoever waits
            outcomes.put(_Outcome(error=exc))

    threading.Thread(target=run, daemon=True, name="doctor").start()
    try:
        outcome = outcomes.get(timeout=seconds)
    except Empty:
        stop.set()
        raise OverranError(seconds) from None
    except BaseException:  # Ctrl-C: what is under way leaves first, so that all can be removed
        stop.set()
        _await(outcomes)
        raise
    if outcome.error is not None:
        raise outcome.error
    return outcome.value  # type: ignore[return-value]  # there is one, of that type


def _await(outcomes: SimpleQueue[_Outcome[T]]) -> None:
    try:
        outcomes.get(timeout=_LEAVE)
    except Empty:
        return  # it hangs; what it holds stays
