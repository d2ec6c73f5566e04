"""What a log says of other writers' logs: how far they were seen, and what nobody can read."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from events.registry import event


@event("log.marked")
@frozen(kw_only=True)
class LogMarked:
    """A host tells how far it has read the logs of others: from then on they must hold as much.

    So a log that was cut off, rolled back or rewritten gives itself away to all who read this,
    even if they have never seen the log before. Only what has moved since this host's last mark
    is told.
    """

    #: Stable id of the machine that has read.
    host: str
    #: Per `writer.host`: the sequence of the last line that was read, and its `k`.
    heads: dict[str, Any]


@event("log.gap")
@frozen(kw_only=True)
class LogGap:
    """A person gave up lines of a log that nobody can read any more: all pass over the same ones.

    Reading goes on behind them, at the given byte of the given segment. It is for ever: lines of
    the range that turn up again later do not count.
    """

    #: Whose log, as `writer.host`.
    log: str
    #: Sequences of the first and the last line that are given up.
    first: int
    last: int
    #: The `k` of the last one, which the next good line follows.
    chain: str
    #: Where the next good line stands.
    segment: int
    offset: int
