"""What we announced to do to files, and whether it was done: what a restart has to settle."""

from __future__ import annotations

from typing import Any

from attrs import asdict, frozen

from events.files import FilesDone, FilesFailed, FilesIntended
from events.record import Record
from events.stamp import Stamp
from projections.fold import Projection


@frozen
class Operation:
    """One operation: open while it is intended and not settled. A settled one never opens again."""

    settled: bool
    #: Who is to do it and what; None once it is settled.
    host: str | None = None
    intent: FilesIntended | None = None
    as_of: Stamp | None = None


_SETTLED = Operation(settled=True)


def _key(event: FilesIntended | FilesDone | FilesFailed) -> tuple[str, ...]:
    return (event.op,)


def _apply(state: Operation | None, record: Record, key: str) -> Operation | None:
    match record.event:
        case FilesDone() | FilesFailed():
            return _SETTLED
        case FilesIntended() as intent:
            # An id is used once; if not, the oldest intent counts, as for all that happens once.
            if state is None or (state.as_of is not None and record.stamp < state.as_of):
                return Operation(False, record.host, intent, record.stamp)
    return state


def _pack(state: Operation) -> list[Any]:
    intent = None if state.intent is None else asdict(state.intent)
    return [state.settled, state.host, intent, state.as_of]


def _unpack(packed: list[Any]) -> Operation:
    settled, host, intent, as_of = packed
    return Operation(settled, host, None if intent is None else FilesIntended(**intent), as_of)


OPERATIONS = Projection("operations", (FilesIntended, FilesDone, FilesFailed), _key, _apply,
                        _pack, _unpack)  # fmt: skip
