"""What follows when an attempt came to nothing: another try, or the end of the job. Pure."""

from __future__ import annotations

from attrs import frozen

from events.jobs import JobCancelled, JobFailed, JobId, JobRequeued
from orchestrator.commands.jobs import Step
from orchestrator.scheduling.timing import MAX_ATTEMPTS
from projections.jobs import Attempt, Job

#: A job that failed on so many backends is not tried on another one.
MAX_BACKENDS = 2


@frozen(kw_only=True)
class Fault:
    """How an attempt came to nothing."""

    #: As `job.failed` and `job.requeued` name it: `execution`, `lost`, `timeout` ...
    kind: str
    reason: str
    #: Whether another try may help.
    again: bool
    #: Whether it counts as a try: the backend had it, and may have begun to execute it.
    counts: bool = True
    #: Whether the backend may still render it, so that a result may come late.
    adrift: bool = False
    node: str | None = None
    node_type: str | None = None


def after_fault(job_id: JobId, job: Job, attempt: Attempt, fault: Fault, *, others: bool) -> Step:
    """The step that a fault leads to.

    Args:
        job_id: The job.
        job: Its state, with the attempt as its last one.
        attempt: The attempt that came to nothing.
        fault: How.
        others: Whether a backend on which it has not failed yet could take it.
    """
    if job.cancel is not None:
        return JobCancelled(job=job_id)
    tried = [a for a in job.attempts if a.requeued and a.sent]
    reasons = [*(a.reason or "" for a in tried), fault.reason]
    told = "; ".join(f"{n}. {said}" for n, said in enumerate(reasons, 1))
    if not fault.again:
        return _failed(job_id, attempt, fault, fault.kind, fault.reason)
    if fault.kind == "execution" and not others:
        return _failed(job_id, attempt, fault, fault.kind, fault.reason if not tried else told)
    if is_the_jobs_fault(job, attempt, fault):
        kind = fault.kind if fault.kind == "execution" else "attempts"
        said = f"given up because it failed on {MAX_BACKENDS} backends: {told}"
        return _failed(job_id, attempt, fault, kind, said)
    if fault.counts and len(tried) + 1 >= MAX_ATTEMPTS:
        said = f"given up after {MAX_ATTEMPTS} attempts: {told}"
        return _failed(job_id, attempt, fault, "attempts", said)
    return JobRequeued(
        job=job_id,
        attempt=attempt.number,
        reason=fault.reason,
        sent=fault.counts,
        kind=fault.kind,
        adrift=fault.adrift,
    )


def is_the_jobs_fault(job: Job, attempt: Attempt, fault: Fault) -> bool:
    """Whether it failed by itself on so many backends that it must be the job, and not them."""
    if not (fault.counts and _is_own_failure(attempt, fault.kind, fault.adrift)):
        return False
    return len(failed_backends(job) | {attempt.backend}) >= MAX_BACKENDS


def failed_backends(job: Job) -> frozenset[str]:
    """Backends on which a job failed by itself, or which went down while they executed it.

    One that could not be reached for a while says nothing about the job.
    """
    return frozenset(
        a.backend
        for a in job.attempts
        if a.backend is not None and a.requeued and a.sent and _is_own_failure(a, a.kind, a.adrift)
    )


def _is_own_failure(attempt: Attempt, kind: str, adrift: bool) -> bool:
    return kind == "execution" or (kind == "lost" and attempt.started is not None and not adrift)


def _failed(job_id: JobId, attempt: Attempt, fault: Fault, kind: str, reason: str) -> JobFailed:
    return JobFailed(
        job=job_id,
        reason=reason,
        attempt=attempt.number,
        kind=kind,
        node=fault.node,
        node_type=fault.node_type,
    )
