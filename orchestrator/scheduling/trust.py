"""Whether one backend gets jobs, by what became of those that it had."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from attrs import define, field

from orchestrator.commands.farm import PauseBackend, ResumeBackend
from orchestrator.scheduling.breaker import Breaker

_log = structlog.get_logger(__name__)

#: Told when a backend is paused because jobs failed there, and when it is well again.
OnVerdict = Callable[[PauseBackend | ResumeBackend], None]


@define(eq=False)
class Trust:
    """A backend's breaker over time. It acts at once; the log is told a moment later."""

    backend_id: str
    on_change: Callable[[], None]
    on_verdict: OnVerdict
    breaker: Breaker = field(factory=Breaker)
    #: Set while it is paused.
    pausing: asyncio.Event = field(factory=asyncio.Event)
    #: Set when it comes back after it did not answer: a good time to try it out.
    returned: asyncio.Event = field(factory=asyncio.Event)

    @property
    def paused(self) -> str | None:
        """Why it is paused; None if it is not."""
        return self.breaker.paused

    def failed(self, job_id: str, reason: str) -> None:
        """A job failed there by itself; several in a row pause it."""
        was_paused = self.paused is not None
        self._set(self.breaker.failed(job_id, reason))
        if not was_paused and self.paused is not None:
            _log.warning("backend.paused", backend=self.backend_id, reason=self.paused)
            jobs = self.breaker.jobs
            self.on_verdict(PauseBackend(backend=self.backend_id, reason=self.paused, jobs=jobs))

    def succeeded(self, job_id: str) -> None:
        """A job succeeded there: whatever failed before does not speak against it any more."""
        self._resume(Breaker(), f"job {job_id} succeeded there")

    def absolved(self, job_id: str) -> None:
        """A job that failed there failed on another backend too."""
        if job_id in self.breaker.jobs:
            said = f"job {job_id}, which had failed there, failed elsewhere too"
            self._resume(self.breaker.absolved(job_id), said)

    def tried(self) -> None:
        """It is being tried out."""
        self._set(self.breaker.tried())

    def found_well(self) -> None:
        """It was tried out: it takes jobs again, on probation."""
        self._resume(self.breaker.on_probation(), "it was tried out and found well")

    def forgive(self) -> None:
        """Somebody lets it take jobs again, and tells so; what failed before is forgotten."""
        self._set(Breaker())

    def recall(self, reason: str, jobs: tuple[str, ...]) -> None:
        """A pause from before a restart of the service goes on; it is tried out soon."""
        self._set(Breaker.as_told(reason, jobs))

    def _resume(self, breaker: Breaker, reason: str) -> None:
        was_paused = self.paused is not None
        self._set(breaker)
        if was_paused and self.paused is None:
            _log.info("backend.resumed", backend=self.backend_id, reason=reason)
            self.on_verdict(ResumeBackend(backend=self.backend_id, reason=reason))

    def _set(self, breaker: Breaker) -> None:
        before, self.breaker = self.breaker, breaker
        if breaker.paused is None:
            self.pausing.clear()
        elif not self.pausing.is_set():
            self.returned.clear()  # that was before
            self.pausing.set()
        if before != breaker:
            self.on_change()
