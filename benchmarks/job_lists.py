"""Pages of a hundred out of a hundred thousand jobs, as a client gets them over HTTP."""

from __future__ import annotations

import gc
import statistics
from pathlib import Path
from time import perf_counter

from benchmarks.farms import Service, checkpointed, service
from benchmarks.figures import Figure
from benchmarks.made_jobs import make
from orchestrator.host import load_host

JOBS, PAGE, REQUESTS, ROUNDS = 100_000, 100, 500, 3
PAGES = {
    "first page": "",
    "middle page": f"&offset={JOBS // 2}",
    "status=failed": "&status=failed",
    "of two states, in the middle": f"&status=succeeded&status=failed&offset={JOBS // 2}",
    "backend=b7": "&backend_id=b7",
}


def times(farm: Service, query: str) -> list[float]:
    """Milliseconds of each request for a page."""
    found = []
    for _ in range(REQUESTS):
        begin = perf_counter()
        page = farm.ask("GET", f"/api/jobs?limit={PAGE}{query}")
        found.append(1000 * (perf_counter() - begin))
        assert len(page["jobs"]) == PAGE
    return found


def run(folder: Path) -> list[Figure]:
    """All figures of this module."""
    gc.collect()
    gc.freeze()  # what we have imported is no garbage: looking through it takes 15 ms of a request
    data = folder / "service" / "data"
    make(data / "projects" / "default", JOBS, load_host(data).id)
    rounds: dict[str, list[list[float]]] = {name: [] for name in PAGES}
    with service(folder / "service", []) as farm:
        assert farm.count() == JOBS
        checkpointed(data)
        for _ in range(ROUNDS):
            for name, query in PAGES.items():
                rounds[name].append(times(farm, query))
    return [
        Figure(
            name=f"GET /api/jobs, {PAGE} of {JOBS:,}, {name}, p99",
            value=statistics.median(statistics.quantiles(each, n=100)[98] for each in found),
            unit="ms",
            goal="<= 20",
        )
        for name, found in rounds.items()
    ]
