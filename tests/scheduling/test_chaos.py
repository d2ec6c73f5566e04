"""Everything goes wrong at once, by the roll of a die: no job is lost, none is done twice."""

from __future__ import annotations

import asyncio
import errno
import os
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from attrs import define, field

from orchestrator.gallery.intake import take_place
from tests.scheduling.graphs import batch, failing, slow
from tests.scheduling.rig import Box, Farm, Service, foreign, until
from tools.simulator import VIEW_FAULTS

#: A simulator that stops in the very moment in which it accepts a connection leaves that to the
#: garbage collector; asyncio offers no way to reach it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

FINAL = {"job.succeeded", "job.failed", "job.cancelled"}
BACKENDS = ("a", "b", "c")


@define(eq=False, repr=False)
class Night:
    """One night at the farm."""

    farm: Farm
    service: Service
    chance: random.Random
    share_full: bool = False
    jobs: list[str] = field(factory=list)
    foreigners: int = 0

    def box(self) -> Box:
        """Some backend."""
        return self.farm.boxes[self.chance.choice(BACKENDS)]

    async def submit(self) -> None:
        """A job of some kind."""
        kinds = [slow(self.chance.uniform(0.05, 0.8)), batch(2), failing()]
        (graph,) = self.chance.choices(kinds, weights=(6, 3, 1))
        graph["1"]["inputs"]["color"] = self.chance.randrange(1 << 20)
        self.jobs.append(await self.service.submit(graph))

    async def cancel(self) -> None:
        """Somebody changes their mind."""
        if self.jobs:
            assert await self.service.cancel(self.chance.choice(self.jobs[-4:])) in {200, 409}

    async def restart_backend(self) -> None:
        """A crash."""
        await self.box().lose_memory(self.chance.uniform(0.0, 0.2))

    async def out_of_reach(self) -> None:
        """A cable."""
        box = self.box()
        await box.refuse()
        await asyncio.sleep(self.chance.uniform(0.0, 0.3))
        await box.accept()

    async def hang(self) -> None:
        """A machine that stands still."""
        box = self.box()
        box.hang()
        await asyncio.sleep(self.chance.uniform(0.0, 1.5))
        box.release()

    async def cut_sockets(self) -> None:
        """A proxy."""
        self.box().drop_sockets()

    async def spoil_views(self) -> None:
        """Downloads that go wrong."""
        kind = self.chance.choice(VIEW_FAULTS)
        self.box().behaviour.change({"view_fault": kind, "view_fault_next": 2})

    async def lose_answers(self) -> None:
        """Submissions whose answer does not arrive."""
        self.box().behaviour.change({"lose_prompt_answers": 1})

    async def visitor(self) -> None:
        """Somebody else uses the backends, too."""
        box = self.box()
        if box.memory.not_hung.is_set() and box.state()["listening"]:
            self.foreigners += 1
            box.behaviour.change({"lose_prompt_answers": 0})
            await foreign(box, slow(0.05), f"theirs-{self.foreigners}")

    async def fill_share(self) -> None:
        """The share is full for a moment."""
        self.share_full = True
        await asyncio.sleep(self.chance.uniform(0.0, 0.3))
        self.share_full = False

    async def kill_service(self) -> None:
        """The power of the service's host."""
        await self.service.kill()
        self.service = await self.farm.service(unreachable=1.0, refused=0.5, worker_dead=0.5)
        await until(lambda: self.service.dispatcher.projects.all() or not self.jobs)

    async def last(self, turns: int) -> None:
        """All night long."""
        faults: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (12, self.submit),
            (4, self.cancel),
            (4, self.restart_backend),
            (2, self.out_of_reach),
            (1, self.hang),
            (2, self.cut_sockets),
            (2, self.spoil_views),
            (2, self.lose_answers),
            (3, self.visitor),
            (2, self.fill_share),
            (4, self.kill_service),
        ]
        await self.submit()
        for _ in range(turns):
            weights = [weight for weight, _ in faults]
            ((_, fault),) = self.chance.choices(faults, weights)
            await fault()
            await asyncio.sleep(self.chance.uniform(0.0, 0.05))

    async def morning(self) -> None:
        """All is well again, and every job has come to its end."""
        for box in self.farm.boxes.values():
            box.behaviour.change({"view_fault": "none", "lose_prompt_answers": 0})
        async with asyncio.timeout(60):
            for job in self.jobs:
                await self.service.ended(job)

        def quiet() -> bool:
            queues = [box.memory.queue for box in self.farm.boxes.values()]
            return not any(queue.pending or queue.running for queue in queues)

        await until(quiet)  # strays included

    def reckon(self) -> None:
        """What must be true of the log and of the disk."""
        farm = self.farm
        told = farm.told()
        for job in self.jobs:
            assert sum(t.type in FINAL for t in told if t.data.get("job") == job) == 1
            ended = next(t for t in told if t.type in FINAL and t.data["job"] == job)
            if ended.type == "job.succeeded":
                stored = [t.data for t in told if t.type == "job.output_stored"]
                mine = [s for s in stored if s["job"] == job]
                last = [s for s in mine if s["attempt"] == ended.data["attempt"]]
                rendered = [
                    t.data["outputs"]
                    for t in told
                    if t.type == "job.rendered"
                    and t.data["job"] == job
                    and t.data["attempt"] == ended.data["attempt"]
                ]
                assert [len(last)] == rendered[:1]
                places = [(s["attempt"], s["node"], s["index"]) for s in mine]
                assert len(places) == len(set(places))
        paths = [t.data["path"] for t in told if t.type == "job.output_stored"]
        assert sorted(paths) == farm.files()
        assert farm.staged() == []
        opened = {t.data["op"] for t in told if t.type == "files.intended"}
        closed = {t.data["op"] for t in told if t.type in {"files.done", "files.failed"}}
        assert opened == closed


async def spend(farm: Farm, monkeypatch: pytest.MonkeyPatch, seed: int, turns: int) -> None:
    """A whole night, and the reckoning in the morning."""
    for name in BACKENDS:
        await farm.box(name, max_concurrent_jobs=2)
    service = await farm.service(unreachable=1.0, refused=0.5, worker_dead=0.5)
    night = Night(farm, service, random.Random(seed))

    def place(*given: Any) -> Any:
        if night.share_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return take_place(*given)

    monkeypatch.setattr("orchestrator.scheduling.placing.take_place", place)
    await night.last(turns)
    await night.morning()
    night.reckon()


@pytest.mark.parametrize("seed", range(2))
async def test_a_bad_night(farm: Farm, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Crashes, cuts, cancels and a full share, in any order."""
    await spend(farm, monkeypatch, seed, turns=30)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(100, 130))
async def test_a_month_of_bad_nights(
    farm: Farm, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """The same, longer, and again and again."""
    await spend(farm, monkeypatch, seed, turns=120)
