"""What a benchmark reports, and how it is shown."""

from __future__ import annotations

import platform
import statistics
import subprocess
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from attrs import asdict, frozen


@frozen(kw_only=True)
class Figure:
    """One measured figure, its reference, and what was asked for."""

    name: str
    value: float
    unit: str
    #: What was measured in the same run to compare with; None for absolute goals.
    reference: float | None = None
    reference_name: str | None = None
    #: `>= 0.6` of the reference, or `<= 600` in the figure's own unit.
    goal: str

    @property
    def ratio(self) -> float | None:
        """Figure by reference."""
        return None if not self.reference else self.value / self.reference

    @property
    def holds(self) -> bool:
        """Whether the goal is met."""
        operator, _, bound = self.goal.partition(" ")
        measured = self.value if self.ratio is None else self.ratio
        return measured >= float(bound) if operator == ">=" else measured <= float(bound)


def best_of(times: int, run: Callable[[], float]) -> float:
    """The median of several runs: a shared machine has bad moments."""
    return statistics.median(run() for _ in range(times))


def seconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


def machine() -> dict[str, Any]:
    """Where and when this was measured."""
    cores = subprocess.run(["nproc"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": cores or "?",
    }


def table(figures: Iterable[Figure]) -> str:
    """A Markdown table."""
    rows = [
        "| what | measured | reference | ratio | goal | holds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for figure in figures:
        reference = "" if figure.reference is None else f"{figure.reference:,.4g} {figure.unit}"
        if figure.reference_name:
            reference += f" ({figure.reference_name})"
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        holds = "yes" if figure.holds else "NO"
        measured = f"{figure.value:,.4g} {figure.unit}"
        rows.append(
            f"| {figure.name} | {measured} | {reference} | {ratio} | {figure.goal} | {holds} |"
        )
    return "\n".join(rows)


def plain(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """For JSON."""
    return [{**asdict(f), "ratio": f.ratio, "holds": f.holds} for f in figures]
