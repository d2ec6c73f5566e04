"""What we announced to do to files, and whether it was done: what a restart has to settle."""

from __future__ import annotations

from typing import Any

from attrs import asdict, frozen

from events.files import FilesDone, FilesFailed, FilesIntended
from events.record import Record
from projections.fold import Projection


@frozen
class Operation:
    """One operation: open while it is intended and not settled. A settled one never opens again."""

    host: str | None
    intent: FilesIntended | None
    settled: bool


def _key(event: FilesIntended | FilesDone | FilesFailed) -> tuple[str, ...]:
    return (event.op,)


def _apply(state: Operation | None, record: Record, key: str) -> Operation | None:
    match record.event:
        case FilesIntended() as intent if state is None:
            return Operation(record.host, intent, settled=False)
        case FilesDone() | FilesFailed():
            return Operation(None, None, settled=True)
        case _:
            return state


def _pack(state: Operation) -> list[Any]:
    return [state.host, None if state.intent is None else asdict(state.intent), state.settled]


def _unpack(packed: list[Any]) -> Operation:
    host, intent, settled = packed
    return Operation(host, None if intent is None else FilesIntended(**intent), settled)


OPERATIONS = Projection("operations", (FilesIntended, FilesDone, FilesFailed), _key, _apply,
                        _pack, _unpack)  # fmt: skip
