"""Telling other hosts that there is news, and where they can tell us: hints, never more.

After an append the hosts that have the project open are told `{project, writer, head}` over HTTP,
so that they read at once instead of at their next poll. Nobody waits for that, and nothing is lost
when it fails. Their addresses stand in their heartbeats.
"""

from __future__ import annotations

import asyncio
import time

import aiohttp
import structlog
from attrs import define, field

from events.record import Record
from orchestrator.config import Config
from orchestrator.config_rules import is_ip, is_loopback, is_web_address
from orchestrator.host import Host
from orchestrator.project import Project

_log = structlog.get_logger(__name__)

#: Where a peer takes nudges, below its address.
NUDGE = "/api/peer/nudge"
#: Between two nudges to one peer (seconds): what comes in between is told with the next.
LEAST_PAUSE = 0.02
#: How long a nudge may take (seconds); who is slower than that will poll before.
PATIENCE = 2.0
#: After a nudge that failed, a peer is left alone for so long: first, and at most.
REST_FIRST, REST_MOST = 1.0, 30.0


def public_url(config: Config, host: Host) -> str | None:
    """Where other hosts can reach this service; None if nowhere. Pure.

    What config.yaml says; else the host's name, if the service listens to others at all and its
    port is known beforehand.
    """
    if config.public_url is not None:
        return config.public_url.rstrip("/")
    if is_loopback(config.host) or config.port == 0:
        return None
    # 0.0.0.0 and :: are all addresses of this host, and none that others could use.
    every = is_ip(config.host) and not config.host.strip("0:.")
    name = host.name if every else config.host
    url = f"http://[{name}]:{config.port}" if ":" in name else f"http://{name}:{config.port}"
    return url if is_web_address(url) else None


@define(eq=False)
class _Line:
    """The way to one peer: at most one nudge is under way, and the newest of each project waits."""

    url: str
    session: aiohttp.ClientSession
    #: What is to be told: per project, the writer and its last sequence.
    waiting: dict[str, tuple[str, int]] = field(factory=dict)
    #: Since when, and for how long, it is left alone.
    _failed: float = float("-inf")
    _rest: float = 0.0
    _task: asyncio.Task[None] | None = None

    def tell(self, project: str, writer: str, head: int) -> None:
        """Nudge the peer soon."""
        if time.monotonic() - self._failed < self._rest:
            return  # it polls
        self.waiting[project] = (writer, head)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self.waiting:
                project, (writer, head) = self.waiting.popitem()
                begun = time.monotonic()
                await self._send(project, writer, head)
                await asyncio.sleep(max(0.0, begun + LEAST_PAUSE - time.monotonic()))
        finally:
            self._task = None

    async def _send(self, project: str, writer: str, head: int) -> None:
        try:
            async with self.session.post(
                self.url + NUDGE,
                json={"project": project, "writer": writer, "head": head},
                timeout=aiohttp.ClientTimeout(total=PATIENCE),
                allow_redirects=False,
            ) as answer:
                failed = None if answer.status < 400 else f"status {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as exc:
            failed = str(exc) or type(exc).__name__
        if failed is None:
            self._rest = 0.0
            return
        if not self._rest:
            _log.info("peer.not_nudged", url=self.url, reason=failed)
        self._failed = time.monotonic()
        self._rest = min(max(self._rest * 2, REST_FIRST), REST_MOST)
        self.waiting.clear()

    def close(self) -> None:
        """Tell nothing more."""
        if self._task is not None:
            self._task.cancel()


@define(eq=False)
class Nudger:
    """Nudges the peers of a project after each of our appends."""

    host: Host
    session: aiohttp.ClientSession
    #: Our own address: another service of this host, or a copied heartbeat, may name it.
    url: str | None
    _lines: dict[str, _Line] = field(factory=dict)

    def hear(self, project: Project, records: list[Record]) -> None:
        """Records were applied; if they are ours, the peers are told."""
        last = records[-1]
        log = project.log
        if log is None or last.host != self.host.id or last.writer != log.writer:
            return
        for peer in log.peers():
            url = peer.beat.url
            if url is None or not peer.alive or peer.beat.host == self.host.id or url == self.url:
                continue
            if (line := self._line(url)) is not None:
                line.tell(log.project, last.writer, last.sequence)

    def _line(self, url: str) -> _Line | None:
        line = self._lines.get(url)
        if line is None and is_web_address(url):  # anybody may have written it there
            line = self._lines[url] = _Line(url.rstrip("/"), self.session)
        return line

    def close(self) -> None:
        """Tell nothing more."""
        for line in self._lines.values():
            line.close()
