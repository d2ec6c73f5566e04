"""One attempt of a job on one backend: sent, followed to its end, its outputs brought home.

Every step is in the log before its effect. Polling is the truth; frames only hurry it. After a
restart the same code follows an attempt that is already there.
"""

from __future__ import annotations

import structlog
from attrs import define

from events.files import FilesIntended
from events.jobs import (
    JobCancelled,
    JobFailed,
    JobId,
    JobQueued,
    JobRendered,
    JobRequeued,
    JobSubmitted,
    JobSucceeded,
)
from orchestrator.comfyui.answers import HistoryEntry, refused_node
from orchestrator.comfyui.client import SubmitUnknown
from orchestrator.comfyui.endings import Failed, Interrupted, Output, Succeeded, classify
from orchestrator.comfyui.workflow import with_prefix
from orchestrator.commands.jobs import AdvanceJob
from orchestrator.errors import (
    BackendRefused,
    BackendUnreachable,
    OrchestratorError,
    OutputMissing,
)
from orchestrator.host import Host
from orchestrator.scheduling.backend import Backend
from orchestrator.scheduling.collect import Collector
from orchestrator.scheduling.follow import Follower, Lost
from orchestrator.scheduling.mark import marked
from orchestrator.scheduling.placing import NotWantedError, placer
from orchestrator.scheduling.teller import Teller, as_reason
from orchestrator.scheduling.timing import MAX_ATTEMPTS, Timing
from orchestrator.scheduling.watch import Watch
from projections.jobs import Attempt

_log = structlog.get_logger(__name__)


@define(eq=False)
class AttemptRun:
    """Carries one attempt through. Its slot on the backend is taken until that has rendered it."""

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

    async def start(self) -> None:
        """A new attempt: tell, send, follow. Its slot is free at the end.

        Raises:
            Unavailable, FileMissing: nothing was sent, because it could not be told.
        """
        try:
            await self._start()
        finally:
            self.backend.unwatch(self.prompt_id)

    async def resume(self, attempt: Attempt) -> None:
        """An attempt from before a restart: it may be anywhere, even not sent.

        Raises:
            Unavailable, FileMissing: the project cannot be used for the moment.
        """
        try:
            await self._resume(attempt)
        finally:
            self.backend.unwatch(self.prompt_id)

    async def _start(self) -> None:
        step = JobSubmitted(
            job=self.job_id,
            attempt=self.number,
            backend=self.backend.config.id,
            prompt_id=self.prompt_id,
        )
        await self.teller.tell_once(AdvanceJob(step=step))
        job = await self.teller.job()
        attempt = job.open_attempt
        if attempt is None or attempt.prompt_id != self.prompt_id:
            return  # cancelled, or taken up otherwise, before it began
        if job.cancel is not None:
            await self.teller.step(JobCancelled(job=self.job_id))
            return
        try:
            taken = await self._send()
        except BackendRefused as exc:
            said = f"ComfyUI refused the workflow: {exc.reason}"
            await self._fail("validation", said, refused_node(exc.answer))
        except BackendUnreachable as exc:
            self.backend.declined(exc.reason)
            said = f"backend {exc.backend} did not take it: {exc.reason}"
            await self._lose(Lost(said, sent=False))
        else:
            await self._follow(unsure=not taken)

    async def _resume(self, attempt: Attempt) -> None:
        view = (await self.teller.project()).view
        operations = [o.intent for _, o in view.open_operations(self.host.id) if o.intent]
        try:
            await self._settle_files([o for o in operations if o.job == self.job_id])
        except NotWantedError:
            pass  # cancelled; where it stands on the backend is still to be seen
        except OrchestratorError as exc:
            await self._fail("outputs", str(exc))
            return
        await self._follow(unsure=attempt.started is None and attempt.rendered is None)

    async def _settle_files(self, operations: list[FilesIntended]) -> None:
        """What was being put in place: is it there, or can it be put there now?"""
        for intent in operations:
            job = await self.teller.job()
            await placer(self.teller, job, self.timing).settle(intent)

    async def _send(self) -> bool:
        """Send it; False if nobody knows whether the backend took it."""
        graph = with_prefix(self.order.workflow, f"job-{self.job_id}/a{self.number}")
        extra = marked(self.job_id, self.number, self.host.id)
        try:
            await self.backend.client.submit(graph, self.prompt_id, self.client_id, extra)
        except SubmitUnknown as exc:
            _log.warning("attempt.unsure", job=self.job_id, reason=str(exc))
            return False
        self.backend.took()
        return True

    async def _follow(self, *, unsure: bool) -> None:
        """From wherever the attempt is to its end."""
        self.backend.watch(self.prompt_id, self.watch)
        follower = Follower(
            self.job_id,
            self.number,
            self.prompt_id,
            self.order.stall_seconds,
            self.backend,
            self.watch,
            self.teller,
            self.timing,
            unsure,
        )
        end = await follower.end()
        if isinstance(end, Lost):
            await self._lose(end)
            return
        match classify(end):
            case Succeeded(outputs=outputs):
                await self._collect(end, outputs)
            case Failed() as failed:
                said = f"{failed.exception_type}: {failed.message}"
                await self._fail("execution", said, failed.node_id, failed.node_type)
            case Interrupted(node=node):
                if (await self.teller.job()).cancel is not None:
                    await self.teller.step(JobCancelled(job=self.job_id))
                elif follower.stalled_since is not None:
                    await self._fail("stalled", follower.stall_reason(), node)
                else:
                    said = "it was interrupted on the backend, and not by this service"
                    await self._fail("interrupted", said, node)

    async def _collect(self, entry: HistoryEntry, outputs: tuple[Output, ...]) -> None:
        if silent := _silent_savers(entry):
            said = f"these nodes saved nothing although they ended well: {', '.join(silent)}"
            await self._fail("outputs", said, silent[0])
            return
        kept = [output for output in outputs if output.kept]
        step = JobRendered(job=self.job_id, attempt=self.number, outputs=len(kept))
        await self.teller.step(step)
        # The backend is free for the next job while we fetch, and while the share is full.
        self.backend.unwatch(self.prompt_id)
        job = await self.teller.job()
        collector = Collector(
            self.job_id,
            self.number,
            self.backend,
            placer(self.teller, job, self.timing),
            self.teller,
            self.timing,
            self.host,
        )
        try:
            await collector.collect(kept, job)
        except NotWantedError:
            await self.teller.step(JobCancelled(job=self.job_id))
        except OutputMissing as exc:
            await self._lose(Lost(f"its output could not be fetched: {exc}"))
        except BackendUnreachable as exc:
            name = self.backend.config.id
            await self._lose(Lost(f"backend {name} went away with its outputs: {exc.reason}"))
        except OrchestratorError as exc:
            await self._fail("outputs", str(exc))
        else:
            await self.teller.step(JobSucceeded(job=self.job_id, attempt=self.number))

    async def _lose(self, lost: Lost) -> None:
        """Cancelled if that was wanted; else tried again, unless it was tried often enough."""
        job, reason = await self.teller.job(), as_reason(lost.reason)
        tried = [a.reason or "" for a in job.attempts if a.requeued and a.sent]
        if job.cancel is not None:
            await self.teller.step(JobCancelled(job=self.job_id))
        elif lost.stalled:
            await self._fail("stalled", reason)
        elif lost.sent and len(tried) + 1 >= MAX_ATTEMPTS:
            told = "; ".join(f"{n}. {said}" for n, said in enumerate((*tried, reason), 1))
            await self._fail("attempts", f"given up after {MAX_ATTEMPTS} attempts: {told}")
        else:
            step = JobRequeued(job=self.job_id, attempt=self.number, reason=reason, sent=lost.sent)
            await self.teller.step(step)

    async def _fail(
        self, kind: str, reason: str, node: str | None = None, node_type: str | None = None
    ) -> None:
        step = JobFailed(
            job=self.job_id,
            reason=as_reason(reason),
            attempt=self.number,
            kind=kind,
            node=node,
            node_type=node_type,
        )
        await self.teller.step(step)


def _silent_savers(entry: HistoryEntry) -> list[str]:
    """Nodes that were to save files under a prefix of ours, and have no outputs."""
    return [
        node
        for node in entry.expected
        if node not in entry.outputs
        and "filename_prefix" in entry.graph.get(node, {}).get("inputs", {})
    ]
