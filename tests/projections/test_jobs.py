"""The state machine of jobs: the table, and the fold that must agree with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import jobs as e
from events.jobs import JobId
from events.record import Record
from events.stamp import stamp
from projections.catalogue import empty_tables
from projections.jobs import FINAL, MOVES, Job, Status

JOB = JobId("job-1")
WRITER = "0000000000000001"


def records(events: list[object]) -> list[Record]:
    """Events as one host writes them, one after the other."""
    return [
        Record(stamp(n << 16, WRITER), event, "mara", "host-a", WRITER, n)
        for n, event in enumerate(events, 1)
    ]


def job_after(events: list[object]) -> Job:
    """The job's state after some events."""
    tables = empty_tables()
    tables.apply(records(events))
    found: Job = tables.table("jobs")[JOB]
    return found


def queued() -> e.JobQueued:
    """A job in the queue."""
    return e.JobQueued(job=JOB, workflow={"1": {}}, naming_template="{panel}/x")


def event_of(kind: type, attempt: int) -> object:
    """Some event of a kind, about this job."""
    made: dict[type, object] = {
        e.JobQueued: queued(),
        e.JobSubmitted: e.JobSubmitted(job=JOB, attempt=attempt, backend="b", prompt_id="p"),
        e.JobStarted: e.JobStarted(job=JOB, attempt=attempt),
        e.JobRendered: e.JobRendered(job=JOB, attempt=attempt, outputs=1),
        e.JobOutputStored: e.JobOutputStored(
            job=JOB,
            attempt=attempt,
            node="4",
            index=0,
            kind="images",
            asset="a" * 32,
            path="P/x.png",
            size=1,
            sha256="s",
        ),
        e.JobRequeued: e.JobRequeued(job=JOB, attempt=attempt, reason="lost"),
        e.JobCancelRequested: e.JobCancelRequested(job=JOB),
        e.JobSucceeded: e.JobSucceeded(job=JOB, attempt=attempt),
        e.JobFailed: e.JobFailed(job=JOB, reason="boom", kind="execution", attempt=attempt),
        e.JobCancelled: e.JobCancelled(job=JOB),
    }
    return made[kind]


@given(choices=st.lists(st.integers(0, 100), max_size=15))
def test_the_fold_agrees_with_the_table(choices: list[int]) -> None:
    """Along every path that the table allows, the fold reads off the table's status."""
    status: Status | None = None
    events: list[object] = []
    attempt = 0
    for choice in choices:
        allowed = [kind for kind, moves in MOVES.items() if status in moves]
        if not allowed:
            break
        kind = allowed[choice % len(allowed)]
        attempt += kind is e.JobSubmitted
        # A cancelling job with no attempt can only be cancelled or fail: nothing runs anywhere.
        if status is Status.CANCELLING and attempt == 0 and kind in _OF_ATTEMPTS:
            continue
        status = MOVES[kind][status]
        events.append(event_of(kind, attempt))
        assert job_after(events).status is status


_OF_ATTEMPTS = {e.JobStarted, e.JobRendered, e.JobOutputStored, e.JobSucceeded}


class TestTable:
    def test_nothing_leaves_a_final_state(self) -> None:
        """A job that has ended stays ended."""
        assert not [kind for kind, moves in MOVES.items() if FINAL & set(moves)]

    def test_every_state_can_be_reached_and_left(self) -> None:
        """No state is a trap, and none is decoration."""
        reached = {to for moves in MOVES.values() for to in moves.values()}
        left = {start for moves in MOVES.values() for start in moves if start is not None}
        assert reached == set(Status)
        assert left == set(Status) - FINAL


class TestFold:
    def test_an_ended_job_keeps_its_facts_and_drops_its_graph(self) -> None:
        """Graphs are large; the log keeps them, the state of a hundred thousand jobs must not."""
        job = job_after([queued(), event_of(e.JobCancelRequested, 0), event_of(e.JobCancelled, 0)])
        assert job.queued is not None
        assert job.queued.order.workflow == {}
        assert job.queued.order.naming_template == "{panel}/x"

    def test_the_first_end_counts(self) -> None:
        """Late news of another end changes nothing."""
        events = [queued(), event_of(e.JobFailed, 1), event_of(e.JobSucceeded, 1)]
        assert job_after(events).status is Status.FAILED

    def test_an_end_before_its_beginning_is_understood(self) -> None:
        """Records of two incarnations of a host may be read in any order."""
        events = [event_of(e.JobSucceeded, 1), event_of(e.JobSubmitted, 1), queued()]
        tables = empty_tables()
        tables.apply(records(events))
        assert tables.table("jobs")[JOB].status is Status.SUCCEEDED

    def test_open_attempt_is_the_one_a_backend_may_work_on(self) -> None:
        """After a requeue nothing is open until the next attempt."""
        events = [queued(), event_of(e.JobSubmitted, 1)]
        assert job_after(events).open_attempt is not None
        assert job_after([*events, event_of(e.JobRequeued, 1)]).open_attempt is None

    @pytest.mark.parametrize("late", [False, True])
    def test_a_file_of_an_attempt_that_is_given_up_is_extra(self, late: bool) -> None:
        """Whether it came before that or after; those of other attempts are the job's outputs."""
        stored = event_of(e.JobOutputStored, 1)
        requeued = event_of(e.JobRequeued, 1)
        begun = [queued(), event_of(e.JobSubmitted, 1), event_of(e.JobRendered, 1)]
        order = [requeued, stored] if late else [stored, requeued]
        job = job_after([*begun, *order, event_of(e.JobOutputStored, 2)])
        assert [(output.attempt, output.extra) for output in job.outputs] == [(1, True), (2, False)]
