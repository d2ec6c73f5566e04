"""Pauses a backend on which one job after the other failed, until it is found well again. Pure."""

from __future__ import annotations

from attrs import evolve, frozen

#: So many different jobs that failed in a row pause a backend.
IN_A_ROW = 3


@frozen
class Breaker:
    """The jobs that failed on one backend since one last succeeded there, and what follows.

    A backend that was paused and found well is on probation: the next job that fails there pauses
    it again, for longer.
    """

    #: Different jobs that failed in a row, oldest first.
    jobs: tuple[str, ...] = ()
    #: Why the backend is paused; None while it takes jobs.
    paused: str | None = None
    #: How often it was tried out since a job last succeeded there.
    tries: int = 0

    @classmethod
    def as_told(cls, reason: str, jobs: tuple[str, ...]) -> Breaker:
        """A pause that stood in the log when the service started."""
        return cls(jobs, reason)

    def failed(self, job: str, reason: str) -> Breaker:
        """A job failed there by itself; the same one again says nothing new about the backend."""
        if job in self.jobs:
            return self
        jobs = (*self.jobs, job)
        if self.paused is not None or len(jobs) < IN_A_ROW:
            return evolve(self, jobs=jobs)
        said = f"{len(jobs)} jobs in a row failed there, the last one because: {reason}"
        return evolve(self, jobs=jobs, paused=said)

    def absolved(self, job: str) -> Breaker:
        """A job that failed there failed elsewhere too: so it was the job, not the backend."""
        jobs = tuple(each for each in self.jobs if each != job)
        return evolve(self, jobs=jobs, paused=self.paused if len(jobs) >= IN_A_ROW else None)

    def tried(self) -> Breaker:
        """It is being tried out once more."""
        return evolve(self, tries=self.tries + 1)

    def on_probation(self) -> Breaker:
        """It was found well when it was tried out: it takes jobs again."""
        return evolve(self, jobs=self.jobs[1 - IN_A_ROW :], paused=None)

    def pause(self, first: float, most: float) -> float:
        """Seconds until it is tried out: `first`, doubling with each try up to `most`."""
        return min(most, first * 2.0 ** min(self.tries, 32))
