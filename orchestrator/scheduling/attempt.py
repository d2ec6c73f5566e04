"""One attempt of a job on one backend: sent, followed to its end, its outputs brought home.

Every step is in the log before its effect. Polling is the truth; frames only hurry it. After a
restart the same code follows an attempt that is already there.
"""

from __future__ import annotations

import time
from typing import Any

import structlog
from attrs import define, field, frozen

from events.jobs import (
    JobCancelled,
    JobFailed,
    JobId,
    JobQueued,
    JobRendered,
    JobRequeued,
    JobStarted,
    JobSubmitted,
    JobSucceeded,
)
from orchestrator.comfyui.answers import Absent, Finished, HistoryEntry, Location, Pending, Running
from orchestrator.comfyui.client import SubmitUnknown
from orchestrator.comfyui.endings import Failed, Interrupted, Output, Succeeded, classify
from orchestrator.comfyui.workflow import with_prefix
from orchestrator.commands.jobs import AdvanceJob
from orchestrator.errors import BackendRefused, BackendUnreachable, OutputMissing
from orchestrator.host import Host
from orchestrator.scheduling.collect import Collector
from orchestrator.scheduling.fleet import Backend, Watch
from orchestrator.scheduling.silence import Silence
from orchestrator.scheduling.teller import Teller, persist
from orchestrator.scheduling.timing import MAX_ATTEMPTS, Timing
from projections.jobs import Job, Status

_log = structlog.get_logger(__name__)


@frozen
class _Lost:
    """The attempt came to nothing, and nobody knows or tells why in its history."""

    reason: str


@define(eq=False)
class AttemptRun:
    """Carries one attempt through. Its slot on the backend is taken while it runs."""

    job_id: JobId
    order: JobQueued
    number: int
    prompt_id: str
    backend: Backend
    watch: Watch
    teller: Teller
    host: Host
    client_id: str
    timing: Timing
    _unsure: bool = field(default=False, init=False)

    async def start(self) -> None:
        """A new attempt: tell, send, follow."""
        step = JobSubmitted(
            job=self.job_id,
            attempt=self.number,
            backend=self.backend.config.id,
            prompt_id=self.prompt_id,
        )
        if not await self._tell(step):
            return  # cancelled, or taken up otherwise, before it began
        try:
            await self._send()
        except BackendRefused as exc:
            await self.fail("validation", _refusal(exc), _refused_node(exc))
        except BackendUnreachable as exc:
            self.backend.mark_unreachable(exc.reason)
            await self._lost(f"backend {exc.backend} did not take it: {exc.reason}", sent=False)
        else:
            await self.follow()

    async def _send(self) -> None:
        graph = with_prefix(self.order.workflow, f"job-{self.job_id}/a{self.number}")
        mark = {"job": self.job_id, "attempt": self.number, "host": self.host.id}
        extra: dict[str, Any] = {
            # Comes back in the queue and the history, so that our prompts are known as ours.
            "orchestrator": mark,
            # Written into the picture, so that it can tell where it comes from without a log.
            "extra_pnginfo": {"orchestrator": mark},
        }
        try:
            await self.backend.client.submit(graph, self.prompt_id, self.client_id, extra)
        except SubmitUnknown as exc:
            _log.warning("attempt.unsure", job=self.job_id, reason=str(exc))
            self._unsure = True

    async def follow(self) -> None:
        """From wherever the attempt is to its end."""
        self.backend.watch(self.prompt_id, self.watch)
        end = await self._watch_it()
        if isinstance(end, _Lost):
            await self._lost(end.reason)
            return
        match classify(end):
            case Succeeded(outputs=outputs):
                await self._collect(end, outputs)
            case Failed() as failed:
                said = f"{failed.exception_type}: {failed.message}"
                await self.fail("execution", said, failed.node_id, failed.node_type)
            case Interrupted(node=node):
                if (await self._job()).cancel is not None:
                    await self._tell(JobCancelled(job=self.job_id))
                elif self._is_stalled():
                    await self.fail("stalled", self._stall_reason(), node)
                else:
                    said = "it was interrupted on the backend, and not by this service"
                    await self.fail("interrupted", said, node)

    async def _job(self) -> Job:
        async def look() -> Job:
            job = (await self.teller.project()).view.job(self.job_id)
            assert job is not None  # it was queued, and the log forgets nothing
            return job

        return await persist(look, self.timing, "look at the job")

    async def _watch_it(self) -> HistoryEntry | _Lost:
        """Poll until the history has it, or it is gone."""
        absent_since: float | None = None
        silence = Silence(self.timing)
        while True:
            job = await self._job()
            withdraw = job.cancel is not None or self.backend.worker_dead or self._is_stalled()
            try:
                place = await self._look(withdraw=withdraw)
            except BackendUnreachable as exc:
                if (reason := silence.judge(exc, time.monotonic())) is not None:
                    return _Lost(reason)
                await self.watch.pause(self.timing.poll_active)
                continue
            silence.end()
            if isinstance(place, Finished):
                return place.entry
            if isinstance(place, Absent):
                if absent_since is None:
                    absent_since = time.monotonic()
                elif time.monotonic() - absent_since >= self._grace():
                    return _Lost(self._why_absent())
            else:
                absent_since = None
                await self._note(place, job)
            if withdraw and self._gives_up_withdrawing():
                return _Lost(self._stall_reason())
            await self.watch.pause(
                self.timing.withdraw_round if withdraw else self.timing.poll_active
            )

    async def _look(self, *, withdraw: bool) -> Location:
        client = self.backend.client
        return await (client.withdraw if withdraw else client.locate)(self.prompt_id)

    async def _note(self, place: Pending | Running, job: Job) -> None:
        """It is there after all; when it runs for the first time, that is told."""
        self._unsure = False
        if isinstance(place, Pending):
            self.watch.last_sign = time.monotonic()
        elif job.last is not None and job.last.started is None:
            self.watch.last_sign = time.monotonic()
            await self._tell(JobStarted(job=self.job_id, attempt=self.number))

    def _grace(self) -> float:
        return self.timing.absent_after_unknown if self._unsure else self.timing.absent

    def _why_absent(self) -> str:
        name = self.backend.config.id
        if self.backend.worker_dead:
            return f"backend {name} executed nothing any more; its queue was left"
        if self._unsure:
            return f"backend {name} did not answer the submission and does not know it"
        return f"backend {name} has it neither in its queue nor in its history: lost by a restart"

    def _is_stalled(self) -> bool:
        return time.monotonic() - self.watch.last_sign >= self.order.stall_seconds

    def _stall_reason(self) -> str:
        name, limit = self.backend.config.id, self.order.stall_seconds
        return f"backend {name} showed no sign of life from it for {limit:g} s"

    def _gives_up_withdrawing(self) -> bool:
        limit = self.order.stall_seconds + self.timing.withdraw_limit
        return time.monotonic() - self.watch.last_sign >= limit

    async def _collect(self, entry: HistoryEntry, outputs: tuple[Output, ...]) -> None:
        kept = [output for output in outputs if output.kept]
        missing = _silent_savers(entry)
        if missing:
            said = f"these nodes saved nothing although they ended well: {', '.join(missing)}"
            await self.fail("outputs", said, missing[0])
            return
        rendered = JobRendered(job=self.job_id, attempt=self.number, outputs=len(kept))
        await self._tell(rendered)
        collector = Collector(self.job_id, self.order, self.teller, self.timing, self.host)
        try:
            await collector.collect(self.backend, self.number, kept, await self._job())
        except OutputMissing as exc:
            await self._lost(f"its output could not be fetched: {exc}")
            return
        except BackendUnreachable as exc:
            await self._lost(f"backend {self.backend.config.id} went away with its outputs: {exc}")
            return
        except BackendRefused as exc:
            await self.fail("outputs", str(exc))
            return
        await self._tell(JobSucceeded(job=self.job_id, attempt=self.number))

    async def _lost(self, reason: str, *, sent: bool = True) -> None:
        """Cancelled if that was wanted; else tried again, unless it was tried often enough."""
        job = await self._job()
        tried = [a.reason or "" for a in job.attempts if a.requeued and a.sent]
        if job.cancel is not None:
            await self._tell(JobCancelled(job=self.job_id))
        elif self._is_stalled() and job.status is Status.RUNNING:
            await self.fail("stalled", reason)
        elif sent and len(tried) + 1 >= MAX_ATTEMPTS:
            told = "; ".join(f"{n}. {said}" for n, said in enumerate((*tried, reason), 1))
            await self.fail("attempts", f"given up after {MAX_ATTEMPTS} attempts: {told}")
        else:
            requeued = JobRequeued(job=self.job_id, attempt=self.number, reason=reason, sent=sent)
            await self._tell(requeued)

    async def fail(
        self, kind: str, reason: str, node: str | None = None, node_type: str | None = None
    ) -> None:
        """End the job as failed."""
        await self._tell(
            JobFailed(
                job=self.job_id,
                reason=reason,
                attempt=self.number,
                kind=kind,
                node=node,
                node_type=node_type,
            )
        )

    async def _tell(self, step: Any) -> bool:
        return bool(await self.teller.tell(AdvanceJob(step=step)))


def _silent_savers(entry: HistoryEntry) -> list[str]:
    """Nodes that were to save files under a prefix of ours, and have no outputs."""
    return [
        node
        for node in entry.expected
        if node not in entry.outputs
        and "filename_prefix" in entry.graph.get(node, {}).get("inputs", {})
    ]


def _refusal(exc: BackendRefused) -> str:
    return f"ComfyUI refused the workflow: {exc.reason}"


def _refused_node(exc: BackendRefused) -> str | None:
    answer = exc.answer if isinstance(exc.answer, dict) else {}
    nodes = answer.get("node_errors")
    return next(iter(nodes), None) if isinstance(nodes, dict) else None
