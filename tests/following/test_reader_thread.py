"""One thread for one project's log: in order, with its errors, and never in the way of the end."""

from __future__ import annotations

import asyncio
import threading

import pytest

from orchestrator.errors import StillOpening
from orchestrator.reader_thread import ReaderThread


class TestReaderThread:
    async def test_calls_run_one_after_the_other(self) -> None:
        """In the order in which they were handed over, and all in one thread."""
        reader = ReaderThread("reader")
        seen: list[tuple[int, int]] = []
        calls = [
            reader.run(lambda n=n: seen.append((n, threading.get_ident())))  # type: ignore[misc]
            for n in range(20)
        ]
        await asyncio.gather(*calls)
        assert [number for number, _ in seen] == list(range(20))
        assert len({thread for _, thread in seen}) == 1
        reader.close()

    async def test_errors_come_to_whoever_asked(self) -> None:
        """And the thread goes on."""
        reader = ReaderThread("reader")

        def fail() -> None:
            raise OSError(5, "no")

        with pytest.raises(OSError, match="no"):
            await reader.run(fail)
        assert await reader.run(lambda: 7) == 7
        reader.close()

    async def test_whoever_gives_up_does_not_disturb_the_others(self) -> None:
        """What he asked for ends unseen."""
        reader, release = ReaderThread("reader"), threading.Event()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await reader.run(release.wait)
        assert reader.busy > 0
        release.set()
        assert await reader.run(lambda: 7) == 7
        assert reader.busy == 0
        reader.close()

    async def test_a_hung_call_holds_up_nothing_at_the_end(self) -> None:
        """Its thread is a daemon, and closing does not wait for it."""
        reader, release = ReaderThread("hung-reader"), threading.Event()
        hung = asyncio.ensure_future(reader.run(release.wait))
        await asyncio.sleep(0.01)
        reader.close()
        (thread,) = [each for each in threading.enumerate() if each.name == "hung-reader"]
        assert thread.daemon
        with pytest.raises(StillOpening):
            await reader.run(lambda: 7)
        release.set()
        await hung
        thread.join(10)
        assert not thread.is_alive()
