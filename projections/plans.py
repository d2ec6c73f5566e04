"""Operations on files that were planned, and whether they are over: what a restart has to settle.

Whose plan is settled needs its steps no more: the log keeps them.
"""

from __future__ import annotations

from typing import Any

from attrs import asdict, frozen

from events.files import FilesPlanned, FilesSettled
from events.record import Record
from events.stamp import Stamp
from projections.fold import Projection


@frozen
class Plan:
    """One operation; open while it is planned and not settled. A settled one never opens again."""

    settled: bool
    #: Who is to do it, who asked for it, and what; None once it is settled.
    host: str | None = None
    actor: str | None = None
    planned: FilesPlanned | None = None
    as_of: Stamp | None = None
    correlation: str | None = None


_SETTLED = Plan(settled=True)


def _key(event: FilesPlanned | FilesSettled) -> tuple[str, ...]:
    return (event.op,)


def _apply(state: Plan | None, record: Record, key: str) -> Plan | None:
    match record.event:
        case FilesSettled():
            return _SETTLED
        case FilesPlanned() as planned:
            if state is None or (state.as_of is not None and record.stamp < state.as_of):
                return Plan(
                    settled=False,
                    host=record.host,
                    actor=record.actor,
                    planned=planned,
                    as_of=record.stamp,
                    correlation=record.correlation,
                )
    return state


def _pack(state: Plan) -> list[Any]:
    planned = None if state.planned is None else asdict(state.planned)
    return [state.settled, state.host, state.actor, planned, state.as_of, state.correlation]


def _unpack(packed: list[Any]) -> Plan:
    settled, host, actor, planned, as_of, correlation = packed
    made = None
    if planned is not None:
        made = FilesPlanned(**{**planned, "steps": tuple(planned["steps"])})
    return Plan(settled, host, actor, made, as_of, correlation)


PLANS = Projection("plans", (FilesPlanned, FilesSettled), _key, _apply, _pack, _unpack)
