"""Figures about the log: how long changes take to be durable."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

#: Seconds; a local disk takes a fraction of a millisecond, a share some, a hung share all of them.
SHORT = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)


class AppendMeter:
    """Is told of each group of changes that went to a log together."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Counts from zero."""
        self._seconds = Histogram(
            "orchestrator_append_seconds",
            "From the first change of a group that is handed in until all are durable, or failed.",
            buckets=SHORT,
            registry=registry,
        )
        changes = Counter(
            "orchestrator_changes",
            "Changes that were handed in, by whether they became durable.",
            ("outcome",),
            registry=registry,
        )
        self._durable, self._failed = changes.labels("durable"), changes.labels("failed")

    def settled(self, seconds: float, changes: int, failed: bool) -> None:  # as the hook calls it
        """A group of changes is durable, or has failed, after so many seconds."""
        self._seconds.observe(seconds)
        (self._failed if failed else self._durable).inc(changes)
