"""The whole life of a job, told from what the log says of it. Pure.

One place for both who ask: the service (`GET /api/jobs/{job_id}/history`), and the command line,
which has nothing but the log.
"""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from events.stamp import Stamp, moment
from orchestrator.job_steps import Step, steps_of
from projections.groups import Group
from projections.jobs import Attempt, Job, Output, Status
from projections.webhooks import Notified


@frozen(kw_only=True)
class AttemptHistory:
    """One try on one backend, from its submission to its end."""

    number: int
    backend: str | None
    prompt_id: str | None
    submitted: Stamp | None
    started: Stamp | None
    rendered: Stamp | None
    ended: Stamp | None
    #: `succeeded`, `cancelled`, or why it came to nothing, as `job.requeued` or `job.failed` name
    #: it: `lost`, `execution`, `stopped`, `timeout` ... None while it is open.
    outcome: str | None
    #: Why it came to nothing, for people.
    reason: str | None
    #: Whether it counts as a try: False if its backend never got it.
    counts: bool
    #: Whether its backend may have rendered it after it was given up.
    adrift: bool
    #: Seconds from its submission until it was seen to run; None if nobody saw it run, but it was
    #: rendered.
    waiting_seconds: float | None
    #: Seconds until it was rendered, from its submission if nobody saw it begin; None if it never
    #: ran.
    rendering_seconds: float | None
    #: Seconds in which its outputs were fetched; None if it was never rendered.
    collecting_seconds: float | None
    outputs: tuple[Output, ...]
    #: Those that came after it had been given up.
    extra_outputs: tuple[Output, ...]


@frozen(kw_only=True)
class JobHistory:
    """All that happened to a job. Times of one that is open run until now."""

    #: In the order in which they happened.
    events: tuple[Step, ...]
    attempts: tuple[AttemptHistory, ...]
    #: Seconds in which no backend worked on it: in our queue, or in that of a backend.
    waited_seconds: float
    #: Seconds in which a backend executed it, over all attempts.
    rendered_seconds: float
    #: Seconds from its order to its end.
    total_seconds: float


def job_history(job: Job, *, group: Group | None, notified: Notified, now: datetime) -> JobHistory:
    """The life of a job that was queued.

    Args:
        job: Its state.
        group: The group that it belongs to, if the log tells of it.
        notified: Which addresses were told of its end.
        now: An aware time; it ends the spans that have not ended.
    """
    attempts = attempts_of(job, now)
    rendered = sum(a.rendering_seconds or 0.0 for a in attempts)
    collected = sum(a.collecting_seconds or 0.0 for a in attempts)
    total = total_seconds(job, now)
    return JobHistory(
        events=tuple(sorted(steps_of(job, group, notified), key=lambda step: step.at)),
        attempts=attempts,
        waited_seconds=round(max(0.0, total - rendered - collected), 3),
        rendered_seconds=round(rendered, 3),
        total_seconds=total,
    )


def total_seconds(job: Job, now: datetime) -> float:
    """Seconds from a job's order to its end, or to `now` if it has not ended."""
    assert job.queued is not None  # only jobs that were queued have a history
    end = now if job.end is None else moment(job.end.as_of)
    return round(max(0.0, (end - moment(job.queued.as_of)).total_seconds()), 3)


def attempts_of(job: Job, now: datetime) -> tuple[AttemptHistory, ...]:
    """The attempts of a job, each with how it ended and how long its parts took."""
    return tuple(_attempt(job, attempt, now) for attempt in job.attempts)


def _attempt(job: Job, attempt: Attempt, now: datetime) -> AttemptHistory:
    outcome, ended, reason = _outcome(job, attempt)
    is_open = ended is None and attempt is job.last
    waiting, rendering, collecting = _spans(attempt, now if is_open else _when(ended))
    own = [output for output in job.outputs if output.attempt == attempt.number]
    return AttemptHistory(
        number=attempt.number,
        backend=attempt.backend,
        prompt_id=attempt.prompt_id,
        submitted=attempt.submitted,
        started=attempt.started,
        rendered=attempt.rendered,
        ended=ended,
        outcome=outcome,
        reason=reason,
        counts=attempt.sent,
        adrift=attempt.adrift,
        waiting_seconds=waiting,
        rendering_seconds=rendering,
        collecting_seconds=collecting,
        outputs=tuple(output for output in own if not output.extra),
        extra_outputs=tuple(output for output in own if output.extra),
    )


def _spans(
    attempt: Attempt, end: datetime | None
) -> tuple[float | None, float | None, float | None]:
    """Seconds of waiting, rendering and collecting.

    `end` is when the attempt ended, or now; None if the log has lost that, so that no span is
    made up.
    """
    submitted, started = _when(attempt.submitted), _when(attempt.started)
    rendered = _when(attempt.rendered)
    unseen = started is None and rendered is not None
    begun = submitted if unseen else started
    return (
        None if unseen else _seconds(submitted, started or end),
        _seconds(begun, rendered or end),
        _seconds(rendered, end),
    )


def _when(at: Stamp | None) -> datetime | None:
    return None if at is None else moment(at)


def _seconds(begin: datetime | None, end: datetime | None) -> float | None:
    if begin is None or end is None:
        return None
    return round(max(0.0, (end - begin).total_seconds()), 3)


def _outcome(job: Job, attempt: Attempt) -> tuple[str | None, Stamp | None, str | None]:
    """What came of an attempt, when, and why; all None while it is open."""
    if attempt.requeued is not None:
        return attempt.kind, attempt.requeued, attempt.reason
    end = job.end
    if end is None or attempt is not job.last:
        return None, None, None
    if end.status is Status.FAILED:
        return end.kind, end.as_of, end.reason
    return end.status.value, end.as_of, None
