"""Figures about jobs: counted as their events come, without looking at jobs that have ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import define, evolve, field
from prometheus_client import CollectorRegistry

from events.jobs import (
    JobCancelled,
    JobCancelRequested,
    JobFailed,
    JobHeld,
    JobId,
    JobQueued,
    JobReleased,
    JobRendered,
    JobRequeued,
    JobStarted,
    JobSubmitted,
    JobSucceeded,
)
from events.record import Record
from events.stamp import stamp
from events.webhooks import WebhookSettled
from orchestrator.host import Host
from orchestrator.metrics import jobs as meter_module
from orchestrator.metrics.jobs import REASONS, JobMeter, reason_of
from orchestrator.project import Project
from projections.catalogue import empty_tables
from projections.jobs import Hold, Job, Queued, Status

OURS, OTHERS = "hosthosthost", "elsewhere"
JOB = JobId("job-1")
QUEUED = JobQueued(
    job=JOB,
    workflow={"1": {}},
    workflow_id=None,
    parameters={},
    metadata={},
    capabilities=(),
    backend=None,
    naming_template="{version}",
)


def started(number: int = 1, backend: str = "node1") -> tuple[JobSubmitted, JobStarted]:
    """An attempt is sent and runs."""
    return (
        JobSubmitted(job=JOB, attempt=number, backend=backend, prompt_id=f"p{number}"),
        JobStarted(job=JOB, attempt=number),
    )


@define(eq=False)
class Bench:
    """A meter that listens to a project, in which something happens each second."""

    project: Project
    registry: CollectorRegistry = field(factory=CollectorRegistry)
    meter: JobMeter = field(init=False)
    _second: int = 0

    def __attrs_post_init__(self) -> None:
        self.meter = JobMeter(self.project.host, self.registry)
        self.project.listeners.append(self.meter.hear)

    def happens(self, *events: object, host: str = OURS, together: bool = False) -> None:
        """One event after the other; `together`: they reach us in one go."""
        records = []
        for event in events:
            self._second += 1
            at = stamp(self._second * 1000 << 16, "0" * 16)
            records.append(Record(at, event, "mara", host, "0" * 16, self._second))
        for batch in [records] if together else [[record] for record in records]:
            self.project.apply(batch)

    def value(self, name: str, **labels: str) -> float | None:
        """A figure as it would be scraped; None if it is not there."""
        return self.registry.get_sample_value(f"orchestrator_{name}", labels)


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A project that exists in memory only."""
    root = tmp_path_factory.getbasetemp() / "Eliot"
    made = Project(root, Host(OURS, "workstation"), root, "code", empty_tables(), None)
    yield Bench(made)
    made.share.close()


class TestOpenJobs:
    def test_each_state(self, bench: Bench) -> None:
        """A job is counted where it stands."""
        bench.happens(QUEUED)
        assert bench.value("jobs_open", state="queued") == 1
        bench.happens(*started())
        assert bench.value("jobs_open", state="queued") == 0
        assert bench.value("jobs_open", state="running") == 1

    def test_an_ended_job_is_forgotten(self, bench: Bench) -> None:
        """Ended jobs cost a scrape nothing, however many there are."""
        bench.happens(QUEUED, JobFailed(job=JOB, reason="no", kind="validation"))

        assert bench.value("jobs_open", state="queued") == 0
        assert bench.meter._open == {}

    def test_states_of_ended_jobs_are_no_gauge(self, bench: Bench) -> None:
        """They are counted by `jobs_ended`."""
        assert bench.value("jobs_open", state="succeeded") is None

    def test_jobs_of_other_hosts(self, bench: Bench) -> None:
        """Their own service counts them: sums over hosts count nothing twice."""
        bench.happens(QUEUED, *started(), host=OTHERS)
        bench.happens(JobFailed(job=JOB, reason="no", kind="execution"), host=OTHERS)

        assert bench.value("jobs_open", state="queued") == 0
        assert bench.value("jobs_ended_total", outcome="failed", kind="execution") is None

    def test_what_a_start_finds(self, bench: Bench) -> None:
        """Open jobs are taken in, once, however often the project is opened."""
        bench.project.listeners.clear()
        bench.happens(QUEUED, evolve(QUEUED, job=JobId("job-2")))
        bench.happens(JobFailed(job=JOB, reason="no", kind="validation"))
        for _ in range(2):
            bench.meter.opened(bench.project)

        assert bench.value("jobs_open", state="queued") == 1


class TestWaiting:
    def test_a_held_job(self, bench: Bench) -> None:
        """Until it is released."""
        bench.happens(QUEUED, JobHeld(job=JOB))
        assert bench.value("jobs_waiting", reason="held") == 1
        assert bench.value("jobs_waiting", reason="backend") == 0
        bench.happens(JobReleased(job=JOB))
        assert bench.value("jobs_waiting", reason="held") == 0
        assert bench.value("jobs_waiting", reason="backend") == 1

    def test_a_job_after_another(self, bench: Bench) -> None:
        """Until the other has ended."""
        bench.happens(QUEUED, evolve(QUEUED, job=JobId("job-2"), after=("job-1",)))
        assert bench.value("jobs_waiting", reason="after") == 1
        bench.happens(JobFailed(job=JOB, reason="no", kind="validation"))
        assert bench.value("jobs_waiting", reason="after") == 0

    def test_a_running_job_waits_for_nothing(self, bench: Bench) -> None:
        """Though it was held once."""
        bench.happens(evolve(QUEUED, held=True), JobReleased(job=JOB), *started())

        assert [bench.value("jobs_waiting", reason=reason) for reason in REASONS] == [0] * 4

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({}, "backend"),
            ({"held": True}, "held"),
            ({"not_before": "2026-01-02T00:00:00Z"}, "not_before"),
            ({"not_before": "2026-01-01T00:00:00Z"}, "backend"),
            ({"after": ("open",)}, "after"),
            ({"after": ("ended",)}, "backend"),
            ({"after": ("open",), "held": True}, "after"),
        ],
    )
    def test_the_kinds_of_reasons(self, changes: dict[str, Any], reason: str) -> None:
        """In the order in which the queue looks at them."""
        order = evolve(QUEUED, **changes)
        job = Job(queued=Queued(stamp(1, "0" * 16), "mara", OURS, order))
        noon = datetime(2026, 1, 1, 12, tzinfo=UTC)

        assert reason_of(job, noon, {"open"}.__contains__) == reason

    def test_a_release_outweighs_the_order(self) -> None:
        """What was said last counts."""
        at = stamp(1, "0" * 16)
        job = Job(queued=Queued(at, "mara", OURS, evolve(QUEUED, held=True)), hold=Hold(at, False))

        assert reason_of(job, datetime.now(UTC), lambda _: False) == "backend"


class TestEnds:
    def test_by_outcome_and_kind(self, bench: Bench) -> None:
        """A failure says of which kind it was."""
        bench.happens(QUEUED, JobFailed(job=JOB, reason="no such node", kind="validation"))

        assert bench.value("jobs_ended_total", outcome="failed", kind="validation") == 1

    def test_the_same_end_again(self, bench: Bench) -> None:
        """Only the first counts."""
        bench.happens(QUEUED, JobFailed(job=JOB, reason="no", kind="validation"))
        bench.happens(JobFailed(job=JOB, reason="no", kind="validation"))

        assert bench.value("jobs_ended_total", outcome="failed", kind="validation") == 1
        assert bench.value("job_seconds_count", outcome="failed") == 1

    def test_words_that_we_do_not_know(self, bench: Bench) -> None:
        """A log of a later version, or a hostile one, makes no labels of its own."""
        bench.happens(QUEUED, *started())
        bench.happens(JobRequeued(job=JOB, attempt=1, reason="?", kind="x" * 100))
        bench.happens(JobFailed(job=JOB, reason="?", kind="y" * 100))

        assert bench.value("jobs_ended_total", outcome="failed", kind="other") == 1
        assert bench.value("attempts_total", backend="node1", outcome="other") == 1

    @pytest.mark.parametrize("together", [False, True])
    def test_how_long_each_part_took(self, bench: Bench, together: bool) -> None:
        """Whether the events come one by one, or all at once after the share hung."""
        bench.happens(
            QUEUED,
            *started(),
            JobRendered(job=JOB, attempt=1, outputs=1),
            JobSucceeded(job=JOB, attempt=1),
            together=together,
        )

        for phase in ("wait", "render", "collect"):
            assert bench.value("job_phase_seconds_sum", phase=phase) == 1
            assert bench.value("job_phase_seconds_count", phase=phase) == 1
        assert bench.value("job_seconds_sum", outcome="succeeded") == 4
        assert bench.value("jobs_ended_total", outcome="succeeded", kind="") == 1
        assert bench.value("jobs_open", state="queued") == 0

    def test_a_second_wait_begins_with_the_requeue(self, bench: Bench) -> None:
        """The time of the lost attempt was no wait."""
        bench.happens(QUEUED, *started(), JobRequeued(job=JOB, attempt=1, reason="gone"))
        bench.happens(*started(2))

        assert bench.value("job_phase_seconds_sum", phase="wait") == 2
        assert bench.value("job_phase_seconds_count", phase="wait") == 2


class TestAttempts:
    def outcomes(self, bench: Bench) -> dict[str, float]:
        """How often each came."""
        return {
            sample.labels["outcome"]: sample.value
            for metric in bench.registry.collect()
            for sample in metric.samples
            if sample.name == "orchestrator_attempts_total" and sample.value
        }

    def test_each_is_counted_once(self, bench: Bench) -> None:
        """One was lost, one made the picture, which could not be stored."""
        bench.happens(QUEUED, *started(), JobRequeued(job=JOB, attempt=1, reason="gone"))
        bench.happens(*started(2, "node2"), JobRendered(job=JOB, attempt=2, outputs=1))
        bench.happens(JobFailed(job=JOB, reason="no", kind="outputs", attempt=2))

        assert self.outcomes(bench) == {"lost": 1, "rendered": 1}
        assert bench.value("attempts_total", backend="node2", outcome="rendered") == 1

    def test_one_whose_outputs_were_lost(self, bench: Bench) -> None:
        """It has been counted as rendered."""
        bench.happens(QUEUED, *started(), JobRendered(job=JOB, attempt=1, outputs=1))
        bench.happens(JobRequeued(job=JOB, attempt=1, reason="gone"))

        assert self.outcomes(bench) == {"rendered": 1}

    def test_one_that_was_not_taken(self, bench: Bench) -> None:
        """The backend never got it."""
        bench.happens(QUEUED, *started(), JobRequeued(job=JOB, attempt=1, reason="no", sent=False))

        assert self.outcomes(bench) == {"declined": 1}

    def test_one_that_failed(self, bench: Bench) -> None:
        """A node raised an error."""
        bench.happens(QUEUED, *started())
        bench.happens(JobFailed(job=JOB, reason="no", kind="execution", attempt=1))

        assert self.outcomes(bench) == {"failed": 1}

    def test_one_that_was_cancelled(self, bench: Bench) -> None:
        """Somebody stopped it."""
        bench.happens(QUEUED, *started(), JobCancelRequested(job=JOB), JobCancelled(job=JOB))

        assert self.outcomes(bench) == {"cancelled": 1}

    def test_a_job_that_never_began(self, bench: Bench) -> None:
        """Has no attempt to be counted."""
        bench.happens(QUEUED, JobCancelRequested(job=JOB), JobCancelled(job=JOB))

        assert self.outcomes(bench) == {}


class TestWebhooks:
    def test_by_what_came_of_them(self, bench: Bench) -> None:
        """Those that this host told."""
        told = WebhookSettled(job=JOB, url="https://a/", delivered=True, tries=1)
        bench.happens(QUEUED, told, evolve(told, url="https://b/", delivered=False))
        bench.happens(evolve(told, url="https://c/"), host=OTHERS)

        assert bench.value("webhooks_settled_total", outcome="delivered") == 1
        assert bench.value("webhooks_settled_total", outcome="given_up") == 1


def test_every_kind_of_failure_is_known() -> None:
    """The words that events/jobs.py names; a new one would be counted as `other`."""
    assert len(meter_module.KINDS) == 10
    assert {status.value for status in Status} >= {"succeeded", "failed", "cancelled"}
