"""Shares that never answer: who asks is told in time, and other shares are not held up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from orchestrator.errors import ShareSilent, TookTooLong
from orchestrator.folders.lookouts import (
    FOLLOWING,
    PER_FOLDER,
    PER_ROOT,
    Asker,
    Lookouts,
    lanes_of,
)
from orchestrator.paths.roots import Roots

ROOTS = Roots((Path("/mnt"), Path("/mnt/Projects"), Path("/home/ada")))
SOON = 0.02


class DeadShare:
    """A share that hangs whoever looks at it, until it is mounted again."""

    def __init__(self) -> None:
        self.back = threading.Event()
        self.inside = 0

    def look(self) -> str:
        """Hang."""
        self.inside += 1
        assert self.back.wait(30)
        return "back"


@pytest.fixture
def dead() -> Iterator[DeadShare]:
    """A dead share; it comes back at the end of the test."""
    share = DeadShare()
    yield share
    share.back.set()


@pytest.fixture
def lookouts() -> Lookouts:
    """Nobody looks yet."""
    return Lookouts(ROOTS)


async def hang(lookouts: Lookouts, path: str, dead: DeadShare, times: int) -> None:
    """Look at a dead share, and be told so, many times at once."""
    looks = (lookouts.look(path, dead.look, SOON) for _ in range(times))
    ends = await asyncio.gather(*looks, return_exceptions=True)
    assert all(isinstance(end, ShareSilent) for end in ends)


class TestLooking:
    async def test_what_it_returns(self, lookouts: Lookouts) -> None:
        """In a thread that does not hold up the end of the service."""
        thread = await lookouts.look("/mnt/a", threading.current_thread)
        assert thread.daemon
        assert thread is not threading.main_thread()

    async def test_what_it_raises(self, lookouts: Lookouts) -> None:
        """As it was raised; also the timeout of a share that speaks for itself."""

        def fail() -> None:
            raise TimeoutError(110, "Connection timed out")

        with pytest.raises(TimeoutError, match="Connection timed out"):
            await lookouts.look("/mnt/a", fail)

    async def test_more_than_there_are_threads(self, lookouts: Lookouts) -> None:
        """They wait for their turn."""
        looks = (lookouts.look("/mnt/a", partial(abs, n)) for n in range(5 * PER_FOLDER))
        assert await asyncio.gather(*looks) == list(range(5 * PER_FOLDER))


class TestSilence:
    async def test_it_is_told(self, lookouts: Lookouts, dead: DeadShare) -> None:
        """With the path, and how long we waited."""
        with pytest.raises(ShareSilent, match=r"'/mnt/a/b' .* within 0\.02 s"):
            await lookouts.look("/mnt/a/b", dead.look, SOON)

    async def test_it_holds_few_threads(self, lookouts: Lookouts, dead: DeadShare) -> None:
        """However often people ask."""
        await hang(lookouts, "/mnt/dead/x", dead, 10 * PER_FOLDER)
        assert dead.inside == PER_FOLDER

    async def test_its_neighbours_are_well(self, lookouts: Lookouts, dead: DeadShare) -> None:
        """Another share in the same permitted folder, that folder itself, and other folders."""
        await hang(lookouts, "/mnt/dead", dead, 2 * PER_FOLDER)
        for path in ("/mnt/well/x", "/mnt", "/mnt/Projects/Eliot", "/home/ada", "/elsewhere"):
            assert await lookouts.look(path, lambda: "well") == "well"

    async def test_a_dead_permitted_folder_holds_few_threads(
        self, lookouts: Lookouts, dead: DeadShare
    ) -> None:
        """Whatever folders in it are asked for."""
        await asyncio.gather(
            *(hang(lookouts, f"/mnt/Projects/{n}", dead, PER_FOLDER) for n in range(10))
        )
        assert dead.inside == PER_ROOT
        assert await lookouts.look("/mnt/well", lambda: "well") == "well"

    async def test_links_hold_few_threads(self, lookouts: Lookouts, dead: DeadShare) -> None:
        """They may lead anywhere, so they have threads of their own."""
        looks = (lookouts.follow(f"/mnt/{n}", dead.look, SOON) for n in range(2 * FOLLOWING))
        ends = await asyncio.gather(*looks, return_exceptions=True)
        assert all(isinstance(end, ShareSilent) for end in ends)
        assert dead.inside == FOLLOWING
        assert await lookouts.look("/mnt/3", lambda: "well") == "well"

    async def test_it_comes_back(self, lookouts: Lookouts, dead: DeadShare) -> None:
        """Then it is looked at as before."""
        await hang(lookouts, "/mnt/dead", dead, 2 * PER_FOLDER)
        dead.back.set()
        assert await lookouts.look("/mnt/dead", dead.look) == "back"

    async def test_a_look_that_nobody_awaits(self, lookouts: Lookouts) -> None:
        """If it fails in the end, nobody is bothered by it, and its thread is given back."""
        back = threading.Event()

        def fail() -> None:
            assert back.wait(30)
            raise OSError

        for _ in range(PER_FOLDER):
            with pytest.raises(ShareSilent):
                await lookouts.look("/mnt/dead", fail, SOON)
        back.set()
        assert await lookouts.look("/mnt/dead", lambda: "well") == "well"

    async def test_long_work_is_told(self, lookouts: Lookouts, dead: DeadShare) -> None:
        """It ends when nobody waits any more, and not when its share has been seen whole."""
        ended = threading.Event()

        def scan(asker: Asker) -> None:
            asker.check()
            dead.look()
            try:
                asker.check()
            finally:
                ended.set()

        with pytest.raises(ShareSilent):
            await lookouts.scan("/mnt/dead", scan, SOON)
        dead.back.set()
        assert await asyncio.to_thread(ended.wait, 30)
        with pytest.raises(TookTooLong):
            Asker(gone=True).check()

    async def test_no_more_threads(
        self, lookouts: Lookouts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A system that has none left is not made worse."""

        def refuse(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse)
            for _ in range(PER_ROOT + 1):
                with pytest.raises(RuntimeError):
                    await lookouts.look("/mnt/a", str)
        assert await lookouts.look("/mnt/a", lambda: "well") == "well"


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/mnt/a/b/c", ["/mnt/a", "/mnt"]),
        ("/mnt", ["/mnt", "/mnt"]),
        ("/mnt/Projects/Eliot/P", ["/mnt/Projects/Eliot", "/mnt/Projects"]),
        ("/home/ada", ["/home/ada", "/home/ada"]),
        ("/home/adam", ["elsewhere"]),
        ("relative", ["elsewhere"]),
        ("", ["elsewhere"]),
    ],
)
def test_whose_threads(path: str, names: list[str]) -> None:
    """The nearest permitted folder's, and those of the folder just below it."""
    assert [name for name, _ in lanes_of(path, ROOTS.folders)] == names
