"""A start after a kill -9, with ten thousand finished jobs in the log and fifty open ones.

While the service was dead, thirty of these were rendered to their end; twenty still run. They are
settled once the outputs of the thirty are home, and the twenty are known to run.
"""

from __future__ import annotations

import shutil
import statistics
from pathlib import Path
from time import perf_counter

from attrs import frozen

from benchmarks.farms import Service, all_online, checkpointed, graph, service, simulators, until
from benchmarks.figures import Figure
from benchmarks.made_jobs import make
from orchestrator.host import load_host
from orchestrator.scheduling.timing import Timing

FINISHED, LONG, SHORT, INSIDE, ROUNDS = 10_000, 20, 30, 3, 3
#: Short ones take so long that all are sent before the first has ended (seconds).
RENDER = 8.0
FOR_EVER = 3600.0
#: Backends with one long job each, then those with three short ones each.
BACKENDS = LONG + SHORT // INSIDE


@frozen
class Start:
    """How long one start took, in seconds."""

    #: From the start of the process until it has answered for the health and for all jobs.
    ready: float
    #: From then on, until all open jobs were settled.
    settled: float


def leave_behind(farm: Service) -> None:
    """Fifty open jobs, and a service that is dead."""
    all_online(farm, BACKENDS)
    long = graph(FOR_EVER, steps=int(FOR_EVER))
    each = [f"b{n}" for n in range(LONG)]
    farm.ask("POST", "/api/job-groups", {"backend_ids": each, "workflow_json": long})
    several = [f"b{n}" for n in range(LONG, BACKENDS)] * INSIDE
    farm.ask("POST", "/api/job-groups", {"backend_ids": several, "workflow_json": graph(RENDER)})
    sent = ("submitted", "running", "collecting")
    until(lambda: farm.count(*sent) == LONG + SHORT, seconds=60)
    farm.kill()


def start(folder: Path, ports: list[int]) -> Start:
    """The next start of the service, until all is settled."""
    begin = perf_counter()
    with service(folder, ports, limit=INSIDE) as farm:
        assert farm.ask("GET", "/health")["status"] == "ok"
        assert farm.count() == FINISHED + LONG + SHORT
        ready = perf_counter()
        ended = FINISHED + SHORT

        def settled() -> bool:
            return farm.count("succeeded", "failed") == ended and farm.count("running") == LONG

        until(settled, seconds=60)
        took = Start(ready - begin, perf_counter() - ready)
        assert farm.count("failed") == FINISHED // 10
        farm.kill()
    return took


def once(folder: Path, *, checkpoint: bool) -> Start:
    """One life, one death, one start."""
    data = folder / "service" / "data"
    make(data / "projects" / "default", FINISHED, load_host(data).id)
    with simulators(BACKENDS, folder / "backends") as (_, ports):
        with service(folder / "service", ports, limit=INSIDE) as farm:
            checkpointed(data)
            leave_behind(farm)
        until(lambda: _rendered(folder / "backends") == SHORT, seconds=60)
        if not checkpoint:
            shutil.rmtree(data / "cache")
        return start(folder / "service", ports)


def _rendered(backends: Path) -> int:
    return sum(1 for _ in backends.rglob("output/**/*.png"))


def run(folder: Path) -> list[Figure]:
    """All figures of this module."""
    rounds = [
        (once(folder / f"with{n}", checkpoint=True), once(folder / f"without{n}", checkpoint=False))
        for n in range(ROUNDS)
    ]
    what = f"{FINISHED:,} finished and {LONG + SHORT} open jobs"
    ready, anew = (statistics.median(r[n].ready for r in rounds) for n in (0, 1))
    settled = statistics.median(r[n].settled for r in rounds for n in (0, 1))
    poll = Timing().poll_active
    return [
        Figure(name=f"start with {what}, after a kill", value=ready, unit="s", goal="<= 1"),
        Figure(name="the same without a checkpoint", value=anew, unit="s", goal="<= 2"),
        Figure(name="until all open jobs are settled", value=settled, unit="s",
               goal=f"<= {2 * poll:g}"),
    ]  # fmt: skip
