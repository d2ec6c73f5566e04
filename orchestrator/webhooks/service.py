"""Telling addresses of the ends of this host's jobs: again and again until one takes it.

What is to be told stands in the log: a job names its addresses, and `webhook.settled` says which
need not be told any more. So nothing is lost with a crash; an address may be told twice, with the
same delivery id.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import structlog
from attrs import define, field

from events.jobs import JobCancelled, JobFailed, JobSucceeded
from events.record import Record
from events.webhooks import WebhookSettled
from orchestrator.commands.webhooks import SettleWebhook
from orchestrator.errors import WebhookNotPermitted
from orchestrator.host import Host
from orchestrator.project import Project
from orchestrator.projects import Projects
from orchestrator.scheduling.teller import Teller, as_reason
from orchestrator.scheduling.timing import Timing
from orchestrator.scheduling.works import Works
from orchestrator.webhooks.lines import Lines
from orchestrator.webhooks.message import body_of, delivery_id, headers_of
from orchestrator.webhooks.receivers import Receiver, Receivers, shown
from orchestrator.webhooks.sending import Outcome, Sender
from projections.jobs import Job

_log = structlog.get_logger(__name__)

#: Before the second try, the third, and so on (seconds): eight tries in about an hour.
PAUSES = (5.0, 15.0, 45.0, 120.0, 300.0, 900.0, 2100.0)
#: How much a pause may be longer or shorter, so that those who failed together part.
JITTER = 0.2

_ENDS = frozenset({JobSucceeded, JobFailed, JobCancelled})


@define(eq=False)
class Webhooks:
    """The deliveries of this host."""

    projects: Projects
    host: Host
    receivers: Receivers
    sender: Sender
    timing: Timing = field(factory=Timing)
    pauses: Sequence[float] = PAUSES
    _lines: Lines = field(factory=Lines)
    #: One for each job and address.
    _works: Works = field(factory=lambda: Works(lambda _name: None))

    def start(self) -> None:
        """Tell of every end from now on, and of those that nobody was told of."""
        self.projects.listeners.append(self.hear)
        self.projects.openers.append(self.opened)

    async def close(self) -> None:
        """Let go of everything; what is not settled is told after the next start."""
        await self._works.close()
        await self.sender.close()

    def hear(self, project: Project, records: list[Record]) -> None:
        """Begin to tell of the jobs that have just ended."""
        for record in records:
            if type(record.event) in _ENDS:
                job_id: str = record.event.job  # type: ignore[attr-defined]  # all ends are of a job
                if (job := project.view.job(job_id)) is not None:
                    self._begin(project, job_id, job)

    def opened(self, project: Project) -> None:
        """Begin to tell of the jobs whose end nobody was told of, after a start or a reopening."""
        for job_id, job in project.view.jobs():
            self._begin(project, job_id, job)

    def _begin(self, project: Project, job_id: str, job: Job) -> None:
        if job.end is None or job.queued is None or job.owner != self.host.id:
            return
        for url in job.queued.order.webhooks:
            if project.view.notified(job_id).told(url) is not None:
                continue
            name = f"webhook {delivery_id(job_id, url)}"
            if name not in self._works:
                self._works.start(name, self._settle(project.root, job_id, url))

    async def _settle(self, root: Path, job_id: str, url: str) -> None:
        """Tell one address of one job, and record what came of it."""
        teller = Teller(self.projects, root, job_id, self.timing)
        job = await teller.job()
        tries, outcome = await self._tell(root, job_id, job, url)
        log = _log.bind(job=job_id, receiver=shown(url), tries=tries)
        if outcome.delivered:
            log.info("webhook.delivered")
        else:
            log.warning("webhook.given_up", error=outcome.error)
        settled = WebhookSettled(
            job=job_id,
            url=url,
            delivered=outcome.delivered,
            tries=tries,
            error=None if outcome.error is None else as_reason(outcome.error),
        )
        await teller.tell(SettleWebhook(settled=settled))

    async def _tell(self, root: Path, job_id: str, job: Job, url: str) -> tuple[int, Outcome]:
        """How many tries it took, and what came of the last."""
        try:
            receiver = self.receivers.receiver(url)
        except WebhookNotPermitted as exc:
            return 0, Outcome(str(exc), final=True)
        assert job.end is not None  # see `_begin`
        if job.end.status not in receiver.events:
            # Recorded too: an address that config.yaml adds to later shall not hear old news.
            return 0, Outcome(f"`webhooks` in config.yaml does not ask for {job.end.status}")
        delivery = delivery_id(job_id, url)
        body = body_of(root, job_id, job, delivery)
        once = partial(self._once, receiver, body, f"job.{job.end.status}", delivery)
        return await self._again_and_again(receiver, once)

    async def _again_and_again(
        self, receiver: Receiver, once: Callable[[], Awaitable[Outcome]]
    ) -> tuple[int, Outcome]:
        line = self._lines.to(str(receiver.url.origin()), trusted=receiver.trusted)
        tries = 1
        outcome = await line.send(once)
        for pause in self.pauses:
            if outcome.delivered or outcome.final:
                break
            spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # hides nothing
            await asyncio.sleep(pause * spread)
            outcome = await line.send(once)
            tries += 1
        return tries, outcome

    async def _once(self, receiver: Receiver, body: bytes, event: str, delivery: str) -> Outcome:
        headers = headers_of(
            body, event=event, delivery=delivery, at=time.time(), secret=receiver.secret
        )
        return await self.sender.send(receiver, body, headers)
