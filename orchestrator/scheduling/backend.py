"""One ComfyUI server as it is now: whether it answers, what it holds, whether it is well."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from attrs import define, field

from orchestrator.comfyui.answers import QueueView, SystemStats
from orchestrator.comfyui.client import ComfyClient
from orchestrator.comfyui.messages import Frame
from orchestrator.comfyui.socket import ComfySocket
from orchestrator.config import BackendConfig
from orchestrator.errors import BackendUnreachable
from orchestrator.scheduling.choose import Candidate
from orchestrator.scheduling.mark import job_of
from orchestrator.scheduling.timing import Timing
from orchestrator.scheduling.watch import Watch

_log = structlog.get_logger(__name__)

#: Which prompts run, and how many wait: what the `status` frames tell of.
_State = tuple[tuple[str, ...], int]


@define(eq=False)
class Backend:
    """One ComfyUI server, watched over HTTP and through one socket."""

    config: BackendConfig
    #: Our id, by which we know our prompts in its queue.
    host: str
    client: ComfyClient
    timing: Timing
    on_change: Callable[[], None]
    socket: ComfySocket = field(init=False)
    online: bool = False
    #: Why it does not answer; None while it does, or before the first look.
    fault: str | None = None
    queue: QueueView | None = None
    stats: SystemStats | None = None
    last_seen: datetime | None = None
    #: Attempts of ours that take a slot here, by prompt id.
    watches: dict[str, Watch] = field(factory=dict)
    #: Since when prompts wait there and none runs.
    _stuck_since: float | None = None
    #: It executed nothing for too long, and nothing has shown since that it does again.
    _dead: bool = False
    #: A prompt that went on running although it was stopped.
    _hung_on: str | None = None
    #: Jobs that it did not take in a row, why, and until when it is left alone.
    _declined: int = 0
    _declined_why: str = ""
    _rests_until: float = 0.0
    #: The queue as last seen, when that was, and when a frame last came.
    _state: _State | None = None
    _looked: float = 0.0
    _heard: float = 0.0
    #: Since when the socket owes a frame about a change that HTTP showed.
    _owes_since: float | None = None
    _look: asyncio.Event = field(factory=asyncio.Event)

    @property
    def worker_dead(self) -> bool:
        """Whether it answers and executes nothing any more: only a restart helps."""
        return self._dead or self._hung_on is not None

    @property
    def depth(self) -> int:
        """Prompts of anybody that wait or run there, as last seen."""
        return 0 if self.queue is None else len(self.queue.running) + len(self.queue.pending)

    def candidate(self) -> Candidate:
        """How the choice of a backend sees it.

        Prompts of ours that nobody follows take a slot too: those of a project that is not open
        yet after a start, and those that are being withdrawn.
        """
        running, pending = self._ours()
        return Candidate(
            id=self.config.id,
            enabled=self.config.enabled,
            online=self.online,
            capabilities=frozenset(self.config.capabilities),
            limit=self.config.max_concurrent_jobs,
            ours=len(running | pending | self.watches.keys()),
            running_ours=bool(running),
            depth=self.depth,
            trouble=self._trouble(),
        )

    def _ours(self) -> tuple[set[str], set[str]]:
        """Prompts of ours that run and that wait, as last seen."""
        if self.queue is None:
            return set(), set()
        running, pending = (
            {item.prompt_id for item in items if job_of(item, self.host) is not None}
            for items in (self.queue.running, self.queue.pending)
        )
        return running, pending

    def _trouble(self) -> str | None:
        if self.worker_dead:
            return "executes nothing; restart ComfyUI there"
        if time.monotonic() < self._rests_until:
            return f"did not take a job: {self._declined_why}"
        return None

    def watch(self, prompt_id: str, watch: Watch) -> None:
        """Follow a prompt from now on; it takes a slot."""
        self.watches[prompt_id] = watch
        self._look.set()

    def unwatch(self, prompt_id: str) -> None:
        """The backend has nothing more to do for it: its slot is free."""
        if self.watches.pop(prompt_id, None) is None:
            return
        if self.queue is not None:
            # The last look may still show it, and the next one is a while away.
            self.queue = QueueView(
                tuple(item for item in self.queue.running if item.prompt_id != prompt_id),
                tuple(item for item in self.queue.pending if item.prompt_id != prompt_id),
            )
        self._look.set()
        self.on_change()

    def hurry(self, prompt_id: str) -> None:
        """Whoever follows a prompt shall look at once."""
        if (watch := self.watches.get(prompt_id)) is not None:
            watch.hurry()

    def took(self) -> None:
        """It took a job of ours."""
        self._declined = 0

    def declined(self, reason: str) -> None:
        """It did not take a job: it is left alone for a while, longer each time."""
        pause = min(self.timing.retry_most, self.timing.retry_first * 2.0**self._declined)
        self._declined += 1
        self._declined_why = reason
        self._rests_until = time.monotonic() + pause
        self._look.set()

    def hangs_on(self, prompt_id: str) -> None:
        """A prompt was stopped and runs on without a sign of life; others wait behind it."""
        self._hung_on = prompt_id
        self.on_change()

    async def take_frame(self, frame: Frame) -> None:
        """Give a frame to the attempt it is about; those of others' prompts are ignored."""
        self._heard = time.monotonic()
        self._owes_since = None
        watch = self.watches.get(getattr(frame, "prompt_id", None) or "")
        if watch is not None:
            watch.take(frame)

    async def look_anew(self) -> None:
        """What came while no socket was open is lost: read the queue, and the histories."""
        # A socket that had to be opened anew is the sign of a restart.
        self._dead, self._stuck_since = False, None
        self._look.set()
        for watch in self.watches.values():
            watch.hurry()

    async def run(self) -> None:
        """Watch until cancelled; a fault of ours is told, and watching begins anew."""
        while True:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self.socket.run())
                    group.create_task(self._poll_for_ever())
            except* Exception as faults:  # noqa: BLE001  # told in full
                _log.exception("backend.watch_failed", backend=self.config.id, exc_info=faults)
                self._lose("the service failed to watch it; see the service's log")
            await asyncio.sleep(self.timing.retry_most)

    async def _poll_for_ever(self) -> None:
        stats_due = 0.0
        while True:
            with_stats = time.monotonic() >= stats_due
            if with_stats:
                stats_due = time.monotonic() + self.timing.stats
            await self.poll(with_stats=with_stats)
            pace = self.timing.poll_active if self.watches else self.timing.poll_idle
            try:
                # Not wait_for: in Python 3.11 it loses a cancellation that comes with the event.
                async with asyncio.timeout(pace):
                    await self._look.wait()
            except TimeoutError:
                continue
            self._look.clear()

    async def poll(self, *, with_stats: bool) -> None:
        """Look once."""
        before = self.candidate()
        try:
            queue = await self.client.queue()
            if with_stats or self.stats is None:
                self.stats = await self.client.system_stats()
        except BackendUnreachable as exc:
            self._lose(exc.reason)
        else:
            self.queue = queue
            self.online, self.fault, self.last_seen = True, None, datetime.now(UTC)
            self._judge_worker(queue)
            await self._judge_socket(queue)
        after = self.candidate()
        if before.online != after.online:
            event = "backend.online" if self.online else "backend.offline"
            _log.info(event, backend=self.config.id, reason=self.fault)
            if self.online and not self.socket.connected:
                await self.socket.reopen()  # it need not wait for its next try
        if before != after:
            self.on_change()

    def _lose(self, reason: str) -> None:
        """It does not answer; when it does again, it may be another process."""
        self.online, self.fault, self.queue = False, reason, None
        self._dead, self._stuck_since, self._hung_on = False, None, None
        self._state = self._owes_since = None

    def _judge_worker(self, queue: QueueView) -> None:
        """Notice a dead worker (protocol section 4.8).

        An empty queue says nothing: ours may have been taken out of it because the worker is dead.
        """
        running = {item.prompt_id for item in queue.running}
        if self._hung_on not in running:
            self._hung_on = None
        if running:
            self._dead, self._stuck_since = False, None
        elif not queue.pending:
            self._stuck_since = None
        else:
            now = time.monotonic()
            self._stuck_since = self._stuck_since or now
            if now - self._stuck_since >= self.timing.worker_dead and not self._dead:
                _log.warning("backend.worker_dead", backend=self.config.id)
                self._dead = True

    async def _judge_socket(self, queue: QueueView) -> None:
        """Notice a socket that is open and mute (protocol section 4.3).

        Every change of the queue sends a frame to every socket, whoever's prompt it is.
        """
        now = time.monotonic()
        state = (tuple(item.prompt_id for item in queue.running), len(queue.pending))
        changed = self._state is not None and state != self._state
        if changed and self._heard < self._looked and self.socket.connected:
            self._owes_since = self._owes_since or now
        self._state, self._looked = state, now
        if self._owes_since is not None and now - self._owes_since >= self.timing.mute:
            _log.info("backend.socket_mute", backend=self.config.id)
            self._owes_since = None
            await self.socket.reopen()
