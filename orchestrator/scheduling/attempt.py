"""One attempt of a job on one backend: sent, followed to its end, its outputs brought home.

Every step is in the log before its effect. Polling is the truth; frames only hurry it. After a
restart the same code follows an attempt that is already there.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from attrs import define, evolve

from events.files import FilesIntended
from events.jobs import (
    JobCancelled,
    JobFailed,
    JobId,
    JobQueued,
    JobRendered,
    JobSubmitted,
    JobSucceeded,
)
from events.stamp import moment
from orchestrator.comfyui.answers import HistoryEntry, refused_node
from orchestrator.comfyui.client import SubmitUnknown
from orchestrator.comfyui.endings import Failed, Interrupted, Output, Succeeded, classify
from orchestrator.comfyui.needs import models_of
from orchestrator.comfyui.workflow import with_prefix
from orchestrator.commands.jobs import AdvanceJob
from orchestrator.errors import (
    BackendRefused,
    BackendUnreachable,
    FileChanging,
    FileUnreadable,
    InputForbidden,
    InputInvalid,
    InputMissing,
    InputTooLarge,
    OrchestratorError,
    OutputMissing,
)
from orchestrator.host import Host
from orchestrator.scheduling.backend import Backend
from orchestrator.scheduling.collect import Collector
from orchestrator.scheduling.ending import Fault, after_fault, is_the_jobs_fault
from orchestrator.scheduling.follow import Follower, Lost
from orchestrator.scheduling.mark import marked
from orchestrator.scheduling.outgoing import Outgoing
from orchestrator.scheduling.placing import NotWantedError, placer
from orchestrator.scheduling.teller import Teller, as_reason
from orchestrator.scheduling.timing import Timing
from orchestrator.scheduling.watch import Watch
from projections.jobs import Attempt

_log = structlog.get_logger(__name__)

#: Faults that speak against the backend too, if they happen with one job after another.
BLAMED = frozenset({"execution", "lost", "stalled", "timeout"})


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
    outgoing: Outgoing
    #: Whether a backend on which the job has not failed yet could take it.
    others: Callable[[], bool]
    #: The job failed on several backends: that it did does not speak against them.
    absolve: Callable[[], None]

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
        except (InputMissing, InputForbidden, InputTooLarge, InputInvalid) as exc:
            await self._end(Fault(kind="inputs", reason=str(exc), again=False))
        except (FileUnreadable, FileChanging) as exc:
            said = f"a file that it needs cannot be read now: {exc}"
            await self._end(Fault(kind="lost", reason=said, again=True, counts=False))
            raise
        except BackendRefused as exc:
            said, node = f"ComfyUI refused the workflow: {exc.reason}", refused_node(exc.answer)
            await self._end(Fault(kind="validation", reason=said, again=False, node=node))
        except BackendUnreachable as exc:
            self.backend.declined(exc.reason)
            said = f"backend {exc.backend} did not take it: {exc.reason}"
            await self._end(Fault(kind="lost", reason=said, again=True, counts=False))
        else:
            await self._follow(unsure=not taken)

    async def _resume(self, attempt: Attempt) -> None:
        view = (await self.teller.project()).view
        # Of whichever host: the job may have been taken over in the middle of it.
        operations = [o.intent for _, o in view.open_operations() if o.intent]
        try:
            await self._settle_files([o for o in operations if o.job == self.job_id])
        except NotWantedError:
            pass  # cancelled; where it stands on the backend is still to be seen
        except OrchestratorError as exc:
            await self._end(Fault(kind="outputs", reason=str(exc), again=False))
            return
        job = await self.teller.job()
        stored = sum(output.attempt == self.number for output in job.outputs)
        if attempt.rendered is not None and stored == attempt.outputs:
            # All is in the project, whatever its backend remembers of it.
            await self.teller.step(JobSucceeded(job=self.job_id, attempt=self.number))
            return
        await self._follow(unsure=attempt.started is None and attempt.rendered is None)

    async def _settle_files(self, operations: list[FilesIntended]) -> None:
        """What was being put in place: is it there, or can it be put there now?"""
        for intent in operations:
            job = await self.teller.job()
            await placer(self.teller, job, self.timing).settle(intent)

    async def _send(self) -> bool:
        """Send it; False if nobody knows whether the backend took it."""
        graph = await self.outgoing.graph(self.order, self.backend, self.teller.root)
        graph = with_prefix(graph, f"job-{self.job_id}/a{self.number}")
        extra = marked(self.job_id, self.number, self.host.id)
        self.backend.warmed(models_of(graph))
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
            await self._deadline(),
        )
        end = await follower.end()
        if isinstance(end, Lost):
            await self._end(_fault_of(end))
            return
        match classify(end):
            case Succeeded(outputs=outputs):
                await self._collect(end, outputs)
            case Failed() as failed:
                fault = Fault(
                    kind="execution",
                    reason=f"{failed.exception_type}: {failed.message}",
                    again=True,
                    node=failed.node_id,
                    node_type=failed.node_type,
                )
                await self._end(fault)
            case Interrupted(node=node):
                await self._end(_interrupted(follower, node))

    async def _deadline(self) -> float | None:
        """When the attempt has taken too long, by the wall clock."""
        job = await self.teller.job()
        limit, attempt = self.order.timeout_seconds, job.open_attempt
        if limit is None or attempt is None or attempt.submitted is None:
            return None
        return moment(attempt.submitted).timestamp() + limit

    async def _collect(self, entry: HistoryEntry, outputs: tuple[Output, ...]) -> None:
        if silent := _silent_savers(entry):
            said = f"these nodes saved nothing although they ended well: {', '.join(silent)}"
            fault = Fault(kind="outputs", reason=said, again=False, node=silent[0])
            await self._end(fault)
            return
        kept = [output for output in outputs if output.kept]
        # The backend is free for the next job while we tell, while we fetch, and while the share
        # is full.
        self.backend.unwatch(self.prompt_id)
        step = JobRendered(job=self.job_id, attempt=self.number, outputs=len(kept))
        await self.teller.step(step)
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
            said = f"its output could not be fetched: {exc}"
            await self._end(Fault(kind="lost", reason=said, again=True))
        except BackendUnreachable as exc:
            said = f"backend {self.backend.config.id} went away with its outputs: {exc.reason}"
            adrift = not exc.refused
            await self._end(Fault(kind="lost", reason=said, again=True, adrift=adrift))
        except OrchestratorError as exc:
            await self._end(Fault(kind="outputs", reason=str(exc), again=False))
        else:
            self.backend.succeeded(self.job_id)
            await self.teller.step(JobSucceeded(job=self.job_id, attempt=self.number))

    async def _end(self, fault: Fault) -> None:
        """It came to nothing: tell what follows from that."""
        fault = evolve(fault, reason=as_reason(fault.reason))
        job = await self.teller.job()
        attempt = next((a for a in job.attempts if a.number == self.number), None)
        assert attempt is not None  # it was told before it was sent
        if is_the_jobs_fault(job, attempt, fault):
            self.absolve()
        elif job.cancel is None and fault.counts and fault.kind in BLAMED:
            self.backend.failed(self.job_id, fault.reason)
        others = self.others()
        step = after_fault(self.job_id, job, attempt, fault, others=others)
        if isinstance(step, JobFailed):
            step = evolve(step, reason=as_reason(step.reason))
        await self.teller.step(step)


def _fault_of(lost: Lost) -> Fault:
    return Fault(
        kind=lost.fatal or lost.kind,
        reason=lost.reason,
        again=lost.fatal is None,
        counts=lost.sent,
        adrift=lost.adrift,
    )


def _interrupted(follower: Follower, node: str | None) -> Fault:
    match follower.stopping:
        case "stopped":
            return Fault(kind="stopped", reason=follower.stop_reason(), again=True, counts=False)
        case "stalled" | "timeout" as kind:
            return Fault(kind=kind, reason=follower.stop_reason(), again=False, node=node)
        case _:
            said = "it was interrupted on the backend, and not by this service"
            return Fault(kind="interrupted", reason=said, again=False, node=node)


def _silent_savers(entry: HistoryEntry) -> list[str]:
    """Nodes that were to save files under a prefix of ours, and have no outputs."""
    return [
        node
        for node in entry.expected
        if node not in entry.outputs
        and "filename_prefix" in entry.graph.get(node, {}).get("inputs", {})
    ]
