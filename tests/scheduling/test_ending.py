"""What follows when an attempt came to nothing: the rules alone."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from events.jobs import JobCancelled, JobFailed, JobId, JobQueued, JobRequeued
from events.stamp import Stamp
from orchestrator.scheduling.ending import Fault, after_fault, failed_backends, is_the_jobs_fault
from projections.jobs import Attempt, Cancel, Job, Queued

JOB = JobId("job-1")
AT = Stamp("0" * 16 + "w" * 16 + "000")


def attempt(number: int, backend: str = "a", **facts: Any) -> Attempt:
    """An attempt that was seen to run."""
    return Attempt(number, backend=backend, prompt_id="p", submitted=AT, started=AT, **facts)


def given_up(number: int, backend: str, kind: str = "lost", **facts: Any) -> Attempt:
    """One that came to nothing before."""
    return attempt(number, backend, requeued=AT, reason=f"{kind} on {backend}", kind=kind, **facts)


def job(*attempts: Attempt) -> Job:
    """A job with these attempts."""
    order = JobQueued(job=JOB, workflow={}, naming_template="x")
    return Job(Queued(AT, "ann", "host", order), attempts)


EXECUTION = Fault(kind="execution", reason="boom", again=True, node="3", node_type="KSampler")
LOST = Fault(kind="lost", reason="gone", again=True)


def after(known: Job, fault: Fault, *, others: bool = True) -> object:
    """What follows for the last attempt."""
    assert known.last is not None
    return after_fault(JOB, known, known.last, fault, others=others)


def test_a_cancelled_job_is_cancelled() -> None:
    """However the attempt ended."""
    known = evolve(job(attempt(1)), cancel=Cancel(AT, "ann"))
    assert after(known, EXECUTION) == JobCancelled(job=JOB)


def test_what_no_second_try_can_help_fails() -> None:
    """A workflow that ComfyUI refused."""
    fault = Fault(kind="validation", reason="no", again=False, node="3")
    step = after(job(attempt(1)), fault)
    assert step == JobFailed(job=JOB, reason="no", attempt=1, kind="validation", node="3")


def test_an_execution_error_is_tried_elsewhere() -> None:
    """It may have been the backend."""
    step = after(job(attempt(1)), EXECUTION)
    assert step == JobRequeued(job=JOB, attempt=1, reason="boom", kind="execution")


def test_where_there_is_no_elsewhere_it_fails() -> None:
    """With what the node said."""
    step = after(job(attempt(1)), EXECUTION, others=False)
    assert isinstance(step, JobFailed)
    assert (step.kind, step.reason) == ("execution", "boom")
    assert (step.node, step.node_type) == ("3", "KSampler")


def test_after_two_backends_it_is_the_job() -> None:
    """Both reasons are told."""
    known = job(given_up(1, "a", "execution"), attempt(2, "b"))
    assert is_the_jobs_fault(known, attempt(2, "b"), EXECUTION)
    step = after(known, EXECUTION)
    assert isinstance(step, JobFailed)
    assert step.reason.endswith("2 backends: 1. execution on a; 2. boom")


@pytest.mark.parametrize(
    ("facts", "counts"),
    [({}, True), ({"adrift": True}, False), ({"sent": False}, False)],
)
def test_a_backend_that_went_down_with_it_counts(facts: dict[str, Any], counts: bool) -> None:
    """One that could not be reached, or never got it, does not."""
    known = job(given_up(1, "a", **facts))
    assert failed_backends(known) == (frozenset({"a"}) if counts else frozenset())


def test_three_lost_tries_are_enough() -> None:
    """On one backend, which went down each time."""
    known = job(given_up(1, "a"), given_up(2, "a"), attempt(3, "a"))
    step = after(known, LOST)
    assert isinstance(step, JobFailed)
    assert step.kind == "attempts"
    assert step.reason == "given up after 3 attempts: 1. lost on a; 2. lost on a; 3. gone"


def test_what_never_began_costs_no_try() -> None:
    """However often: the farm may be restarted all night."""
    tries = [given_up(n, "a", sent=False) for n in range(1, 9)]
    fault = evolve(LOST, counts=False)
    step = after(job(*tries, attempt(9)), fault)
    assert step == JobRequeued(job=JOB, attempt=9, reason="gone", sent=False)
