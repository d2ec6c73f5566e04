"""The backends as they are now: whether they answer, what they hold, how far our prompts are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime

import aiohttp
import structlog
from attrs import define, field

from orchestrator.comfyui.answers import QueueView, SystemStats
from orchestrator.comfyui.client import ComfyClient
from orchestrator.comfyui.messages import (
    Executing,
    ExecutionError,
    ExecutionInterrupted,
    ExecutionSuccess,
    Frame,
)
from orchestrator.comfyui.progress import ProgressTracker
from orchestrator.comfyui.socket import ComfySocket
from orchestrator.comfyui.transport import DEFAULT_TIMEOUTS, Timeouts
from orchestrator.config import BackendConfig
from orchestrator.errors import BackendUnknown, BackendUnreachable
from orchestrator.host import Host
from orchestrator.scheduling.choose import Candidate
from orchestrator.scheduling.timing import Timing

_log = structlog.get_logger(__name__)

#: Frames after which the history is worth a look at once.
_ENDS = (ExecutionSuccess, ExecutionError, ExecutionInterrupted)


@define(eq=False)
class Watch:
    """One attempt of ours on a backend, seen through its frames."""

    tracker: ProgressTracker
    on_progress: Callable[[ProgressTracker], None]
    #: When a frame or the queue last showed a sign of life (monotonic seconds).
    last_sign: float = field(factory=time.monotonic)
    frames: int = 0
    running_since: float | None = None
    news: asyncio.Event = field(factory=asyncio.Event)

    def take(self, frame: Frame) -> None:
        """Fold a frame of this prompt in."""
        self.frames += 1
        self.last_sign = time.monotonic()
        before, self.tracker = self.tracker, self.tracker.apply(frame)
        if self.tracker != before:
            self.on_progress(self.tracker)
        if isinstance(frame, _ENDS) or (isinstance(frame, Executing) and frame.node is None):
            self.news.set()

    async def pause(self, seconds: float) -> None:
        """Wait, but not once the prompt is said to have ended."""
        try:
            await asyncio.wait_for(self.news.wait(), seconds)
        except TimeoutError:
            return
        self.news.clear()


@define(eq=False)
class Backend:
    """One ComfyUI server, watched."""

    config: BackendConfig
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
    watches: dict[str, Watch] = field(factory=dict)
    #: Since when prompts wait there and none runs.
    _stuck_since: float | None = None
    _look: asyncio.Event = field(factory=asyncio.Event)

    @property
    def worker_dead(self) -> bool:
        """Whether prompts have waited for long although nothing runs: only a restart helps."""
        since = self._stuck_since
        return since is not None and time.monotonic() - since >= self.timing.worker_dead

    @property
    def depth(self) -> int:
        """Prompts of anybody that wait or run there, as last seen."""
        return 0 if self.queue is None else len(self.queue.running) + len(self.queue.pending)

    def candidate(self) -> Candidate:
        """How the choice of a backend sees it."""
        running = () if self.queue is None else self.queue.running
        return Candidate(
            id=self.config.id,
            enabled=self.config.enabled,
            online=self.online,
            capabilities=frozenset(self.config.capabilities),
            limit=self.config.max_concurrent_jobs,
            ours=len(self.watches),
            running_ours=any(item.prompt_id in self.watches for item in running),
            depth=self.depth,
            trouble="executes nothing; restart ComfyUI there" if self.worker_dead else None,
        )

    def watch(self, prompt_id: str, watch: Watch) -> None:
        """Follow a prompt from now on."""
        self.watches[prompt_id] = watch
        self._look.set()

    def mark_unreachable(self, reason: str) -> None:
        """It just refused us: nothing more is sent there until a look has found it well."""
        self.online, self.fault, self.queue = False, reason, None

    def unwatch(self, prompt_id: str) -> None:
        """The attempt is over."""
        self.watches.pop(prompt_id, None)
        self.on_change()

    async def take_frame(self, frame: Frame) -> None:
        """Give a frame to the attempt it is about; those of others' prompts are ignored."""
        watch = self.watches.get(getattr(frame, "prompt_id", None) or "")
        if watch is not None:
            watch.take(frame)

    async def look_anew(self) -> None:
        """What came while no socket was open is lost: read the queue, and the histories."""
        self._look.set()
        for watch in self.watches.values():
            watch.news.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        await asyncio.gather(self.socket.run(), self._poll_for_ever())

    async def _poll_for_ever(self) -> None:
        stats_due = 0.0
        while True:
            with_stats = time.monotonic() >= stats_due
            if with_stats:
                stats_due = time.monotonic() + self.timing.stats
            await self.poll(with_stats=with_stats)
            pace = self.timing.poll_active if self.watches else self.timing.poll_idle
            try:
                await asyncio.wait_for(self._look.wait(), pace)
            except TimeoutError:
                continue
            self._look.clear()

    async def poll(self, *, with_stats: bool) -> None:
        """Look once."""
        before = (self.online, self.depth, self.worker_dead)
        try:
            self.queue = await self.client.queue()
            if with_stats or self.stats is None:
                self.stats = await self.client.system_stats()
        except BackendUnreachable as exc:
            self.online, self.fault, self.queue = False, exc.reason, None
            self._stuck_since = None
        else:
            self.online, self.fault, self.last_seen = True, None, datetime.now(UTC)
            await self._judge(self.queue)
        if before[0] != self.online:
            event = "backend.online" if self.online else "backend.offline"
            _log.info(event, backend=self.config.id, reason=self.fault)
        if before != (self.online, self.depth, self.worker_dead):
            self.on_change()

    async def _judge(self, queue: QueueView) -> None:
        """Notice a dead worker, and a socket that is open and mute."""
        now = time.monotonic()
        if queue.pending and not queue.running:
            self._stuck_since = self._stuck_since or now
        else:
            self._stuck_since = None
        for item in queue.running:
            watch = self.watches.get(item.prompt_id)
            if watch is None:
                continue
            watch.running_since = watch.running_since or now
            if watch.frames == 0 and now - watch.running_since >= self.timing.mute:
                _log.info("backend.socket_mute", backend=self.config.id)
                watch.running_since = now
                await self.socket.reopen()


class Fleet:
    """All configured backends."""

    def __init__(
        self,
        configs: Iterable[BackendConfig],
        session: aiohttp.ClientSession,
        host: Host,
        *,
        timing: Timing,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ) -> None:
        """`session` stays the caller's; `host` makes the ids of our sockets our own."""
        #: Called whenever a backend has changed.
        self.on_change: Callable[[], None] = lambda: None
        self._backends: dict[str, Backend] = {}
        self._tasks: list[asyncio.Task[None]] = []
        for config in configs:
            client = ComfyClient(session, config.url, config.id, timeouts)
            backend = Backend(config, client, timing, lambda: self.on_change())
            backend.socket = ComfySocket(
                session,
                config.url,
                self.client_id(host, config.id),
                backend.take_frame,
                on_connect=backend.look_anew,
            )
            self._backends[config.id] = backend

    @staticmethod
    def client_id(host: Host, backend: str) -> str:
        """The one name under which this host listens to a backend, now and after a restart."""
        return f"orchestrator-{host.id}-{backend}"

    def all(self) -> tuple[Backend, ...]:
        """Every backend, as configured."""
        return tuple(self._backends.values())

    def find(self, backend_id: str) -> Backend | None:
        """A backend, or None."""
        return self._backends.get(backend_id)

    def get(self, backend_id: str) -> Backend:
        """A backend.

        Raises:
            BackendUnknown: there is none of this id.
        """
        found = self._backends.get(backend_id)
        if found is None:
            raise BackendUnknown(backend_id, tuple(self._backends))
        return found

    def capabilities(self) -> frozenset[str]:
        """What at least one enabled backend can do."""
        enabled = (b.config for b in self._backends.values() if b.config.enabled)
        return frozenset(c for config in enabled for c in config.capabilities)

    def start(self) -> None:
        """Watch all enabled backends."""
        for backend in self._backends.values():
            if backend.config.enabled:
                self._tasks.append(asyncio.create_task(_watched(backend.run(), backend.config.id)))

    async def close(self) -> None:
        """Stop watching."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _watched(running: Awaitable[None], backend: str) -> None:
    """Run, and tell in the service's log if it ends by a fault of ours."""
    try:
        await running
    except Exception:
        _log.exception("backend.watch_failed", backend=backend)
        raise
