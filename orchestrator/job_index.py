"""Jobs of all open projects in the order of their submission, by status and backend: for lists.

A page of a hundred thousand jobs is a slice, not a search. It follows the projects' tables.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from attrs import define, field

from events.record import Record
from orchestrator.project import Project
from projections.jobs import MOVES, Job, Status


class Entry(NamedTuple):
    """A job's place in the list: by submission, then by id. A tuple, since places are compared."""

    submitted: str
    job_id: str
    root: Path


class Place(NamedTuple):
    """What lists are filtered by."""

    status: Status
    #: Where the last attempt is or was; None before the first.
    backend: str | None


@define(eq=False)
class _Shelf:
    """The jobs of one project."""

    lists: dict[Place, list[Entry]] = field(factory=dict)
    known: dict[str, tuple[Entry, Place]] = field(factory=dict)

    def put(self, entry: Entry, place: Place) -> None:
        """A job is new, or has another place now."""
        before = self.known.get(entry.job_id)
        if before == (entry, place):
            return
        if before is not None:
            shelved = self.lists[before[1]]
            del shelved[bisect_left(shelved, before[0])]
        self.known[entry.job_id] = entry, place
        insort(self.lists.setdefault(place, []), entry)


@define(eq=False)
class JobIndex:
    """All jobs that can be listed, newest first."""

    _shelves: dict[Path, _Shelf] = field(factory=dict)

    def opened(self, project: Project) -> None:
        """Take in a project that was opened, or opened anew."""
        shelf = self._shelves[project.root] = _Shelf()
        for job_id, job in project.view.jobs():
            entry, place = _entry(project.root, job_id, job), _place(job)
            shelf.known[job_id] = entry, place
            shelf.lists.setdefault(place, []).append(entry)
        for entries in shelf.lists.values():
            entries.sort()

    def hear(self, project: Project, records: Iterable[Record]) -> None:
        """Follow what happened to jobs."""
        shelf = self._shelves.setdefault(project.root, _Shelf())
        for job_id in {r.event.job for r in records if type(r.event) in MOVES}:  # type: ignore[attr-defined]  # all events of MOVES are about a job
            job = project.view.job(job_id)
            if job is not None:
                shelf.put(_entry(project.root, job_id, job), _place(job))

    def root_of(self, job_id: str) -> Path | None:
        """The folder of the project that a job belongs to."""
        found = (root for root, shelf in self._shelves.items() if job_id in shelf.known)
        return next(found, None)

    def count(
        self,
        status: Collection[Status] | None = None,
        root: Path | None = None,
        backend: str | None = None,
    ) -> int:
        """How many jobs `page` would give without an end."""
        return sum(map(len, self._lists(status, root, backend)))

    def page(
        self,
        status: Collection[Status] | None = None,
        root: Path | None = None,
        backend: str | None = None,
        *,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[Entry]:
        """Jobs, newest first, from the `offset`-th on.

        Args:
            status: Only those in one of these states; None for any.
            root: Only those of this project; None for all.
            backend: Only those whose last attempt is there; None for any.
            offset: How many to pass over.
            limit: How many at most; None for all.
        """
        lists = list(self._lists(status, root, backend))
        stop = max(0, sum(map(len, lists)) - offset)
        start = 0 if limit is None else max(0, stop - limit)
        spans = zip(lists, _cut(lists, start), _cut(lists, stop), strict=True)
        found = [entry for entries, begin, end in spans for entry in entries[begin:end]]
        return sorted(found, reverse=True)

    def _lists(
        self, status: Collection[Status] | None, root: Path | None, backend: str | None
    ) -> Iterator[list[Entry]]:
        for folder, shelf in self._shelves.items():
            if root is None or folder == root:
                for place, entries in shelf.lists.items():
                    if status is not None and place.status not in status:
                        continue
                    if backend is None or place.backend == backend:
                        yield entries


def _cut(lists: Sequence[Sequence[Entry]], first: int) -> list[int]:
    """How many entries of each sorted list are among the first so many of all together.

    Halves the widest list again and again, and all others with it.
    """
    low, high = [0] * len(lists), [len(entries) for entries in lists]
    while sum(low) < first < sum(high):
        widest = max(range(len(lists)), key=lambda n: high[n] - low[n])
        middle = lists[widest][(low[widest] + high[widest]) // 2]
        places = [
            bisect_left(entries, middle, begin, end)
            for entries, begin, end in zip(lists, low, high, strict=True)
        ]
        if sum(places) < first:
            low = places
            low[widest] += 1  # `middle` itself is among them
        else:
            high = places
    return high if sum(high) == first else low


def _entry(root: Path, job_id: str, job: Job) -> Entry:
    return Entry(job.queued.as_of if job.queued else "", job_id, root)


def _place(job: Job) -> Place:
    return Place(job.status, None if job.last is None else job.last.backend)
