"""How far each log was seen by the hosts that read it, and which lines were given up for ever."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from events.record import Position, Record
from events.stamp import Stamp
from events.witness import LogGap, LogMarked
from projections.fold import Projection, Tables


@frozen(order=True)
class Head:
    """A line that somebody has read: all up to it must be there."""

    sequence: int
    #: Its `k`.
    chain: str


@frozen
class Witnessed:
    """The furthest that each host has told of one log, sorted by host."""

    by: tuple[tuple[str, Head], ...] = ()

    def of(self, host: str) -> Head | None:
        """What a host has told; None if it told nothing."""
        return dict(self.by).get(host)

    @property
    def furthest(self) -> Head:
        """The furthest of all; there is at least one."""
        return max(head for _, head in self.by)


def heads_of(event: LogMarked) -> dict[str, Head]:
    """What a mark tells, without what is no head: history cannot be refused."""
    found = {}
    for log, told in event.heads.items():
        match told:
            case [int(sequence), str(chain)] if sequence > 0 and sequence.__class__ is int:
                found[log] = Head(sequence, chain)
    return found


def _marked_logs(event: LogMarked) -> tuple[str, ...]:
    return tuple(heads_of(event))


def _witness(state: Witnessed | None, record: Record, key: str) -> Witnessed | None:
    assert isinstance(record.event, LogMarked)  # the only class that is handled
    told = heads_of(record.event)[key]
    by = dict(() if state is None else state.by)
    known = by.get(record.host)
    if known is not None and known >= told:
        return state
    by[record.host] = told
    return Witnessed(tuple(sorted(by.items())))


def _pack_witnessed(state: Witnessed) -> Any:
    return [[host, head.sequence, head.chain] for host, head in state.by]


def _unpack_witnessed(packed: Any) -> Witnessed:
    return Witnessed(tuple((host, Head(s, k)) for host, s, k in packed))


WITNESSED = Projection(
    "witnessed", (LogMarked,), _marked_logs, _witness, _pack_witnessed, _unpack_witnessed
)


@frozen
class Gap:
    """Lines of a log that are given up, and where reading goes on behind them."""

    first: int
    last: int
    #: The `k` of the last one, and where the next line stands.
    chain: str
    segment: int
    offset: int
    #: When, and by whom.
    as_of: Stamp
    actor: str

    @property
    def behind(self) -> Position:
        """Where reading goes on."""
        return Position(self.last, self.chain, self.segment, self.offset)


def gap_of(event: LogGap) -> tuple[str, int, Position]:
    """The log, the first line that is given up, and where reading goes on."""
    behind = Position(event.last, event.chain, event.segment, event.offset)
    return event.log, event.first, behind


def _gap_log(event: LogGap) -> tuple[str, ...]:
    return (event.log,)


def _given_up(state: tuple[Gap, ...] | None, record: Record, key: str) -> tuple[Gap, ...] | None:
    event, known = record.event, state or ()
    assert isinstance(event, LogGap)  # the only class that is handled
    if not 0 < event.first <= event.last or any(gap.as_of == record.stamp for gap in known):
        return state
    gap = Gap(
        event.first,
        event.last,
        event.chain,
        event.segment,
        event.offset,
        record.stamp,
        record.actor,
    )
    return tuple(sorted((*known, gap), key=lambda gap: gap.as_of))


def _pack_gaps(state: tuple[Gap, ...]) -> Any:
    return [
        [gap.first, gap.last, gap.chain, gap.segment, gap.offset, gap.as_of, gap.actor]
        for gap in state
    ]


def _unpack_gaps(packed: Any) -> tuple[Gap, ...]:
    return tuple(Gap(*each) for each in packed)


GAPS = Projection("gaps", (LogGap,), _gap_log, _given_up, _pack_gaps, _unpack_gaps)


def witnessed(tables: Tables) -> dict[str, Witnessed]:
    """Who has seen how much of each log, by `writer.host`."""
    return dict(tables.table(WITNESSED.name))


def gaps(tables: Tables) -> dict[str, tuple[Gap, ...]]:
    """What was given up of each log, by `writer.host`, in the order in which it was told."""
    return dict(tables.table(GAPS.name))
