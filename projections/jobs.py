"""Where each job stands. MOVES is the state machine, and `docs/job-states.md` draws it.

The fold does not walk the machine. It keeps each fact by itself (queued, each attempt's steps,
cancel, end, outputs) with its oldest stamp, and reads the status off them; so facts may come in
any order. For a history that the machine allows, both give the same status, and a test says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from attrs import NOTHING, Factory, evolve, fields, frozen

from events import jobs as e
from events.hosts import HostAdopted
from events.record import Record
from events.stamp import COUNTER_BITS, Stamp, time_of
from projections.fold import Projection


class Status(StrEnum):
    """Where a job stands."""

    #: Waits in our queue.
    QUEUED = "queued"
    #: Sent to a backend, or about to be.
    SUBMITTED = "submitted"
    #: A backend executes it.
    RUNNING = "running"
    #: Rendered; its outputs are being fetched.
    COLLECTING = "collecting"
    #: To be stopped, but a backend may still work on it.
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})

_Q, _S, _R, _C = Status.QUEUED, Status.SUBMITTED, Status.RUNNING, Status.COLLECTING
_X = Status.CANCELLING

#: Event to the statuses it may happen in, and the status that follows.
MOVES: Mapping[type, Mapping[Status | None, Status]] = {
    e.JobQueued: {None: _Q},
    e.JobSubmitted: {_Q: _S},
    e.JobStarted: {_S: _R, _X: _X},
    e.JobRendered: {_S: _C, _R: _C, _X: _X},
    e.JobOutputStored: {_C: _C, _X: _X},
    e.JobRequeued: {_S: _Q, _R: _Q, _C: _Q},
    e.JobCancelRequested: {_Q: _X, _S: _X, _R: _X, _C: _X},
    e.JobSucceeded: {_C: Status.SUCCEEDED, _X: Status.SUCCEEDED},
    e.JobFailed: dict.fromkeys((_Q, _S, _R, _C, _X), Status.FAILED),
    e.JobCancelled: {_X: Status.CANCELLED},
}

#: Facts about a job that move it nowhere.
BESIDE = (e.JobOrdered, e.JobHeld, e.JobReleased)


@frozen
class Attempt:
    """One try on one backend; each step with the stamp of when we first knew of it."""

    number: int
    backend: str | None = None
    prompt_id: str | None = None
    submitted: Stamp | None = None
    started: Stamp | None = None
    rendered: Stamp | None = None
    #: How many files the backend made.
    outputs: int | None = None
    requeued: Stamp | None = None
    reason: str | None = None
    #: False if the backend never got it.
    sent: bool = True
    #: Why it was given up: `lost`, `execution`, `stopped`.
    kind: str = "lost"
    #: Whether its backend may still have rendered it after that.
    adrift: bool = False


@frozen
class Output:
    """A file that the job brought into the project."""

    attempt: int
    node: str
    index: int
    kind: str
    asset: str
    path: str
    size: int
    sha256: str
    as_of: Stamp
    #: Whether its attempt came to nothing: then it stands beside the outputs, not among them.
    extra: bool = False


@frozen
class Place:
    """Where somebody put it in the queue."""

    as_of: Stamp
    priority: int
    rank: float | None


@frozen
class Hold:
    """Whether somebody holds it back."""

    as_of: Stamp
    held: bool


@frozen
class Queued:
    """The order: who gave it, on which host (which runs it, see `owner`), and what to do."""

    as_of: Stamp
    actor: str
    host: str
    #: Without its workflow once the job has ended: the log keeps that.
    order: e.JobQueued


@frozen
class Cancel:
    """Somebody wants the job stopped."""

    as_of: Stamp
    actor: str


@frozen
class Adopted:
    """Another host runs it now than the one that took the order."""

    as_of: Stamp
    by: str


@frozen
class End:
    """How the job ended."""

    as_of: Stamp
    status: Status
    reason: str | None = None
    kind: str | None = None
    node: str | None = None
    node_type: str | None = None


@frozen
class Job:
    """All facts about one job."""

    queued: Queued | None = None
    attempts: tuple[Attempt, ...] = ()
    outputs: tuple[Output, ...] = ()
    cancel: Cancel | None = None
    end: End | None = None
    place: Place | None = None
    hold: Hold | None = None
    adopted: Adopted | None = None

    @property
    def owner(self) -> str | None:
        """The host that runs it: the one that took the order, or who took the job over last."""
        if self.adopted is not None:
            return self.adopted.by
        return None if self.queued is None else self.queued.host

    @property
    def priority(self) -> int:
        """Among the jobs of one person, higher goes first."""
        if self.place is not None:
            return self.place.priority
        return 0 if self.queued is None else self.queued.order.priority

    @property
    def rank(self) -> float:
        """Among jobs of one person and priority, lower goes first."""
        if self.place is not None and self.place.rank is not None:
            return self.place.rank
        # Milliseconds, and what the clock counts within one: jobs that came together stay apart.
        return 0.0 if self.queued is None else time_of(self.queued.as_of) / (1 << COUNTER_BITS)

    @property
    def held(self) -> bool:
        """Whether it waits until somebody releases it."""
        if self.hold is not None:
            return self.hold.held
        return self.queued is not None and self.queued.order.held

    @property
    def status(self) -> Status:
        """Where it stands."""
        if self.end is not None:
            return self.end.status
        if self.cancel is not None:
            return Status.CANCELLING
        last = self.last
        if last is None or last.requeued is not None:
            return Status.QUEUED
        if last.rendered is not None:
            return Status.COLLECTING
        return Status.SUBMITTED if last.started is None else Status.RUNNING

    @property
    def last(self) -> Attempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def open_attempt(self) -> Attempt | None:
        """The attempt that a backend may still be working on."""
        last = self.last
        return None if self.end or last is None or last.requeued else last


def _key(event: Any) -> tuple[str, ...]:
    return event.jobs if isinstance(event, HostAdopted) else (event.job,)


def _apply(state: Job | None, record: Record, key: str) -> Job | None:
    job = _with(state or Job(), record.event, record)
    if job.end is not None and job.queued is not None and job.queued.order.workflow:
        # Graphs are large, and an ended job needs its graph no more.
        return evolve(job, queued=evolve(job.queued, order=evolve(job.queued.order, workflow={})))
    return state if job == state else job


def _with(job: Job, event: object, record: Record) -> Job:
    at = record.stamp
    match event:
        case e.JobQueued():
            if job.queued is None or at < job.queued.as_of:
                return evolve(job, queued=Queued(at, record.actor, record.host, event))
        case e.JobCancelRequested():
            if job.cancel is None or at < job.cancel.as_of:
                return evolve(job, cancel=Cancel(at, record.actor))
        case e.JobOutputStored():
            return _with_output(job, event, at)
        case e.JobSucceeded() | e.JobFailed() | e.JobCancelled():
            if job.end is None or at < job.end.as_of:
                return evolve(job, end=_end(event, at))
        case e.JobSubmitted() | e.JobStarted() | e.JobRendered() | e.JobRequeued():
            return _with_attempt(job, event, at)
        case e.JobOrdered() | e.JobHeld() | e.JobReleased() | HostAdopted():
            return _with_wish(job, event, at)
        case _:
            pass
    return job


def _with_wish(
    job: Job, event: e.JobOrdered | e.JobHeld | e.JobReleased | HostAdopted, at: Stamp
) -> Job:
    """What people last said of its place in the queue, and of who runs it, counts."""
    if isinstance(event, HostAdopted):
        if job.adopted is None or at > job.adopted.as_of:
            return evolve(job, adopted=Adopted(at, event.by))
    elif isinstance(event, e.JobOrdered):
        if job.place is None or at > job.place.as_of:
            return evolve(job, place=Place(at, event.priority, event.rank))
    elif job.hold is None or at > job.hold.as_of:
        return evolve(job, hold=Hold(at, isinstance(event, e.JobHeld)))
    return job


def _end(event: e.JobSucceeded | e.JobFailed | e.JobCancelled, at: Stamp) -> End:
    match event:
        case e.JobSucceeded():
            return End(at, Status.SUCCEEDED)
        case e.JobCancelled():
            return End(at, Status.CANCELLED)
        case e.JobFailed():
            return End(at, Status.FAILED, event.reason, event.kind, event.node, event.node_type)


def _older(known: Stamp | None, at: Stamp) -> bool:
    return known is None or at < known


def _with_attempt(
    job: Job, event: e.JobSubmitted | e.JobStarted | e.JobRendered | e.JobRequeued, at: Stamp
) -> Job:
    others, stored = tuple(a for a in job.attempts if a.number != event.attempt), job.outputs
    attempt = next((a for a in job.attempts if a.number == event.attempt), Attempt(event.attempt))
    match event:
        case e.JobSubmitted(backend=backend, prompt_id=prompt_id):
            if _older(attempt.submitted, at):
                attempt = evolve(attempt, submitted=at, backend=backend, prompt_id=prompt_id)
        case e.JobStarted():
            if _older(attempt.started, at):
                attempt = evolve(attempt, started=at)
        case e.JobRendered(outputs=outputs):
            if _older(attempt.rendered, at):
                attempt = evolve(attempt, rendered=at, outputs=outputs)
        case e.JobRequeued():
            if _older(attempt.requeued, at):
                attempt = evolve(
                    attempt,
                    requeued=at,
                    reason=event.reason,
                    sent=event.sent,
                    kind=event.kind,
                    adrift=event.adrift,
                )
            stored = tuple(
                evolve(o, extra=True) if o.attempt == event.attempt else o for o in stored
            )
    attempts = tuple(sorted((*others, attempt), key=lambda a: a.number))
    return evolve(job, attempts=attempts, outputs=stored)


def _with_output(job: Job, event: e.JobOutputStored, at: Stamp) -> Job:
    place = (event.attempt, event.node, event.index)
    known = next((o for o in job.outputs if (o.attempt, o.node, o.index) == place), None)
    if known is not None and known.as_of <= at:
        return job
    others = tuple(o for o in job.outputs if o is not known)
    output = Output(
        *place,
        event.kind,
        event.asset,
        event.path,
        event.size,
        event.sha256,
        at,
        event.extra or any(a.number == event.attempt and a.requeued for a in job.attempts),
    )
    ordered = sorted((*others, output), key=lambda o: (o.attempt, o.node, o.index))
    return evolve(job, outputs=tuple(ordered))


def _defaults(cls: type) -> tuple[tuple[str, Any], ...]:
    """Each field of a class with its default; NOTHING if it has none, or makes a new one."""
    made = (Factory, type(NOTHING))
    return tuple(
        (f.name, NOTHING if isinstance(f.default, made) else f.default)  # type: ignore[arg-type]  # a class, whatever its stub says
        for f in fields(cls)
    )


_FIELDS = {cls: _defaults(cls) for cls in (Attempt, Output, Cancel, End, Place, Hold, Adopted)}
_ORDER = _defaults(e.JobQueued)
#: JSON knows no tuples: these fields of an order come back as lists.
_LISTS = ("capabilities", "after", "inputs", "webhooks")
#: Quicker than asking the enum, for tens of thousands of jobs at a start.
_STATUS: Mapping[str, Status] = {status.value: status for status in Status}


def _row(state: Any) -> list[Any] | None:
    """A state's values in the order of its fields, but for those at the end that say nothing.

    A start reads ten thousand of them: names of fields would be most of what it reads.
    """
    if state is None:
        return None
    known = _FIELDS[type(state)]
    row = [getattr(state, name) for name, _ in known]
    while row and row[-1] == known[len(row) - 1][1]:
        row.pop()
    return row


def _pack(job: Job) -> list[Any]:
    queued, packed = job.queued, None
    if queued is not None:
        # What is empty, or as it would be anyway, need not be told.
        order = {
            name: value
            for name, usual in _ORDER
            if (value := getattr(queued.order, name)) != usual and value not in ((), {})
        }
        packed = [queued.as_of, queued.actor, queued.host, order]
    end = _row(job.end)
    if end is not None:
        end[1] = end[1].value
    return [
        packed,
        [_row(attempt) for attempt in job.attempts],
        [_row(output) for output in job.outputs],
        _row(job.cancel),
        end,
        _row(job.place),
        _row(job.hold),
        _row(job.adopted),
    ]


def _unpack(packed: Any) -> Job:
    queued, attempts, outputs, cancel, end, place, hold, adopted = packed
    if queued is not None:
        as_of, actor, host, order = queued
        order = {"workflow": {}} | order
        for name in _LISTS:
            if name in order:
                order[name] = tuple(order[name])
        queued = Queued(as_of, actor, host, e.JobQueued(**order))
    if end is not None:
        end = End(end[0], _STATUS[end[1]], *end[2:])
    return Job(
        queued,
        tuple([Attempt(*a) for a in attempts]),
        tuple([Output(*o) for o in outputs]),
        None if cancel is None else Cancel(*cancel),
        end,
        None if place is None else Place(*place),
        None if hold is None else Hold(*hold),
        None if adopted is None else Adopted(*adopted),
    )


JOBS = Projection("jobs", (*MOVES, *BESIDE, HostAdopted), _key, _apply, _pack, _unpack)
