"""Lines of a log that people have given up: the log leaves them out, on all hosts the same."""

from __future__ import annotations

from collections.abc import Iterable

from events.log.port import Log
from events.record import Record
from events.witness import LogGap
from projections.fold import Tables
from projections.witness import gap_of, gaps


def pass_over(log: Log, records: Iterable[Record]) -> bool:
    """Have a log leave out what records give up. Whether some of it was given out before."""
    outdated = False
    for record in records:
        if record.event.__class__ is LogGap:
            assert isinstance(record.event, LogGap)  # see above
            outdated |= log.pass_over(*gap_of(record.event))
    return outdated


def tell(log: Log, tables: Tables) -> None:
    """Have a log leave out all that a state knows to be given up."""
    for who, given_up in gaps(tables).items():
        for gap in given_up:
            log.pass_over(who, gap.first, gap.behind)


def replay(log: Log, tables: Tables) -> tuple[int, bool]:
    """Fold all that is there. How many records came, and whether some that were given up are in.

    Blocks. What stands behind a gap is read once the gap is known.
    """
    count, outdated, told = 0, False, -1
    while told != (known := sum(map(len, gaps(tables).values()))):
        told = known
        for records in log.read():
            tables.apply(records)
            outdated |= pass_over(log, records)
            count += len(records)
    return count, outdated
