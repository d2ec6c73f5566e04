"""News of jobs for those who watch from outside: gathered, numbered, and prepared once for all.

Fifty running jobs tell of their progress five hundred times a second. Two hundred watchers must
not each sort that out for themselves. So the news of a moment become one batch; what is made of
it for one watcher is kept in it for the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from attrs import define, field, frozen

from orchestrator.live import Feed, Watcher
from orchestrator.project import Project
from orchestrator.replay import Replay
from orchestrator.scheduling.dispatcher import JobNews

#: News are gathered for so long, unless it has been quiet before (seconds).
GATHER = 0.1

T = TypeVar("T")


@frozen
class JobAt:
    """A job, and the folder of its project."""

    root: Path
    job_id: str


@frozen
class Numbered:
    """A piece of news. Only changes of state have numbers: progress need not be told twice."""

    number: int | None
    news: JobNews


@define(eq=False)
class Batch:
    """The news of a moment: all changes of state, then the last progress of each job."""

    news: tuple[Numbered, ...]
    jobs: frozenset[str]
    groups: frozenset[str]
    #: The epoch of the numbers.
    epoch: str
    #: Where a watcher stands who knows all of it.
    cursor: str
    #: Something happened that nobody can tell in detail: look at everything anew.
    reset: bool = False
    _made: dict[Hashable, Any] = field(factory=dict)  # any: of as many kinds as there are makers

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` makes of this batch; it is called for the first one who asks with a key."""
        if key not in self._made:
            self._made[key] = make()
        return cast("T", self._made[key])


class JobFeed(Feed[JobNews]):
    """The feed of jobs, with a memory, and with batches for those who watch. On the event loop."""

    def __init__(self) -> None:
        """Nothing has happened, and nobody watches."""
        super().__init__()
        self.replay: Replay[JobAt] = Replay()
        self._batches: Feed[Batch] = Feed()
        self._followers = 0
        self._gathered: list[Numbered] = []
        self._timer: asyncio.TimerHandle | None = None
        #: When news were last told, by the loop's clock.
        self._told = 0.0
        #: Folders of projects that have been open.
        self._roots: set[Path] = set()

    def publish(self, message: JobNews) -> None:
        """Offer news to all watchers at once, and to followers with what comes soon after."""
        super().publish(message)
        number = None
        if message.state_changed:
            number = self.replay.add(JobAt(message.root, message.job_id))
        if not self._followers:
            return
        self._gathered.append(Numbered(number, message))
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._told + GATHER), self.flush)

    def opened(self, project: Project) -> None:
        """A project was opened; if it was anew, nobody has heard what came between."""
        if project.root in self._roots:
            self.flush()
            self.replay.restart()
            nothing: frozenset[str] = frozenset()
            epoch, cursor = self.replay.epoch, self.replay.cursor()
            self._batches.publish(Batch((), nothing, nothing, epoch, cursor, reset=True))
        self._roots.add(project.root)

    def flush(self) -> None:
        """Tell followers now what has been gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._gathered:
            self._told = asyncio.get_running_loop().time()
            gathered, self._gathered = self._gathered, []
            self._batches.publish(_batch(gathered, self.replay))

    @contextmanager
    def follow(self, wants: Callable[[Batch], bool]) -> Iterator[Watcher[Batch]]:
        """Hear of everything that has not been published until now, in batches."""
        self.flush()
        self._followers += 1
        try:
            with self._batches.watch(wants) as watcher:
                yield watcher
        finally:
            self._followers -= 1

    def close(self) -> None:
        """Tell all who watch or follow, and those who come later, that this is the end."""
        super().close()
        self._batches.close()


def _batch(gathered: list[Numbered], replay: Replay[JobAt]) -> Batch:
    states: list[Numbered] = []
    progress: dict[str, Numbered] = {}
    for told in gathered:
        if told.number is None:
            progress[told.news.job_id] = told
        else:
            # What was told of its progress before is out of date.
            progress.pop(told.news.job_id, None)
            states.append(told)
    kept = (*states, *progress.values())
    groups = (group_of(told.news) for told in kept)
    return Batch(
        kept,
        frozenset(told.news.job_id for told in kept),
        frozenset(group for group in groups if group is not None),
        replay.epoch,
        replay.cursor(),
    )


def group_of(news: JobNews) -> str | None:
    """The group of the job that the news are about."""
    queued = news.job.queued
    return None if queued is None else queued.order.group
