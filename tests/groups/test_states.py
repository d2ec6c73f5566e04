"""Where a group stands, told from its jobs; and the jobs of groups that never came to be."""

from __future__ import annotations

from collections import Counter

import pytest

from events.groups import GroupCancelRequested, GroupCreated, GroupId
from events.jobs import (
    JobCancelled,
    JobCancelRequested,
    JobFailed,
    JobId,
    JobQueued,
    JobRendered,
    JobRequeued,
    JobStarted,
    JobSubmitted,
    JobSucceeded,
)
from events.record import Record
from events.stamp import moment, stamp
from orchestrator.commands.groups import CancelGroup, CreateGroup
from orchestrator.groups.states import (
    ChildStatus,
    GroupStatus,
    Tally,
    child_status,
    ended_at,
    orphans,
    tally,
)
from projections.catalogue import empty_tables
from projections.groups import Group
from projections.project import ProjectView
from tests.scenario import Scenario

A, B = JobId("a"), JobId("b")
GROUP = GroupId("jg_1")
CREATED = GroupCreated(group=GROUP, jobs=(A, B))

#: What has happened to a job, by where it stands then.
STORIES: dict[str, tuple[ChildStatus, list[object]]] = {
    "nothing": (ChildStatus.QUEUED, []),
    "sent": (ChildStatus.QUEUED, [JobSubmitted(job=A, attempt=1, backend="x", prompt_id="p")]),
}
_SENT = STORIES["sent"][1]
_BEGUN = [*_SENT, JobStarted(job=A, attempt=1)]
STORIES |= {
    "begun": (ChildStatus.RUNNING, _BEGUN),
    "fetched": (ChildStatus.RUNNING, [*_SENT, JobRendered(job=A, attempt=1, outputs=1)]),
    "given up": (ChildStatus.QUEUED, [*_BEGUN, JobRequeued(job=A, attempt=1, reason="x")]),
    "to be stopped": (ChildStatus.RUNNING, [*_BEGUN, JobCancelRequested(job=A)]),
    "not to begin": (ChildStatus.QUEUED, [JobCancelRequested(job=A)]),
    "stopped": (ChildStatus.CANCELLED, [JobCancelRequested(job=A), JobCancelled(job=A)]),
    "well": (ChildStatus.COMPLETED, [*_BEGUN, JobSucceeded(job=A, attempt=1)]),
    "badly": (ChildStatus.FAILED, [*_BEGUN, JobFailed(job=A, reason="x", kind="execution")]),
    "too long": (ChildStatus.TIMEOUT, [*_BEGUN, JobFailed(job=A, reason="x", kind="timeout")]),
}


def queued(job: JobId, group: str | None = GROUP) -> JobQueued:
    """A job of a group."""
    return JobQueued(job=job, workflow={}, naming_template="x", group=group)


def told(*events: object, host: str = "host-a") -> ProjectView:
    """A project in which these have happened, a second after the other."""
    tables = empty_tables()
    for sequence, event in enumerate(events, 1):
        at = stamp(sequence * 1000 << 16, "0" * 16)
        tables.apply([Record(at, event, "mara", host, "0" * 16, sequence)])
    return ProjectView(tables)


def group_of(view: ProjectView) -> Group:
    """The group."""
    group = view.group(GROUP)
    assert group is not None
    return group


class TestChild:
    @pytest.mark.parametrize("story", STORIES)
    def test_where_it_stands(self, story: str) -> None:
        """As clients know it: what waits on a backend still waits."""
        status, events = STORIES[story]
        assert child_status(told(queued(A), *events).job(A)) is status

    def test_one_that_is_not_known_yet(self) -> None:
        """Another host's group may be read before its jobs are."""
        assert child_status(None) is ChildStatus.QUEUED


def standing(*statuses: ChildStatus, cancelled: bool = False) -> GroupStatus:
    """Where a group of such jobs stands."""
    return Tally(len(statuses), Counter(statuses), cancelled).status


Q, R, C, F, T, X = ChildStatus


class TestGroup:
    @pytest.mark.parametrize(
        ("statuses", "status"),
        [
            ((Q, Q), GroupStatus.PENDING),
            ((Q, R), GroupStatus.RUNNING),
            ((Q, C), GroupStatus.RUNNING),
            ((F, R), GroupStatus.RUNNING),
            ((C, C), GroupStatus.COMPLETED),
            ((C, F), GroupStatus.PARTIAL_COMPLETE),
            ((C, T), GroupStatus.PARTIAL_COMPLETE),
            ((C, X), GroupStatus.PARTIAL_COMPLETE),
            ((F, T), GroupStatus.FAILED),
            ((F, X), GroupStatus.FAILED),
            ((X, X), GroupStatus.CANCELLED),
        ],
    )
    def test_from_its_jobs(self, statuses: tuple[ChildStatus, ...], status: GroupStatus) -> None:
        """The table at the top of states.py."""
        assert standing(*statuses) is status

    @pytest.mark.parametrize("statuses", [(Q, R), (X, X), (C, X), (C, F)])
    def test_a_cancel_ends_as_cancelled(self, statuses: tuple[ChildStatus, ...]) -> None:
        """Whatever its jobs come to, and from the moment of the request."""
        assert standing(*statuses, cancelled=True) is GroupStatus.CANCELLED

    def test_from_the_log(self) -> None:
        """Its jobs and the cancel are all there is to know."""
        events = [queued(A), queued(B), CREATED, *STORIES["well"][1]]
        view = told(*events)
        found = tally(view, group_of(view))
        assert (found.status, found.total, found.ended) == (GroupStatus.RUNNING, 2, False)
        assert (found.of(ChildStatus.COMPLETED), found.of(ChildStatus.QUEUED)) == (1, 1)
        assert ended_at(view, group_of(view)) is None
        stopped = told(*events, GroupCancelRequested(group=GROUP), JobCancelled(job=B))
        assert tally(stopped, group_of(stopped)).status is GroupStatus.CANCELLED
        end = ended_at(stopped, group_of(stopped))
        assert end is not None
        assert moment(end).timestamp() == len(events) + 2


class TestOrphans:
    def test_jobs_of_a_group_that_never_came(self) -> None:
        """They are ended, and told why; their group is named."""
        (step,) = orphans(told(queued(A)), "host-a")
        assert (step.job, step.kind, step.attempt) == (A, "group", None)
        assert GROUP in step.reason

    @pytest.mark.parametrize(
        "events",
        [
            [queued(A, None)],
            [queued(A), queued(B), CREATED],
            [queued(A), JobFailed(job=A, reason="x", kind="group")],
        ],
    )
    def test_all_others(self, events: list[object]) -> None:
        """Jobs without a group, of a group that is there, or that have ended."""
        assert orphans(told(*events), "host-a") == []

    def test_whose_they_are(self) -> None:
        """Only its own host knows whether their group is still to come; and it may be."""
        view = told(queued(A))
        assert orphans(view, "host-b") == []
        assert orphans(view, "host-a", coming={GROUP}) == []


@pytest.fixture
def scenario() -> Scenario:
    """Nothing has happened."""
    return Scenario()


CANCEL = CancelGroup(group=GROUP, jobs=(A, B))


class TestCreate:
    def test_it_is_told_once(self, scenario: Scenario) -> None:
        """The same group twice is one group."""
        scenario.given(queued(A), queued(B))
        scenario.when(CreateGroup(order=CREATED))
        scenario.then(CREATED)

    def test_again(self, scenario: Scenario) -> None:
        """Nothing new."""
        scenario.given(queued(A), queued(B), CREATED)
        scenario.when(CreateGroup(order=CREATED))
        scenario.then()


class TestCancel:
    def test_the_group_and_its_jobs_in_one(self, scenario: Scenario) -> None:
        """So there is no moment at which half of it is stopped."""
        scenario.given(queued(A), queued(B), CREATED)
        scenario.when(CANCEL)
        scenario.then(
            GroupCancelRequested(group=GROUP), JobCancelRequested(job=A), JobCancelRequested(job=B)
        )

    def test_what_has_ended_stays(self, scenario: Scenario) -> None:
        """Only the others are stopped, each once."""
        scenario.given(queued(A), queued(B), CREATED, *STORIES["well"][1])
        scenario.when(CANCEL)
        scenario.then(GroupCancelRequested(group=GROUP), JobCancelRequested(job=B))

    def test_jobs_that_were_cancelled_one_by_one(self, scenario: Scenario) -> None:
        """The group is cancelled as well, as long as one has not let go."""
        scenario.given(queued(A), queued(B), CREATED)
        scenario.given(JobCancelRequested(job=A), JobCancelRequested(job=B))
        scenario.when(CANCEL)
        scenario.then(GroupCancelRequested(group=GROUP))

    def test_twice(self, scenario: Scenario) -> None:
        """Asking twice is asking once."""
        scenario.given(queued(A), queued(B), CREATED, GroupCancelRequested(group=GROUP))
        scenario.given(JobCancelRequested(job=A), JobCancelRequested(job=B))
        scenario.when(CANCEL)
        scenario.then()

    def test_one_that_has_ended(self, scenario: Scenario) -> None:
        """There is nothing to stop, so it stays as it ended."""
        bad = JobFailed(job=B, reason="x", kind="execution")
        scenario.given(queued(A), queued(B), CREATED, *STORIES["well"][1], bad)
        scenario.when(CANCEL)
        scenario.then()

    def test_an_unknown_one(self, scenario: Scenario) -> None:
        """404."""
        scenario.when(CANCEL)
        scenario.then_refused("group.unknown")
