"""Judges from failed looks when a backend has lost what we had there. Pure."""

from __future__ import annotations

from attrs import define

from orchestrator.errors import BackendUnreachable
from orchestrator.scheduling.timing import Timing


@define(eq=False)
class Silence:
    """One stretch of failed looks at a backend, from the first to the next good one.

    A refused connection says more than silence: nobody listens there, so the process is gone,
    and its queue with it (protocol section 4.6). A hung or unplugged one may still have ours.
    """

    timing: Timing
    _since: float | None = None
    #: Since when every look was refused.
    _refused_since: float | None = None

    def end(self) -> None:
        """It answered."""
        self._since = self._refused_since = None

    def judge(self, fault: BackendUnreachable, now: float) -> str | None:
        """Take note of one more failed look.

        Args:
            fault: How it failed.
            now: Monotonic seconds.

        Returns:
            Why what we had there is lost; None while there is hope.
        """
        self._since = now if self._since is None else self._since
        if not fault.refused:
            self._refused_since = None
        elif self._refused_since is None:
            self._refused_since = now
        limit = self.timing.refused
        if self._refused_since is not None and now - self._refused_since >= limit:
            return f"backend {fault.backend} is not running: it took no connection for {limit:g} s"
        limit = self.timing.unreachable
        if now - self._since >= limit:
            return f"backend {fault.backend} did not answer for {limit:g} s: {fault.reason}"
        return None
