"""Following what other hosts write in one project: at its own pace, in a thread of its own.

It reads on in the writers that are known, now and then looks for new ones, tells the others that
this host is here, and saves checkpoints. A nudge of another host only makes it read at once; it is
never believed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog
from attrs import define, field, frozen

from events.log.pace import LIST_SECONDS, LOOKED_SECONDS, PAUSE, Pace, pace
from events.log.port import BEAT_SECONDS, LogError, Peer, WriterSeen
from orchestrator import __version__
from orchestrator.errors import OrchestratorError
from orchestrator.host import Host
from orchestrator.project import Project

_log = structlog.get_logger(__name__)

#: Seconds between two reads that nudges may cause: at first, and at most, once nudges have brought
#: nothing again and again.
NUDGED_LEAST, NUDGED_MOST = 0.02, 1.0
#: Seconds between two looks for new writers that nudges may cause.
NUDGED_LIST = 1.0
#: A read that takes so long (seconds) is told: the share hangs.
HANGS_SECONDS = 5.0


@frozen
class Lag:
    """How far another host's live incarnation is ahead of what was read of it."""

    records: int
    #: Since when, in seconds.
    seconds: float


@define(eq=False)
class Follower:
    """Follows one project, as it is open now."""

    project: Project
    host: Host
    #: Where this host can be told of news; None if nowhere.
    url: Callable[[], str | None]
    #: When somebody looked at it last, and how many watch it all the time.
    looked: float = field(factory=time.monotonic)
    watchers: int = 0
    #: When it was read last, how many seconds that took, and why it failed, if it did.
    read_at: float | None = None
    took: float = 0.0
    trouble: str | None = None
    #: Whether the other hosts are told that this one is here, and why that failed, if it did.
    announced: bool = False
    beat_trouble: str | None = None
    #: Since when other writers, as `writer.host`, are ahead of us by what they say.
    _behind: dict[str, float] = field(factory=dict)
    _wake: asyncio.Event = field(factory=asyncio.Event)
    _list_due: float = float("-inf")
    _listed: float = float("-inf")
    _beat_due: float = float("-inf")
    _begun: float = float("-inf")
    _gap: float = NUDGED_LEAST
    #: Whether the next read is owed to a nudge, and what wakes us for it.
    _nudged: bool = False
    _timer: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await self.once()
            try:
                async with asyncio.timeout(PAUSE[self.pace]):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()

    @property
    def pace(self) -> Pace:
        """How eagerly it is followed now."""
        looked = 0.0 if self.watchers else time.monotonic() - self.looked
        others = any(peer.alive for peer in self.others())
        return pace(looked=looked, others=others, failing=self.trouble is not None)

    @property
    def hangs(self) -> float | None:
        """Seconds that the share has let us wait for an answer; None if that is not unusual."""
        busy = self.project.reader.busy
        return busy if busy >= HANGS_SECONDS else None

    @property
    def read_ago(self) -> float | None:
        """Seconds since it was read last; None if it never was."""
        return None if self.read_at is None else time.monotonic() - self.read_at

    def heartbeat_of(self, seen: WriterSeen) -> Peer | None:
        """The heartbeat of one writer; None if there is none."""
        log = self.project.log
        who = (seen.writer, seen.host)
        peers = () if log is None else log.peers()
        return next((p for p in peers if (p.beat.writer, p.beat.host) == who), None)

    def name_of(self, host: str) -> str | None:
        """The name of a machine, if it is known."""
        if host == self.host.id:
            return self.host.name
        names = [peer.beat.name for peer in self.others() if peer.beat.host == host]
        return names[-1] if names else None

    def others(self) -> tuple[Peer, ...]:
        """The heartbeats of other hosts."""
        log = self.project.log
        peers = () if log is None else log.peers()
        return tuple(peer for peer in peers if peer.beat.host != self.host.id)

    def look(self) -> None:
        """Somebody looks at the project: it is followed eagerly for a while."""
        now = time.monotonic()
        if not self.watchers and now - self.looked > LOOKED_SECONDS:
            self._wake.set()
        self.looked = now

    def nudged(self, writer: str, head: int) -> None:
        """Another host says that `writer` has written up to `head`: read soon, if that is news.

        Anybody may say so. What follows is one read, and seldom a look for new writers.
        """
        log = self.project.log
        if log is None or writer == log.writer:
            return
        known = {name.partition(".")[0]: at for name, at in log.positions().items()}
        at = known.get(writer)
        if at is None:
            self._list_due = min(self._list_due, self._listed + NUDGED_LIST)
        elif at.sequence >= head:
            return
        self._nudged = True
        if self._timer is None:
            loop = asyncio.get_running_loop()
            delay = max(0.0, self._begun + self._gap - time.monotonic())
            self._timer = loop.call_later(delay, self._rise)

    def _rise(self) -> None:
        self._timer = None
        self._wake.set()

    async def once(self) -> None:
        """Read on once, tell the others that we are here, save a checkpoint if that is due."""
        now = self._begun = time.monotonic()
        around = now >= self._list_due
        nudged, self._nudged = self._nudged, False
        try:
            count = await self.project.follow(look_around=around)
        except Exception as exc:  # noqa: BLE001  # told; the next read may go well
            count = 0
            self._tell(exc)
        else:
            self.trouble = None
        if around:
            self._listed, self._list_due = now, now + LIST_SECONDS
        if nudged:
            self._gap = NUDGED_LEAST if count else min(self._gap * 2, NUDGED_MOST)
        self.read_at = time.monotonic()
        self.took = self.read_at - now
        self._note_lag()
        await self._keep()

    async def _keep(self) -> None:
        try:
            await self._beat()
            await self.project.checkpoint()
        except Exception:  # noqa: BLE001  # one project's share must not end its own following
            _log.exception("project.upkeep_failed", project=str(self.project.root))

    def _tell(self, exc: Exception) -> None:
        """Log a fault once, and not every quarter of a second."""
        told = str(exc) or repr(exc)
        if told == self.trouble:
            return
        self.trouble = told
        if isinstance(exc, OrchestratorError):
            _log.warning("project.follow_failed", project=str(self.project.root), reason=told)
        else:
            _log.error("project.follow_failed", project=str(self.project.root), exc_info=exc)

    async def _beat(self) -> None:
        project, now = self.project, time.monotonic()
        log = project.log
        if log is None or now < self._beat_due or self.trouble is not None:
            return
        if project.read_only is not None:
            self.announced = False
            return
        name, url = self.host.name, self.url()
        try:
            self.announced = await project.reader.run(lambda: log.beat(name, url, __version__))
        except (OSError, LogError) as exc:
            if self.beat_trouble != str(exc):
                _log.info("heartbeat.failed", project=str(project.root), reason=str(exc))
            self.announced, self.beat_trouble = False, str(exc)
        else:
            self.beat_trouble = None
        self._beat_due = now + (BEAT_SECONDS if self.announced else LIST_SECONDS)

    def _note_lag(self) -> None:
        log, now = self.project.log, time.monotonic()
        if log is None:
            return
        positions = log.positions()
        behind = {}
        for peer in self.others():
            who = f"{peer.beat.writer}.{peer.beat.host}"
            at = positions.get(who)
            if peer.beat.head > (0 if at is None else at.sequence):
                behind[who] = self._behind.get(who, now)
        self._behind = behind

    def unread(self) -> int:
        """How many records of other hosts were not read yet, by their last heartbeats."""
        log = self.project.log
        positions = {} if log is None else log.positions()
        missing = 0
        for peer in self.others():
            at = positions.get(f"{peer.beat.writer}.{peer.beat.host}")
            missing += max(0, peer.beat.head - (0 if at is None else at.sequence))
        return missing

    @property
    def behind(self) -> float:
        """For how long another host has been ahead of us, in seconds; 0 if none is."""
        return time.monotonic() - min(self._behind.values()) if self._behind else 0.0

    def lag(self, seen: WriterSeen) -> Lag:
        """How far a writer is ahead of what was read of it, by its last heartbeat."""
        who = f"{seen.writer}.{seen.host}"
        since = self._behind.get(who)
        heads = {(peer.beat.writer, peer.beat.host): peer.beat.head for peer in self.others()}
        records = heads.get((seen.writer, seen.host), 0) - seen.position.sequence
        if since is None or records <= 0:
            return Lag(0, 0.0)
        return Lag(records, time.monotonic() - since)
