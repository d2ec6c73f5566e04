"""What it takes to decide who begins where, with ten thousand jobs in the queue.

Times are those of the thread's clock: a decision waits for nothing, so what others do on the
machine meanwhile is none of its business.
"""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
from collections.abc import Sequence
from pathlib import Path
from time import thread_time
from typing import Any
from uuid import uuid4

import structlog
from attrs import evolve

from benchmarks.farms import graph
from benchmarks.figures import Figure
from events.codec import draft
from events.jobs import JobId, JobQueued
from events.log import format_file
from events.log.disk_io import DiskIO
from events.log.folder import FolderLog
from orchestrator.app import build
from orchestrator.comfyui.answers import Submitted
from orchestrator.comfyui.needs import models_of, needs_of
from orchestrator.comfyui.object_info import Abilities
from orchestrator.config import BackendConfig, Config
from orchestrator.host import load_host
from orchestrator.scheduling.choose import Candidate, Kind
from orchestrator.scheduling.filling import fill
from orchestrator.scheduling.lanes import Lanes
from orchestrator.serve import GC_THRESHOLDS
from orchestrator.services import DISPATCHER, FLEET, PROJECTS

JOBS, PEOPLE, KINDS, BACKENDS, INSIDE, ROUNDS = 10_000, 20, 30, 20, 2, 500
#: Models of which each kind of job needs one, and each backend has two of three.
MODELS = [f"base_{number:02d}.safetensors" for number in range(KINDS)]


def workflow(kind: int) -> dict[str, Any]:
    """A graph that loads the model of its kind."""
    loader = {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": MODELS[kind]}}
    made = graph(0.05)
    made["2"]["inputs"]["model"] = ["4", 0]
    return {**made, "4": loader}


def abilities(backend: int) -> Abilities:
    """What is installed on a backend: all classes, two thirds of the models."""
    classes = {node["class_type"] for node in workflow(0).values()}
    models = [name for number, name in enumerate(MODELS) if (number + backend) % 3]
    choices = {("CheckpointLoaderSimple", "ckpt_name"): frozenset(models)}
    return Abilities(frozenset(classes), choices)


def decisions() -> list[float]:
    """Milliseconds of each decision of `fill` when one slot of the farm becomes free."""
    chance, lanes = random.Random(1), Lanes()
    kinds = [Kind(needs=needs_of(g), models=models_of(g)) for g in map(workflow, range(KINDS))]
    for number in range(JOBS + ROUNDS):
        kind = kinds[chance.randrange(KINDS)]
        who = f"person-{number % PEOPLE}"
        lanes.put(str(uuid4()), who, kind, priority=0, rank=float(number))
    full = [
        Candidate(f"b{n}", True, True, frozenset(), INSIDE, INSIDE, True, INSIDE,
                  abilities=abilities(n))
        for n in range(BACKENDS)
    ]  # fmt: skip
    times = []
    for _ in range(ROUNDS):
        free = chance.randrange(BACKENDS)
        farm = [evolve(b, ours=INSIDE - 1) if n == free else b for n, b in enumerate(full)]
        begin = thread_time()
        found = fill(lanes, farm)
        times.append(1000 * (thread_time() - begin))
        assert len(found.starts) == 1
    return times


def queue(project: Path, host: str) -> None:
    """The log of a project in which all these jobs wait."""
    project.mkdir(parents=True)
    made = format_file.create(project / ".gallery", DiskIO())
    log = FolderLog(project / ".gallery", made, host)
    for begin in range(0, JOBS + ROUNDS, 1_000):
        appended = [
            log.append(draft([_order(number)], f"person-{number % PEOPLE}"))
            for number in range(begin, min(begin + 1_000, JOBS + ROUNDS))
        ]
        appended[-1].result()
    log.close()


def _order(number: int) -> JobQueued:
    job = JobId(f"{number:08d}-{uuid4()}")
    chosen = workflow(random.Random(number).randrange(KINDS))
    return JobQueued(job=job, workflow=chosen, naming_template="{panel}_v{version}")


async def passes(folder: Path) -> list[float]:
    """Milliseconds of each pass of the dispatcher when one slot of the farm becomes free.

    Everything is real but the backends: they take what they get, and nothing ever ends there.
    """
    data = folder / "data"
    queue(data / "projects" / "default", load_host(data).id)
    configs = [
        BackendConfig(f"b{n}", f"b{n}", "127.0.0.1", 9, True, (), INSIDE) for n in range(BACKENDS)
    ]
    app = await build(Config(data_dir=data, roots=(folder,), backends=tuple(configs)))
    dispatcher, fleet = app[DISPATCHER], app[FLEET]
    session = fleet._session
    dispatcher.start()
    await app[PROJECTS].default()
    for number, backend in enumerate(fleet.all()):
        backend.client = _Patient()  # type: ignore[assignment]  # all that is asked of it here
        backend.online, backend.abilities = True, abilities(number)
    dispatcher._wake.set()
    taken = BACKENDS * INSIDE
    for _ in range(1_000):
        full = sum(len(backend.watches) for backend in fleet.all()) == taken
        if full and not dispatcher.backlog.has_stale:
            break
        await asyncio.sleep(0.05)
    gc.collect()
    gc.set_threshold(*GC_THRESHOLDS)  # as the service does
    chance, times = random.Random(2), []
    for _ in range(ROUNDS):
        await asyncio.sleep(0.01)  # what the last one began is told meanwhile
        backend = chance.choice(fleet.all())
        backend.unwatch(next(iter(backend.watches)))
        begin = thread_time()
        dispatcher._dispatch()
        times.append(1000 * (thread_time() - begin))
        assert len(backend.watches) == INSIDE
    assert len(dispatcher.backlog.lanes) >= JOBS - taken
    await dispatcher.close()
    await app[PROJECTS].close()
    await session.close()
    return times


class _Patient:
    """A backend that takes every prompt, and never ends one."""

    async def submit(self, _graph: object, prompt_id: str, *_: object) -> Submitted:
        await asyncio.Event().wait()
        return Submitted(prompt_id, 0.0)


def _figures(what: str, times: Sequence[float]) -> list[Figure]:
    p99 = statistics.quantiles(times, n=100)[98]
    return [
        Figure(name=f"{what}, p50", value=statistics.median(times), unit="ms", goal="<= 1"),
        Figure(name=f"{what}, p99", value=p99, unit="ms", goal="<= 1"),
    ]


def run(folder: Path) -> list[Figure]:
    """All figures of this module."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    chosen, whole = decisions(), asyncio.run(passes(folder))
    choice, a_pass = f"choice with {JOBS:,} queued", f"the dispatcher's pass with {JOBS:,} queued"
    # A whole pass takes in other work too: what arrived meanwhile, and what is looked at anew.
    return [*_figures(choice, chosen), *_figures(a_pass, whole)]
