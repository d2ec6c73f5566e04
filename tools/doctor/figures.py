"""Spans of time as they were measured: percentiles, and how they are told. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from tools.doctor.checks import Figure


@frozen
class Spread:
    """How long something took, each time (seconds)."""

    count: int
    p50: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Spread | None:
        """The spread of some spans; None if there are none.

        Clocks of two hosts agree to some milliseconds only, so a span may come out below zero:
        it is told as zero.
        """
        ordered = sorted(max(0.0, span) for span in seconds)
        if not ordered:
            return None
        return cls(len(ordered), _at(ordered, 0.5), _at(ordered, 0.99), ordered[-1])

    def __str__(self) -> str:
        return f"p50 {told(self.p50)}, p99 {told(self.p99)}, max {told(self.longest)}"

    def figures(self) -> dict[str, Figure]:
        """For machines, in milliseconds."""
        return {
            "count": self.count,
            "p50_ms": round(self.p50 * 1000, 3),
            "p99_ms": round(self.p99 * 1000, 3),
            "max_ms": round(self.longest * 1000, 3),
        }


def _at(ordered: list[float], share: float) -> float:
    """The smallest value below which that share of all lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def told(seconds: float) -> str:
    """A span as people read it: `89 ns`, `0.04 ms`, `12 ms`, `3.1 s`."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    ms = seconds * 1000
    if ms >= 1:
        return f"{ms:.0f} ms" if ms >= 10 else f"{ms:.1f} ms"
    return f"{ms:.2g} ms" if ms >= 0.001 or ms == 0 else f"{seconds * 1e9:.0f} ns"
