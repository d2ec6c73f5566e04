"""Whether a fault explains what became of a job. Pure; nothing may be lost for no reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from attrs import frozen

from projections.jobs import Attempt, Job, Status

#: Faults after which a backend may not answer in time.
_AWAY = frozenset(
    {"restart", "down", "hang", "long_hang", "unplugged", "refused", "dead_worker", "same_number"}
)
_LOST = frozenset({"lost", "forgotten"})
_VIEWS = frozenset({"view_short", "view_truncated", "view_garbage", "view_empty", "view_error"})


@frozen
class Reason:
    """Why an attempt was given up, and what can have led to that."""

    #: In the reason that the log tells.
    words: str
    #: Incidents of its prompt, one of which is needed ...
    incidents: frozenset[str] = frozenset()
    #: ... or faults of its backend.
    faults: frozenset[str] = frozenset()
    #: Whether a death of the service explains it, or a process that had no time to answer itself.
    ours: bool = False


REASONS = (
    Reason(
        "lost by a restart", frozenset({"lost", "forgotten", "deleted"}), frozenset({"same_number"})
    ),
    Reason(
        "did not answer the submission",
        frozenset({"lost", "forgotten", "deleted", "unanswered", "error"}),
        _AWAY,
        ours=True,
    ),
    Reason("executes nothing", faults=frozenset({"dead_worker", "same_number"})),
    Reason("is not running", _LOST, _AWAY),
    Reason("did not answer for", _LOST, _AWAY, ours=True),
    Reason("could not be fetched", frozenset({"spoiled", "forgotten"}), _VIEWS),
    Reason("went away with its outputs", _LOST, _AWAY | _VIEWS, ours=True),
    Reason("did not take it", _LOST, _AWAY, ours=True),
    Reason("OutOfMemoryError", frozenset({"doomed"})),
)
#: What the failing kind of job says, each time.
BOOM = "ValueError: boom"


@frozen
class World:
    """All that went wrong."""

    #: Per prompt: how often which incident, but for those by the service itself.
    incidents: Mapping[str, Counter[str]]
    #: Per prompt: how often somebody outside interrupted it.
    interrupts: Counter[str]
    #: Per backend: the faults that befell it.
    faults: Mapping[str, Counter[str]]
    cancels: frozenset[str]
    #: Whether a job of this night takes down any backend that executes it.
    crashing: bool
    #: Whether the service died, or its process stood still.
    ours: bool

    def _happened(self, reason: Reason, attempt: Attempt) -> bool:
        mine = self.incidents.get(attempt.prompt_id or "", Counter())
        befell = self.faults.get(attempt.backend or "", Counter())
        crashed = "lost" in reason.incidents and self.crashing
        known = reason.incidents & mine.keys() or reason.faults & befell.keys()
        return bool(known) or crashed or (reason.ours and self.ours)

    def explains(self, attempt: Attempt, said: str, kind: str) -> bool:
        """Whether a reason for giving an attempt up is one that we know to be true."""
        if BOOM in said:
            return kind == "failing"
        return any(r.words in said and self._happened(r, attempt) for r in REASONS)

    def explains_end(self, job_id: str, job: Job, kind: str) -> bool:
        """Whether a job that did not succeed had to end like that."""
        end, last = job.end, job.last
        assert end is not None
        if end.status is Status.CANCELLED:
            return job_id in self.cancels
        match end.kind:
            case "interrupted":
                return last is not None and self.interrupts[last.prompt_id or ""] > 0
            case "execution" | "attempts":
                return last is not None and self.explains(last, end.reason or "", kind)
            case "dependency":
                return kind in ("after", "onward")
            case _:
                return False
