"""Decisions about jobs and their files: what is told, what is refused, what comes too late."""

from __future__ import annotations

import pytest
from attrs import evolve

from events.assets import AssetId, AssetSeen
from events.files import FilesDone, FilesFailed, FilesIntended
from events.jobs import (
    JobCancelled,
    JobCancelRequested,
    JobFailed,
    JobId,
    JobOutputStored,
    JobQueued,
    JobRendered,
    JobRequeued,
    JobStarted,
    JobSubmitted,
    JobSucceeded,
)
from orchestrator.commands.curation import Sighting
from orchestrator.commands.jobs import (
    AdvanceJob,
    FileFailed,
    FileStored,
    IntendFile,
    QueueJob,
    RequestCancel,
    Step,
)
from orchestrator.gallery.fingerprint import asset_id
from projections.jobs import FINAL, MOVES, Status
from tests.scenario import Scenario

JOB = JobId("job-1")
ORDER = JobQueued(job=JOB, workflow={"1": {}}, naming_template="{panel}/x")


def submitted(attempt: int = 1) -> JobSubmitted:
    """An attempt begins."""
    return JobSubmitted(job=JOB, attempt=attempt, backend="a", prompt_id=f"p{attempt}")


STARTED = JobStarted(job=JOB, attempt=1)
RENDERED = JobRendered(job=JOB, attempt=1, outputs=1)
REQUEUED = JobRequeued(job=JOB, attempt=1, reason="lost")
SUCCEEDED = JobSucceeded(job=JOB, attempt=1)
FAILED = JobFailed(job=JOB, reason="boom", kind="execution", attempt=1)
CANCELLED = JobCancelled(job=JOB)
WANTED_GONE = JobCancelRequested(job=JOB)

#: How a job comes to each state.
PATHS: dict[Status, tuple[object, ...]] = {
    Status.QUEUED: (ORDER,),
    Status.SUBMITTED: (ORDER, submitted()),
    Status.RUNNING: (ORDER, submitted(), STARTED),
    Status.COLLECTING: (ORDER, submitted(), STARTED, RENDERED),
    Status.CANCELLING: (ORDER, submitted(), WANTED_GONE),
    Status.SUCCEEDED: (ORDER, submitted(), RENDERED, SUCCEEDED),
    Status.FAILED: (ORDER, submitted(), FAILED),
    Status.CANCELLED: (ORDER, WANTED_GONE, CANCELLED),
}
STEPS: tuple[Step, ...] = (STARTED, RENDERED, REQUEUED, SUCCEEDED, FAILED, CANCELLED)


class TestQueueJob:
    def test_the_order_is_the_event(self, scenario: Scenario) -> None:
        """As it was given."""
        scenario.when(QueueJob(order=ORDER))
        scenario.then(ORDER)

    def test_the_same_job_twice_is_one_job(self, scenario: Scenario) -> None:
        """Ids are fresh; a repeated one is a repeated command."""
        scenario.given(ORDER)
        scenario.when(QueueJob(order=ORDER))
        scenario.then()


class TestRequestCancel:
    @pytest.mark.parametrize("status", [s for s in Status if s not in FINAL | {Status.CANCELLING}])
    def test_whatever_has_not_ended_can_be_cancelled(
        self, scenario: Scenario, status: Status
    ) -> None:
        """Wherever it stands."""
        scenario.given(*PATHS[status])
        scenario.when(RequestCancel(job=JOB))
        scenario.then(WANTED_GONE)

    def test_asking_twice_is_asking_once(self, scenario: Scenario) -> None:
        """The second time there is nothing new."""
        scenario.given(*PATHS[Status.CANCELLING])
        scenario.when(RequestCancel(job=JOB))
        scenario.then()

    @pytest.mark.parametrize("status", sorted(FINAL))
    def test_what_has_ended_is_refused(self, scenario: Scenario, status: Status) -> None:
        """It is too late, and the client should know."""
        scenario.given(*PATHS[status])
        scenario.when(RequestCancel(job=JOB))
        scenario.then_refused("job.ended")

    def test_an_unknown_job_is_refused(self, scenario: Scenario) -> None:
        """A wrong id is a mistake."""
        scenario.when(RequestCancel(job=JOB))
        scenario.then_refused("job.unknown")


class TestAdvanceJob:
    @pytest.mark.parametrize("status", Status)
    @pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
    def test_only_what_the_table_allows_is_told(
        self, scenario: Scenario, status: Status, step: Step
    ) -> None:
        """A step that comes too late is no news, and no error."""
        scenario.given(*PATHS[status])
        scenario.when(AdvanceJob(step=step))
        scenario.then(*([step] if status in MOVES[type(step)] else []))

    def test_the_first_attempt_is_number_one(self, scenario: Scenario) -> None:
        """And the next one more than the last."""
        scenario.given(ORDER)
        scenario.when(AdvanceJob(step=submitted(2)))
        scenario.then()
        scenario.when(AdvanceJob(step=submitted(1)))
        scenario.then(submitted(1))

    def test_an_attempt_can_follow_one_that_came_to_nothing(self, scenario: Scenario) -> None:
        """With the next number."""
        scenario.given(ORDER, submitted(1), REQUEUED)
        scenario.when(AdvanceJob(step=submitted(2)))
        scenario.then(submitted(2))

    @pytest.mark.parametrize(
        "step", [STARTED, RENDERED, REQUEUED], ids=lambda step: type(step).__name__
    )
    def test_late_news_of_an_older_attempt_change_nothing(
        self, scenario: Scenario, step: Step
    ) -> None:
        """A ghost of the first attempt must not speak for the second."""
        scenario.given(ORDER, submitted(1), REQUEUED, submitted(2))
        scenario.when(AdvanceJob(step=step))
        scenario.then()

    def test_an_unknown_job_is_refused(self, scenario: Scenario) -> None:
        """The scheduler works on queued jobs only."""
        scenario.when(AdvanceJob(step=STARTED))
        scenario.then_refused("job.unknown")


INTENT = FilesIntended(
    op="op-1",
    action="store",
    source=".gallery/incoming/h/x.png",
    to="P/x_v001.png",
    size=10,
    sha256="s" * 64,
    job=JOB,
    attempt=1,
    node="9",
    index=0,
    kind="images",
    original="x.png",
)
SEEN = Sighting("P/x_v001.png", 10, 111, "h")
ASSET = AssetId(asset_id(SEEN.path, SEEN.size, SEEN.head))


class TestFiles:
    def test_an_intent_is_told_as_it_is(self, scenario: Scenario) -> None:
        """Whether the name is free, only the disk can say."""
        scenario.when(IntendFile(intent=INTENT))
        scenario.then(INTENT)

    def test_a_stored_file_is_an_asset_tied_to_its_job(self, scenario: Scenario) -> None:
        """Asset, tie and the end of the operation stand in one transaction."""
        scenario.given(*PATHS[Status.COLLECTING], INTENT)
        scenario.when(FileStored(intent=INTENT, sighting=SEEN))
        scenario.then(
            AssetSeen(asset=ASSET, path=SEEN.path, size=10, mtime=111, head="h"),
            JobOutputStored(
                job=JOB,
                attempt=1,
                node="9",
                index=0,
                kind="images",
                asset=ASSET,
                path=SEEN.path,
                size=10,
                sha256="s" * 64,
            ),
            FilesDone(op="op-1"),
        )

    @pytest.mark.parametrize(
        "end", [FilesDone(op="op-1"), FilesFailed(op="op-1", error="EIO")], ids=["done", "failed"]
    )
    def test_a_settled_operation_is_not_told_again(self, scenario: Scenario, end: object) -> None:
        """What is told twice after a slow share happened once."""
        scenario.given(*PATHS[Status.COLLECTING], INTENT, end)
        scenario.when(FileStored(intent=INTENT, sighting=SEEN))
        scenario.then()
        scenario.when(FileFailed(op="op-1", error="EIO"))
        scenario.then()

    def test_a_failure_names_the_error(self, scenario: Scenario) -> None:
        """As the system calls it."""
        scenario.given(INTENT)
        scenario.when(FileFailed(op="op-1", error="ENOSPC"))
        scenario.then(FilesFailed(op="op-1", error="ENOSPC"))

    def test_commands_about_one_operation_take_turns(self) -> None:
        """They share a key."""
        intent, other = IntendFile(intent=INTENT), IntendFile(intent=evolve(INTENT, op="op-2"))
        stored = FileStored(intent=INTENT, sighting=SEEN)
        assert set(intent.keys()) & set(stored.keys()) == {"op:op-1"}
        assert not set(intent.keys()) & set(other.keys())
        assert "job:job-1" in stored.keys()  # noqa: SIM118  # keys() is a method of commands
