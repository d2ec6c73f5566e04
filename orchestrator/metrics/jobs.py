"""Figures about the jobs of this host: where they stand, how they end, how long they take.

It listens, and keeps what has not ended; so a scrape costs the same with a hundred thousand ended
jobs as with none. Counters begin at zero with the service, as Prometheus expects.
"""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from attrs import define, field, frozen
from prometheus_client import CollectorRegistry, Counter, Histogram, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from events import jobs as e
from events.record import Record
from events.stamp import Stamp, wall_ms
from events.webhooks import WebhookSettled
from orchestrator.host import Host
from orchestrator.project import Project
from projections.jobs import BESIDE, FINAL, MOVES, Attempt, Job, Status

#: Seconds; a picture takes some, a film takes hours.
LONG = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0)

#: What labels may say; whatever else stands in a log is `other`, so that no log can flood us.
KINDS = frozenset(
    {
        "validation",
        "execution",
        "interrupted",
        "inputs",
        "outputs",
        "attempts",
        "stalled",
        "timeout",
        "dependency",
        "internal",
    }
)
LOSSES = frozenset({"lost", "execution", "stopped"})
#: Why jobs wait in the queue.
REASONS = ("held", "not_before", "after", "backend")

_JOB_EVENTS = frozenset({*MOVES, *BESIDE})


def reason_of(job: Job, now: datetime, is_open: Callable[[str], bool]) -> str:
    """The kind of reason for which a queued job waits. Pure.

    Args:
        job: It has been queued.
        now: An aware time.
        is_open: Whether a job has not ended.
    """
    assert job.queued is not None  # see above
    order = job.queued.order
    if any(is_open(other) for other in order.after):
        return "after"
    if job.held:
        return "held"
    if order.not_before is not None and datetime.fromisoformat(order.not_before) > now:
        return "not_before"
    return "backend"


@frozen
class _Open:
    """A job that has not ended."""

    root: Path
    status: Status
    #: The job itself if something may keep it in the queue, else None.
    kept: Job | None


@define(eq=False)
class JobMeter(Collector):
    """Listens to what happens to jobs."""

    _host: Host
    _registry: CollectorRegistry
    _open: dict[str, _Open] = field(factory=dict)
    _ended: Counter = field(init=False)
    _whole: Histogram = field(init=False)
    _phases: dict[str, Histogram] = field(init=False)
    _attempts: Counter = field(init=False)
    _webhooks: Counter = field(init=False)

    def __attrs_post_init__(self) -> None:
        registry = self._registry
        self._ended = Counter(
            "orchestrator_jobs_ended",
            "Jobs of this host that ended; kind says why, if they failed.",
            ("outcome", "kind"),
            registry=registry,
        )
        self._whole = Histogram(
            "orchestrator_job_seconds",
            "From the submission of a job to its end.",
            ("outcome",),
            buckets=LONG,
            registry=registry,
        )
        phases = Histogram(
            "orchestrator_job_phase_seconds",
            "Parts of a job: wait in our queue, render on a backend, collect the outputs.",
            ("phase",),
            buckets=LONG,
            registry=registry,
        )
        self._phases = {name: phases.labels(name) for name in ("wait", "render", "collect")}
        self._attempts = Counter(
            "orchestrator_attempts",
            "Attempts on backends, by what came of them.",
            ("backend", "outcome"),
            registry=registry,
        )
        self._webhooks = Counter(
            "orchestrator_webhooks_settled",
            "Addresses that were told of the end of a job, or given up.",
            ("outcome",),
            registry=registry,
        )
        registry.register(self)

    def opened(self, project: Project) -> None:
        """Take in the open jobs of a project that was opened, or opened anew."""
        root = project.root
        self._open = {job: known for job, known in self._open.items() if known.root != root}
        for job_id, job in project.view.jobs():
            if job.end is None:
                self._note(root, job_id, job)

    def hear(self, project: Project, records: list[Record]) -> None:
        """Count what happened to jobs."""
        for record in records:
            event = record.event
            if type(event) in _JOB_EVENTS:
                job_id: str = event.job  # type: ignore[attr-defined]  # all of these are about a job
                job = project.view.job(job_id)
                if job is not None and self._is_ours(job):
                    self._count(event, record.stamp, job_id, job)
                    self._note(project.root, job_id, job)
            elif type(event) is WebhookSettled and record.host == self._host.id:
                self._webhooks.labels("delivered" if event.delivered else "given_up").inc()

    def _is_ours(self, job: Job) -> bool:
        return job.owner == self._host.id

    def _note(self, root: Path, job_id: str, job: Job) -> None:
        if not self._is_ours(job):
            return
        status = job.status
        if status in FINAL:
            self._open.pop(job_id, None)
            return
        order = job.queued.order if job.queued is not None else None
        kept = order is not None and (job.held or order.not_before is not None or order.after)
        waits = status is Status.QUEUED and kept
        self._open[job_id] = _Open(root, status, job if waits else None)

    def _count(self, event: object, at: Stamp, job_id: str, job: Job) -> None:
        match event:
            case e.JobSubmitted(attempt=number):
                self._phase("wait", _queued_since(job, number), at)
            case e.JobRendered(attempt=number):
                attempt = _attempt(job, number)
                self._tried(attempt, "rendered")
                self._phase("render", attempt.started or attempt.submitted, at)
            case e.JobRequeued(attempt=number, sent=sent, kind=kind):
                attempt = _attempt(job, number)
                if attempt.rendered is None:
                    self._tried(attempt, _known(kind, LOSSES) if sent else "declined")
            case e.JobSucceeded() | e.JobFailed() | e.JobCancelled():
                # The first end counts, and only once.
                if job.end is not None and job.end.as_of == at:
                    self._end(job, job.end.status, job.end.kind, at)
            case _:
                pass

    def _end(self, job: Job, status: Status, kind: str | None, at: Stamp) -> None:
        assert job.queued is not None  # it is ours
        outcome = status.value
        self._ended.labels(outcome, "" if kind is None else _known(kind, KINDS)).inc()
        self._whole.labels(outcome).observe(_seconds(job.queued.as_of, at))
        last = job.last
        if last is None:
            return
        if status is Status.SUCCEEDED:
            self._phase("collect", last.rendered, at)
        elif last.rendered is None and last.requeued is None:
            self._tried(last, outcome)

    def _phase(self, name: str, since: Stamp | None, at: Stamp) -> None:
        if since is not None:
            self._phases[name].observe(_seconds(since, at))

    def _tried(self, attempt: Attempt, outcome: str) -> None:
        self._attempts.labels(attempt.backend or "", outcome).inc()

    def collect(self) -> Iterator[Metric]:
        """How many jobs are open now, and why some of them wait."""
        states = Count(known.status for known in self._open.values())
        jobs = GaugeMetricFamily(
            "orchestrator_jobs_open", "Jobs of this host that have not ended.", labels=("state",)
        )
        for status in Status:
            if status not in FINAL:
                jobs.add_metric((status.value,), states[status])
        yield jobs
        now = datetime.now(UTC)
        kept = [known.kept for known in self._open.values() if known.kept is not None]
        reasons = Count(reason_of(job, now, self._open.__contains__) for job in kept)
        reasons["backend"] += states[Status.QUEUED] - len(kept)
        waiting = GaugeMetricFamily(
            "orchestrator_jobs_waiting",
            "Queued jobs of this host by what they wait for: their release, a time, other jobs, "
            "or a backend.",
            labels=("reason",),
        )
        for reason in REASONS:
            waiting.add_metric((reason,), reasons[reason])
        yield waiting


def _known(word: str, words: frozenset[str]) -> str:
    return word if word in words else "other"


def _attempt(job: Job, number: int) -> Attempt:
    return next((a for a in job.attempts if a.number == number), Attempt(number))


def _queued_since(job: Job, number: int) -> Stamp | None:
    """When a job came into the queue from which its attempt took it."""
    before = _attempt(job, number - 1).requeued if number > 1 else None
    return before or (None if job.queued is None else job.queued.as_of)


def _seconds(since: Stamp, at: Stamp) -> float:
    return max(0, wall_ms(at) - wall_ms(since)) / 1000
