"""kill -9 of hosts that work on one folder, again and again, under load from all of them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from attrs import define

from tests.hosts.load import (
    Host,
    Ledger,
    converge,
    edits,
    prepare,
    running,
    said_by_log,
    verdict,
)

ROOT = Path(__file__).resolve().parents[2]
#: The most edits that are begun, on any host, between a host's start and its end; and the longest
#: time (seconds) that it has then, so that it ends anywhere in what it does.
LONGEST_LIFE, LONGEST_PAUSE = 60, 0.02
#: Edits that are asked for: more than any of these runs comes to.
ENDLESS = 1_000_000
#: The most memory that a service may take here (bytes).
MEMORY = 300 << 20


@define(eq=False)
class Reaper:
    """Kills hosts at random moments, and starts each again at once."""

    chance: Random
    hosts: Sequence[Host]
    #: Their addresses, as the load reads them.
    urls: list[str]
    ledger: Ledger
    left: int

    async def haunt(self, number: int) -> None:
        """Kill one host again and again, until all together were killed often enough."""
        host = self.hosts[number]
        while self.left > 0:
            self.left -= 1
            end = len(self.ledger.edits) + self.chance.randrange(LONGEST_LIFE)
            while len(self.ledger.edits) < end:  # noqa: ASYNC110  # as read
                await asyncio.sleep(0.005)
            await asyncio.sleep(self.chance.uniform(0, LONGEST_PAUSE))
            self.urls[number] = ""
            await host.restart()
            self.urls[number] = host.url


def audit(project: Path) -> str:
    """What `orchestrator log audit` finds broken; "" if its exit code is 0."""
    ran = subprocess.run(
        [sys.executable, "-m", "tools.cli", "log", "audit", str(project), "--json"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if ran.returncode == 0:
        return ""
    return f"exit code {ran.returncode}: {ran.stdout[-4000:]!r} {ran.stderr[-1000:]!r}"


async def kill_often(tmp_path: Path, kills: int, seed: int) -> int:
    """Kill two hosts under load; all that was acknowledged must be there. How many edits were."""
    project = tmp_path / "share" / "Eliot"
    ledger = prepare(project)
    hosts = [Host(name, tmp_path / name, project) for name in ("north", "south")]
    async with running(*hosts):
        urls, paths, stop = [host.url for host in hosts], [str(project)] * 2, asyncio.Event()
        reaper = Reaper(Random(seed), hosts, urls, ledger, kills)
        async with asyncio.TaskGroup() as group:
            group.create_task(edits(urls, paths, ENDLESS, seed, ledger=ledger, stop=stop))
            async with asyncio.TaskGroup() as reapers:
                for number in range(len(hosts)):
                    reapers.create_task(reaper.haunt(number))
            stop.set()
        agreed = await converge(urls, paths)
        assert [await host.stop() for host in hosts] == [0, 0]
    assert verdict(project, ledger) == []
    assert said_by_log(project) == agreed
    assert await asyncio.to_thread(audit, project) == ""
    assert [host.complaints() for host in hosts] == [[], []]
    assert max(host.memory for host in hosts) < MEMORY
    print(f"{kills} kills: {ledger.summary()}, {max(h.memory for h in hosts) >> 20} MiB")
    return len(ledger.acknowledged)


async def test_a_few_kills_lose_nothing(tmp_path: Path) -> None:
    """A sample of the campaign below, for every run."""
    assert await kill_often(tmp_path, 12, seed=1) > 50


@pytest.mark.campaign
@pytest.mark.timeout(1200)
async def test_five_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    """Whatever was acknowledged is there, nothing is false, no file is harmed, and all agree."""
    assert await kill_often(tmp_path, 500, seed=2) > 4_000
