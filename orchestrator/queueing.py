"""The queue of this host as people see and change it: who waits, why, and in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from attrs import define, frozen

from events.jobs import JobId
from orchestrator.commands.jobs import HoldJob, OrderJob
from orchestrator.errors import JobBegun, JobElsewhere
from orchestrator.jobs import Found, Jobs
from orchestrator.scheduling.dispatcher import Dispatcher
from orchestrator.scheduling.ranking import Standing, moved
from projections.jobs import Status


@frozen
class Waiting:
    """A job that waits."""

    found: Found
    #: From 1, among those that wait for a backend only; None if something else keeps it.
    position: int | None
    #: For people.
    reason: str


@define(eq=False)
class Queue:
    """What the endpoints of the queue ask for."""

    jobs: Jobs
    dispatcher: Dispatcher

    def waiting(self) -> Iterator[Waiting]:
        """All jobs that wait: those whose turn comes, in this order; then those that are kept."""
        for number, turn in enumerate(self.dispatcher.turns(), 1):
            if (found := self._queued(turn.job_id)) is not None:
                reason = self.dispatcher.why_waiting(turn.job_id) or ""
                yield Waiting(found, number, reason)
        for job_id, reason in self.dispatcher.backlog.kept():
            if (found := self._queued(job_id)) is not None:
                yield Waiting(found, None, reason)

    def counts(self) -> Counter[Status]:
        """How many jobs of this host have not ended, by status."""
        host = self.dispatcher.host.id
        return Counter(each.job.status for each in self.jobs.unfinished() if each.job.owner == host)

    async def hold(self, job_id: str, actor: str, *, held: bool) -> Found:
        """Hold a job back, or let it go.

        Raises:
            JobUnknown, JobEnded, JobBegun, StillOpening.
        """
        found = self.jobs.get(job_id)
        await found.project.change(HoldJob(job=JobId(job_id), held=held), actor, job_id)
        return self.jobs.found(found.project, job_id)

    async def prioritise(self, job_id: str, priority: int, actor: str) -> Found:
        """Give a job another priority among those of the same person.

        Raises:
            JobUnknown, JobEnded, JobBegun, StillOpening.
        """
        found = self.jobs.get(job_id)
        await found.project.change(OrderJob(job=JobId(job_id), priority=priority), actor, job_id)
        return self.jobs.found(found.project, job_id)

    async def move(self, job_id: str, target: str, actor: str) -> Found:
        """Move a job among those of the same person.

        Args:
            job_id: The job.
            target: `up`, `down`, `top` or `bottom`; or the id of the job that it shall precede.
            actor: Who wants it.

        Raises:
            JobUnknown, JobEnded, JobBegun, StillOpening.
            JobElsewhere: the job, or the other one, is another host's or another person's.
        """
        found = self.jobs.get(job_id)
        lane = self._lane(found)
        places = {each.job_id: place for place, each in enumerate(lane)}
        if job_id not in places:
            raise JobBegun(job_id, found.job.status)
        here = places[job_id]
        match target:
            case "up":
                goal = here - 1
            case "down":
                goal = here + 1
            case "top":
                goal = 0
            case "bottom":
                goal = len(lane)
            case other:
                if other not in places:
                    self.jobs.get(other)
                    raise JobElsewhere(other, job_id)
                goal = places[other] - (here < places[other])
        for standing in moved(lane, job_id, goal):
            command = OrderJob(
                job=JobId(standing.job_id), priority=standing.priority, rank=standing.rank
            )
            project = self.jobs.get(standing.job_id).project
            await project.change(command, actor, job_id)
        return self.jobs.found(found.project, job_id)

    def _lane(self, found: Found) -> list[Standing]:
        """All jobs of the same person that wait on the same host, in their order."""
        assert found.job.queued is not None  # only queued jobs are found
        mine = found.job.queued.actor, found.job.owner
        lane = [
            Standing(each.job_id, each.job.priority, each.job.rank)
            for each in self.jobs.unfinished()
            if each.job.status is Status.QUEUED
            and each.job.queued is not None
            and (each.job.queued.actor, each.job.owner) == mine
        ]
        return sorted(lane, key=lambda each: (-each.priority, each.rank, each.job_id))

    def _queued(self, job_id: str) -> Found | None:
        root = self.jobs.index.root_of(job_id)
        project = None if root is None else self.jobs.projects.find(root)
        job = None if project is None else project.view.job(job_id)
        if project is None or job is None or job.status is not Status.QUEUED:
            return None
        return Found(project, job_id, job)
