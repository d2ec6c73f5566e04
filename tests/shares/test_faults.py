"""Thousands of edits from both hosts, while hosts, services, cables and the server fail."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
import pytest
from attrs import define, field

from tests.hosts.load import converge, edits, said_by_log, verdict
from tests.shares.conftest import Studio
from tests.shares.services import ROOT, GuestService

pytestmark = pytest.mark.shares

#: Requests; many are about several files, so more than 10,000 edits are recorded.
REQUESTS = 3_000
#: How many requests are on their way at a time.
CONNECTIONS = 24
#: An answer that does not come in this time (seconds) never will: the service's own limit is 30,
#: and a host without power says nothing.
PATIENCE = 35.0
#: Seconds that a host is cut off its share, and that a server or host is off.
CUT, OFF = 20.0, 3.0


@define(eq=False)
class Faults:
    """What goes wrong, each when so many requests are done; others go on meanwhile."""

    studio: Studio
    began: float = field(factory=time.monotonic)
    #: One at a time.
    _turns: asyncio.Lock = field(factory=asyncio.Lock)
    _left: list[tuple[float, Callable[[], Awaitable[None]]]] = field(init=False)

    @_left.default
    def _plan(self) -> list[tuple[float, Callable[[], Awaitable[None]]]]:
        return [
            (0.10, self.service_killed),
            (0.35, self.server_killed),
            (0.60, self.power_cut),
            (0.60, self.host_cut_off),
        ]

    async def step(self, done: int) -> None:
        """Called after each request."""
        if self._left and done >= self._left[0][0] * REQUESTS:
            _, fault = self._left.pop(0)
            async with self._turns:
                self.say(f"{done} done; {fault.__name__}")
                await fault()
                self.say(f"{fault.__name__} is over")

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    async def service_killed(self) -> None:
        """The process ends between two instructions; it is started again at once."""
        await self.studio.b.kill()
        await self.studio.b.start()

    async def server_killed(self) -> None:
        """The file server ends, and comes back with an empty memory."""
        server = self.studio.share.server
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(OFF)
        await asyncio.to_thread(server.start)

    async def host_cut_off(self) -> None:
        """A host does not reach its share; people still reach the host."""
        cable = self.studio.a.guest.cable
        await asyncio.to_thread(cable.pull)
        await asyncio.sleep(CUT)
        await asyncio.to_thread(cable.plug_in)

    async def power_cut(self) -> None:
        """A whole host goes off, with all that it had only in memory."""
        await self.studio.b.lose_power(OFF)

    @property
    def are_over(self) -> bool:
        """Whether all of them happened."""
        return not self._left


class Addresses(Sequence[str]):
    """Where the services listen; "" for one that is down."""

    def __init__(self, studio: Studio) -> None:
        self._services = studio.services

    def __len__(self) -> int:
        return len(self._services)

    def __getitem__(self, index: int) -> str:  # type: ignore[override]  # nobody slices it
        return self._services[index].url


class TestFaults:
    async def test_nothing_acknowledged_is_lost_and_all_hosts_agree(
        self, studio: Studio, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A service is killed, then the server, a host is cut off, and another loses power."""
        monkeypatch.setattr("tests.hosts.load.PATIENCE", PATIENCE)
        faults, urls = Faults(studio), Addresses(studio)
        folders = [str(service.project(studio.project)) for service in studio.services]
        await edits(
            urls,
            folders,
            REQUESTS,
            seed=5,
            on_step=faults.step,
            connections=CONNECTIONS,
            ledger=studio.ledger,
        )
        assert faults.are_over
        faults.say(studio.ledger.summary())
        agreed = await converge(urls, folders)
        faults.say("both hosts say the same")
        disk = studio.share.disk / studio.project
        assert await asyncio.to_thread(verdict, disk, studio.ledger) == []
        assert agreed == await asyncio.to_thread(said_by_log, disk)
        hashes = await asyncio.gather(
            *(asyncio.to_thread(state_hash, service, studio) for service in studio.services)
        )
        faults.say(f"hashes by each host's own view of the log: {hashes}")
        code, report = await asyncio.to_thread(audit, str(disk))
        broken = [each for each in report["findings"] if each["severity"] == "broken"]
        assert (code, broken) == (0, [])
        assert set(hashes) == {report["state_hash"]}
        records = report["records"]
        faults.say(f"{records} records by {len(report['writers'])} writers")
        assert records >= 10_000
        for service in studio.services:
            assert service.complaints() == [], "a share that fails is no fault of ours"


def state_hash(service: GuestService, studio: Studio) -> str:
    """The state that the log tells on a host, as that host's kernel reads it. Blocks."""
    code, said = service.command("log", "replay", str(service.project(studio.project)), "--json")
    assert code == 0, said
    return str(orjson.loads(said[said.index("{") :])["state_hash"])


def audit(folder: str) -> tuple[int, dict[str, Any]]:
    """What the audit says of the server's own disk: exit code and report. Blocks."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.cli", "log", "audit", folder, "--json"],
        cwd=ROOT,
        check=False,
        capture_output=True,
    )
    return done.returncode, orjson.loads(done.stdout)
