"""One ComfyUI server as it is now: whether it answers, what it holds, whether it is well."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum

import structlog
from attrs import define, field

from orchestrator.comfyui.answers import QueueView, SystemStats
from orchestrator.comfyui.client import ComfyClient
from orchestrator.comfyui.messages import Frame
from orchestrator.comfyui.object_info import Abilities
from orchestrator.comfyui.socket import ComfySocket
from orchestrator.config import BackendConfig
from orchestrator.errors import BackendUnreachable
from orchestrator.scheduling.choose import Candidate
from orchestrator.scheduling.mark import is_ours, job_of
from orchestrator.scheduling.signs import SocketSigns, WorkerSigns
from orchestrator.scheduling.timing import Timing
from orchestrator.scheduling.trust import OnVerdict, Trust
from orchestrator.scheduling.watch import Watch

_log = structlog.get_logger(__name__)


class State(StrEnum):
    """What people see of a backend; what keeps it from work longest comes first."""

    DISABLED = "disabled"
    UNREACHABLE = "unreachable"
    DEAD_WORKER = "dead_worker"
    PAUSED = "paused"
    DRAINING = "draining"
    BUSY = "busy"
    ONLINE = "online"


@define(eq=False)
class Backend:
    """One ComfyUI server, watched over HTTP and through one socket."""

    #: Replaced when somebody changes anything but the address.
    config: BackendConfig
    #: Our id, by which we know our prompts in its queue.
    host: str
    client: ComfyClient
    timing: Timing
    on_change: Callable[[], None] = lambda: None
    on_verdict: OnVerdict = lambda _: None
    socket: ComfySocket = field(init=False)
    #: Whether it finishes what it has and takes nothing new.
    draining: bool = False
    online: bool = False
    #: Why it does not answer; None while it does, or before the first look.
    fault: str | None = None
    queue: QueueView | None = None
    stats: SystemStats | None = None
    #: What is installed there, as last looked up; None as long as that never succeeded.
    abilities: Abilities | None = None
    #: Model files of the job that it got last.
    warm: frozenset[str] = frozenset()
    last_seen: datetime | None = None
    #: Attempts of ours that take a slot here, by prompt id.
    watches: dict[str, Watch] = field(factory=dict)
    trust: Trust = field(init=False)
    #: Why nothing new is sent there while somebody's request is carried out; mostly empty.
    _holds: list[str] = field(factory=list)
    #: Jobs that it did not take in a row, why, and until when it is left alone.
    _declined: int = 0
    _declined_why: str = ""
    _rests_until: float = 0.0
    #: Looks in a row that were not answered.
    failures: int = 0
    #: Set when it shall be looked at before its time.
    look: asyncio.Event = field(factory=asyncio.Event)
    #: Set when what is installed may have changed.
    changed_inside: asyncio.Event = field(factory=asyncio.Event)
    #: Set whenever an attempt has left.
    _left: asyncio.Event = field(factory=asyncio.Event)
    _worker: WorkerSigns = field(init=False)
    _socket_signs: SocketSigns = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.trust = Trust(self.config.id, lambda: self.on_change(), lambda v: self.on_verdict(v))
        self._worker = WorkerSigns(self.timing.worker_dead)
        self._socket_signs = SocketSigns(self.timing.mute)

    @property
    def worker_dead(self) -> bool:
        """Whether it answers and executes nothing any more: only a restart helps."""
        return self._worker.dead

    @property
    def depth(self) -> int:
        """Prompts of anybody that wait or run there, as last seen."""
        return 0 if self.queue is None else len(self.queue.running) + len(self.queue.pending)

    @property
    def state(self) -> State:
        """How it is, in one word."""
        if not self.config.enabled:
            return State.DISABLED
        if not self.online:
            return State.UNREACHABLE
        if self.worker_dead:
            return State.DEAD_WORKER
        if self.trust.paused is not None:
            return State.PAUSED
        if self.draining:
            return State.DRAINING
        return State.BUSY if self.depth else State.ONLINE

    def candidate(self) -> Candidate:
        """How the choice of a backend sees it.

        Prompts of ours that nobody follows take a slot too: those of a project that is not open
        yet after a start, and those that are being withdrawn.
        """
        running, pending = self.ours()
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
            warm=self.warm,
            abilities=self.abilities,
        )

    def ours(self) -> tuple[set[str], set[str]]:
        """Prompts of jobs of ours that run and that wait, as last seen."""
        if self.queue is None:
            return set(), set()
        running, pending = (
            {item.prompt_id for item in items if job_of(item, self.host) is not None}
            for items in (self.queue.running, self.queue.pending)
        )
        return running, pending

    def foreign(self) -> int:
        """How many prompts of others run or wait there, as last seen."""
        there = () if self.queue is None else (*self.queue.running, *self.queue.pending)
        return sum(not is_ours(item, self.host) for item in there)

    def _trouble(self) -> str | None:
        if self.worker_dead:
            return "executes nothing; restart ComfyUI there"
        if self._holds:
            return self._holds[-1]
        if self.draining:
            return "is draining: it takes nothing new"
        if self.trust.paused is not None:
            return f"is paused: {self.trust.paused}"
        if time.monotonic() < self._rests_until:
            return f"did not take a job: {self._declined_why}"
        return None

    def watch(self, prompt_id: str, watch: Watch) -> None:
        """Follow a prompt from now on; it takes a slot."""
        self.watches[prompt_id] = watch
        self.look.set()

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
        self.look.set()
        self._left.set()
        self.on_change()

    def hurry(self, prompt_id: str) -> None:
        """Whoever follows a prompt shall look at once."""
        if (watch := self.watches.get(prompt_id)) is not None:
            watch.hurry()

    @contextmanager
    def holding(self, reason: str) -> Iterator[None]:
        """Nothing new is sent there meanwhile; `reason` completes "backend a ..."."""
        self._holds.append(reason)
        self.on_change()
        try:
            yield
        finally:
            self._holds.remove(reason)
            self.on_change()

    async def let_go(self, prompt_ids: Collection[str], seconds: float) -> None:
        """Wait until it has let go of these attempts of ours, but no longer than that."""
        try:
            async with asyncio.timeout(seconds):
                while not self.watches.keys().isdisjoint(prompt_ids):
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError:
            return  # who asked sees from `watches` which are still there

    def took(self) -> None:
        """It took a job of ours."""
        self._declined = 0

    def declined(self, reason: str) -> None:
        """It did not take a job: it is left alone for a while, longer each time."""
        pause = min(self.timing.retry_most, self.timing.retry_first * 2.0**self._declined)
        self._declined += 1
        self._declined_why = reason
        self._rests_until = time.monotonic() + pause
        self.look.set()

    def warmed(self, models: frozenset[str]) -> None:
        """It got a job that loads these model files, and has them in memory from now on."""
        self.warm = models

    def failed(self, job_id: str, reason: str) -> None:
        """A job failed there by itself, and was neither refused nor cancelled."""
        self.trust.failed(job_id, reason)

    def succeeded(self, job_id: str) -> None:
        """A job was rendered there."""
        self.trust.succeeded(job_id)

    def absolved(self, job_id: str) -> None:
        """A job that failed there failed elsewhere too: it does not speak against this backend."""
        self.trust.absolved(job_id)

    def hangs_on(self, prompt_id: str) -> None:
        """A prompt was stopped and runs on without a sign of life; others wait behind it."""
        self._worker.hung_on = prompt_id
        self.on_change()

    async def take_frame(self, frame: Frame) -> None:
        """Give a frame to the attempt it is about; those of others' prompts are ignored."""
        self._socket_signs.heard(time.monotonic())
        watch = self.watches.get(getattr(frame, "prompt_id", None) or "")
        if watch is not None:
            watch.take(frame)

    async def look_anew(self) -> None:
        """What came while no socket was open is lost: read the queue, and the histories."""
        # A socket that had to be opened anew is the sign of a restart.
        self._worker.reconnected()
        self.look.set()
        if self.abilities is not None:
            self.changed_inside.set()
        for watch in self.watches.values():
            watch.hurry()

    async def poll(self, *, with_stats: bool) -> None:
        """Look once."""
        before = self.candidate()
        try:
            queue = await self.client.queue()
            if with_stats or self.stats is None:
                self.stats = await self.client.system_stats()
        except BackendUnreachable as exc:
            self.failures += 1
            self.lose(exc.reason)
        else:
            self.queue, self.failures = queue, 0
            self.online, self.fault, self.last_seen = True, None, datetime.now(UTC)
            await self._judge(queue)
        after = self.candidate()
        if before.online != after.online:
            event = "backend.online" if self.online else "backend.offline"
            _log.info(event, backend=self.config.id, reason=self.fault)
            if self.online:
                await self._welcome()
        if before != after:
            self.on_change()

    async def _welcome(self) -> None:
        """It answers again, or for the first time."""
        self.changed_inside.set()
        self.trust.returned.set()
        if not self.socket.connected:
            await self.socket.reopen()  # it need not wait for its next try

    async def look_inside(self) -> Abilities:
        """Look up what is installed there; a failed look changes nothing.

        Raises:
            BackendUnreachable: it does not answer, or not as ComfyUI does.
        """
        found = await self.client.abilities()
        if found != self.abilities:
            self.abilities = found
            self.on_change()
        return found

    def lose(self, reason: str | None) -> None:
        """It does not answer, or nobody looks; when it does again, it may be another process."""
        self.online, self.fault, self.queue = False, reason, None
        self.warm = frozenset()
        self._worker.lost()
        self._socket_signs.lost()

    async def _judge(self, queue: QueueView) -> None:
        now, was_dead = time.monotonic(), self.worker_dead
        self._worker.look(queue, now)
        if self.worker_dead and not was_dead:
            _log.warning("backend.worker_dead", backend=self.config.id)
        if self._socket_signs.is_mute(queue, now, connected=self.socket.connected):
            _log.info("backend.socket_mute", backend=self.config.id)
            await self.socket.reopen()
