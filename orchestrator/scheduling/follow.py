"""Following one attempt on its backend until its history entry is there, or it is gone."""

from __future__ import annotations

import asyncio
import time

from attrs import define, field, frozen

from events.jobs import JobId, JobStarted
from orchestrator.comfyui.answers import (
    Absent,
    Finished,
    HistoryEntry,
    Location,
    Pending,
    Running,
)
from orchestrator.errors import BackendUnreachable
from orchestrator.scheduling.backend import Backend
from orchestrator.scheduling.silence import Silence
from orchestrator.scheduling.teller import Teller
from orchestrator.scheduling.timing import Timing
from orchestrator.scheduling.watch import Watch
from projections.jobs import Job


@frozen
class Lost:
    """The attempt came to nothing, and no history tells why."""

    reason: str
    #: Whether it counts as a try: the backend had it, and may have begun to execute it.
    sent: bool = True
    #: How the job fails if it must not be tried again: `stalled` or `timeout`; None if it may be.
    fatal: str | None = None
    #: What became of it, as `job.requeued` says: `lost` or `stopped`.
    kind: str = "lost"
    #: Whether the backend may still render it, so that a result may come late.
    adrift: bool = False


@define(eq=False)
class Follower:
    """Looks again and again where the prompt is; takes it away if it shall stop."""

    job_id: JobId
    number: int
    prompt_id: str
    stall_seconds: float
    backend: Backend
    watch: Watch
    teller: Teller
    timing: Timing
    #: Whether the backend may get the prompt later than now, or not at all.
    unsure: bool = False
    #: When one attempt has taken too long, by the wall clock; None for never.
    deadline: float | None = None
    #: Why we stop it although nobody cancelled the job: `stalled`, `timeout` or `stopped`.
    stopping: str | None = field(default=None, init=False)
    _stopping_since: float = field(default=0.0, init=False)
    #: Tells that it was seen to run. Nothing depends on that, so nobody waits meanwhile.
    _telling: asyncio.Task[None] | None = field(default=None, init=False)

    async def end(self) -> HistoryEntry | Lost:
        """Poll until the history has it, or it is gone."""
        try:
            end = await self._end()
        except BaseException:
            if self._telling is not None:
                self._telling.cancel()
            raise
        if self._telling is not None:
            await self._telling
        return end

    async def _end(self) -> HistoryEntry | Lost:
        absent_since: float | None = None
        silence = Silence(self.timing)
        while True:
            job = await self.teller.job()
            self._judge_time()
            stop = job.cancel is not None or self.stopping is not None
            try:
                place = await self._look(stop=stop)
            except BackendUnreachable as exc:
                # A host that does not answer says nothing about the job, not that it stalls.
                self.watch.sign()
                if (reason := silence.judge(exc, time.monotonic())) is not None:
                    # Who refuses connections has lost what it had; who is silent may go on.
                    return Lost(reason, adrift=not exc.refused)
                await self.watch.pause(self.timing.poll_active)
                continue
            silence.end()
            match place:
                case Finished(entry=entry):
                    return entry
                case Absent():
                    absent_since = absent_since or time.monotonic()
                    if time.monotonic() - absent_since >= self._grace():
                        return self._why_absent()
                case Pending() | Running():
                    absent_since, self.unsure = None, False
                    await self._note(place, job)
            if job.cancel is None and self._cannot_be_stopped(place):
                self.backend.hangs_on(self.prompt_id)
                return self._given_up()
            await self.watch.pause(self.timing.withdraw_round if stop else self.timing.poll_active)

    async def _look(self, *, stop: bool) -> Location:
        """Where the prompt is; one round of taking it away if it shall stop."""
        client = self.backend.client
        if stop:
            return await client.withdraw(self.prompt_id)
        if self.watch.ended and (entry := await client.history(self.prompt_id)) is not None:
            return Finished(entry)  # a frame told of the end: then it is not in the queue
        place = await client.locate(self.prompt_id)
        if isinstance(place, Pending) and self.backend.worker_dead:
            # Only if it waits: should it run after all, then the worker is alive.
            await client.delete_pending([self.prompt_id])
        return place

    def _judge_time(self) -> None:
        """Whether it shall stop because it takes too long, or because somebody asked us to."""
        if self.watch.stop is not None:
            self._stop("stopped")
        elif self.deadline is not None and time.time() >= self.deadline:
            self._stop("timeout")

    def _stop(self, why: str) -> None:
        if self.stopping is None:
            self.stopping, self._stopping_since = why, time.monotonic()

    async def _note(self, place: Pending | Running, job: Job) -> None:
        """It is there: tell if it runs for the first time, and judge whether it still moves."""
        if isinstance(place, Pending):
            self.watch.sign()
            return
        if not self.backend.socket.connected:
            self.watch.sign()  # who is not listened to need not be silent
        if job.last is not None and job.last.started is None:
            self.watch.sign()
            if self._telling is None:
                step = JobStarted(job=self.job_id, attempt=self.number)
                self._telling = asyncio.create_task(self.teller.step(step))
        elif time.monotonic() - self.watch.last_sign >= self.stall_seconds:
            self._stop("stalled")

    def _grace(self) -> float:
        return self.timing.absent_after_unknown if self.unsure else self.timing.absent

    def _why_absent(self) -> Lost:
        name = self.backend.config.id
        if self.stopping in ("timeout", "stopped"):
            return self._given_up()
        if self.backend.worker_dead:
            return Lost(f"backend {name} executes nothing any more", sent=False)
        if self.unsure:
            said = f"backend {name} did not answer the submission and does not know it"
            return Lost(said, adrift=True)
        said = "has it neither in its queue nor in its history: lost by a restart"
        return Lost(f"backend {name} {said}")

    def _given_up(self) -> Lost:
        if self.stopping == "stopped":
            return Lost(self.stop_reason(), sent=False, kind="stopped", adrift=True)
        return Lost(self.stop_reason(), fatal=self.stopping)

    def stop_reason(self) -> str:
        """Why we stopped it, for people."""
        name = self.backend.config.id
        if self.stopping == "timeout":
            return f"it took longer on backend {name} than its time limit allows"
        if self.stopping == "stopped":
            return self.watch.stop or f"it was taken away from backend {name}"
        return f"backend {name} showed no sign of life from it for {self.stall_seconds:g} s"

    def _cannot_be_stopped(self, place: Location) -> bool:
        if self.stopping is None or not isinstance(place, Running):
            return False
        return time.monotonic() - self._stopping_since >= self.timing.withdraw_limit
