"""Verifying a log against sha256 and orjson.loads over the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import orjson

from benchmarks.figures import Figure, best_of, seconds
from benchmarks.made_logs import make
from events import vocabulary
from events.log.format_file import load
from orchestrator.project import gc_paused
from tools.verify.verifying import verify

EVENTS, ASSETS = 200_000, 20_000


@contextmanager
def unseen(_name: str, _total: int) -> Iterator[Callable[[int], None]]:
    """Nobody watches the progress."""
    yield lambda _count: None


def verified(project: Path) -> int:
    """As `orchestrator log verify` does it."""
    found = load(project / ".gallery")
    assert found is not None
    with gc_paused():
        report = verify(project / ".gallery", found.project, phase=unseen)
    assert not report.broken
    return sum(log.lines for log in report.logs)


def reference(project: Path) -> int:
    """The least that can prove a line and understand it: its hash, and its JSON."""
    count = 0
    with gc_paused():
        for path in sorted((project / ".gallery" / "log").iterdir()):
            for line in path.read_bytes().splitlines():
                sha256(line).hexdigest()
                count += "s" in orjson.loads(line)
    return count


def run(folder: Path) -> list[Figure]:
    """All figures of this module."""
    assert vocabulary.FAMILIES
    project = folder / "verified"
    make(project, EVENTS, ASSETS).close()
    assert verified(project) == reference(project) == EVENTS
    plain = best_of(3, lambda: seconds(lambda: reference(project)))
    checked = best_of(3, lambda: seconds(lambda: verified(project)))
    return [
        Figure(
            name=f"verify of {EVENTS:,} events",
            value=EVENTS / checked,
            unit="events/s",
            reference=EVENTS / plain,
            reference_name="sha256 + orjson.loads per line",
            goal=">= 0.5",
        )
    ]
