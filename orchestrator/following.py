"""Following all open projects: which are followed, who looks at them, and how well that goes.

Every project has one task and one thread for this (`follower.py`): none is delayed by another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field, frozen

from events.log.port import HARMLESS
from orchestrator.follower import Follower
from orchestrator.host import Host
from orchestrator.project import Project


@define(eq=False)
class Following:
    """Follows all open projects, once it is started."""

    host: Host
    #: Where other hosts can tell this one of news; None if nowhere.
    url: str | None = None
    _followers: dict[Path, Follower] = field(factory=dict)
    _tasks: dict[Path, asyncio.Task[None]] = field(factory=dict)
    _started: bool = False

    def start(self) -> None:
        """Begin, also with the projects that are open already."""
        self._started = True
        for root in self._followers:
            self._begin(root)

    def take(self, project: Project) -> None:
        """Follow a project that was opened, in the place of the one that was open there."""
        known = self._followers.get(project.root)
        fresh = Follower(project, self.host, lambda: self.url)
        if known is not None:
            fresh.looked, fresh.watchers = known.looked, known.watchers
        self._followers[project.root] = fresh
        if self._started:
            self._begin(project.root)

    def _begin(self, root: Path) -> None:
        if (before := self._tasks.pop(root, None)) is not None:
            before.cancel()
        self._tasks[root] = asyncio.create_task(self._followers[root].run())

    def leave(self, root: Path) -> None:
        """Follow a project no more."""
        self._followers.pop(root, None)
        if (task := self._tasks.pop(root, None)) is not None:
            task.cancel()

    def of(self, root: Path) -> Follower | None:
        """How a project is followed; None if it is not open."""
        return self._followers.get(root)

    def all(self) -> tuple[Follower, ...]:
        """All that are followed."""
        return tuple(self._followers.values())

    def look(self, root: Path) -> None:
        """Somebody asks for a project."""
        if (follower := self._followers.get(root)) is not None:
            follower.look()

    @contextmanager
    def watching(self, root: Path) -> Iterator[None]:
        """Somebody watches a project all the time, as long as this is open."""
        self._watch(root, 1)
        try:
            yield
        finally:
            self._watch(root, -1)

    def _watch(self, root: Path, more: int) -> None:
        if (follower := self._followers.get(root)) is not None:
            follower.look()
            follower.watchers = max(0, follower.watchers + more)

    def nudge(self, project: str, writer: str, head: int) -> None:
        """Another host says that there is news in a project, by its id."""
        for follower in self._followers.values():
            log = follower.project.log
            if log is not None and log.project == project:
                follower.nudged(writer, head)

    def close(self) -> None:
        """Follow nothing any more."""
        self._started = False
        for root in tuple(self._followers):
            self.leave(root)


@frozen
class Summary:
    """How well the projects of this service are followed, all in all."""

    #: Other hosts that have one of them open, writers that cannot be read on, and for how long
    #: another host has been ahead of us, in seconds.
    hosts: int
    alarms: int
    worst_lag: float
    #: Projects whose share does not answer.
    silent: tuple[str, ...]


def summary(following: Following) -> Summary:
    """How well all projects are followed."""
    hosts: set[str] = set()
    silent, alarms, worst = [], 0, 0.0
    for follower in following.all():
        hosts |= {peer.beat.host for peer in follower.others() if peer.alive}
        log = follower.project.log
        for seen in () if log is None else log.writers():
            alarms += seen.tail is not None and seen.tail not in HARMLESS
        worst = max(worst, follower.behind)
        if follower.hangs is not None:
            silent.append(str(follower.project.root))
    return Summary(len(hosts), alarms, worst, tuple(silent))
