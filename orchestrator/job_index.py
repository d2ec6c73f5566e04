"""Jobs of all open projects in the order of their submission, by status: for lists and counts.

A page of a hundred thousand jobs is a slice, not a search. It follows the projects' tables.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator
from heapq import merge
from itertools import islice
from pathlib import Path

from attrs import define, field, frozen

from events.record import Record
from orchestrator.project import Project
from projections.jobs import MOVES, Job, Status


@frozen(order=True)
class Entry:
    """A job's place in the list: by submission, then by id."""

    submitted: str
    job_id: str
    root: Path = field(order=False)


@define(eq=False)
class _Shelf:
    """The jobs of one project."""

    by_status: dict[Status, list[Entry]] = field(factory=dict)
    known: dict[str, tuple[Entry, Status]] = field(factory=dict)

    def put(self, entry: Entry, status: Status) -> None:
        """A job is new, or has another status now."""
        before = self.known.get(entry.job_id)
        if before == (entry, status):
            return
        if before is not None:
            shelved = self.by_status[before[1]]
            del shelved[bisect_left(shelved, before[0])]
        self.known[entry.job_id] = entry, status
        insort(self.by_status.setdefault(status, []), entry)


@define(eq=False)
class JobIndex:
    """All jobs that can be listed, newest first."""

    _shelves: dict[Path, _Shelf] = field(factory=dict)

    def opened(self, project: Project) -> None:
        """Take in a project that was opened, or opened anew."""
        shelf = self._shelves[project.root] = _Shelf()
        found: dict[Status, list[Entry]] = {}
        for job_id, job in project.view.jobs():
            entry, status = _entry(project.root, job_id, job), job.status
            shelf.known[job_id] = entry, status
            found.setdefault(status, []).append(entry)
        shelf.by_status = {status: sorted(entries) for status, entries in found.items()}

    def hear(self, project: Project, records: Iterable[Record]) -> None:
        """Follow what happened to jobs."""
        shelf = self._shelves.setdefault(project.root, _Shelf())
        for job_id in {r.event.job for r in records if type(r.event) in MOVES}:  # type: ignore[attr-defined]  # all events of MOVES are about a job
            job = project.view.job(job_id)
            if job is not None:
                shelf.put(_entry(project.root, job_id, job), job.status)

    def root_of(self, job_id: str) -> Path | None:
        """The folder of the project that a job belongs to."""
        found = (root for root, shelf in self._shelves.items() if job_id in shelf.known)
        return next(found, None)

    def count(self, status: Collection[Status] | None = None, root: Path | None = None) -> int:
        """How many jobs there are in any of these states (None: in any), in one project or all."""
        return sum(len(entries) for entries in self._lists(status, root))

    def page(
        self,
        status: Collection[Status] | None = None,
        root: Path | None = None,
        *,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[Entry]:
        """Jobs in any of these states, newest first, from the `offset`-th on."""
        lists = [entries for entries in self._lists(status, root) if entries]
        if len(lists) == 1:
            entries, stop = lists[0], len(lists[0]) - offset
            start = 0 if limit is None else max(0, stop - limit)
            return entries[start:stop][::-1] if stop > 0 else []
        end = None if limit is None else offset + limit
        return list(islice(merge(*map(reversed, lists), reverse=True), offset, end))

    def _lists(
        self, status: Collection[Status] | None, root: Path | None
    ) -> Iterator[list[Entry]]:
        for folder, shelf in self._shelves.items():
            if root is None or folder == root:
                for kind, entries in shelf.by_status.items():
                    if status is None or kind in status:
                        yield entries


def _entry(root: Path, job_id: str, job: Job) -> Entry:
    return Entry(job.queued.as_of if job.queued else "", job_id, root)
