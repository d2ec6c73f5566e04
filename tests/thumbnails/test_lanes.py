"""Work in threads: once for all who ask, the urgent first, and none that nobody wants."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest
from attrs import define, field

from orchestrator.errors import StillOpening, ThumbnailsBusy
from orchestrator.gallery.thumbnails.lanes import Lanes


@define
class Bench:
    """Work that stands still until it is let go, and a record of what was begun."""

    begun: list[str] = field(factory=list)
    gates: dict[str, threading.Event] = field(factory=dict)

    def work(self, name: str) -> Callable[[], str]:
        """A piece of work that waits for its gate."""
        gate = self.gates[name] = threading.Event()

        def run() -> str:
            self.begun.append(name)
            assert gate.wait(10)
            return name

        return run

    def quick(self, name: str) -> Callable[[], str]:
        """A piece of work that does not wait."""
        run = self.work(name)
        self.gates[name].set()
        return run

    async def until_begun(self, *names: str) -> None:
        """Wait until these, and no others, have been begun."""
        async with asyncio.timeout(10):
            while len(self.begun) < len(names):  # noqa: ASYNC110 # threads have no events for us
                await asyncio.sleep(0.001)
        await asyncio.sleep(0)
        assert sorted(self.begun) == sorted(names)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Work that is let go in the end, whatever happens: threads must not outlive a test."""
    made = Bench()
    yield made
    for gate in made.gates.values():
        gate.set()


def start(
    lanes: Lanes[str], work: Callable[[], str], key: str, *, urgent: bool = True
) -> asyncio.Task[str]:
    """Ask for a piece of work."""
    return asyncio.create_task(lanes.run(key, work, urgent=urgent))


class TestOnce:
    async def test_a_hundred_ask_for_one(self, bench: Bench) -> None:
        """It is done once, and all get it."""
        lanes = Lanes[str]("t", 2)
        work = bench.work("a")
        asking = [start(lanes, work, "a") for _ in range(100)]
        await bench.until_begun("a")
        bench.gates["a"].set()
        assert set(await asyncio.gather(*asking)) == {"a"}
        assert bench.begun == ["a"]
        lanes.close()

    async def test_afterwards_it_is_done_again(self, bench: Bench) -> None:
        """Nothing is remembered here."""
        lanes = Lanes[str]("t", 2)
        for _ in range(2):
            await lanes.run("a", bench.quick("a"))
        assert bench.begun == ["a", "a"]
        lanes.close()

    async def test_all_are_told_of_a_failure(self) -> None:
        """As each would have been alone."""
        lanes = Lanes[str]("t", 2)

        def fail() -> str:
            raise ValueError("no")

        ends = await asyncio.gather(
            *(lanes.run("a", fail) for _ in range(3)), return_exceptions=True
        )
        assert [str(end) for end in ends] == ["no"] * 3
        lanes.close()


class TestHangingUp:
    async def test_it_does_not_disturb_the_others(self, bench: Bench) -> None:
        """Who still waits gets it."""
        lanes = Lanes[str]("t", 1)
        one = start(lanes, bench.work("a"), "a")
        await bench.until_begun("a")
        other = start(lanes, bench.quick("x"), "a")
        await asyncio.sleep(0)
        one.cancel()
        bench.gates["a"].set()
        assert await other == "a"
        assert one.cancelled()
        lanes.close()

    async def test_what_nobody_wants_is_not_begun(self, bench: Bench) -> None:
        """Its place goes to the next."""
        lanes = Lanes[str]("t", 1)
        first = start(lanes, bench.work("a"), "a")
        await bench.until_begun("a")
        unwanted = start(lanes, bench.quick("b"), "b")
        last = start(lanes, bench.quick("c"), "c")
        await asyncio.sleep(0)
        unwanted.cancel()
        await asyncio.sleep(0)
        bench.gates["a"].set()
        assert (await first, await last) == ("a", "c")
        assert bench.begun == ["a", "c"]
        lanes.close()

    async def test_a_failure_that_nobody_waits_for(self, bench: Bench) -> None:
        """Is nobody's: the loop does not complain."""
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, said: complaints.append(said))
        lanes = Lanes[str]("t", 1)
        gate = threading.Event()

        def fail() -> str:
            bench.begun.append("a")
            gate.wait(10)
            raise ValueError("no")

        asking = start(lanes, fail, "a")
        await bench.until_begun("a")
        asking.cancel()
        gate.set()
        await lanes.run("b", bench.quick("b"))
        assert not complaints
        lanes.close()


class TestOrder:
    async def test_first_come_first_served(self, bench: Bench) -> None:
        """Among what is urgent."""
        lanes = Lanes[str]("t", 1)
        names = ["a", "b", "c", "d"]
        await asyncio.gather(*(lanes.run(name, bench.quick(name)) for name in names))
        assert bench.begun == names
        lanes.close()

    async def test_what_is_not_urgent_waits_for_quiet(self, bench: Bench) -> None:
        """As long as anything urgent runs or waits."""
        lanes = Lanes[str]("t", 2)
        urgent = start(lanes, bench.work("a"), "a")
        await bench.until_begun("a")
        later = start(lanes, bench.quick("later"), "later", urgent=False)
        more = start(lanes, bench.quick("b"), "b")
        assert await more == "b"
        assert bench.begun == ["a", "b"]
        bench.gates["a"].set()
        assert (await urgent, await later) == ("a", "later")
        lanes.close()

    async def test_what_is_urgent_never_waits_for_what_is_not(self, bench: Bench) -> None:
        """There is always a thread for it."""
        lanes = Lanes[str]("t", 2)
        start(lanes, bench.work("later"), "later", urgent=False)
        await bench.until_begun("later")
        one, two = (start(lanes, bench.work(name), name) for name in ("a", "b"))
        await bench.until_begun("later", "a", "b")
        bench.gates["a"].set()
        bench.gates["b"].set()
        assert (await one, await two) == ("a", "b")
        lanes.close()

    async def test_it_becomes_urgent_when_somebody_asks(self, bench: Bench) -> None:
        """And then goes before what waits for quiet, and is still done once."""
        lanes = Lanes[str]("t", 1)
        first = start(lanes, bench.work("a"), "a")
        await bench.until_begun("a")
        later = [start(lanes, bench.quick(n), n, urgent=False) for n in ("x", "y", "z")]
        await asyncio.sleep(0)
        now = start(lanes, bench.quick("z"), "z")
        await asyncio.sleep(0)
        bench.gates["a"].set()
        assert (await first, await now) == ("a", "z")
        await asyncio.gather(*later)
        assert bench.begun == ["a", "z", "x", "y"]
        lanes.close()


class TestBounds:
    async def test_too_much_waits(self, bench: Bench) -> None:
        """503 for who comes then; those who wait are served, and joining them is free."""
        lanes = Lanes[str]("t", 1, most_waiting=2)
        first = start(lanes, bench.work("a"), "a")
        await bench.until_begun("a")
        waiting = [start(lanes, bench.quick(n), n) for n in ("b", "c", "c")]
        await asyncio.sleep(0)
        with pytest.raises(ThumbnailsBusy):
            await lanes.run("d", bench.quick("d"))
        bench.gates["a"].set()
        assert await asyncio.gather(first, *waiting) == ["a", "b", "c", "c"]
        lanes.close()

    async def test_closed(self, bench: Bench) -> None:
        """Who waits is let go, and who comes is sent away."""
        lanes = Lanes[str]("t", 1)
        waiting = [start(lanes, bench.work(name), name) for name in ("a", "b")]
        await bench.until_begun("a")
        lanes.close()
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends)
        with pytest.raises(StillOpening):
            await lanes.run("c", bench.quick("c"))
