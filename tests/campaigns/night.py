"""One night at the farm: a plan is carried out, faults included, and the morning is waited for."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import define, field

from tests.campaigns.faults import FAULTS, end_all
from tests.campaigns.graphs import graph_of
from tests.campaigns.plan import GROUP, Ask, Blow, Plan, Visit
from tests.campaigns.stage import Host, Stage

#: No night ends later than this, on however busy a machine; it is no measure of speed.
PATIENCE = 60.0
FINAL = frozenset({"job.succeeded", "job.failed", "job.cancelled"})


@define(eq=False, repr=False)
class Night:
    """Carries out a plan; with several hosts, jobs and their deaths are spread over them."""

    stage: Stage
    plan: Plan
    #: The job of each thing that was asked for, in the plan's order; None until it is there.
    jobs: list[str | None] = field(factory=list)
    #: Jobs that somebody was allowed to cancel.
    cancels: set[str] = field(factory=set)
    #: How often each fault was inflicted.
    inflicted: Counter[str] = field(factory=Counter)
    _begun: float = 0.0
    _down: Counter[str] = field(factory=Counter)

    async def pass_by(self) -> None:
        """From the first job to the end of the last fault."""
        self._begun = asyncio.get_running_loop().time()
        self.jobs = [None] * len(self.plan.asks)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ask_for_all())
            for blow in self.plan.blows:
                group.create_task(self._strike(blow))
            for visit in self.plan.visits:
                group.create_task(self._receive(visit))

    async def dawn(self) -> None:
        """All is well again; wait until every job has come to its end, and nothing is at work."""
        for node in self.stage.nodes.values():
            await end_all(node)
        async with asyncio.timeout(PATIENCE):
            while not (self._ended() and self._quiet()):  # noqa: ASYNC110  # it has no event
                await asyncio.sleep(0.05)

    async def _at(self, at: float) -> None:
        await asyncio.sleep(self._begun + at - asyncio.get_running_loop().time())

    def _host(self, number: int) -> Host:
        return self.stage.hosts[number % len(self.stage.hosts)]

    async def _ask_for_all(self) -> None:
        """A list of jobs as a group, then the others one by one."""
        first, rest = self.plan.asks[:GROUP], self.plan.asks[GROUP:]
        await self._at(first[-1].at)
        bodies = [self._body(ask) for ask in first]
        told = await self._host(0).post("/api/job-groups", {"jobs": bodies}, first[0].actor)
        assert told["http"] == 201, told
        self.jobs[:GROUP] = [child["job_id"] for child in told["child_jobs"]]
        for number, ask in enumerate(rest, GROUP):
            await self._at(ask.at)
            # What needs another job is asked for where that one was.
            host = self._host(number if ask.needs is None else self._where(ask.needs))
            told = await host.post("/api/job", self._body(ask), ask.actor)
            assert told["http"] == 202, told
            self.jobs[number] = told["job_id"]

    def _where(self, number: int) -> int:
        if number < GROUP:
            return 0
        needs = self.plan.asks[number].needs
        return number if needs is None else self._where(needs)

    def _body(self, ask: Ask) -> dict[str, Any]:
        before = None if ask.needs is None else self.jobs[ask.needs]
        body = {
            "workflow": graph_of(ask, before),
            "project_path": str(self.stage.project),
            "priority": ask.priority,
        }
        return body if ask.kind != "after" else body | {"after": [before]}

    async def _strike(self, blow: Blow) -> None:
        await self._at(blow.at)
        chance = random.Random(f"{self.plan.seed} {blow}")
        if blow.fault == "service_killed":
            self.inflicted[blow.fault] += 1
            await chance.choice(self.stage.hosts).kill(blow.seconds)
        elif blow.fault == "cancel":
            await self._cancel(chance)
        else:
            node = self.stage.nodes[blow.backend]
            self.inflicted[blow.fault] += 1
            node.suffered[blow.fault] += 1
            await FAULTS[blow.fault](node, blow.seconds)

    async def _cancel(self, chance: random.Random) -> None:
        """Somebody changes their mind about a job: one that runs, or else one of the last few."""
        known = [(n, job) for n, job in enumerate(self.jobs) if job is not None]
        if not known:
            return
        executed = {job for node in self.stage.nodes.values() for job in node.executed_jobs()}
        running = [(n, job) for n, job in known if job in executed]
        number, job = chance.choice(running or known[-6:])
        needs = self.plan.asks[number].needs
        host = self._host(number if needs is None else self._where(needs))
        host = self._host(0) if number < GROUP else host
        self.cancels.add(job)
        told = await host.post(f"/api/jobs/{job}/cancel", {}, "ana")
        assert told["http"] in (200, 409), told
        self.inflicted["cancel"] += 1

    async def _receive(self, visit: Visit) -> None:
        await self._at(visit.at)
        await self.stage.visit(visit.backend, visit.seconds)

    def _ended(self) -> bool:
        ended = {t.data["job"] for t in self.stage.told() if t.type in FINAL}
        return ended >= set(self.jobs)

    def _quiet(self) -> bool:
        """Nothing waits or runs anywhere, and nobody is about to fetch or take away anything."""
        queues = [node.memory.queue for node in self.stage.nodes.values()]
        at_rest = not any(queue.pending or queue.running for queue in queues)
        return at_rest and all(host.is_quiet() for host in self.stage.hosts)


@asynccontextmanager
async def spend(folder: Path, plan: Plan, hosts: tuple[str, ...]) -> AsyncIterator[Night]:
    """A whole night, and the reckoning within; the plan is shown if anything fails."""
    async with Stage(folder) as stage:
        for name in hosts:
            await stage.host(name)
        night = Night(stage, plan)
        try:
            await night.pass_by()
            await night.dawn()
            yield night
        except BaseException:
            print(plan)
            raise
