"""Whatever goes wrong at night: no job is lost, none is done twice, nobody else is disturbed."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from tests.campaigns.night import spend
from tests.campaigns.plan import Blow, Plan, draw
from tests.campaigns.reckoning import reckon

#: A simulator that stops in the very moment in which it accepts a connection leaves that to the
#: garbage collector; asyncio offers no way to reach it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

TWO = ("north", "south")


def short(seed: int) -> Plan:
    """A night for the default run."""
    return draw(seed, jobs=30, pace=0.6, long_ones=1)


def with_an_outage(plan: Plan) -> Plan:
    """One host is without power for as long as the others' jobs take."""
    return evolve(plan, blows=(*plan.blows, Blow(0.4, "service_killed", "a", 0.7)))


class TestOneHost:
    """Fifty jobs on five backends, and every fault that was ever measured."""

    @pytest.mark.parametrize("seed", range(3))
    async def test_a_bad_night(self, tmp_path: Path, seed: int) -> None:
        """A short one."""
        async with spend(tmp_path, short(seed), ("host",)) as night:
            await reckon(night)

    @pytest.mark.campaign
    @pytest.mark.parametrize("seed", range(1000, 1200))
    async def test_two_hundred_bad_nights(self, tmp_path: Path, seed: int) -> None:
        """Long ones."""
        async with spend(tmp_path, draw(seed), ("host",)) as night:
            await reckon(night)


class TestTwoHosts:
    """Two services with a data folder each, the same project and the same backends."""

    @pytest.mark.parametrize("seed", range(2000, 2001))
    async def test_a_bad_night(self, tmp_path: Path, seed: int) -> None:
        """One of them is killed; neither touches the other's prompts."""
        async with spend(tmp_path, with_an_outage(short(seed)), TWO) as night:
            await reckon(night)

    @pytest.mark.campaign
    @pytest.mark.parametrize("seed", range(2100, 2120))
    async def test_twenty_bad_nights(self, tmp_path: Path, seed: int) -> None:
        """Long ones."""
        async with spend(tmp_path, with_an_outage(draw(seed)), TWO) as night:
            await reckon(night)
