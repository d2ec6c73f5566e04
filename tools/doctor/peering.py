"""Asking another service until it has read what we have read. Blocks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping

from tools.doctor.checks import Check
from tools.doctor.judge.project import LAGGING, judge_peer, judge_silent_peer
from tools.doctor.measure.own_log import LogSeen
from tools.doctor.measure.peers import PeerError, ask_peer

#: From one question to the next (seconds).
_PACE = 0.25


def examine_peer(
    url: str, project_path: str, log: LogSeen | None, stop: threading.Event
) -> Iterator[Check]:
    """How another service is, and how far it lags behind the log as this host sees it."""
    ours = {} if log is None else {f"{w.writer}.{w.host}": w.lines for w in log.writers}
    started = time.monotonic()
    try:
        seen = ask_peer(url, project_path)
        behind = _behind(ours, seen.positions)
        while behind and not stop.is_set() and time.monotonic() - started < LAGGING:
            time.sleep(_PACE)
            seen = ask_peer(url, project_path)
            behind = _behind(ours, seen.positions)
    except PeerError as exc:
        yield judge_silent_peer(url, str(exc))
        return
    caught_up = None if behind else time.monotonic() - started
    yield from judge_peer(seen, caught_up, behind)


def _behind(ours: Mapping[str, int], theirs: Mapping[str, int] | None) -> int:
    """Lines that we have read and they have not; 0 if they do not tell."""
    if theirs is None:
        return 0
    return sum(max(0, lines - theirs.get(who, 0)) for who, lines in ours.items())
