"""The list of jobs: pages, counts and order, whatever happened to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from events import jobs as e
from events.jobs import JobId
from events.record import Record
from events.stamp import stamp
from orchestrator.job_index import JobIndex
from orchestrator.project import Project
from projections.catalogue import empty_tables
from projections.fold import Tables
from projections.jobs import Status
from projections.project import ProjectView

WRITER = "0000000000000001"


@define(eq=False)
class Shelf:
    """A project as the index sees it."""

    root: Path
    tables: Tables = field(factory=empty_tables)
    view: ProjectView = field(init=False)
    time: int = 1

    def __attrs_post_init__(self) -> None:
        self.view = ProjectView(self.tables)

    def tell(self, index: JobIndex, *events: object) -> None:
        """Something happened, and the index hears of it."""
        records = []
        for event in events:
            self.time += 1
            at = stamp(self.time << 16, WRITER)
            records.append(Record(at, event, "ann", "host", WRITER, self.time))
        self.tables.apply(records)
        index.hear(cast("Project", self), records)


def queued(job: str) -> e.JobQueued:
    """A job is submitted."""
    return e.JobQueued(job=JobId(job), workflow={}, naming_template="x")


def ids(index: JobIndex, **asked: Any) -> list[str]:
    """The ids on a page."""
    return [entry.job_id for entry in index.page(**asked)]


class TestPages:
    def test_the_newest_stand_first(self) -> None:
        """Of all projects together, or of one."""
        index, one, two = JobIndex(), Shelf(Path("/one")), Shelf(Path("/two"))
        one.tell(index, queued("a"), queued("b"))
        two.time = 10
        two.tell(index, queued("c"))
        assert ids(index) == ["c", "b", "a"]
        assert ids(index, root=Path("/one")) == ["b", "a"]
        assert ids(index, offset=1, limit=1) == ["b"]
        assert index.root_of("c") == Path("/two")
        assert index.root_of("d") is None

    def test_a_job_is_listed_under_its_status(self) -> None:
        """And under no other."""
        index, shelf = JobIndex(), Shelf(Path("/one"))
        shelf.tell(index, queued("a"), queued("b"))
        shelf.tell(index, e.JobCancelRequested(job=JobId("a")))
        shelf.tell(index, e.JobCancelled(job=JobId("a")))
        assert ids(index, status={Status.CANCELLED}) == ["a"]
        assert ids(index, status={Status.QUEUED}) == ["b"]
        assert (index.count(), index.count({Status.CANCELLED})) == (2, 1)

    def test_a_project_that_is_opened_is_taken_in_whole(self) -> None:
        """Also if it was known before."""
        index, shelf = JobIndex(), Shelf(Path("/one"))
        shelf.tell(index, queued("a"), queued("b"))
        fresh = JobIndex()
        for _ in range(2):
            fresh.opened(cast("Project", shelf))
        assert ids(fresh) == ids(index) == ["b", "a"]


@given(
    moves=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=40),
    offset=st.integers(0, 8),
    limit=st.none() | st.integers(0, 8),
    status=st.none() | st.sets(st.sampled_from(list(Status))),
)
def test_a_page_is_what_sorting_would_give(
    moves: list[tuple[int, int]], offset: int, limit: int | None, status: set[Status] | None
) -> None:
    """The index saves time and changes nothing."""
    index, shelf = JobIndex(), Shelf(Path("/one"))
    for number, move in moves:
        job = JobId(f"{number}")
        event = [
            queued(job),
            e.JobSubmitted(job=job, attempt=1, backend="a", prompt_id="p"),
            e.JobCancelRequested(job=job),
            e.JobFailed(job=job, reason="x", kind="execution"),
        ][move]
        shelf.tell(index, event)
    fits = [
        (job.queued.as_of, job_id)
        for job_id, job in shelf.view.jobs()
        if job.queued is not None and (status is None or job.status in status)
    ]
    expected = [job_id for _, job_id in sorted(fits, reverse=True)]
    end = None if limit is None else offset + limit
    assert ids(index, status=status, offset=offset, limit=limit) == expected[offset:end]
    assert index.count(status) == len(expected)
