"""This host's jobs that have not ended, and what keeps each of them from going on.

Each is looked at when something about it may have changed, a few at a time: a queue of ten
thousand must not hold up anybody. Now and then all are looked at anew, so that nothing depends on
an event that was missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from heapq import heappop, heappush
from pathlib import Path

from attrs import define, field

from orchestrator.scheduling.lanes import Lanes

#: What is said of a job whose turn to be looked at has not come yet.
UNSEEN = "it has just arrived"


@define(eq=False)
class Backlog:
    """Open jobs by id: to be looked at, ready in the lanes, or kept by something."""

    lanes: Lanes = field(factory=Lanes)
    _roots: dict[str, Path] = field(factory=dict)
    #: In the order in which they are looked at.
    _stale: dict[str, None] = field(factory=dict)
    #: What keeps a job, for people.
    _kept: dict[str, str] = field(factory=dict)
    #: Jobs that wait for their project, by its folder.
    _parked: dict[Path, set[str]] = field(factory=dict)
    _alarms: list[tuple[float, str]] = field(factory=list)
    #: Who waits for a job, or for a group.
    _waiting_for: dict[str, set[str]] = field(factory=dict)

    def __contains__(self, job_id: object) -> bool:
        """Whether a job is open."""
        return job_id in self._roots

    def __len__(self) -> int:
        """How many jobs are open."""
        return len(self._roots)

    def root(self, job_id: str) -> Path:
        """The folder of an open job's project."""
        return self._roots[job_id]

    def add(self, job_id: str, root: Path, waits_for: Iterable[str]) -> None:
        """A job is open, or something happened to it. `waits_for` names jobs and its group."""
        if job_id not in self._roots:
            for other in waits_for:
                self._waiting_for.setdefault(other, set()).add(job_id)
        self._roots[job_id] = root
        self.touch(job_id)

    def drop(self, job_id: str, waits_for: Iterable[str] = ()) -> None:
        """A job has ended."""
        self.lanes.discard(job_id)
        self._roots.pop(job_id, None)
        self._stale.pop(job_id, None)
        self._kept.pop(job_id, None)
        for other in waits_for:
            waiting = self._waiting_for.get(other, set())
            waiting.discard(job_id)
            if not waiting:
                self._waiting_for.pop(other, None)

    def touch(self, job_id: str) -> None:
        """Something about a job changed: it does not begin before it has been looked at."""
        if job_id in self._roots:
            self.lanes.discard(job_id)
            self._stale[job_id] = None

    def touch_waiters(self, awaited: str) -> None:
        """Something about a job or a group changed for which others wait."""
        for job_id in self._waiting_for.get(awaited, ()):
            self.touch(job_id)

    def look_at_all(self) -> None:
        """Let every job be looked at anew; those that are ready stay so meanwhile."""
        self._stale |= dict.fromkeys(self._roots)

    def ring(self, now: datetime) -> None:
        """Let those be looked at whose time has come."""
        while self._alarms and self._alarms[0][0] <= now.timestamp():
            self.touch(heappop(self._alarms)[1])

    def unpark(self, is_free: Callable[[Path], bool]) -> None:
        """Let those be looked at whose project can be used again."""
        for root in [root for root in self._parked if is_free(root)]:
            for job_id in self._parked.pop(root):
                self.touch(job_id)

    def take_stale(self, most: int) -> list[str]:
        """Up to so many jobs that are to be looked at; the caller says what it found."""
        chosen = [job_id for job_id, _ in zip(self._stale, range(most), strict=False)]
        for job_id in chosen:
            del self._stale[job_id]
            self._kept.pop(job_id, None)
        return chosen

    @property
    def has_stale(self) -> bool:
        """Whether any job is to be looked at."""
        return bool(self._stale)

    def keep(self, job_id: str, reason: str, until: datetime | None = None) -> None:
        """A job cannot go on. `until`: look again then, though nothing happened."""
        self.lanes.discard(job_id)
        self._kept[job_id] = reason
        if until is not None:
            heappush(self._alarms, (until.timestamp(), job_id))

    def park(self, job_id: str, root: Path, reason: str) -> None:
        """A job cannot go on as long as its project cannot be used."""
        self.keep(job_id, reason)
        self._parked.setdefault(root, set()).add(job_id)

    def reason(self, job_id: str) -> str | None:
        """What keeps an open job; None if it is at work, or only waits for a backend."""
        if job_id in self._kept:
            return self._kept[job_id]
        return UNSEEN if job_id in self._stale and job_id not in self.lanes else None

    def kept(self) -> Iterator[tuple[str, str]]:
        """Jobs that something keeps, and what."""
        yield from self._kept.items()
