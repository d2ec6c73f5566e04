"""Three services on a hostile share: late, torn, full, stale and without power; nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pytest
from attrs import asdict, define

from tests.hostile.mounting import Share, mounted
from tests.hostile.weather import Weather
from tests.hosts.agreeing import records_of
from tests.hosts.judging import DOUBLED
from tests.hosts.load import Host, converge, edits, prepare, running, said_by_log, verdict
from tests.hosts.test_killed import ENDLESS, audit

NAMES = ("north", "south", "west")
#: What a day is like: most of it passes; then bytes come late, as NULs, and calls go wrong.
DAY = (
    Weather(),
    Weather(lag=0.5),
    Weather(lag=1.5, nuls=True),
    Weather(lag=0.3, nuls=True, one_in=2_000),
    Weather(one_in=300),
)
#: Seconds between two changes of the weather.
SPELL = 1.5
#: Files that may be left with two names. Without a rename that replaces nothing, a file is moved by
#: a second name; if its old name cannot be taken away, and then neither can the new one, it keeps
#: both. That takes two faults in a row, and loses nothing.
MOST_DOUBLED = 3
#: Of how many spells one ends with a power cut.
POWER_CUTS = 3


@define(eq=False)
class Storm:
    """Changes the weather, and takes hosts' power now and then."""

    chance: Random
    share: Share
    hosts: Sequence[Host]
    urls: list[str]
    cuts: int = 0

    async def rage(self, seconds: float, enough: Callable[[], bool]) -> None:
        """Be bad for so long, or longer until it is enough; and end well."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end or not enough():
            await self._be(self.chance.choice(DAY))
            await asyncio.sleep(SPELL)
            if self.chance.randrange(POWER_CUTS) == 0:
                await self._cut(self.chance.randrange(len(self.hosts)))
        await self._be(Weather())

    async def _be(self, weather: Weather) -> None:
        await asyncio.to_thread(self.share.control, weather=asdict(weather))

    async def _cut(self, number: int) -> None:
        """A host's power is gone, and comes back: what it had not synced is lost."""
        self.cuts += 1
        host, self.urls[number] = self.hosts[number], ""
        await asyncio.to_thread(self.share.control, power=host.name)
        await host.restart()
        self.urls[number] = host.url


async def survive(tmp_path: Path, seconds: float, least: int, seed: int) -> int:
    """Make edits from three hosts while the share is bad. How many events came of it.

    Args:
        tmp_path: Where everything is.
        seconds: How long it is bad.
        least: Edits that must have been acknowledged before it becomes good, however long it takes.
        seed: What edits and weather are drawn from.
    """
    with mounted(tmp_path, seed) as share:
        ledger = prepare(share.back / "Eliot")
        hosts = [Host(name, tmp_path / name, share.seen_by(name) / "Eliot") for name in NAMES]
        paths = [str(host.project) for host in hosts]
        async with running(*hosts):
            urls, stop = [host.url for host in hosts], asyncio.Event()
            storm = Storm(Random(seed), share, hosts, urls)
            async with asyncio.TaskGroup() as group:
                load = edits(urls, paths, ENDLESS, seed, connections=12, ledger=ledger, stop=stop)
                group.create_task(load)
                await storm.rage(seconds, lambda: len(ledger.acknowledged) >= least)
                stop.set()
            agreed = await converge(urls, paths)
            assert [await host.stop() for host in hosts] == [0, 0, 0]
    project = share.back / "Eliot"
    events = len(records_of(project))
    print(f"{events} events, {storm.cuts} power cuts: {ledger.summary()}")
    faults = verdict(project, ledger)
    doubled = [fault for fault in faults if fault.startswith(DOUBLED)]
    assert faults == doubled
    assert len(doubled) <= MOST_DOUBLED
    assert said_by_log(project) == agreed
    assert await asyncio.to_thread(audit, project) == ""
    return events


@pytest.mark.campaign
@pytest.mark.timeout(900)
async def test_a_minute_of_bad_weather(tmp_path: Path) -> None:
    """All agree in the end, nothing acknowledged is lost, nothing is false, no file is harmed."""
    assert await survive(tmp_path, 60, 8_000, seed=1) > 30_000
